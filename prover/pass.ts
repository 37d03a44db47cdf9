/**
 * One pass of the prover: from a witness to the proof body (protocol §8, §9). It faces `verifier/pass.ts` step by step; all field work
 * stands behind the kernels.
 */
import type { Claim } from '../circuits/claim.ts';
import { stackOf } from '../circuits/contents.ts';
import type { Runnable } from '../circuits/evaluate.ts';
import { tapOf } from '../circuits/evaluate.ts';
import { specOf } from '../circuits/forms/index.ts';
import { type AccClaim, type Contraction, outer, type Recipe, type Spatial } from '../circuits/forms/reduction.ts';
import { isPublic } from '../circuits/public.ts';
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
  showsOf,
  showWeight,
  stackClaim,
  verifierEvaluates,
} from '../circuits/relation.ts';
import { encodeRevealed } from '../circuits/reveal.ts';
import { maxOf } from '../circuits/shape.ts';
import { showOf } from '../circuits/show.ts';
import type { Form, MaxOp, Op, OutOp, ShowOp } from '../circuits/types.ts';
import { type F4, ONE, powers, scale, ZERO } from '../protocol/extension.ts';
import { proveForest } from '../protocol/logup.ts';
import type { Point } from '../protocol/mle.ts';
import { proveOpening } from '../protocol/opening.ts';
import { Pace } from '../protocol/pace.ts';
import { proveSumcheck } from '../protocol/sumcheck.ts';
import type { ProverTranscript } from '../protocol/transcript.ts';
import type { BatchedSumcheck, CommittedGroup, Kernels } from './kernels/kernels.ts';
import type { Witness } from './witness.ts';

export interface PassInput {
  readonly circuit: Runnable;
  readonly witness: Witness;
  /** Commitments of every group but A, which the pass makes itself. */
  readonly committed: ReadonlyMap<string, CommittedGroup>;
  readonly statementDigest: Uint8Array;
}

type Grind = (state: Uint8Array, bits: number) => Promise<number>;

/** Sends the whole proof body. */
export async function provePass(t: ProverTranscript, kernels: Kernels, input: PassInput, pace: Pace = new Pace()): Promise<void> {
  await new Pass(t, kernels, input, pace).run();
}

class Pass {
  readonly #t: ProverTranscript;
  readonly #kernels: Kernels;
  readonly #in: PassInput;
  readonly #pace: Pace;
  readonly #claims: Claim[] = [];
  readonly #opened = new Map<string, F4>();
  readonly #acc = new Map<number, { readonly value: F4; readonly point: Point }>();
  /** What the kernels hold for this pass. */
  readonly #held = new Set<{ free(): void }>();

  constructor(t: ProverTranscript, kernels: Kernels, input: PassInput, pace: Pace) {
    this.#t = t;
    this.#kernels = kernels;
    this.#in = input;
    this.#pace = pace;
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      for (const h of this.#held) h.free();
    }
  }

  #hold<T extends { free(): void }>(held: T): T {
    this.#held.add(held);
    return held;
  }

  #free(held: { free(): void }): void {
    this.#held.delete(held);
    held.free();
  }

  async #run(): Promise<void> {
    const t = this.#t;
    const { circuit, statementDigest } = this.#in;
    const { fields, plan } = circuit;
    const committed = new Map(this.#in.committed);
    if (plan.groups.some((g) => g.group === 'A')) {
      const stack = stackOf(plan, fields.h, 'A', (i) => this.#values(i));
      const groupA = this.#hold(
        await this.#kernels.commit(stack, fields.h, fields.lr, (f) => this.#pace.at('commit to the run', 0.2 + 0.1 * f)),
      );
      t.sendDigest('root', groupA.root);
      committed.set('A', groupA);
    }
    t.sendBytes(
      'reveal',
      encodeRevealed(fields.tensors, (i) => this.#values(i)),
    );
    t.absorb('digest', 'statement', statementDigest);
    t.delay(delayOf(plan));
    const grind: Grind = (state, bits) => this.#kernels.grind(state, bits);
    const lookups = plan.instances.length > 0 ? await this.#lookups(grind) : null;
    await this.#publicAccumulators();
    await this.#pace.at('contractions', 0.65);
    const spatials = await this.#contractions();
    await this.#pace.at('windows', 0.75);
    await this.#spatials(spatials, lookups ?? new Map());
    await this.#shows();
    await this.#pace.at('opening', 0.85);
    if (plan.groups.length > 0) await this.#open(committed, grind);
    await this.#pace.at('done', 1);
  }

  #values(tensor: number): Int32Array {
    return this.#in.witness.values.get(tensor) as Int32Array;
  }

  /** §8.2, §8.3: the forest of the lookups and what it opens; returns the points of the lookup ops. */
  async #lookups(grind: Grind): Promise<ReadonlyMap<number, SegmentPoint>> {
    const t = this.#t;
    const { circuit, witness } = this.#in;
    const { fields, plan } = circuit;
    await t.sendNonce('grind.lookup', fields.grinding[0], grind);
    const alpha = t.challenge('alpha');
    const beta = t.challenge('beta');

    await this.#pace.at('lookups', 0.3);
    const forest = this.#hold(
      await this.#kernels.forest(
        [
          ...witness.lookups.map((k) => ({ ...k, numerators: null })),
          ...witness.tables.map((k, i) => ({ ...k, numerators: this.#values(plan.mult[i] as number) })),
        ],
        alpha,
        beta,
      ),
    );
    const depth = Math.max(...plan.instances.map((i) => i.bits));
    const leaves = await proveForest(t, plan.instances, {
      roots: () => forest.roots(),
      level: async (s, active, lambda, delta, r) => {
        await this.#pace.at('lookups', 0.3 + 0.3 * 2 ** (s - depth));
        await forest.level(s, active, lambda, delta, r);
      },
      round: () => forest.round(),
      fold: (rho) => forest.fold(rho),
      masks: () => forest.masks(),
    });
    this.#free(forest);
    const points = segmentPoints(plan, leaves);
    await this.#pace.at('values', 0.6);
    await this.#segmentValues(points, leaves);
    return points.lookups;
  }

  async #segmentValues(
    points: { lookups: Map<number, SegmentPoint>; tables: Map<number, SegmentPoint> },
    leaves: readonly Point[],
  ): Promise<void> {
    const { fields, plan } = this.#in.circuit;
    const T = fields.tensors;
    const values = openedValues(fields).filter((v) => !v.isPublic);
    const committed = contentIsOpened(fields, plan);
    const at = contentPoint(points.tables) as Point;
    const requests = values.map(({ op, value }) => {
      const o = fields.ops[op] as Op;
      const point = opPoint(o, points.lookups.get(op) as SegmentPoint);
      if (value.source === 'tensor') return { values: this.#values(value.tensor), point };
      if (value.source === 'tap') return { values: tapOf(o as MaxOp, value.tap, T, this.#values((o as MaxOp).x)), point };
      return { values: this.#in.witness.accumulators.get(op) as Int32Array, point };
    });
    if (committed) requests.push(...plan.content.map((t) => ({ values: this.#values(t), point: at })));
    const opened = await this.#kernels.evaluate(requests);
    this.#t.sendElements('segs', opened);
    values.forEach(({ op, value }, k) => {
      const v = opened[k] as F4;
      const { point } = requests[k] as { point: Point };
      this.#opened.set(`${op} ${value.role}`, v);
      if (value.source === 'tensor') this.#claims.push({ tensor: value.tensor, point, value: v });
      if (value.source === 'acc') this.#acc.set(op, { value: v, point });
    });
    if (committed)
      plan.content.forEach((tensor, k) => {
        this.#claims.push({ tensor, point: at, value: opened[values.length + k] as F4 });
      });
    const multiplicities = await this.#kernels.evaluate(
      plan.mult.map((t, i) => ({ values: this.#values(t), point: leaves[plan.lookups.length + i] as Point })),
    );
    plan.mult.forEach((tensor, i) => {
      this.#claims.push({ tensor, point: leaves[plan.lookups.length + i] as Point, value: multiplicities[i] as F4 });
    });
  }

  async #publicAccumulators(): Promise<void> {
    const t = this.#t;
    const { fields, plan } = this.#in.circuit;
    for (const [i, op] of fields.ops.entries()) {
      if (op.kind !== 'out') continue;
      const point = t.challenges(
        `ro${i}`,
        (plan.bits[op.y] as number[]).reduce((a, b) => a + b, 0),
      );
      const [value] = await this.#kernels.evaluate([{ values: this.#values(op.y), point }]);
      this.#acc.set(i, { value: value as F4, point });
    }
    const linear = fields.ops.flatMap((op, i) => (op.kind === 'out' && op.form.kind === 'lin' ? [[i, op] as const] : []));
    if (linear.length === 0) return;
    const requests = linear.flatMap(([i, op]: readonly [number, OutOp]) =>
      (op.form as Extract<Form, { kind: 'lin' }>).terms
        .filter(([, x]) => !isPublic(fields.tensors[x]?.home))
        .map(([, tensor]) => ({ tensor, point: this.#acc.get(i)?.point as Point })),
    );
    const values = await this.#kernels.evaluate(requests.map((r) => ({ values: this.#values(r.tensor), point: r.point })));
    t.sendElements('outs', values);
    requests.forEach((r, k) => {
      this.#claims.push({ ...r, value: values[k] as F4 });
    });
  }

  async #contractions(): Promise<Spatial[]> {
    const t = this.#t;
    const { fields, plan } = this.#in.circuit;
    const biased = biasedOps(fields.ops, this.#acc);
    const requests = biased.map((i) => {
      const op = fields.ops[i] as Extract<Op, { form: Form }>;
      const [, tensor] = specOf(op.form).weights(op.form) as [number, number];
      return { tensor, point: channelPoint(op.form, plan.bits[op.y] as number[], this.#acc.get(i)?.point as Point) };
    });
    const biases = await this.#kernels.evaluate(requests.map((r) => ({ values: this.#values(r.tensor), point: r.point })));
    if (fields.mode === 'I1') {
      t.sendElements('bias', biases);
      requests.forEach((r, k) => {
        this.#claims.push({ ...r, value: biases[k] as F4 });
      });
    }
    const bias = new Map(biased.map((i, k) => [i, biases[k] as F4]));
    const claims: AccClaim[] = [...this.#acc]
      .sort(([a], [b]) => a - b)
      .map(([op, { value, point }]) => {
        return { op, y: (fields.ops[op] as { y: number }).y, point, acc: value, bias: bias.get(op) ?? ZERO };
      });
    const { contractions, pools } = reductions({ tensors: fields.tensors, plan }, fields.ops, claims);
    if (contractions.length === 0) return pools;
    const { point, sumcheck } = await this.#batch('A', contractions, maxOf(contractions.map((c) => c.degree)));
    const ends = await sumcheck.ends(2);
    this.#free(sumcheck);
    t.sendElements('A.end', ends.flat());
    const convs: Spatial[] = [];
    contractions.forEach((c: Contraction, k) => {
      const [u, v] = ends[k] as [F4, F4];
      const end = c.finish(u, v, point.slice(point.length - c.variables));
      this.#claims.push(...end.claims);
      if (end.spatial !== null) convs.push(end.spatial);
    });
    return [...pools, ...convs];
  }

  async #spatials(first: readonly Spatial[], lookups: ReadonlyMap<number, SegmentPoint>): Promise<void> {
    const { fields, plan } = this.#in.circuit;
    const ctx = { tensors: fields.tensors, plan };
    const maxima = fields.ops.flatMap((op, i) =>
      op.kind === 'max'
        ? maxSpatials(ctx, op, (lookups.get(i) as SegmentPoint).point, (role) => this.#opened.get(`${i} ${role}`) as F4)
        : [],
    );
    const spatials = [...first, ...maxima];
    if (spatials.length === 0) return;
    const instances = spatials.map((s) => {
      const variables = (plan.bits[s.x] as number[]).slice(1).reduce((a, b) => a + b, 0);
      const image: Recipe = { kind: 'contract', tensor: s.x, outer: 1, inner: 2 ** variables, point: s.prefix };
      return { variables, sum: s.sum, factors: [image, { kind: 'outer', terms: s.terms } as const] };
    });
    const { point, sumcheck } = await this.#batch('B', instances, 2);
    const ends = (await sumcheck.ends(1)).map(([x]) => x as F4);
    this.#free(sumcheck);
    this.#t.sendElements('B.end', ends);
    spatials.forEach((s, k) => {
      const { variables } = instances[k] as { variables: number };
      this.#claims.push({ tensor: s.x, point: [...s.prefix, ...point.slice(point.length - variables)], value: ends[k] as F4 });
    });
  }

  /** §8.9: phase C. */
  async #shows(): Promise<void> {
    const t = this.#t;
    const { fields, plan } = this.#in.circuit;
    const T = fields.tensors;
    const values = (i: number): Int32Array => this.#values(i);
    const shows = showsOf(fields);
    const claims = this.#claims.filter((c) => shows.has(c.tensor));
    if (claims.length === 0) return;
    const reductions = claims.map((c) => {
      const op = shows.get(c.tensor) as ShowOp;
      return { op, point: c.point, ...showOf(op).reduce({ tensors: T, plan, values }, op, c) };
    });
    const delta = powers(t.challenge('C.delta'), reductions.length);
    const rounds = maxOf(reductions.flatMap((r) => r.sums.map((s) => s.variables)));
    const list = reductions.flatMap((r, k) =>
      r.sums.map((sum, part) => ({ ...r, sum, part, weight: scale(showWeight(rounds, sum), delta[k] as F4) })),
    );
    // One sum alone is the total; of several each has its own.
    const several = list.filter((e) => e.sums.length > 1);
    const own = await this.#kernels.evaluate(several.map((e) => ({ values: showOf(e.op).part(e.op, e.part, T, values), point: e.point })));
    const instances = list.map((e) => {
      const { x, image, variables, vectors } = e.sum;
      const one = Uint32Array.from(ONE);
      const terms = [{ a: vectors.slice(0, -1).reduce(outer, one), b: vectors.at(-1) ?? one }];
      const at = several.indexOf(e);
      const factors: Recipe[] = [
        { kind: 'contract', tensor: x, ...image },
        { kind: 'outer', terms },
      ];
      return { variables, factors, sum: at < 0 ? e.total : (own[at] as F4) };
    });
    const weights = list.map((e) => e.weight);
    const sumcheck = this.#hold(await this.#kernels.sumcheck(instances, weights, 2, values));
    const point = await proveSumcheck(t, 'C', rounds, sumcheck);
    const ends = (await sumcheck.ends(1)).map(([x]) => x as F4);
    this.#free(sumcheck);
    t.sendElements('C.end', ends);
    list.forEach(({ sum }, k) => {
      this.#claims.push({ tensor: sum.x, point: sum.pointAt(point.slice(rounds - sum.variables)), value: ends[k] as F4 });
    });
  }

  async #batch(
    name: string,
    list: readonly { readonly variables: number; readonly sum: F4; readonly factors: readonly Recipe[] }[],
    degree: number,
  ): Promise<{ point: Point; sumcheck: BatchedSumcheck }> {
    const delta = powers(this.#t.challenge(`${name}.delta`), list.length);
    const sumcheck = this.#hold(await this.#kernels.sumcheck(list, delta, degree, (t) => this.#values(t)));
    const rounds = maxOf(list.map((i) => i.variables));
    return { point: await proveSumcheck(this.#t, name, rounds, sumcheck), sumcheck };
  }

  async #open(committed: ReadonlyMap<string, CommittedGroup>, grind: Grind): Promise<void> {
    const { fields, plan } = this.#in.circuit;
    const claims = this.#claims
      .filter((c) => fields.tensors[c.tensor]?.home !== 'V' && !verifierEvaluates(fields, c.tensor))
      .map((c) => stackClaim(plan, fields.h, c));
    const groups = plan.groups.map(({ group }) => committed.get(group) as CommittedGroup);
    const columns = this.#hold(await this.#kernels.opening(groups, fields.h));
    await proveOpening(
      this.#t,
      { h: fields.h, lr: fields.lr, queries: fields.t, grinding: [fields.grinding[1], fields.grinding[2]], groups: plan.groups },
      claims,
      {
        batch: (list, gamma) => columns.batch(list, gamma),
        columnsAt: (z) => columns.columnsAt(z),
        combine: (eta) => columns.combine(eta),
        open: (group, positions) => (committed.get(group) as CommittedGroup).open(positions),
        grind,
      },
    );
  }
}
