/**
 * The sumcheck of Σ_j weight_j Σ_b eq(z_j, b) v_j(b) over 2^h rows (protocol §9.1), where claims share vectors.
 *
 * eq is a product over coordinates, so what is bound of it is a number and what is not yet bound a table: a round wants
 * A = Σ E[s] v(0, s) and B = Σ E[s] v(1, s) over the coordinates after the present one, and h(X) = weight · eq(z, X) · (A + X (B − A)). A vector is
 * folded once, however many claims are on it. A coordinate of z that is 0 or 1 (a short tensor names its place so, §3.2) leaves a block of
 * the rows: E has the size of the tensor.
 */
import { add, type F4, mul, ONE, scale, sub, ZERO } from '../../../protocol/extension.ts';
import type { Point } from '../../../protocol/mle.ts';
import type { RoundOracle } from '../../../protocol/sumcheck.ts';
import type { Scope } from '../../../wasm/memory.ts';
import { at, eqTable, fromMontgomery, setScalar } from './elements.ts';
import type { Machine, Task } from './machine.ts';

/** A claim on vector `vector` of the list at z, h coordinates. */
export interface VectorClaim {
  readonly vector: number;
  readonly z: Point;
  readonly weight: F4;
}

const SUMS = 128;

const isConstant = (x: F4, v: number): boolean => x[0] === v && x[1] === 0 && x[2] === 0 && x[3] === 0;

/** How many leading coordinates are 0 or 1. */
function fixedBits(z: Point): number {
  const first = z.findIndex((x) => !isConstant(x, 0) && !isConstant(x, 1));
  return first < 0 ? z.length : first;
}

/** `vectors`: addresses of 2^h elements in planes, which the rounds fold away. `scope` holds what is needed besides. */
export function claimRounds(
  machine: Machine,
  scope: Scope,
  h: number,
  vectors: readonly number[],
  plane: number,
  claims: readonly VectorClaim[],
): RoundOracle {
  const states = claims.map(({ vector, z, weight }) => {
    const fixed = fixedBits(z);
    return { v: vectors[vector] as number, z, fixed, weight, eq: eqTable(machine, scope, z.slice(fixed)) };
  });
  const sums = scope.alloc(SUMS * Math.max(1, claims.length) * machine.mostRanges);
  const xAt = scope.alloc(28);
  /** eq of the coordinates bound so far, times the weight. */
  const reached = claims.map((c) => c.weight);
  let round = 0;
  let x: F4 | null = null;

  return {
    async round() {
      const half = 2 ** (h - 1 - round);
      if (x !== null) {
        setScalar(machine, xAt, x);
        const ranges = machine.ranges(2 * half, 4, 2);
        machine.run(vectors.flatMap((v) => ranges.map(([a, b]): Task => ['foldTop', a, b, v, plane, 2 * half, xAt])));
      }
      const pieces: { j: number; out: number }[] = [];
      const tasks: Task[] = [];
      states.forEach(({ v, z, fixed, eq }, j) => {
        let offset = 0;
        if (round >= fixed) machine.call('sumOut', eq.table, eq.plane, half);
        else for (const bit of z.slice(round + 1, fixed)) offset = 2 * offset + bit[0];
        const size = 2 ** (h - Math.max(fixed, round + 1));
        const f = v + 4 * offset * size;
        for (const [a, b] of machine.ranges(size, 4, 4)) {
          const out = sums + SUMS * pieces.length;
          pieces.push({ j, out });
          tasks.push(['innerProducts', a, b, eq.table, eq.plane, f, f + 4 * half, plane, out]);
        }
      });
      machine.run(tasks);
      const words = machine.memory.u32;
      const low = states.map(() => ZERO);
      const high = states.map(() => ZERO);
      for (const { j, out } of pieces) {
        low[j] = add(low[j] as F4, at(words, out));
        high[j] = add(high[j] as F4, at(words, out + 16));
      }
      let at0 = ZERO;
      let at2 = ZERO;
      states.forEach(({ z }, j) => {
        const here = z[round] as F4;
        const a = low[j] as F4;
        const w = reached[j] as F4;
        // eq(z, 0) = 1 − z; eq(z, 2) = 3z − 1.
        at0 = add(at0, mul(mul(w, sub(ONE, here)), a));
        at2 = add(at2, mul(mul(w, sub(scale(3, here), ONE)), sub(scale(2, high[j] as F4), a)));
      });
      return [fromMontgomery(at0), fromMontgomery(at2)];
    },
    async fold(value) {
      states.forEach(({ z }, j) => {
        const here = z[round] as F4;
        const both = mul(here, value);
        reached[j] = mul(reached[j] as F4, add(sub(sub(ONE, here), value), add(both, both)));
      });
      x = value;
      round++;
    },
  };
}
