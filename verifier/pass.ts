/**
 * One pass of the verifier over a proof body (protocol §8, §9): from a checked key, the public values and the proof bytes to acceptance
 * or a refusal with the id of the check that failed (§13).
 */

import type { Contents } from '../circuits/check.ts';
import type { Claim } from '../circuits/claim.ts';
import { specOf } from '../circuits/forms/index.ts';
import type { AccClaim, Contraction, Spatial } from '../circuits/forms/reduction.ts';
import type { Key } from '../circuits/key.ts';
import { contentK0At, contentRowAt, lookupOf, rangeRowAt } from '../circuits/lookups.ts';
import { CONTENT, type Plan } from '../circuits/plan.ts';
import { isPublic, publicTensors } from '../circuits/public.ts';
import {
  biasedOps,
  channelPoint,
  contentIsOpened,
  contentPoint,
  delayOf,
  maxSpatials,
  openedValues,
  opPoint,
  reductions,
  type SegmentPoint,
  segmentPoints,
  showFactor,
  showsOf,
  showWeight,
  stackClaim,
  verifierEvaluates,
} from '../circuits/relation.ts';
import { decodeRevealed } from '../circuits/reveal.ts';
import { maxOf } from '../circuits/shape.ts';
import { showOf } from '../circuits/show.ts';
import type { Form, LookupOp, Op, OutOp, Tensor } from '../circuits/types.ts';
import { type Arithmetic, plain } from '../protocol/arithmetic.ts';
import { add, equal, type F4, mul, powers, scale, ZERO } from '../protocol/extension.ts';
import { type LeafClaim, verifyForest } from '../protocol/logup.ts';
import { bitsPoint, eqPoints, evaluateExtension, indicator, type Point, splitPoint } from '../protocol/mle.ts';
import { verifyOpening } from '../protocol/opening.ts';
import type { Progress } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { verifySumcheck } from '../protocol/sumcheck.ts';
import type { VerifierTranscript } from '../protocol/transcript.ts';

export interface PassInput {
  readonly key: Key;
  readonly plan: Plan;
  /** Padded, centred values of the inputs and outputs in the statement. */
  readonly publicValues: ReadonlyMap<number, Int32Array>;
  readonly statementDigest: Uint8Array;
  /** R_X, when the key has a committed input. */
  readonly inputRoot: Uint8Array | null;
  /** What the verifier evaluates besides the statement: described tables, and the W tensors in mode I0. */
  readonly contents: Contents;
  /** Called at the beginning of each part of the work. */
  readonly onProgress?: ((p: Progress) => void) | undefined;
  /** Default: `plain`. */
  readonly arithmetic?: Arithmetic | undefined;
}

/** Runs every check of §13 on the proof body; returns when all hold. */
export function verifyPass(t: VerifierTranscript, input: PassInput): void {
  new Pass(t, input).run();
}

class Pass {
  readonly #t: VerifierTranscript;
  readonly #in: PassInput;
  readonly #arithmetic: Arithmetic;
  readonly #claims: Claim[] = [];
  /** Every tensor in the clear, once its values are known. */
  #public: ReadonlyMap<number, Int32Array> = new Map();
  #alpha: F4 = ZERO;
  #beta: F4 = ZERO;
  /** Opened values by op and role. */
  readonly #opened = new Map<string, F4>();
  /** Accumulator claims by op: value and point. */
  readonly #acc = new Map<number, { readonly value: F4; readonly point: Point }>();

  constructor(t: VerifierTranscript, input: PassInput) {
    this.#t = t;
    this.#in = input;
    this.#arithmetic = input.arithmetic ?? plain;
  }

  run(): void {
    const t = this.#t;
    const { key, plan, statementDigest, onProgress } = this.#in;
    onProgress?.({ stage: 'lookups', fraction: 0.5 });
    const rootA = plan.groups.some((g) => g.group === 'A') ? t.receiveDigest('root') : null;
    const revealed = decodeRevealed(key.tensors, t.rest);
    t.receiveBytes('reveal', revealed.length);
    this.#public = publicTensors(key, this.#in.publicValues, revealed.values);
    t.absorb('digest', 'statement', statementDigest);
    t.delay(delayOf(plan));
    const lookups = plan.instances.length > 0 ? this.#lookups() : null;
    onProgress?.({ stage: 'values', fraction: 0.6 });
    this.#publicAccumulators();
    onProgress?.({ stage: 'layers', fraction: 0.7 });
    const spatials = this.#contractions();
    this.#spatials(spatials, lookups ?? new Map());
    this.#shows();
    onProgress?.({ stage: 'opening', fraction: 0.8 });
    this.#open(rootA);
    t.end();
  }

  /** §8.2, §8.3: the forest of the lookups, and what its leaves open; returns the points of the lookup ops. */
  #lookups(): ReadonlyMap<number, SegmentPoint> {
    const t = this.#t;
    const { key, plan } = this.#in;
    t.receiveNonce('grind.lookup', key.grinding[0]);
    this.#alpha = t.challenge('alpha');
    this.#beta = t.challenge('beta');
    const leaves = verifyForest(t, plan.instances);
    const points = segmentPoints(
      plan,
      leaves.map((l) => l.point),
    );
    this.#leafDenominators(leaves, this.#segmentValues(points));
    return points.lookups;
  }

  /** The value of a tensor the verifier holds, at a point. */
  #evaluate(tensor: number, point: Point): F4 {
    return this.#arithmetic.evaluateBase((this.#public.get(tensor) ?? this.#in.contents.get(tensor)) as Int32Array, point);
  }

  /** §8.3: reads `segs`; returns k̃0, k̃1, k̃2 of the content rows. */
  #segmentValues(points: { lookups: Map<number, SegmentPoint>; tables: Map<number, SegmentPoint> }): [F4, F4, F4] {
    const { key, plan } = this.#in;
    const values = openedValues(key);
    const committed = contentIsOpened(key, plan);
    const sent = this.#t.receiveElements('segs', values.filter((v) => !v.isPublic).length + (committed ? 2 : 0));
    let next = 0;
    for (const { op, value, isPublic } of values) {
      const point = opPoint(key.ops[op] as Op, points.lookups.get(op) as SegmentPoint);
      const v = isPublic ? this.#evaluate((value as { tensor: number }).tensor, point) : (sent[next++] as F4);
      this.#opened.set(`${op} ${value.role}`, v);
      if (value.source === 'tensor' && !isPublic) this.#claims.push({ tensor: value.tensor, point, value: v });
      if (value.source === 'acc') this.#acc.set(op, { value: v, point });
    }
    const point = contentPoint(points.tables) as Point;
    const columns = plan.content.map((tensor) => {
      const v = committed ? (sent[next++] as F4) : this.#evaluate(tensor, point);
      if (committed) this.#claims.push({ tensor, point, value: v });
      return v;
    });
    return [contentK0At(key.runs, point), ...(columns as [F4, F4])];
  }

  /** V5: the denominators at the leaves are those of the opened values; the numerators of table trees are claims on `mult`. */
  #leafDenominators(leaves: readonly LeafClaim[], content: [F4, F4, F4]): void {
    const { key, plan } = this.#in;
    const challenges = { alpha: this.#alpha, beta: this.#beta };
    plan.instances.forEach(({ side, bits, segments }, q) => {
      const { point, num, den } = leaves[q] as LeafClaim;
      if (side === 'T') this.#claims.push({ tensor: plan.mult[q - plan.lookups.length] as number, point, value: num });
      let total = ZERO;
      for (const s of segments) {
        const lead = bits - s.bits;
        const select = eqPoints(point.slice(0, lead), bitsPoint(s.offset / 2 ** s.bits, lead));
        const at = point.slice(lead);
        let d: F4;
        if (side === 'L') {
          const op = key.ops[s.op] as LookupOp;
          const get = (role: string): F4 => this.#opened.get(`${s.op} ${role}`) as F4;
          d = lookupOf(op).denominator(op, at, { ...challenges, tensors: key.tensors, plan, get });
        } else d = s.op === CONTENT ? contentRowAt(...content, challenges) : rangeRowAt(s.op, at, challenges);
        total = add(total, mul(select, d));
      }
      if (!equal(total, den)) throw new Refused('V5', `the leaf denominator of tree ${q} is not that of the opened values`, { tree: q });
    });
  }

  /** §8.4: a random point for every public accumulator; V13 for those of form lin. */
  #publicAccumulators(): void {
    const t = this.#t;
    const { key, plan } = this.#in;
    key.ops.forEach((op, i) => {
      if (op.kind !== 'out') return;
      const point = t.challenges(
        `ro${i}`,
        (plan.bits[op.y] as number[]).reduce((a, b) => a + b, 0),
      );
      this.#acc.set(i, { value: this.#evaluate(op.y, point), point });
    });
    const linear = key.ops.flatMap((op, i) => (op.kind === 'out' && op.form.kind === 'lin' ? [[i, op] as const] : []));
    if (linear.length === 0) return;
    const isSent = (tensor: number): boolean => !isPublic(key.tensors[tensor]?.home);
    const terms = (op: OutOp): [number, number][] => (op.form as Extract<Form, { kind: 'lin' }>).terms;
    const sent = t.receiveElements(
      'outs',
      linear.reduce((n, [, op]) => n + terms(op).filter(([, x]) => isSent(x)).length, 0),
    );
    let next = 0;
    for (const [i, op] of linear) {
      const { value, point } = this.#acc.get(i) as { value: F4; point: Point };
      const y = key.tensors[op.y] as Tensor;
      const constant = (op.form as Extract<Form, { kind: 'lin' }>).constant;
      let total = scale(constant, indicator(y.dims, plan.bits[op.y] as number[], point));
      for (const [c, tensor] of terms(op)) {
        const v = isSent(tensor) ? (sent[next++] as F4) : this.#evaluate(tensor, point);
        if (isSent(tensor)) this.#claims.push({ tensor, point, value: v });
        total = add(total, scale(c, v));
      }
      if (!equal(total, value)) throw new Refused('V13', `the public accumulator of op ${i} is not the sum of its terms`, { op: i });
    }
  }

  /** §8.4 biases and §8.5: phase A, V6. Returns the spatial sums it leaves, pools first. */
  #contractions(): Spatial[] {
    const t = this.#t;
    const { key, plan } = this.#in;
    const biased = biasedOps(key.ops, this.#acc);
    const sent = key.mode === 'I1' ? t.receiveElements('bias', biased.length) : null;
    const bias = new Map<number, F4>();
    biased.forEach((i, k) => {
      const op = key.ops[i] as Extract<Op, { form: Form }>;
      const [, tensor] = specOf(op.form).weights(op.form) as [number, number];
      const point = channelPoint(op.form, plan.bits[op.y] as number[], this.#acc.get(i)?.point as Point);
      const v = sent === null ? this.#evaluate(tensor, point) : (sent[k] as F4);
      bias.set(i, v);
      if (sent !== null) this.#claims.push({ tensor, point, value: v });
    });
    const claims: AccClaim[] = [...this.#acc]
      .sort(([a], [b]) => a - b)
      .map(([op, { value, point }]) => {
        return { op, y: (key.ops[op] as { y: number }).y, point, acc: value, bias: bias.get(op) ?? ZERO };
      });
    const { contractions, pools } = reductions({ tensors: key.tensors, plan }, key.ops, claims);
    if (contractions.length === 0) return pools;
    const { point, value, delta } = this.#batch('A', contractions, maxOf(contractions.map((c) => c.degree)));
    const ends = t.receiveElements('A.end', 2 * contractions.length);
    let total = ZERO;
    const convs: Spatial[] = [];
    contractions.forEach((c, k) => {
      const end = c.finish(ends[2 * k] as F4, ends[2 * k + 1] as F4, point.slice(point.length - c.variables));
      total = add(total, mul(delta[k] as F4, end.product));
      this.#claims.push(...end.claims);
      if (end.spatial !== null) convs.push(end.spatial);
    });
    if (!equal(total, value))
      throw new Refused('V6', 'a contraction does not end in its operands: an accumulator is not what weights and inputs give');
    return [...pools, ...convs];
  }

  /** §8.6: phase B, V7. */
  #spatials(first: readonly Spatial[], lookups: ReadonlyMap<number, SegmentPoint>): void {
    const t = this.#t;
    const { key, plan } = this.#in;
    const ctx = { tensors: key.tensors, plan };
    const maxima = key.ops.flatMap((op, i) =>
      op.kind === 'max'
        ? maxSpatials(ctx, op, (lookups.get(i) as SegmentPoint).point, (role) => this.#opened.get(`${i} ${role}`) as F4)
        : [],
    );
    const spatials = [...first, ...maxima].map((s) => ({
      ...s,
      variables: (plan.bits[s.x] as number[]).slice(1).reduce((a, b) => a + b, 0),
    }));
    if (spatials.length === 0) return;
    const { point, value, delta } = this.#batch('B', spatials, 2);
    const ends = t.receiveElements('B.end', spatials.length);
    let total = ZERO;
    spatials.forEach((s, k) => {
      const q = point.slice(point.length - s.variables);
      const [qi, qj] = splitPoint(q, (plan.bits[s.x] as number[]).slice(1)) as [F4[], F4[]];
      const phi = s.terms.reduce((acc, { a, b }) => add(acc, mul(evaluateExtension(a, qi), evaluateExtension(b, qj))), ZERO);
      const x = ends[k] as F4;
      total = add(total, mul(delta[k] as F4, mul(x, phi)));
      this.#claims.push({ tensor: s.x, point: [...s.prefix, ...q], value: x });
    });
    if (!equal(total, value))
      throw new Refused('V7', 'a window or tap does not end in its image: a sum over positions is not what the input gives');
  }

  /** §8.9: phase C, V7c: claims on what is shown become claims on what shows it. */
  #shows(): void {
    const t = this.#t;
    const { key, plan } = this.#in;
    const shows = showsOf(key);
    const ctx = { tensors: key.tensors, plan, values: (i: number) => this.#public.get(i) as Int32Array };
    const reductions = this.#claims.flatMap((c) => {
      const op = shows.get(c.tensor);
      return op === undefined ? [] : [showOf(op).reduce(ctx, op, c)];
    });
    if (reductions.length === 0) return;
    const delta = powers(t.challenge('C.delta'), reductions.length);
    const claim = reductions.reduce((s, r, k) => add(s, mul(delta[k] as F4, r.total)), ZERO);
    const rounds = maxOf(reductions.flatMap((r) => r.sums.map((s) => s.variables)));
    const { point, value } = verifySumcheck(t, 'C', claim, rounds, 2);
    const ends = t.receiveElements(
      'C.end',
      reductions.reduce((n, r) => n + r.sums.length, 0),
    );
    let total = ZERO;
    let next = 0;
    reductions.forEach((r, k) => {
      for (const s of r.sums) {
        const x = ends[next++] as F4;
        const q = point.slice(rounds - s.variables);
        const term = scale(showWeight(rounds, s), mul(x, showFactor(s, q)));
        total = add(total, mul(delta[k] as F4, term));
        this.#claims.push({ tensor: s.x, point: s.pointAt(q), value: x });
      }
    });
    if (!equal(total, value)) throw new Refused('V7c', 'a view does not show its tensors: a value is not the one at its place');
  }

  /** The batched sumcheck of a phase (§8.5): an instance of fewer variables is constant in the first rounds. */
  #batch(name: string, list: readonly (Pick<Contraction, 'sum'> & { readonly variables: number })[], degree: number) {
    const rounds = maxOf(list.map((i) => i.variables));
    const delta = powers(this.#t.challenge(`${name}.delta`), list.length);
    const claim = list.reduce((s, i, k) => add(s, mul(delta[k] as F4, scale(2 ** (rounds - i.variables), i.sum))), ZERO);
    return { ...verifySumcheck(this.#t, name, claim, rounds, degree), delta };
  }

  /** §8.7 and §9: V8 for what the verifier evaluates itself, the opening for the rest. */
  #open(rootA: Uint8Array | null): void {
    const { key, plan, inputRoot } = this.#in;
    const opening: Claim[] = [];
    for (const c of this.#claims) {
      if (key.tensors[c.tensor]?.home === 'V') continue; // reduced in phase C
      if (!verifierEvaluates(key, c.tensor)) opening.push(c);
      else if (!equal(this.#evaluate(c.tensor, c.point), c.value))
        throw new Refused('V8', `a claim on the public tensor ${c.tensor} is false`, { tensor: c.tensor });
    }
    if (plan.groups.length === 0) return;
    const roots = { W: key.wroot, X: inputRoot as Uint8Array, A: rootA as Uint8Array };
    verifyOpening(
      this.#t,
      { h: key.h, lr: key.lr, queries: key.t, grinding: [key.grinding[1], key.grinding[2]], groups: plan.groups },
      opening.map((c) => stackClaim(plan, key.h, c)),
      plan.groups.map((g) => roots[g.group]),
      this.#arithmetic,
    );
  }
}
