/**
 * The fraction forest of LogUp (protocol §8.2): build every tree once, then fold level by level.
 */
import { add, type F4, get, mul, mulTo, ONE, reduceSplit, ZERO } from '../../../protocol/extension.ts';
import { add as addBase, residue, sub as subBase } from '../../../protocol/field.ts';
import { eqTable, foldTop, type Point } from '../../../protocol/mle.ts';
import type { Forest, TreeLeaves } from '../kernels.ts';

/** A level of a tree: numerators (null: all one) and denominators. */
interface Level {
  readonly num: Uint32Array | null;
  readonly den: Uint32Array;
}

export async function forest(trees: readonly TreeLeaves[], alpha: F4, beta: F4): Promise<Forest> {
  return new ReferenceForest(trees.map((t) => levelsOf(t, alpha, beta)));
}

/** Denominators α − (k0 + β k1 + β² k2) of the leaves. */
function denominators({ k0, k1, k2 }: TreeLeaves, alpha: F4, beta: F4): Uint32Array {
  const n = k0.length;
  const out = new Uint32Array(4 * n);
  const beta2 = mul(beta, beta);
  for (let i = 0; i < n; i++) {
    const a = k0[i] as number;
    const b = k1[i] as number;
    const c = k2[i] as number;
    // Signed 16-bit low parts and the rest: every product stays below 2^47.
    const bl = (b << 16) >> 16;
    const bh = (b - bl) / 65536;
    const cl = (c << 16) >> 16;
    const ch = (c - cl) / 65536;
    for (let k = 0; k < 4; k++) {
      const x = beta[k] as number;
      const y = beta2[k] as number;
      const base = k === 0 ? (alpha[0] as number) - a : (alpha[k] as number);
      out[4 * i + k] = reduceSplit(base - bl * x - cl * y, -(bh * x) - ch * y);
    }
  }
  return out;
}

/** All levels of a tree, leaves last. */
function levelsOf(leaves: TreeLeaves, alpha: F4, beta: F4): Level[] {
  const den = denominators(leaves, alpha, beta);
  let num: Uint32Array | null = null;
  if (leaves.numerators !== null) {
    num = new Uint32Array(den.length);
    for (let i = 0; i < leaves.numerators.length; i++) num[4 * i] = residue(leaves.numerators[i] as number);
  }
  const levels: Level[] = [{ num, den }];
  while ((levels[0] as Level).den.length > 4) levels.unshift(above(levels[0] as Level));
  return levels;
}

/** n = n0 d1 + n1 d0, d = d0 d1, the halves split by the top bit. */
function above({ num, den }: Level): Level {
  const half = den.length / 2;
  const n = new Uint32Array(half);
  const d = new Uint32Array(half);
  const t = new Uint32Array(4);
  for (let i = 0; i < half; i += 4) {
    mulTo(d, i, den, i, den, i + half);
    if (num === null) for (let k = 0; k < 4; k++) n[i + k] = addBase(den[i + k] as number, den[i + half + k] as number);
    else {
      mulTo(n, i, num, i, den, i + half);
      mulTo(t, 0, num, i + half, den, i);
      for (let k = 0; k < 4; k++) n[i + k] = addBase(n[i + k] as number, t[k] as number);
    }
  }
  return { num: n, den: d };
}

/** The four quarters of an active tree at the current level: n0, n1 (null: one), d0, d1. */
interface Quarters {
  n0: Uint32Array | null;
  n1: Uint32Array | null;
  d0: Uint32Array;
  d1: Uint32Array;
}

class ReferenceForest implements Forest {
  #trees: Level[][];
  #lambda: F4 = ZERO;
  #delta: readonly F4[] = [];
  #active: Quarters[] = [];
  /** eq(r_{j+1..}, ·) of the current round. */
  #eq: Uint32Array = new Uint32Array(4);

  constructor(trees: Level[][]) {
    this.#trees = trees;
  }

  async roots(): Promise<readonly F4[]> {
    return this.#trees.flatMap(([root]) => {
      const { num, den } = root as Level;
      return [num === null ? ONE : get(num, 0), get(den, 0)];
    });
  }

  async level(s: number, active: readonly number[], lambda: F4, delta: readonly F4[], r: Point): Promise<void> {
    this.#lambda = lambda;
    this.#delta = delta;
    this.#active = active.map((q) => {
      const { num, den } = (this.#trees[q] as Level[])[s + 1] as Level;
      const half = den.length / 2;
      return {
        n0: num?.subarray(0, half) ?? null,
        n1: num?.subarray(half) ?? null,
        d0: den.subarray(0, half),
        d1: den.subarray(half),
      };
    });
    this.#eq = eqTable(r.slice(1));
  }

  async round(): Promise<readonly [F4, F4]> {
    let t0 = ZERO;
    let tInf = ZERO;
    this.#active.forEach((quarters, k) => {
      const [a, b] = roundOf(quarters, this.#eq, this.#lambda);
      t0 = add(t0, mul(this.#delta[k] as F4, a));
      tInf = add(tInf, mul(this.#delta[k] as F4, b));
    });
    return [t0, tInf];
  }

  async fold(rho: F4): Promise<void> {
    for (const q of this.#active) {
      q.n0 = q.n0 === null ? null : foldTop(q.n0, rho);
      q.n1 = q.n1 === null ? null : foldTop(q.n1, rho);
      q.d0 = foldTop(q.d0, rho);
      q.d1 = foldTop(q.d1, rho);
    }
    // eq(r_{j+2..}, x) = Σ_b eq(r_{j+1..}, b x): the bound coordinate sums out.
    const half = this.#eq.length / 2;
    if (half >= 4) {
      const next = new Uint32Array(half);
      for (let i = 0; i < half; i++) next[i] = addBase(this.#eq[i] as number, this.#eq[i + half] as number);
      this.#eq = next;
    }
  }

  async masks(): Promise<readonly (readonly [F4, F4, F4, F4])[]> {
    return this.#active.map(({ n0, n1, d0, d1 }) => [
      n0 === null ? ONE : get(n0, 0),
      n1 === null ? ONE : get(n1, 0),
      get(d0, 0),
      get(d1, 0),
    ]);
  }

  free(): void {
    this.#trees = [];
    this.#active = [];
  }
}

/** t(0) and t(∞) of one tree: Σ_x eq(x) [λ(n0 d1 + n1 d0) + d0 d1] at X = 0, and its X² coefficient from the differences. */
function roundOf({ n0, n1, d0, d1 }: Quarters, eq: Uint32Array, lambda: F4): [F4, F4] {
  const half = d0.length / 2;
  const s = new Uint32Array(16); // Σ eq·num and Σ eq·den, at 0 and at ∞
  const t = new Uint32Array(24);
  const sum = (at: number): void => {
    for (let k = 0; k < 4; k++) s[at + k] = addBase(s[at + k] as number, t[k] as number);
  };
  for (let i = 0; i < half; i += 4) {
    // Differences of the top variable: Δd0 at 4, Δd1 at 8, Δn0 at 12, Δn1 at 16.
    for (let k = 0; k < 4; k++) {
      t[4 + k] = subBase(d0[i + half + k] as number, d0[i + k] as number);
      t[8 + k] = subBase(d1[i + half + k] as number, d1[i + k] as number);
    }
    mulTo(t, 0, d0, i, d1, i);
    mulTo(t, 0, t, 0, eq, i);
    sum(4);
    mulTo(t, 0, t, 4, t, 8);
    mulTo(t, 0, t, 0, eq, i);
    sum(12);
    if (n0 === null || n1 === null) {
      for (let k = 0; k < 4; k++) t[k] = addBase(d0[i + k] as number, d1[i + k] as number);
      mulTo(t, 0, t, 0, eq, i);
      sum(0);
      continue;
    }
    for (let k = 0; k < 4; k++) {
      t[12 + k] = subBase(n0[i + half + k] as number, n0[i + k] as number);
      t[16 + k] = subBase(n1[i + half + k] as number, n1[i + k] as number);
    }
    mulTo(t, 0, n0, i, d1, i);
    mulTo(t, 20, n1, i, d0, i);
    for (let k = 0; k < 4; k++) t[k] = addBase(t[k] as number, t[20 + k] as number);
    mulTo(t, 0, t, 0, eq, i);
    sum(0);
    mulTo(t, 0, t, 12, t, 8);
    mulTo(t, 20, t, 16, t, 4);
    for (let k = 0; k < 4; k++) t[k] = addBase(t[k] as number, t[20 + k] as number);
    mulTo(t, 0, t, 0, eq, i);
    sum(8);
  }
  return [add(mul(lambda, get(s, 0)), get(s, 1)), add(mul(lambda, get(s, 2)), get(s, 3))];
}
