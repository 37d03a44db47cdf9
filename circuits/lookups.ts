/**
 * The lookup ops, from both sides (protocol §5.2, §7.3, §8.3): which values a segment opens, the keys the prover looks up, and the leaf
 * denominator the verifier computes from the opened values.
 */

import { dotBase } from '../protocol/accumulator.ts';
import { add, type F4, fromInteger, get, mul, ONE, scale, sub, ZERO } from '../protocol/extension.ts';
import { add as addBase, mul as mulBase, residue } from '../protocol/field.ts';
import { eqTable, indicator, lessThan, type Point, splitPoint } from '../protocol/mle.ts';
import { channelOf, tapOf } from './evaluate.ts';
import type { Plan } from './plan.ts';
import { forEachRow } from './shape.ts';
import { ZETA } from './tables.ts';
import type { BinOp, LookupOp, MaxOp, PairMaxOp, RangeOp, ReqOp, Tensor, UnaryOp } from './types.ts';

/** A value a segment opens at its point: a tensor, the accumulator of a form, or a tap of a max. */
export type SegmentValue =
  | { readonly role: string; readonly source: 'tensor'; readonly tensor: number }
  | { readonly role: string; readonly source: 'acc' }
  | { readonly role: string; readonly source: 'tap'; readonly tap: number };

const tensor = (role: string, t: number): SegmentValue => ({ role, source: 'tensor', tensor: t });

/** Keys of a segment: three padded columns, each of the segment's size. */
export interface KeyColumns {
  readonly k0: Int32Array;
  readonly k1: Int32Array;
  readonly k2: Int32Array;
}

interface LookupSpec<O extends LookupOp> {
  /** The tensor whose shape the segment has. */
  shape(op: O): number;
  /** Opened values in message order (§8.3). */
  values(op: O): SegmentValue[];
  /** The keys an honest or lying prover looks up, from padded values. */
  keys(op: O, w: WitnessView): KeyColumns;
  /** α − φ of the keys, at the segment's point, from the opened values by role. */
  denominator(op: O, point: Point, v: OpenedView): F4;
}

export interface WitnessView {
  readonly tensors: readonly Tensor[];
  values(tensor: number): Int32Array;
  /** The padded accumulator of the op whose keys are wanted. */
  accumulator(op: ReqOp): Int32Array;
}

export interface OpenedView {
  readonly tensors: readonly Tensor[];
  readonly plan: Plan;
  readonly alpha: F4;
  readonly beta: F4;
  get(role: string): F4;
}

/** α − (k0 + β k1 + β² k2). */
function fingerprint(v: OpenedView, k0: F4, k1: F4, k2: F4): F4 {
  return sub(v.alpha, add(k0, mul(v.beta, add(k1, mul(v.beta, k2)))));
}

const zeta = fromInteger(ZETA);

/** θ at every padded position: 32·id on valid ones, 32 on padded ones. */
function thetaColumn(op: Exclude<LookupOp, RangeOp>, dims: readonly number[], size: number): Int32Array {
  const theta = new Int32Array(size).fill(32);
  const channel = channelOf(op, dims);
  const perElement = op.kind === 'req' && op.cd !== null && op.cd === dims.length - 1;
  forEachRow(dims, (base, _, length) => {
    if (perElement) for (let p = base; p < base + length; p++) theta[p] = 32 * (op.id + channel(p));
    else theta.fill(32 * (op.id + channel(base)), base, base + length);
  });
  return theta;
}

/** θ = 32·(1 + (id − 1)·I) at a point; with `per` the id runs over the channel coordinate (§8.3). */
function thetaAt(op: Exclude<LookupOp, RangeOp>, point: Point, v: OpenedView): F4 {
  const { dims } = v.tensors[op.y] as Tensor;
  const bits = v.plan.bits[op.y] as readonly number[];
  const cd = op.kind === 'req' ? op.cd : null;
  if (cd === null) return add(fromInteger(32), scale(32 * (op.id - 1), indicator(dims, bits, point)));
  const product = splitPoint(point, bits).reduce((acc, piece, k) => {
    const d = dims[k] as number;
    if (k !== cd) return mul(acc, lessThan(piece, d));
    const ids = Int32Array.from({ length: d }, (_, c) => 32 * (op.id + c - 1));
    return mul(acc, dotBase(ids, 0, 1, eqTable(piece), 0, d));
  }, ONE);
  return add(fromInteger(32), product);
}

function validColumn(t: Tensor, size: number, value: number): Int32Array {
  const out = new Int32Array(size);
  forEachRow(t.dims, (base, _, length) => {
    out.fill(value, base, base + length);
  });
  return out;
}

const req: LookupSpec<ReqOp> = {
  shape: (op) => op.y,
  values: (op) => [
    ...(op.form.kind === 'lin' ? op.form.terms.map(([, t], i) => tensor(`term${i}`, t)) : [{ role: 'acc', source: 'acc' } as const]),
    tensor('rem', op.rem),
    ...(op.wid === null ? [] : [tensor('wid', op.wid)]),
    tensor('y', op.y),
  ],
  keys(op, w) {
    const y = w.values(op.y);
    const n = y.length;
    const t = w.tensors[op.y] as Tensor;
    const rem = w.values(op.rem);
    const wid = op.wid === null ? validColumn(t, n, op.w0 as number) : w.values(op.wid);
    const acc = w.accumulator(op);
    const theta = thetaColumn(op, t.dims, n);
    const k0 = new Int32Array(2 * n);
    const k1 = new Int32Array(2 * n);
    const k2 = new Int32Array(2 * n);
    k0.set(wid);
    k1.set(rem);
    k2.fill(ZETA, 0, n);
    for (let i = 0; i < n; i++) {
      k0[n + i] = (theta[i] as number) + (wid[i] as number);
      k1[n + i] = (acc[i] as number) - (rem[i] as number);
    }
    k2.set(y, n);
    return { k0, k1, k2 };
  },
  denominator(op, point, v) {
    const b = point[0] as F4;
    const rest = point.slice(1);
    const { dims } = v.tensors[op.y] as Tensor;
    const valid = indicator(dims, v.plan.bits[op.y] as readonly number[], rest);
    const wid = op.wid === null ? scale(op.w0 as number, valid) : v.get('wid');
    const rem = v.get('rem');
    let acc: F4;
    if (op.form.kind === 'lin')
      acc = op.form.terms.reduce((s, [c], i) => add(s, scale(c, v.get(`term${i}`))), scale(op.form.constant, valid));
    else acc = v.get('acc');
    const range = fingerprint(v, wid, rem, zeta);
    const cells = fingerprint(v, add(thetaAt(op, rest, v), wid), sub(acc, rem), v.get('y'));
    return add(range, mul(b, sub(cells, range)));
  },
};

const unary: LookupSpec<UnaryOp> = {
  shape: (op) => op.y,
  values: (op) => [tensor('x', op.x), tensor('y', op.y)],
  keys(op, w) {
    const y = w.values(op.y);
    return { k0: thetaColumn(op, (w.tensors[op.y] as Tensor).dims, y.length), k1: w.values(op.x), k2: y };
  },
  denominator: (op, point, v) => fingerprint(v, thetaAt(op, point, v), v.get('x'), v.get('y')),
};

const bin: LookupSpec<BinOp> = {
  shape: (op) => op.y,
  values: (op) => [tensor('a', op.a), tensor('b', op.b), tensor('y', op.y)],
  keys(op, w) {
    const y = w.values(op.y);
    const b = w.values(op.b);
    const k1 = w.values(op.a).map((a, i) => a + 1024 * (b[i] as number));
    return { k0: thetaColumn(op, (w.tensors[op.y] as Tensor).dims, y.length), k1, k2: y };
  },
  denominator: (op, point, v) => fingerprint(v, thetaAt(op, point, v), add(v.get('a'), scale(1024, v.get('b'))), v.get('y')),
};

function difference(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = (a[i] as number) - (b[i] as number);
  return out;
}

const max: LookupSpec<MaxOp> = {
  shape: (op) => op.y,
  values: (op) => [
    op.prev === null ? { role: 'g0', source: 'tap', tap: op.k0 as number } : tensor('g0', op.prev),
    { role: 'g1', source: 'tap', tap: op.k1 },
    tensor('y', op.y),
  ],
  keys(op, w) {
    const y = w.values(op.y);
    const x = w.values(op.x);
    const g0 = op.prev === null ? tapOf(op, op.k0 as number, w.tensors, x) : w.values(op.prev);
    const g1 = tapOf(op, op.k1, w.tensors, x);
    return {
      k0: thetaColumn(op, (w.tensors[op.y] as Tensor).dims, y.length),
      k1: difference(y, g0),
      k2: difference(y, g1),
    };
  },
  denominator(op, point, v) {
    const y = v.get('y');
    return fingerprint(v, thetaAt(op, point, v), sub(y, v.get('g0')), sub(y, v.get('g1')));
  },
};

const pairmax: LookupSpec<PairMaxOp> = {
  shape: (op) => op.y,
  values: (op) => [tensor('a', op.a), tensor('b', op.b), tensor('y', op.y)],
  keys(op, w) {
    const y = w.values(op.y);
    return {
      k0: thetaColumn(op, (w.tensors[op.y] as Tensor).dims, y.length),
      k1: difference(y, w.values(op.a)),
      k2: difference(y, w.values(op.b)),
    };
  },
  denominator(op, point, v) {
    const y = v.get('y');
    return fingerprint(v, thetaAt(op, point, v), sub(y, v.get('a')), sub(y, v.get('b')));
  },
};

const range: LookupSpec<RangeOp> = {
  shape: (op) => op.x,
  values: (op) => [tensor('x', op.x)],
  keys(op, w) {
    const x = w.values(op.x);
    const t = w.tensors[op.x] as Tensor;
    const low = validColumn(t, x.length, t.lo as number);
    return {
      k0: validColumn(t, x.length, op.w),
      k1: x.map((v, i) => v - (low[i] as number)),
      k2: new Int32Array(x.length).fill(ZETA),
    };
  },
  denominator(op, point, v) {
    const t = v.tensors[op.x] as Tensor;
    const valid = indicator(t.dims, v.plan.bits[op.x] as readonly number[], point);
    return fingerprint(v, scale(op.w, valid), sub(v.get('x'), scale(t.lo as number, valid)), zeta);
  },
};

const specs = { req, unary, bin, max, pairmax, range } as const;

export function lookupOf<O extends LookupOp>(op: O): LookupSpec<O> {
  return specs[op.kind] as unknown as LookupSpec<O>;
}

/**
 * k̃0 of the content rows from their run lengths (§8.3): the verifier's own value in both modes.
 *
 * Sum by parts: the column begins with 0, becomes 32 at row 1 and rises by a step at the start of every run, back to 32 after the last, so
 * k̃0 = Σ step · (1 − lt(start)). With eq as a product of a high and a low factor, lt(d) is a sum of whole blocks and a part of one:
 * PH[d >> m] + eqHigh[d >> m] · PL[d mod 2^m], P the sums of the elements before. Steps of one block share the second product.
 */
export function contentK0At(runs: readonly (readonly [number, number])[], point: Point): F4 {
  const m = Math.ceil(point.length / 2);
  const high = eqTable(point.slice(0, point.length - m));
  const before = sumsBefore(high);
  const beforeLow = sumsBefore(eqTable(point.slice(point.length - m)));
  const rows = 2 ** point.length;
  let value = ZERO;
  let block = 0;
  let rise = 0;
  let part: [number, number, number, number] = [0, 0, 0, 0];
  const endBlock = (): void => {
    value = add(value, sub(scale(rise, sub(ONE, get(before, block))), mul(get(high, block), part)));
    rise = 0;
    part = [0, 0, 0, 0];
  };
  const step = (start: number, by: number): void => {
    if (start >= rows) return;
    if (start >> m !== block) {
      endBlock();
      block = start >> m;
    }
    rise += by;
    const r = residue(by);
    const at = 4 * (start & (2 ** m - 1));
    for (let c = 0; c < 4; c++) part[c] = addBase(part[c] as number, mulBase(r, beforeLow[at + c] as number));
  };
  step(1, 32);
  let start = 2;
  let last = 32;
  for (const [k0, count] of runs) {
    step(start, k0 - last);
    start += count;
    last = k0;
  }
  step(start, 32 - last);
  endBlock();
  return value;
}

/** The sums of the elements before each. */
function sumsBefore(v: Uint32Array): Uint32Array {
  const out = new Uint32Array(v.length);
  for (let i = 4; i < v.length; i++) out[i] = addBase(out[i - 4] as number, v[i - 4] as number);
  return out;
}

/** α − φ of the row at a point of Range_w: (w, v, ZETA) with v = Σ 2^(w-1-k) r_k. */
export function rangeRowAt(w: number, point: Point, v: Pick<OpenedView, 'alpha' | 'beta'>): F4 {
  const value = point.reduce((s, r, k) => add(s, scale(2 ** (w - 1 - k), r)), ZERO);
  return fingerprint(v as OpenedView, fromInteger(w), value, zeta);
}

/** α − φ of a content row from its three evaluated columns. */
export function contentRowAt(k0: F4, k1: F4, k2: F4, v: Pick<OpenedView, 'alpha' | 'beta'>): F4 {
  return fingerprint(v as OpenedView, k0, k1, k2);
}
