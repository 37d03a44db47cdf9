/**
 * How a claim on an accumulator is reduced to claims on its operands (protocol §8.5, §8.6): the shapes both sides share.
 *
 * A reduction is data: the prover's factor vectors are recipes for its kernels, and `finish` is what the verifier computes at the end.
 */

import { type F4, mulTo } from '../../protocol/extension.ts';
import { add as addBase } from '../../protocol/field.ts';
import type { Point } from '../../protocol/mle.ts';
import type { Claim } from '../claim.ts';
import type { Plan } from '../plan.ts';
import type { Tensor } from '../types.ts';

/** "The accumulator of op `op`, an output shaped like `y`, takes value `acc` at `point`"; `bias` is b̃ at the channel part (conv, dense). */
export interface AccClaim {
  readonly op: number;
  readonly y: number;
  readonly point: Point;
  readonly acc: F4;
  readonly bias: F4;
}

/** An extension vector the prover makes from committed values. */
export type Recipe =
  /** out[o, i] = Σ_m eq(point, m) · tensor[o, m, i]. */
  | { readonly kind: 'contract'; readonly tensor: number; readonly outer: number; readonly inner: number; readonly point: Point }
  /** out[c, ky·kw + kx] = Σ_{i,j} tensor[c, i, j] · rows[ky][i] · columns[kx][j], padded to `taps` per channel. */
  | {
      readonly kind: 'window';
      readonly tensor: number;
      readonly rows: readonly Uint32Array[];
      readonly columns: readonly Uint32Array[];
      readonly taps: number;
    }
  /** eq(point, ·), each element `repeat` times. */
  | { readonly kind: 'eq'; readonly point: Point; readonly repeat: number }
  /** The tensor itself. */
  | { readonly kind: 'lift'; readonly tensor: number }
  /** Σ_m a_m ⊗ b_m. */
  | { readonly kind: 'outer'; readonly terms: readonly OuterTerm[] };

export interface OuterTerm {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

/** Phase A: a sum over `variables` of the product of `factors`; the first two end as u and v. */
export interface Contraction {
  readonly op: number;
  readonly variables: number;
  readonly degree: 2 | 3;
  readonly sum: F4;
  readonly factors: readonly Recipe[];
  finish(u: F4, v: F4, q: Point): { readonly product: F4; readonly claims: readonly Claim[]; readonly spatial: Spatial | null };
}

/** Phase B: Σ_{i,j} X̃(prefix, i, j) · Σ_m a_m(i) b_m(j) = sum, over the padded image of tensor x. */
export interface Spatial {
  readonly x: number;
  readonly prefix: Point;
  readonly terms: readonly OuterTerm[];
  readonly sum: F4;
}

export interface ReductionContext {
  readonly tensors: readonly Tensor[];
  readonly plan: Plan;
}

/**
 * φ_k(i) = Σ_{o < count: o·stride + k·dilation − pad = i} eq(o), for 0 ≤ i < size, 0 in the padded rest (§8.5). Returns one vector a tap.
 */
export function tapFunctionals(
  eq: Uint32Array,
  count: number,
  taps: number,
  stride: number,
  dilation: number,
  pad: number,
  size: number,
  sizeBits: number,
): Uint32Array[] {
  return Array.from({ length: taps }, (_, k) => {
    const out = new Uint32Array(4 * 2 ** sizeBits);
    // Only the outputs that read inside the image: 0 ≤ o·stride + lead < size.
    const lead = k * dilation - pad;
    const first = Math.max(0, Math.ceil(-lead / stride));
    const end = Math.min(count, Math.floor((size - 1 - lead) / stride) + 1);
    for (let o = first; o < end; o++) addInto(out, o * stride + lead, eq, o);
    return out;
  });
}

/** a ⊗ b, row-major. */
export function outer(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array((a.length * b.length) / 4);
  for (let i = 0, at = 0; i < a.length; i += 4) for (let j = 0; j < b.length; j += 4, at += 4) mulTo(out, at, a, i, b, j);
  return out;
}

/** out[i] += v[j]. */
export function addInto(out: Uint32Array, i: number, v: Uint32Array, j: number): void {
  for (let c = 0; c < 4; c++) out[4 * i + c] = addBase(out[4 * i + c] as number, v[4 * j + c] as number);
}
