/**
 * Ops whose output shows other tensors: never committed, a claim on it becomes sums over what it shows (phase C, protocol §8.9). One file an
 * op; this one lists them.
 */
import type { F4 } from '../protocol/extension.ts';
import type { Point } from '../protocol/mle.ts';
import type { Claim } from './claim.ts';
import { gather } from './gather.ts';
import type { Plan } from './plan.ts';
import type { ShowOp, Tensor } from './types.ts';
import { view } from './views.ts';

/** Padded values by tensor index. */
export type Values = (tensor: number) => Int32Array;

/** Σ_i image(i) · Φ(i), where image is tensor x with some of its coordinates at a point, and Φ the product of `vectors` in the order of the bits of i. */
export interface ShowSum {
  readonly x: number;
  /** image[o, i] = Σ_m eq(point, m) · x[o, m, i]. */
  readonly image: { readonly outer: number; readonly inner: number; readonly point: Point };
  readonly variables: number;
  readonly vectors: readonly Uint32Array[];
  /** Where the claim on x is when the sum ends at q. */
  pointAt(q: Point): Point;
}

/** A claim on a shown tensor: its sums add up to `total`. */
export interface ShowReduction {
  readonly sums: readonly ShowSum[];
  readonly total: F4;
}

export interface ShowContext {
  readonly tensors: readonly Tensor[];
  readonly plan: Plan;
  /** Values of tensors in the clear. */
  readonly values: Values;
}

export interface ShowSpec<O extends ShowOp> {
  /** What is wrong with the numbers and shapes of the op, or null; indices are in range. */
  problem(op: O, tensors: readonly Tensor[]): string | null;
  /** The interval of the values. */
  interval(op: O, tensors: readonly Tensor[]): readonly [number, number];
  /** The padded values. */
  values(op: O, tensors: readonly Tensor[], values: Values): Int32Array;
  /** Variables of each sum, from shapes alone. */
  variables(op: O, tensors: readonly Tensor[]): number[];
  /** Elements that whoever checks the key, or runs it, visits. */
  visits(op: O, tensors: readonly Tensor[]): number;
  /** Extension products that one claim costs the verifier. */
  work(op: O, tensors: readonly Tensor[]): number;
  reduce(ctx: ShowContext, op: O, claim: Omit<Claim, 'tensor'>): ShowReduction;
  /** The padded values that sum `i` alone stands for, 0 elsewhere. */
  part(op: O, i: number, tensors: readonly Tensor[], values: Values): Int32Array;
}

const specs = { view, gather } as const;

export function showOf<O extends ShowOp>(op: O): ShowSpec<O> {
  return specs[op.kind] as unknown as ShowSpec<O>;
}
