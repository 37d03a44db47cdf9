/**
 * The reference evaluator: what the integer network computes, and with it the whole witness (protocol §7, §5.3).
 *
 * All values are centred and padded (0 outside the true dims).
 */
import type { Contents } from './check.ts';
import { type Accumulate, accumulate as plainAccumulate } from './forms/index.ts';
import type { KeyFields } from './key.ts';
import type { Plan } from './plan.ts';
import { computedDescriptions, computedValues } from './public.ts';
import { forEachRow, forEachValid, pad, paddedSize, paddedStrides, unpad } from './shape.ts';
import { showOf } from './show.ts';
import { cellAt, type TableIndex, tableIndex } from './tables.ts';
import { isComputed, isShow, type LookupOp, type MaxOp, type Op, type OutOp, type ReqOp, type Tensor } from './types.ts';

/** A network ready to run: its key fields, the plan and the contents. */
export interface Runnable {
  readonly fields: KeyFields;
  readonly plan: Plan;
  readonly contents: Contents;
}

/** Padded values by tensor: inputs, weights, and every rem, wid and y. */
export type ValueMap = Map<number, Int32Array>;

/** Called after each op: for progress, and in tests to tell a lie that everything downstream is consistent with. */
export type AfterOp = (index: number, op: Op, values: ValueMap) => void;

const indexCache = new WeakMap<Contents, Map<number, TableIndex>>();

/** The table rows of a circuit by id, built once. */
export function tablesOf({ fields, plan, contents }: Runnable): Map<number, TableIndex> {
  let index = indexCache.get(contents);
  if (index === undefined) {
    const [k1, k2] = plan.content.map((t) => contents.get(t) as Int32Array) as [Int32Array, Int32Array];
    index = tableIndex(fields.runs, { k1, k2 });
    indexCache.set(contents, index);
  }
  return index;
}

/**
 * Runs the network. `inputs`: centred true values in the order of the key's inputs.
 */
export function evaluate(
  circuit: Runnable,
  inputs: readonly ArrayLike<number>[],
  afterOp?: AfterOp,
  accumulate: Accumulate = plainAccumulate,
): ValueMap {
  const { fields, contents } = circuit;
  const T = fields.tensors;
  const tables = tablesOf(circuit);
  const values: ValueMap = new Map(contents);
  fields.inputs.forEach(({ tensor }, i) => {
    values.set(tensor, pad(inputs[i] as ArrayLike<number>, (T[tensor] as Tensor).dims));
  });
  const descriptions = computedDescriptions(fields);
  const at = (t: number): Int32Array => values.get(t) as Int32Array;
  fields.ops.forEach((op, i) => {
    if (isComputed(op)) values.set(op.y, computedValues(op, descriptions.get(i), T, at));
    else if (isShow(op)) values.set(op.y, showOf(op).values(op, T, at));
    else evaluateOp(op, T, values, tables, accumulate);
    afterOp?.(i, op, values);
  });
  return values;
}

/** The raw values (centred + zp) of the outputs, unpadded, in the key's order. */
export function outputsOf({ fields }: Runnable, values: ValueMap): Int32Array[] {
  return fields.outputs.map(({ tensor, zp }) =>
    unpad(values.get(tensor) as Int32Array, (fields.tensors[tensor] as Tensor).dims).map((v) => v + zp),
  );
}

function evaluateOp(
  op: LookupOp | OutOp,
  T: readonly Tensor[],
  values: ValueMap,
  tables: ReadonlyMap<number, TableIndex>,
  accumulate: Accumulate,
): void {
  const at = (t: number): Int32Array => values.get(t) as Int32Array;
  if (op.kind === 'range') return;
  const { dims } = T[op.y] as Tensor;
  if (op.kind === 'req') requantize(op, dims, accumulate(T, op.form, at, dims), values, tables);
  else if (op.kind === 'out') values.set(op.y, accumulate(T, op.form, at, dims));
  else if (op.kind === 'max') values.set(op.y, maximum(op, T, at));
  else if (op.kind === 'pairmax')
    values.set(
      op.y,
      at(op.a).map((a, p) => Math.max(a, at(op.b)[p] as number)),
    );
  else {
    const index = tables.get(op.id) as TableIndex;
    const key = op.kind === 'unary' ? at(op.x) : at(op.a).map((a, i) => a + 1024 * (at(op.b)[i] as number));
    const y = new Int32Array(paddedSize(dims));
    forEachValid(dims, (p) => {
      y[p] = index.y[cellAt(index, key[p] as number)] as number;
    });
    values.set(op.y, y);
  }
}

/** rem, wid and y of a requantisation: the cell with the greatest T ≤ acc (§5.3). */
function requantize(op: ReqOp, dims: readonly number[], acc: Int32Array, values: ValueMap, tables: ReadonlyMap<number, TableIndex>): void {
  const rem = new Int32Array(acc.length);
  const wid = op.wid === null ? null : new Int32Array(acc.length);
  const y = new Int32Array(acc.length);
  const channel = channelOf(op, dims);
  const perElement = op.cd !== null && op.cd === dims.length - 1;
  forEachRow(dims, (base, _, length) => {
    let index = tables.get(op.id + channel(base)) as TableIndex;
    for (let p = base; p < base + length; p++) {
      if (perElement) index = tables.get(op.id + channel(p)) as TableIndex;
      const a = acc[p] as number;
      const k = cellAt(index, a);
      rem[p] = a - (index.t[k] as number);
      y[p] = index.y[k] as number;
      if (wid !== null) wid[p] = index.w[k] as number;
    }
  });
  values.set(op.rem, rem);
  if (op.wid !== null) values.set(op.wid, wid as Int32Array);
  values.set(op.y, y);
}

/** Channel of a padded position: 0 when all channels share a table. */
export function channelOf(op: Op, dims: readonly number[]): (padded: number) => number {
  if (op.kind !== 'req' || op.cd === null) return () => 0;
  const stride = paddedStrides(dims)[op.cd] as number;
  return op.cd === 0 ? (p) => Math.floor(p / stride) : (p) => p % paddedSize([dims[dims.length - 1] as number]);
}

/**
 * G_k: the values tap k of a pairwise maximum reads, padded (§7.6): x at `o·σ + k·δ − π` along the axis, `lo` outside the image. Padded
 * channels of x are read too, because the relation reads whole tensors.
 */
export function tapOf(op: MaxOp, k: number, T: readonly Tensor[], x: Int32Array): Int32Array {
  const xDims = (T[op.x] as Tensor).dims as [number, number, number];
  const yDims = (T[op.y] as Tensor).dims as [number, number, number];
  const xs = paddedStrides(xDims) as [number, number, number];
  const ys = paddedStrides(yDims) as [number, number, number];
  const out = new Int32Array(paddedSize(yDims));
  const other = op.axis === 1 ? 2 : 1;
  const channels = x.length / xs[0];
  for (let o = 0; o < yDims[op.axis]; o++) {
    const source = o * op.stride + k * op.dilation - op.pad;
    const inside = source >= 0 && source < xDims[op.axis];
    for (let c = 0; c < channels; c++) {
      if (!inside && c >= xDims[0]) continue;
      for (let j = 0; j < yDims[other]; j++)
        out[c * ys[0] + o * ys[op.axis] + j * ys[other]] = inside ? (x[c * xs[0] + source * xs[op.axis] + j * xs[other]] as number) : op.lo;
    }
  }
  return out;
}

function maximum(op: MaxOp, T: readonly Tensor[], at: (t: number) => Int32Array): Int32Array {
  const x = at(op.x);
  const g0 = op.prev === null ? tapOf(op, op.k0 as number, T, x) : at(op.prev);
  const g1 = tapOf(op, op.k1, T, x);
  const y = new Int32Array(g0.length);
  forEachRow((T[op.y] as Tensor).dims, (base, _, length) => {
    for (let p = base; p < base + length; p++) y[p] = Math.max(g0[p] as number, g1[p] as number);
  });
  return y;
}
