/**
 * What every accumulator form knows about itself (protocol §7.2). One file a form; `index.ts` lists them.
 */
import type { Interval } from '../cells.ts';
import { paddedSize, product } from '../shape.ts';
import type { Form, Tensor } from '../types.ts';
import type { AccClaim, Contraction, ReductionContext, Spatial } from './reduction.ts';

/** Padded values by tensor index; weights included. */
export type Values = (tensor: number) => Int32Array;

export interface FormSpec<F extends Form> {
  /** Fields in the order of the key encoding (§6.5). */
  readonly fields: readonly (readonly [keyof F & string, FieldType])[];
  /** Tensors it reads, weights excluded. */
  operands(f: F): number[];
  /** Weight and bias, for conv and dense. */
  weights(f: F): [number, number] | null;
  /** Output dims, or null if the shapes do not fit (S8). */
  dims(tensors: readonly Tensor[], f: F): number[] | null;
  /** The interval bound of |acc| per channel, one entry when all channels share it (S2). `weights` gives true (unpadded or padded) values. */
  bounds(tensors: readonly Tensor[], f: F, weights: (t: number) => Int32Array): number[];
  /** The interval of acc per channel, one entry when all channels share it: at least as sharp as `bounds`. */
  intervals(tensors: readonly Tensor[], f: F, weights: (t: number) => Int32Array): Interval[];
  /** Number conditions beyond shapes (S11, S5); a sentence if one fails. */
  numbers(tensors: readonly Tensor[], f: F): string | null;
  /** The padded accumulator, from padded operands: the relation reads whole padded tensors, so padded rows of an operand count too. */
  accumulate(tensors: readonly Tensor[], f: F, values: Values, outDims: readonly number[]): Int32Array;
  /** What `reduce` leaves, from shapes alone: variables and degree of its contraction, the tensor of its spatial sum. `y`: the output. */
  phases(ctx: ReductionContext, f: F, y: number): Phases;
  /** Reduces a claim on the accumulator: to a contraction (phase A), to a spatial sum (phase B), or to nothing (lin opens its terms). */
  reduce(ctx: ReductionContext, f: F, claim: AccClaim): { readonly contraction: Contraction } | { readonly spatial: Spatial } | null;
}

export interface Phases {
  readonly contraction: Pick<Contraction, 'variables' | 'degree'> | null;
  readonly spatial: number | null;
}

export type FieldType = 'int' | 'pair' | 'quad' | 'terms';

/** Largest magnitude a tensor's bounds allow. */
export function magnitude(t: Tensor): number {
  return Math.max(Math.abs(t.lo as number), Math.abs(t.hi as number));
}

/** The interval of k·v over the bounds of a tensor, `orZero`: v may also be 0 (padding). */
export function scaledInterval(k: number, t: Tensor, orZero = false): Interval {
  const [a, b] = [k * (t.lo as number), k * (t.hi as number)];
  return orZero ? [Math.min(a, b, 0), Math.max(a, b, 0)] : [Math.min(a, b), Math.max(a, b)];
}

/** A form with weights: acc of channel c is b[c] + Σ_i W[c, i]·x_i. */
interface Weighted {
  readonly x: number;
  readonly w: number;
  readonly b: number;
}

type WeightValues = (t: number) => Int32Array;

/** The rows of the weight tensor, one a channel, from true or padded values: calls `visit(channel, from, to)`. */
function channelRows<T>(
  tensors: readonly Tensor[],
  f: Weighted,
  w: Int32Array,
  visit: (channel: number, from: number, to: number) => T,
): T[] {
  const { dims } = tensors[f.w] as Tensor;
  const channels = dims[0] as number;
  const row = w.length / (w.length === product(dims) ? channels : paddedSize([channels]));
  return Array.from({ length: channels }, (_, c) => visit(c, c * row, (c + 1) * row));
}

/** Σ|W_c|·Xmax + |b_c| of every channel (S2). */
export function weightedBounds(tensors: readonly Tensor[], f: Weighted, weights: WeightValues): number[] {
  const [w, b] = [weights(f.w), weights(f.b)];
  const xmax = magnitude(tensors[f.x] as Tensor);
  return channelRows(tensors, f, w, (c, from, to) => {
    let s = 0;
    for (let i = from; i < to; i++) s += Math.abs(w[i] as number);
    return s * xmax + Math.abs(b[c] as number);
  });
}

/** The interval of every channel; `orZero`: an operand may also be 0 (padding of the image). */
export function weightedIntervals(tensors: readonly Tensor[], f: Weighted, weights: WeightValues, orZero: boolean): Interval[] {
  const [w, b] = [weights(f.w), weights(f.b)];
  const x = tensors[f.x] as Tensor;
  return channelRows(tensors, f, w, (c, from, to) => {
    let positive = 0;
    let negative = 0;
    for (let i = from; i < to; i++) {
      const v = w[i] as number;
      if (v > 0) positive += v;
      else negative += v;
    }
    const [up, down] = [scaledInterval(positive, x, orZero), scaledInterval(negative, x, orZero)];
    const bias = b[c] as number;
    return [bias + up[0] + down[0], bias + up[1] + down[1]];
  });
}

export function isInteger(v: number, lo: number, hi: number): boolean {
  return Number.isInteger(v) && v >= lo && v <= hi;
}

/** Output size of a window along one axis, or null if it does not fit. */
export function windowCount(size: number, before: number, after: number, dilation: number, taps: number, stride: number): number | null {
  const room = size + before + after - dilation * (taps - 1) - 1;
  return room < 0 ? null : Math.floor(room / stride) + 1;
}

export function windowNumbers(f: { kh: number; kw: number; stride: number[]; pad: number[]; dilation: number[] }): string | null {
  const limit = 2 ** 20;
  if (![...f.stride, ...f.dilation, f.kh, f.kw].every((v) => isInteger(v, 1, limit))) return 'stride, dilation or kernel outside [1, 2^20]';
  if (!f.pad.every((v) => isInteger(v, 0, limit))) return 'pad outside [0, 2^20]';
  return null;
}

/**
 * Calls `visit(output offset, input offset)` for the outputs of one tap of a two-dimensional window that read inside the image.
 * Offsets are in padded layout, relative to the channel.
 */
export function forEachTap(
  tap: { ky: number; kx: number; stride: readonly number[]; dilation: readonly number[]; pad: readonly number[] },
  [ho, wo]: readonly [number, number],
  [h, w]: readonly [number, number],
  outStride: number,
  inStride: number,
  visitRow: (out: number, input: number, count: number, step: number) => void,
): void {
  const [sy, sx] = tap.stride as [number, number];
  const dy = tap.ky * (tap.dilation[0] as number) - (tap.pad[0] as number);
  const dx = tap.kx * (tap.dilation[1] as number) - (tap.pad[1] as number);
  // Columns x with 0 <= x·sx + dx < w.
  const first = Math.max(0, Math.ceil(-dx / sx));
  const end = Math.min(wo, Math.floor((w - 1 - dx) / sx) + 1);
  if (end <= first) return;
  for (let y = 0; y < ho; y++) {
    const row = y * sy + dy;
    if (row < 0 || row >= h) continue;
    visitRow(y * outStride + first, row * inStride + first * sx + dx, end - first, sx);
  }
}
