/** Where committed state is kept (settlement §8.4): rows of the state's stores and how far they are. Fault injection sits at this seam. */
import type { Row } from '../state/index.ts';

/** How far a store is: outside the tree, since height must not enter the AppHash (settlement §7.5). */
export interface Committed {
  readonly chainId: string;
  readonly height: bigint;
  readonly appHash: Uint8Array;
  /** The last height that altered the AppHash. */
  readonly changedAt: bigint;
}

export interface Store {
  /** What was committed, or null for an empty store. Throws an Error for one that is no store of ours. */
  load(): { readonly committed: Committed; readonly rows: readonly Row[] } | null;
  /** Writes rows and height as one: after a crash at any point, all of it is there or nothing. On disk when it returns. */
  commit(rows: readonly Row[], committed: Committed): void;
  close(): Promise<void>;
}

/** A folder's data are not those that were written. */
export class DamagedStore extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'DamagedStore';
  }
}
