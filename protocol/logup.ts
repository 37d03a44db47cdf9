/**
 * LogUp: Σ over lookups of 1/(α − φ(key)) = Σ over rows of mult/(α − φ(row)), as a forest of fraction trees folded by GKR
 * (protocol §8.2).  n/d + n'/d' = (n d' + n' d)/(d d'): no inversions until the roots.
 *
 * Level s goes from s+1 by the top bit: v_s[x] combines v_{s+1}[x] and v_{s+1}[x + 2^s]. All instances share challenges and points; an
 * instance of 2^n leaves ends with level n − 1. The caller owes a check of every leaf claim (num, den) at its point.
 */
import { add, equal, type F4, inverse, isZero, mul, ONE, powers, sub, ZERO } from './extension.ts';
import type { Point } from './mle.ts';
import { Refused } from './refused.ts';
import type { ProverTranscript, VerifierTranscript } from './transcript.ts';

/** A tree of 2^bits leaves; lookups (L) have unit numerators at the leaves. */
export interface TreeShape {
  readonly side: 'L' | 'T';
  readonly bits: number;
}

export interface LeafClaim {
  readonly point: Point;
  readonly num: F4;
  readonly den: F4;
}

/** The prover's forest: kernels stand behind it. Indices refer to the list of trees. */
export interface ForestOracle {
  /** (p, q) of every tree. */
  roots(): Promise<readonly F4[]>;
  /** Starts level s for these trees at point r of the level above. */
  level(s: number, active: readonly number[], lambda: F4, delta: readonly F4[], r: Point): Promise<void>;
  /** t(0) and t(∞), without the eq factors of bound variables and of this one. */
  round(): Promise<readonly [F4, F4]>;
  fold(rho: F4): Promise<void>;
  /** n0, n1, d0, d1 of every active tree at the bound point. */
  masks(): Promise<readonly (readonly [F4, F4, F4, F4])[]>;
}

const active = (trees: readonly TreeShape[], s: number): number[] => trees.flatMap((t, q) => (t.bits > s ? [q] : []));
const depth = (trees: readonly TreeShape[]): number => Math.max(...trees.map((t) => t.bits));
const unitAt = (t: TreeShape, s: number): boolean => t.side === 'L' && t.bits === s + 1;

/** Returns the leaf point of every tree. */
export async function proveForest(t: ProverTranscript, trees: readonly TreeShape[], oracle: ForestOracle): Promise<Point[]> {
  t.sendElements('roots', await oracle.roots());
  let r: F4[] = [];
  const leaves: Point[] = trees.map(() => []);
  for (let s = 0; s < depth(trees); s++) {
    const now = active(trees, s);
    const lambda = t.challenge(`lam${s}`);
    const delta = powers(t.challenge(`del${s}`), now.length);
    await oracle.level(s, now, lambda, delta, r);
    const rho: F4[] = [];
    for (let j = 0; j < s; j++) {
      t.sendElements(`g${s}.${j}`, await oracle.round());
      const x = t.challenge(`rho${s}.${j}`);
      await oracle.fold(x);
      rho.push(x);
    }
    const masks = await oracle.masks();
    t.sendElements(
      `mask${s}`,
      masks.flatMap((m, k) => (unitAt(trees[now[k] as number] as TreeShape, s) ? m.slice(2) : m) as F4[]),
    );
    r = [t.challenge(`tau${s}`), ...rho];
    for (const q of now) if ((trees[q] as TreeShape).bits === s + 1) leaves[q] = r;
  }
  return leaves;
}

/** Checks V1–V4 and returns the leaf claim of every tree. */
export function verifyForest(t: VerifierTranscript, trees: readonly TreeShape[]): LeafClaim[] {
  const roots = t.receiveElements('roots', 2 * trees.length);
  const claims = trees.map((_, q): LeafClaim => ({ point: [], num: roots[2 * q] as F4, den: roots[2 * q + 1] as F4 }));
  let sum = ZERO;
  claims.forEach(({ num, den }, q) => {
    if (isZero(den)) throw new Refused('V1', `the root denominator of tree ${q} is zero`, { tree: q });
    const fraction = mul(num, inverse(den));
    sum = (trees[q] as TreeShape).side === 'L' ? add(sum, fraction) : sub(sum, fraction);
  });
  if (!isZero(sum)) throw new Refused('V2', 'the fraction sums of lookups and tables differ: some lookup is in no table');
  let r: F4[] = [];
  for (let s = 0; s < depth(trees); s++) {
    const now = active(trees, s);
    const lambda = t.challenge(`lam${s}`);
    const delta = powers(t.challenge(`del${s}`), now.length);
    let claim = now.reduce((c, q, k) => {
      const { num, den } = claims[q] as LeafClaim;
      return add(c, mul(delta[k] as F4, add(mul(lambda, num), den)));
    }, ZERO);
    const rho: F4[] = [];
    for (let j = 0; j < s; j++) {
      const [t0, tInf] = t.receiveElements(`g${s}.${j}`, 2) as [F4, F4];
      const rj = r[j] as F4;
      if (isZero(rj)) throw new Refused('V3', `coordinate ${j} of level ${s} is zero`, { level: s, round: j });
      const t1 = mul(sub(claim, mul(sub(ONE, rj), t0)), inverse(rj));
      const x = t.challenge(`rho${s}.${j}`);
      // t(x) = t0 + x (t1 − t0 − t∞) + x² t∞
      claim = add(t0, mul(x, add(sub(sub(t1, t0), tInf), mul(x, tInf))));
      rho.push(x);
    }
    const units = now.filter((q) => unitAt(trees[q] as TreeShape, s)).length;
    const values = t.receiveElements(`mask${s}`, 4 * now.length - 2 * units);
    let at = 0;
    let total = ZERO;
    const masks = now.map((q, k) => {
      const unit = unitAt(trees[q] as TreeShape, s);
      const [n0, n1] = unit ? [ONE, ONE] : [values[at++] as F4, values[at++] as F4];
      const [d0, d1] = [values[at++] as F4, values[at++] as F4];
      const num = add(mul(n0, d1), mul(n1, d0));
      total = add(total, mul(delta[k] as F4, add(mul(lambda, num), mul(d0, d1))));
      return [n0, n1, d0, d1] as const;
    });
    if (!equal(total, claim)) throw new Refused('V4', `level ${s} of the fraction forest does not match the level above it`, { level: s });
    const tau = t.challenge(`tau${s}`);
    r = [tau, ...rho];
    now.forEach((q, k) => {
      const [n0, n1, d0, d1] = masks[k] as readonly [F4, F4, F4, F4];
      claims[q] = { point: r, num: add(n0, mul(tau, sub(n1, n0))), den: add(d0, mul(tau, sub(d1, d0))) };
    });
  }
  return claims;
}
