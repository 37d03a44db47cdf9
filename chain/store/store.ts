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

/** The disk takes no more, or not here. What was committed before is there. */
export class UnwritableStore extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'UnwritableStore';
  }
}

/** Opens or writes a database. LMDB gives the system's number of what went wrong; its own are below zero. Throws UnwritableStore for the former. */
export function writing<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (e) {
    const { code, message } = e as { code?: unknown; message: string };
    if (typeof code === 'number' && code > 0) throw new UnwritableStore(`${dir} cannot be written: ${message}`);
    throw e;
  }
}

/** A folder's data are not those that were written. */
export class DamagedStore extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'DamagedStore';
  }
}
