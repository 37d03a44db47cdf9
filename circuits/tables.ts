/**
 * The union table of a proof (protocol §5.1, §5.2, §6.1): content rows in key order, and the rows of one op for the prover.
 */
import { Refused } from '../protocol/refused.ts';
import type { Network, Row } from './network.ts';
import { contentBitsOf } from './plan.ts';
import type { Op, Tensor } from './types.ts';

/** Third component of every range key: no content row has it, so only range rows answer a range key (§5.2, a soundness condition). */
export const ZETA = 2 ** 20;

/** k1, k2 of all content rows: (0,ZETA), (0,0), the table rows, then (0,0) up to a power of two. k0 follows from the runs. */
export interface Content {
  readonly k1: Int32Array;
  readonly k2: Int32Array;
}

/** The order of content rows: ascending by (k0, k1, k2). */
const byKey = (a: Row, b: Row): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/**
 * E of every max table by its id: the longest interval of a tensor pooled under it (§5.2). `reserve` may refuse their rows, 2E + 1 a
 * table, before any is made.
 */
export function maxReach(tensors: readonly Tensor[], ops: readonly Op[], reserve: (rows: number) => void = () => {}): Map<number, number> {
  const reach = new Map<number, number>();
  for (const op of ops) {
    if (op.kind !== 'max' && op.kind !== 'pairmax') continue;
    // Of a pair, y bounds both.
    const x = tensors[op.kind === 'max' ? op.x : op.y];
    const length = x === undefined || x.lo === null || x.hi === null ? 0 : x.hi - x.lo;
    reach.set(op.id, Math.max(reach.get(op.id) ?? 0, length));
  }
  reserve([...reach.values()].reduce((n, e) => n + 2 * e + 1, 0));
  for (const e of reach.values())
    if (e >= 2 ** 20) throw new Refused('E6', 'key: S11: a pooled tensor has an interval of 2^20 values or more', { condition: 'S11' });
  return reach;
}

/** Rows of the max tables: (e, 0) for 0 ≤ e ≤ E and (0, f) for 1 ≤ f ≤ E. */
function maxRowsOf(tensors: readonly Tensor[], ops: readonly Op[]): Row[] {
  return [...maxReach(tensors, ops)].flatMap(([id, e]) =>
    Array.from({ length: 2 * e + 1 }, (_, i): Row => (i <= e ? [32 * id, i, 0] : [32 * id, 0, i - e])),
  );
}

/** The table rows of a network, max rows included, in order. */
export function sortedRows(network: Network): Row[] {
  return [...network.rows, ...maxRowsOf(network.tensors, network.ops)].sort(byKey);
}

/** [k0, count] of rows sorted by k0. */
export function runsOf(rows: readonly Row[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const [k0] of rows) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === k0) last[1]++;
    else runs.push([k0, 1]);
  }
  return runs;
}

export function contentOf(rows: readonly Row[], runs: readonly (readonly [number, number])[]): Content {
  const content = emptyContent(runs);
  rows.forEach(([, b, c], i) => {
    content.k1[i + 2] = b;
    content.k2[i + 2] = c;
  });
  return content;
}

/** The content rows of these runs before k1 and k2 of the table rows are filled in, from row 2 on. */
export function emptyContent(runs: readonly (readonly [number, number])[]): Content {
  const n = 2 ** contentBitsOf(runs);
  const k2 = new Int32Array(n);
  k2[0] = ZETA;
  return { k1: new Int32Array(n), k2 };
}

/** The k0 column that the run lengths of the key stand for. */
export function k0Column(runs: readonly (readonly [number, number])[]): Int32Array {
  const k0 = new Int32Array(2 ** contentBitsOf(runs)).fill(32);
  k0[0] = 0;
  let at = 2;
  for (const [value, count] of runs) {
    k0.fill(value, at, at + count);
    at += count;
  }
  return k0;
}

/** Rows of one table id in the order of T: what the honest prover searches (§5.3: the greatest T ≤ acc). */
export interface TableIndex {
  readonly t: Int32Array;
  readonly y: Int32Array;
  readonly w: Int32Array;
  /** Content row of each, the first of equal rows. */
  readonly row: Int32Array;
}

/** An index by table id. */
export function tableIndex(runs: readonly (readonly [number, number])[], content: Content): Map<number, TableIndex> {
  const byId = new Map<number, [number, number, number, number][]>();
  let at = 2;
  for (const [k0, count] of runs) {
    const id = Math.floor(k0 / 32);
    const list = byId.get(id) ?? [];
    byId.set(id, list);
    let first = at;
    for (let i = at; i < at + count; i++) {
      const [t, y] = [content.k1[i] as number, content.k2[i] as number];
      if (i > at && (t !== content.k1[i - 1] || y !== content.k2[i - 1])) first = i;
      list.push([t, y, k0 % 32, first]);
    }
    at += count;
  }
  return new Map(
    [...byId].map(([id, list]) => {
      list.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
      const column = (k: 0 | 1 | 2 | 3): Int32Array => Int32Array.from(list, (r) => r[k]);
      return [id, { t: column(0), y: column(1), w: column(2), row: column(3) }];
    }),
  );
}

/** Index of the last entry with T ≤ acc, or -1. */
export function cellAt(index: TableIndex, acc: number): number {
  let low = -1;
  let high = index.t.length;
  while (high - low > 1) {
    const mid = (low + high) >> 1;
    if ((index.t[mid] as number) <= acc) low = mid;
    else high = mid;
  }
  return low;
}
