/**
 * The state: records in stores, a tree a store, and the index of deadlines (settlement §7). Everything that can influence `apply` is in a
 * record; the index is rebuilt from them.
 *
 * A state is changed through overlays: `overlay()` reads through to its parent and keeps its writes until `merge()`; dropping it undoes them.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ascii, equalBytes } from '../../protocol/bytes.ts';
import { JobSchema, TabSchema } from '../generated/records_pb.ts';
import { checkChainId, checkGenesis, type Genesis } from '../genesis.ts';
import { JOB_STATES } from '../states.ts';
import { genesisRecords } from './genesis-records.ts';
import { encodeProof } from './proof.ts';
import { leafHash, Tree } from './tree.ts';

export const STORES = ['acct', 'job', 'meta', 'model', 'pp', 'prover', 'space', 'tab'] as const;
export type StoreName = (typeof STORES)[number];

export interface Row {
  readonly store: StoreName;
  /** The record's leaf in its store's tree: given once, in order of insertion. */
  readonly index: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a removed record becomes: a proof of an empty value is taken for absence by others (settlement §7.2). */
export const REMOVED = Uint8Array.of(0);
export const isRemoved = (value: Uint8Array): boolean => value.length === 1 && value[0] === 0;

/** Something that moves when a height has passed. */
export interface Due {
  readonly deadline: bigint;
  readonly store: 'job' | 'tab';
  readonly id: Uint8Array;
}

interface Layer {
  readonly rows: Map<string, Row>;
  readonly tree: Tree;
}

/** Bytes as a map's key, one character a byte. */
const name = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

export class State {
  readonly #parent: State | null;
  readonly #layers: ReadonlyMap<StoreName, Layer>;
  /** Deadlines of jobs and tabs set in this layer; null: none any more. */
  readonly #due = new Map<string, Due | null>();

  private constructor(parent: State | null) {
    this.#parent = parent;
    this.#layers = new Map(STORES.map((s) => [s, { rows: new Map(), tree: new Tree(parent === null ? null : parent.#layer(s).tree) }]));
  }

  /** Throws an Error for a genesis that is none (settlement §8.2, InitChain). */
  static fromGenesis(chainId: string, genesis: Genesis): State {
    checkChainId(chainId);
    checkGenesis(genesis);
    const state = new State(null);
    for (const { store, key, value } of genesisRecords(chainId, genesis)) state.set(store, key, value);
    return state;
  }

  /** The state these rows are; in any order. Throws an Error for rows that are no state. */
  static fromRows(rows: Iterable<Row>): State {
    const sorted = [...rows].sort((a, b) => a.index - b.index);
    const state = new State(null);
    for (const { store, index, key, value } of sorted) {
      const layer = state.#layers.get(store);
      if (layer === undefined) throw new Error(`state: unknown store ${JSON.stringify(store)}`);
      if (layer.tree.size !== index) throw new Error(`state: store ${store} has no record ${layer.tree.size}`);
      if (layer.rows.has(name(key))) throw new Error(`state: store ${store} has a key twice`);
      state.set(store, key, value);
    }
    return state;
  }

  #layer(store: StoreName): Layer {
    return this.#layers.get(store) as Layer;
  }

  #row(store: StoreName, key: string): Row | undefined {
    return this.#layer(store).rows.get(key) ?? (this.#parent === null ? undefined : this.#parent.#row(store, key));
  }

  /** The record, or undefined where there is none or it was removed. */
  get(store: StoreName, key: Uint8Array): Uint8Array | undefined {
    const row = this.#row(store, name(key));
    return row === undefined || isRemoved(row.value) ? undefined : row.value;
  }

  /** Writes a record; `REMOVED` removes it. */
  set(store: StoreName, key: Uint8Array, value: Uint8Array): void {
    if (value.length === 0) throw new TypeError('a record has at least one byte');
    const id = name(key);
    const { rows, tree } = this.#layer(store);
    const before = this.#row(store, id);
    if (before !== undefined && equalBytes(before.value, value)) return;
    // Decoded keys are views of somebody's buffer.
    const row = { store, index: before?.index ?? tree.size, key: before?.key ?? key.slice(), value };
    rows.set(id, row);
    tree.set(row.index, leafHash(key, value));
    if (store === 'job' || store === 'tab') this.#setDue(`${store}/${id}`, dueOf(store, row.key, value));
  }

  /** The lowest layer holds only what is due. */
  #setDue(id: string, due: Due | null): void {
    if (due === null && this.#parent === null) this.#due.delete(id);
    else this.#due.set(id, due);
  }

  overlay(): State {
    return new State(this);
  }

  /** Gives this overlay's writes to its parent. */
  merge(): void {
    const parent = this.#parent;
    if (parent === null) throw new TypeError('a state without a parent cannot be merged');
    for (const store of STORES) {
      const { rows, tree } = this.#layer(store);
      for (const [id, row] of rows) parent.#layer(store).rows.set(id, row);
      tree.merge();
      rows.clear();
    }
    for (const [id, due] of this.#due) parent.#setDue(id, due);
    this.#due.clear();
  }

  /** This layer's writes, by store and leaf. */
  changes(): readonly Row[] {
    return STORES.flatMap((s) => [...this.#layer(s).rows.values()].sort((a, b) => a.index - b.index));
  }

  /** Every record, removed ones too, by store and leaf. */
  *rows(): IterableIterator<Row> {
    for (const store of STORES) {
      const all = new Map<number, Row>();
      for (let s: State | null = this; s !== null; s = s.#parent)
        for (const row of s.#layer(store).rows.values()) if (!all.has(row.index)) all.set(row.index, row);
      for (let i = 0; i < all.size; i++) yield all.get(i) as Row;
    }
  }

  /** Records of one store that are there, by leaf. */
  *records(store: StoreName): IterableIterator<Row> {
    for (const row of this.rows()) if (row.store === store && !isRemoved(row.value)) yield row;
  }

  /** What is past its deadline at `height`: by deadline, then id (settlement §5.2). */
  due(height: bigint): Due[] {
    return [...this.#dueMap(height).values()].sort(
      (a, b) => (a.deadline < b.deadline ? -1 : a.deadline > b.deadline ? 1 : 0) || compareBytes(a.id, b.id),
    );
  }

  #dueMap(height: bigint): Map<string, Due> {
    const all = this.#parent === null ? new Map<string, Due>() : this.#parent.#dueMap(height);
    for (const [id, due] of this.#due) {
      if (due !== null && due.deadline < height) all.set(id, due);
      else all.delete(id);
    }
    return all;
  }

  /** Every deadline that is set, for tests and checks. */
  deadlines(): Due[] {
    return this.due(2n ** 64n);
  }

  /** Root of the store's tree. */
  storeRoot(store: StoreName): Uint8Array {
    return this.#layer(store).tree.root();
  }

  #stores(): Tree {
    const tree = new Tree();
    STORES.forEach((s, i) => {
      tree.set(i, leafHash(ascii(s), this.storeRoot(s)));
    });
    return tree;
  }

  /** The tree over (store name, store root), sorted by name (settlement §7.2). */
  appHash(): Uint8Array {
    return this.#stores().root();
  }

  /** The record with its two `simple:v` steps, or undefined where there never was one. */
  prove(
    store: StoreName,
    key: Uint8Array,
  ):
    | {
        readonly value: Uint8Array;
        readonly ops: readonly { readonly type: string; readonly key: Uint8Array; readonly data: Uint8Array }[];
      }
    | undefined {
    const row = this.#row(store, name(key));
    if (row === undefined) return undefined;
    const { tree } = this.#layer(store);
    const position = STORES.indexOf(store);
    return {
      value: row.value,
      ops: [
        { type: 'simple:v', key: row.key, data: encodeProof(row.key, tree, row.index) },
        { type: 'simple:v', key: ascii(store), data: encodeProof(ascii(store), this.#stores(), position) },
      ],
    };
  }
}

/** Byte-wise, shorter first on a tie. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

/** When a record moves without anybody's transaction; null: never. */
function dueOf(store: 'job' | 'tab', id: Uint8Array, value: Uint8Array): Due | null {
  if (isRemoved(value)) return null;
  if (store === 'tab') {
    const { closeAt } = fromBinary(TabSchema, value);
    return closeAt === 0n ? null : { deadline: closeAt, store, id };
  }
  const job = fromBinary(JobSchema, value);
  if (job.state === JOB_STATES.PENDING) return { deadline: job.proveBy, store, id };
  return job.state === JOB_STATES.RESCUE ? { deadline: job.hardBy, store, id } : null;
}
