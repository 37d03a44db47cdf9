/**
 * Views: tensors that show others, moved, picked or added up (protocol §7.8). A view is never committed; a claim on it becomes a sum over
 * what it shows (phase C, §8.9):
 *
 *     ỹ(r) = Σ_parts Σ_i x(i) · Φ(i) + fill · (I(r) − Σ_parts C),   Φ(i) = Σ over digits with π(digits) = i of eq(r, σ(digits)),   C = Σ_i Φ(i)
 *
 * Digits that share no coordinate are independent, so Φ is a product of small vectors, one a component.
 */
import { add, type F4, mul, ONE, scale, sub, ZERO } from '../protocol/extension.ts';
import { eqTable, indicator, type Point } from '../protocol/mle.ts';
import { addInto, outer } from './forms/reduction.ts';
import { isPublic } from './public.ts';
import { bitsOf, forEachValid, paddedSize, paddedStrides, product, sum } from './shape.ts';
import type { ShowSpec, ShowSum, Values } from './show.ts';
import type { Tensor, ViewOp, ViewPart } from './types.ts';

/** Extension products that a part costs however little it shows: its vectors are made anew for every claim. */
const PART = 160;

/** A coordinate of one side of a part: which dimensions of the tensor it runs over, its size, and where its bits lie in a point. */
interface Coordinate {
  readonly row: readonly number[];
  readonly size: number;
  readonly bits: number;
  /** First of its bits in a point of the tensor. */
  readonly at: number;
  /** Runs over one dimension, not over the index of the whole tensor. */
  readonly isDimension: boolean;
  /** Position in the padded field of an index. */
  place(index: number): number;
}

function coordinates(dims: readonly number[], rows: readonly (readonly number[])[]): Coordinate[] {
  const bits = bitsOf(dims);
  if (rows.length === dims.length)
    return rows.map((row, d) => ({
      row,
      size: dims[d] as number,
      bits: bits[d] as number,
      at: sum(bits.slice(0, d)),
      isDimension: true,
      place: (i) => i,
    }));
  const strides = paddedStrides(dims);
  const place = (index: number): number => {
    let padded = 0;
    for (let d = dims.length - 1, rest = index; d >= 0; d--) {
      padded += (rest % (dims[d] as number)) * (strides[d] as number);
      rest = Math.floor(rest / (dims[d] as number));
    }
    return padded;
  };
  return [{ row: rows[0] as readonly number[], size: product(dims), bits: sum(bits), at: 0, isDimension: false, place }];
}

/** Digits and the coordinates they move, independent of all others. */
interface Component {
  readonly counts: readonly number[];
  readonly xs: readonly Coordinate[];
  readonly ys: readonly Coordinate[];
  /** Which digits of the part: a row of a coordinate has the stride of digit k at k + 1. */
  readonly digits: readonly number[];
}

function components(part: ViewPart, xDims: readonly number[], yDims: readonly number[]): Component[] {
  const [from, to] = [coordinates(xDims, part.from), coordinates(yDims, part.to)];
  const all = [...from, ...to];
  const group = all.map((_, i) => i);
  const find = (i: number): number => (group[i] === i ? i : find(group[i] as number));
  const moved = part.counts.map((_, k) => all.flatMap((c, i) => (c.row[k + 1] === 0 ? [] : [i])));
  for (const list of moved) for (const i of list) group[find(i)] = find(list[0] as number);
  const roots = [...new Set(all.map((_, i) => find(i)))];
  return roots.map((root) => {
    const digits = moved.flatMap((list, k) => (list.length > 0 && find(list[0] as number) === root ? [k] : []));
    return {
      digits,
      counts: digits.map((k) => part.counts[k] as number),
      xs: from.filter((_, i) => find(i) === root),
      ys: to.filter((_, i) => find(from.length + i) === root),
    };
  });
}

/** Calls `visit` with the padded offsets on both sides for every combination of digits that stays inside, relative to the component. */
function forEachCombination({ counts, digits, xs, ys }: Component, visit: (x: number, y: number) => void): void {
  const side = (list: readonly Coordinate[]) => {
    const shifts = list.map((_, i) => 2 ** sum(list.slice(i + 1).map((c) => c.bits)));
    return (at: readonly number[]): number => {
      let offset = 0;
      for (let i = 0; i < list.length; i++) {
        const c = list[i] as Coordinate;
        let index = c.row[0] as number;
        for (let k = 0; k < at.length; k++) index += (at[k] as number) * (c.row[(digits[k] as number) + 1] as number);
        if (index < 0 || index >= c.size) return -1;
        offset += c.place(index) * (shifts[i] as number);
      }
      return offset;
    };
  };
  const [xOf, yOf] = [side(xs), side(ys)];
  const at = counts.map(() => 0);
  for (let n = product(counts); n > 0; n--) {
    const x = xOf(at);
    if (x >= 0) {
      const y = yOf(at);
      if (y >= 0) visit(x, y);
    }
    for (let k = at.length - 1; k >= 0; k--) {
      at[k] = (at[k] as number) + 1;
      if ((at[k] as number) < (counts[k] as number)) break;
      at[k] = 0;
    }
  }
}

/** What is wrong with the numbers of a view, or null. */
function problem(op: ViewOp, tensors: readonly Tensor[]): string | null {
  const { dims, home } = tensors[op.y] as Tensor;
  const small = (v: number, most: number): boolean => Number.isInteger(v) && Math.abs(v) <= most;
  if (op.parts.length === 0 && !isPublic(home)) return 'no parts, and not in the clear';
  for (const part of op.parts) {
    const { dims: xDims } = tensors[part.x] as Tensor;
    const rows = (list: number[][], of: readonly number[]): boolean =>
      (list.length === of.length || list.length === 1) &&
      list.every((row) => row.length === part.counts.length + 1 && row.every((v) => small(v, 2 ** 31)));
    if (!part.counts.every((n) => small(n, 2 ** 31) && n >= 2) || product(part.counts) > 2 ** 31) return 'the digits of a part';
    if (!rows(part.from, xDims) || !rows(part.to, dims)) return 'the coordinates of a part';
    if (part.counts.some((_, k) => [...part.from, ...part.to].every((row) => row[k + 1] === 0))) return 'a digit that moves nothing';
  }
  return small(op.fill, 2 ** 20) ? null : `fill ${op.fill}`;
}

/** Calls `visit(x, y)` with padded positions for every element that a part shows. */
export function forEachShown(
  part: ViewPart,
  xDims: readonly number[],
  yDims: readonly number[],
  visit: (x: number, y: number) => void,
): void {
  // All digits as one component: positions in full.
  const [xs, ys] = [coordinates(xDims, part.from), coordinates(yDims, part.to)];
  forEachCombination({ counts: part.counts, digits: part.counts.map((_, k) => k), xs, ys }, visit);
}

/** The padded values of a view with these parts. */
function shownValues({ parts, fill, y: target }: ViewOp, tensors: readonly Tensor[], values: Values): Int32Array {
  const { dims } = tensors[target] as Tensor;
  const y = new Int32Array(paddedSize(dims));
  const filled = fill === 0 ? null : new Int32Array(y.length);
  for (const part of parts) {
    const x = values(part.x);
    forEachShown(part, (tensors[part.x] as Tensor).dims, dims, (i, o) => {
      y[o] = (y[o] as number) + (x[i] as number);
      if (filled !== null) filled[o] = (filled[o] as number) + 1;
    });
  }
  if (filled !== null)
    forEachValid(dims, (p) => {
      y[p] = (y[p] as number) + fill * (1 - (filled[p] as number));
    });
  return y;
}

/** The interval of the values of a view, from those of what it shows. */
export function viewInterval(op: Omit<ViewOp, 'y'>, dims: readonly number[], tensors: readonly Tensor[]): [number, number] {
  const n = paddedSize(dims);
  const [lo, hi] = [new Float64Array(n), new Float64Array(n)];
  const count = new Float64Array(n);
  for (const part of op.parts) {
    const x = tensors[part.x] as { dims: number[]; lo: number; hi: number };
    forEachShown(part, x.dims, dims, (_, o) => {
      lo[o] = (lo[o] as number) + x.lo;
      hi[o] = (hi[o] as number) + x.hi;
      count[o] = (count[o] as number) + 1;
    });
  }
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  forEachValid(dims, (p) => {
    const rest = op.fill * (1 - (count[p] as number));
    least = Math.min(least, (lo[p] as number) + rest);
    most = Math.max(most, (hi[p] as number) + rest);
  });
  return [least + 0, most + 0];
}

export const view: ShowSpec<ViewOp> = {
  problem,
  interval: (op, tensors) => viewInterval(op, (tensors[op.y] as Tensor).dims, tensors),
  values: shownValues,
  part: (op, i, tensors, values) => shownValues({ ...op, parts: op.parts.slice(i, i + 1), fill: 0 }, tensors, values),
  variables: (op, tensors) =>
    op.parts.map((part) => {
      const { dims } = tensors[part.x] as Tensor;
      const passed = passedOf(components(part, dims, (tensors[op.y] as Tensor).dims));
      return sum(bitsOf(dims)) - sum(passed.map((c) => (c.xs[0] as Coordinate).bits));
    }),
  visits: (op, tensors) => 4 * paddedSize((tensors[op.y] as Tensor).dims) + sum(op.parts.map((part) => 4 * product(part.counts))),
  work(op, tensors) {
    const size = (list: readonly Coordinate[]): number => 2 ** sum(list.map((c) => c.bits));
    return sum(
      op.parts.map((part) => {
        const list = components(part, (tensors[part.x] as Tensor).dims, (tensors[op.y] as Tensor).dims);
        const together = stretches(list).map(({ fields, ordered }) => (fields.length > 1 ? 4 * size(ordered) : 0));
        return PART + sum(list.map((c) => product(c.counts) + size(c.xs) + size(c.ys))) + sum(together);
      }),
    );
  },
  reduce({ tensors, plan }, op, { point, value }) {
    const { dims } = tensors[op.y] as Tensor;
    const parts = op.parts.map((part) => partSum(part, (tensors[part.x] as Tensor).dims, dims, point));
    const sums = parts.map((p) => p.sum);
    if (op.fill === 0) return { sums, total: value };
    const covered = parts.reduce((s, p) => add(s, p.covered), ZERO);
    const rest = sub(indicator(dims, plan.bits[op.y] as number[], point), covered);
    return { sums, total: sub(value, scale(op.fill, rest)) };
  },
};

function partSum(
  part: ViewPart,
  xDims: readonly number[],
  yDims: readonly number[],
  point: Point,
): { readonly sum: ShowSum; readonly covered: F4 } {
  const list = components(part, xDims, yDims);
  const pieceOf = ({ at, bits }: Coordinate): F4[] => point.slice(at, at + bits);
  const passed = passedOf(list);
  const prefix = passed.flatMap((c) => pieceOf(c.ys[0] as Coordinate));
  let covered = ONE;
  const fields: Field[] = [];
  for (const c of list) {
    const eq = eqTable(c.ys.flatMap(pieceOf));
    const vector = new Uint32Array(4 * 2 ** sum(c.xs.map((e) => e.bits)));
    forEachCombination(c, (x, y) => addInto(vector, x, eq, y));
    covered = mul(covered, total(vector));
    if (!passed.includes(c)) fields.push({ xs: c.xs, vector });
  }
  const variables = sum(bitsOf(xDims)) - prefix.length;
  const image = { outer: 1, inner: 2 ** variables, point: prefix };
  return { sum: { x: part.x, image, variables, vectors: inOrder(fields), pointAt: (q) => [...prefix, ...q] }, covered };
}

/** Leading dimensions of x that are dimensions of y: the point passes through, because x is 0 beyond its dims (S7). */
function passedOf(list: readonly Component[]): Component[] {
  const out: Component[] = [];
  for (let next = 0; ; ) {
    const c = list.find((e) => !out.includes(e) && e.xs[0]?.at === next && passes(e));
    if (c === undefined) return out;
    out.push(c);
    next += (c.xs[0] as Coordinate).bits;
  }
}

/** Whether a component is a whole dimension of x as a whole dimension of y. */
function passes({ counts, digits, xs, ys }: Component): boolean {
  const [x, y] = [xs[0], ys[0]];
  const [k] = digits;
  if (xs.length !== 1 || ys.length !== 1 || digits.length !== 1 || x === undefined || y === undefined || k === undefined) return false;
  const plain = (c: Coordinate): boolean => c.isDimension && c.row[0] === 0 && c.row[k + 1] === 1 && c.size === counts[0];
  return plain(x) && plain(y);
}

/** A vector over some coordinates of x. */
interface Field {
  readonly xs: readonly Coordinate[];
  readonly vector: Uint32Array;
}

/** Fields that fill a stretch of the bits of x together, and their coordinates in order. */
interface Stretch<T> {
  readonly fields: readonly T[];
  readonly ordered: readonly Coordinate[];
}

/** Fields by the bits of x that they have; those that interleave are one stretch. A field without bits is a factor of its own. */
function stretches<T extends Pick<Field, 'xs'>>(fields: readonly T[]): Stretch<T>[] {
  const withBits = (list: readonly T[]): Coordinate[] => list.flatMap((f) => f.xs).filter((c) => c.bits > 0);
  const first = (f: T): number => withBits([f])[0]?.at ?? -1;
  const out: Stretch<T>[] = [];
  let waiting: T[] = [];
  for (const f of [...fields].sort((a, b) => first(a) - first(b))) {
    waiting.push(f);
    const ordered = withBits(waiting).sort((a, b) => a.at - b.at);
    const [start, end] = [ordered[0], ordered.at(-1)];
    if (start !== undefined && end !== undefined && end.at + end.bits - start.at !== sum(ordered.map((c) => c.bits))) continue;
    out.push({ fields: waiting, ordered });
    waiting = [];
  }
  if (waiting.length > 0) throw new Error('the fields of a view do not fill the bits of what it shows');
  return out;
}

/** The vectors as one product in the order of the bits of x. */
const inOrder = (fields: readonly Field[]): Uint32Array[] =>
  stretches(fields).map(({ fields: list, ordered }) => {
    const [only, ...others] = list;
    return only !== undefined && others.length === 0 ? only.vector : merged(list, ordered);
  });

/** The product of vectors over these coordinates, in their order. */
function merged(fields: readonly Field[], ordered: readonly Coordinate[]): Uint32Array {
  const plain = fields.map((f) => f.vector).reduce((a, b) => outer(a, b));
  const given = fields.flatMap((f) => f.xs);
  const bits = sum(ordered.map((c) => c.bits));
  const out = new Uint32Array(4 * 2 ** bits);
  const shift = (list: readonly Coordinate[], c: Coordinate): number => {
    const i = list.indexOf(c);
    return 2 ** sum(list.slice(i + 1).map((e) => e.bits));
  };
  const moves = ordered.map((c) => ({ size: 2 ** c.bits, to: shift(ordered, c), from: shift(given, c) }));
  for (let i = 0; i < 2 ** bits; i++) {
    let source = 0;
    for (const { size, to, from } of moves) source += (Math.floor(i / to) % size) * from;
    for (let k = 0; k < 4; k++) out[4 * i + k] = plain[4 * source + k] as number;
  }
  return out;
}

function total(v: Uint32Array): F4 {
  const out = new Uint32Array(4);
  for (let i = 0; i < v.length / 4; i++) addInto(out, 0, v, i);
  return [out[0], out[1], out[2], out[3]] as unknown as F4;
}
