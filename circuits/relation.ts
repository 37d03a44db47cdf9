/**
 * The relation of a proof, as both sides walk it (protocol §8.3–§8.7): the opened values of `segs`, the claims they make, the reductions
 * of phases A and B. Nothing here knows who is proving.
 */
import { add, type F4, get, mul, ONE, scale, sub, ZERO } from '../protocol/extension.ts';
import { inverse, pow } from '../protocol/field.ts';
import { ceilLog2 } from '../protocol/integers.ts';
import { eqTable, evaluateExtension, lessThan, type Point, splitPoint } from '../protocol/mle.ts';
import type { StackClaim } from '../protocol/opening.ts';
import type { Claim } from './claim.ts';
import { specOf } from './forms/index.ts';
import { type AccClaim, type Contraction, type ReductionContext, type Spatial, tapFunctionals } from './forms/reduction.ts';
import type { KeyFields } from './key.ts';
import { lookupOf, type SegmentValue } from './lookups.ts';
import { CONTENT, type Plan } from './plan.ts';
import { isPublic } from './public.ts';
import { formOf, readsOf } from './references.ts';
import { type ShowSum, showOf } from './show.ts';
import { type Form, isLookup, isShow, type LookupOp, type MaxOp, type Op, type ShowOp, type Tensor } from './types.ts';

/** A value of the `segs` message: opened at the point of its op, unless its tensor is public. */
export interface OpenedValue {
  readonly op: number;
  readonly value: SegmentValue;
  /** The verifier evaluates it from the statement; it is not sent. */
  readonly isPublic: boolean;
}

/** All opened values in op order, public ones included and marked (§8.3). */
export function openedValues(key: KeyFields): OpenedValue[] {
  return key.ops.flatMap((op, i) => {
    if (!isLookup(op)) return [];
    return lookupOf(op)
      .values(op)
      .map((value) => ({ op: i, value, isPublic: value.source === 'tensor' && isPublic(key.tensors[value.tensor]?.home) }));
  });
}

/** Where the leaf points of the forest put each segment: its point in full, and the point of the op's own positions. */
export interface SegmentPoint {
  readonly instance: number;
  readonly offset: number;
  readonly bits: number;
  readonly point: Point;
}

/** Points of lookup segments by op, and of table segments by width (CONTENT for the content rows). */
export function segmentPoints(
  plan: Plan,
  leaves: readonly Point[],
): { lookups: Map<number, SegmentPoint>; tables: Map<number, SegmentPoint> } {
  const lookups = new Map<number, SegmentPoint>();
  const tables = new Map<number, SegmentPoint>();
  plan.instances.forEach(({ side, bits, segments }, q) => {
    for (const s of segments)
      (side === 'L' ? lookups : tables).set(s.op, {
        instance: q,
        offset: s.offset,
        bits: s.bits,
        point: (leaves[q] as Point).slice(bits - s.bits),
      });
  });
  return { lookups, tables };
}

/** The point of the positions of a lookup op: without the coordinate that selects range or cells keys of a `req`. */
export function opPoint(op: Op, segment: SegmentPoint): Point {
  return op.kind === 'req' ? segment.point.slice(1) : segment.point;
}

/** Where the content columns are evaluated; null if nothing is looked up. */
export function contentPoint(tables: ReadonlyMap<number, SegmentPoint>): Point | null {
  return tables.get(CONTENT)?.point ?? null;
}

/** The channel part of a point of y: what a bias is evaluated at. */
export function channelPoint(form: Form, bits: readonly number[], point: Point): Point {
  const pieces = splitPoint(point, bits);
  return (form.kind === 'dense' ? pieces[pieces.length - 1] : pieces[0]) as Point;
}

/** Ops with a bias among those with an accumulator claim, in op order: the entries of the `bias` message. */
export function biasedOps(ops: readonly Op[], claimed: ReadonlyMap<number, unknown>): number[] {
  return ops.flatMap((op, i) => {
    const form = formOf(op);
    return form !== null && claimed.has(i) && specOf(form).weights(form) !== null ? [i] : [];
  });
}

/** Reductions of the accumulator claims: contractions of phase A, and the pools, which are the first instances of phase B. */
export function reductions(
  ctx: ReductionContext,
  ops: readonly Op[],
  claims: readonly AccClaim[],
): { contractions: Contraction[]; pools: Spatial[] } {
  const contractions: Contraction[] = [];
  const pools: Spatial[] = [];
  for (const claim of claims) {
    const form = formOf(ops[claim.op] as Op) as Form;
    const r = specOf(form).reduce(ctx, form, claim);
    if (r === null) continue;
    if ('contraction' in r) contractions.push(r.contraction);
    else pools.push(r.spatial);
  }
  return { contractions, pools };
}

/** Phase B instances of a max op: one for each tap that was opened as a value (§8.6, §7.6). */
export function maxSpatials({ tensors, plan }: ReductionContext, op: MaxOp, point: Point, tapValue: (role: string) => F4): Spatial[] {
  const pieces = splitPoint(point, plan.bits[op.y] as number[]) as [F4[], F4[], F4[]];
  const dims = (tensors[op.y] as Tensor).dims;
  const xDims = (tensors[op.x] as Tensor).dims;
  const axis = op.axis;
  const other = axis === 1 ? 2 : 1;
  const eq = eqTable(pieces[axis] as Point);
  const count = dims[axis] as number;
  const eqOther = eqTable(pieces[other] as Point);
  eqOther.fill(0, 4 * (dims[other] as number));
  return lookupOf(op as LookupOp)
    .values(op as never)
    .flatMap((v) => {
      if (v.source !== 'tap') return [];
      const lead = op.pad - v.tap * op.dilation;
      const phi = tapFunctionals(
        eq,
        count,
        1,
        op.stride,
        1,
        lead,
        xDims[axis] as number,
        plan.bits[op.x]?.[axis] as number,
      )[0] as Uint32Array;
      // The constant lo is read outside the image, on valid outputs only.
      let outside = ZERO;
      for (let o = 0; o < count; o++) {
        const source = o * op.stride - lead;
        if (source < 0 || source >= (xDims[axis] as number)) outside = add(outside, get(eq, o));
      }
      for (const k of [0, other]) outside = mul(outside, lessThan(pieces[k] as Point, dims[k] as number));
      const terms = axis === 2 ? [{ a: eqOther, b: phi }] : [{ a: phi, b: eqOther }];
      return [{ x: op.x, prefix: pieces[0], terms, sum: sub(tapValue(v.role), scale(op.lo, outside)) }];
    });
}

/** Claims on shown tensors, from the key alone: of each the variables of its sums. The order is not that of the proof. */
export function shownClaims({ tensors, ops }: Pick<KeyFields, 'tensors' | 'ops'>): (readonly number[])[] {
  const shows = showsOf({ tensors, ops });
  const claimed = ops.flatMap((op): number[] => {
    const form = formOf(op);
    // A lin is opened term by term; every other form ends in one claim on each operand.
    if (form !== null) return specOf(form).operands(form);
    if (op.kind === 'max') return [...(op.prev === null ? [op.x, op.x] : [op.prev, op.x])];
    return isLookup(op) ? readsOf(op) : [];
  });
  const variables = new Map([...shows].map(([t, op]) => [t, showOf(op).variables(op, tensors)] as const));
  return claimed.flatMap((t) => {
    const sums = variables.get(t);
    return sums === undefined ? [] : [sums];
  });
}

/** The op behind each tensor of home V. */
export function showsOf({ tensors, ops }: Pick<KeyFields, 'tensors' | 'ops'>): Map<number, ShowOp> {
  return new Map(ops.flatMap((op) => (isShow(op) && tensors[op.y]?.home === 'V' ? [[op.y, op] as const] : [])));
}

/** 2^-(rounds − variables): a sum over fewer variables counts once for every point of the others. */
export function showWeight(rounds: number, { variables }: Pick<ShowSum, 'variables'>): number {
  return inverse(pow(2, rounds - variables));
}

/** Φ̃(q). */
export function showFactor({ vectors }: ShowSum, q: Point): F4 {
  const bits = vectors.map((v) => ceilLog2(v.length / 4));
  return splitPoint(q, bits).reduce((acc, piece, k) => mul(acc, evaluateExtension(vectors[k] as Uint32Array, piece)), ONE);
}

/** The claim in the terms of the stack (§3.2). */
export function stackClaim(plan: Plan, h: number, claim: Claim): StackClaim {
  const { group, address } = plan.place.get(claim.tensor) as { group: string; address: number };
  const start = plan.groups.find((g) => g.group === group)?.first as number;
  const first = start + Math.floor(address / 2 ** h);
  const k = claim.point.length;
  if (k >= h) return { first, high: claim.point.slice(0, k - h), z: claim.point.slice(k - h), value: claim.value };
  const row = (address % 2 ** h) / 2 ** k;
  const lead = Array.from({ length: h - k }, (_, i): F4 => (Math.floor(row / 2 ** (h - k - 1 - i)) % 2 === 1 ? [1, 0, 0, 0] : ZERO));
  return { first, high: [], z: [...lead, ...claim.point], value: claim.value };
}

/** Whether k1 and k2 are opened against the commitment to the weights; else the verifier evaluates them. */
export function contentIsOpened(key: KeyFields, plan: Plan): boolean {
  return !verifierEvaluates(key, plan.content[0]);
}

/** Whether the verifier evaluates the claims on a tensor itself: those in the clear, described tables, and weights in mode I0. */
export function verifierEvaluates(key: KeyFields, tensor: number): boolean {
  const { home } = key.tensors[tensor] as Tensor;
  return isPublic(home) || home === 'T' || (home === 'W' && key.mode === 'I0');
}

/** Dependent hash compressions between the witness root and α: ceil(Z/64), Z = max(4096, ceil((N_L + N_D)/4)) (§8.1). */
export function delayOf(plan: Plan): number {
  return Math.ceil(Math.max(4096, Math.ceil((plan.lookupCount + plan.computedCount) / 4)) / 64);
}
