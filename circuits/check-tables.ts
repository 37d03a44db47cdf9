/** S12 on the content rows of a key (protocol §6.4): every row is what the relation assumes of it. */
import { ok, refuse } from './conditions.ts';
import type { Key } from './key.ts';
import { contentBitsOf } from './plan.ts';
import { sum } from './shape.ts';
import { ZETA } from './tables.ts';
import { isLookup, type LookupOp, type Tensor } from './types.ts';

/** `k1` and `k2` of all content rows; the ops and runs were checked before. */
export function checkTables({ tensors: T, ops, runs }: Key, { k1, k2 }: { readonly k1: Int32Array; readonly k2: Int32Array }): void {
  const rows = 2 + sum(runs.map(([, n]) => n));
  const filled = 2 ** contentBitsOf(runs);
  ok(k1[0] === 0 && k2[0] === ZETA, 'S12', 'row 0 is not (0, 0, ZETA)');
  for (let i = 1; i < filled; i = i === 1 ? rows : i + 1) if (k1[i] !== 0 || k2[i] !== 0) refuse('S12', `row ${i} is not (32, 0, 0)`);
  const owner = new Map<number, LookupOp>();
  for (const op of ops) {
    if (!isLookup(op) || op.kind === 'range') continue;
    const channels = op.kind === 'req' && op.cd !== null ? (T[op.y]?.dims[op.cd] as number) : 1;
    for (let c = 0; c < channels; c++) owner.set(op.id + c, op);
  }
  let at = 2;
  for (const [value, count] of runs) {
    const op = owner.get(Math.floor(value / 32)) as Exclude<LookupOp, { kind: 'range' }>;
    const end = at + count;
    if (op.kind === 'max' || op.kind === 'pairmax') checkMaxRows(k1, k2, at, end);
    else checkRows(k1, k2, at, end, op.kind === 'req' ? op.tmax : null, T[op.y] as Tensor);
    at = end;
  }
}

/** Rows [from, to) of a table that is no max table: y within its bounds and below ZETA, cell starts within Tmax. */
function checkRows(k1: Int32Array, k2: Int32Array, from: number, to: number, tmax: number | null, y: Tensor): void {
  const farthest = tmax ?? Number.POSITIVE_INFINITY;
  const [lo, hi] = [y.lo as number, y.hi as number];
  for (let i = from; i < to; i++) {
    const [t, v] = [k1[i] as number, k2[i] as number];
    if (!(Math.abs(v) < ZETA)) refuse('S12', `row ${i}: |k2| is not below ZETA`);
    if (!(Math.abs(t) <= farthest)) refuse('S12', `row ${i}: a cell starts beyond Tmax`);
    if (!(v >= lo && v <= hi)) refuse('S12', `row ${i}: y outside the bounds of its tensor`);
  }
}

/** Rows [from, to), 2E + 1 of them, are (e, 0) and (0, f) up to E, each once. */
function checkMaxRows(k1: Int32Array, k2: Int32Array, from: number, to: number): void {
  const reach = (to - from - 1) / 2;
  const [firsts, seconds] = [new Uint8Array(reach + 1), new Uint8Array(reach + 1)];
  let exact = true;
  for (let i = from; i < to; i++) {
    const [e, f] = [k1[i] as number, k2[i] as number];
    if (!(Math.abs(f) < ZETA)) refuse('S12', `row ${i}: |k2| is not below ZETA`);
    const [seen, j] = f === 0 ? [firsts, e] : [seconds, f];
    // As many rows as there are pairs: if each is one of them and none comes twice, they are all there.
    exact &&= (f === 0 || e === 0) && j >= 0 && j <= reach && seen[j] === 0;
    if (exact) seen[j] = 1;
  }
  ok(exact, 'S12', 'the max table has a false row');
}
