/** Batched sumchecks of products (protocol §8.5, §9.1): evaluate every instance at 0, 2, … and fold the top variable. */
import { maxOf } from '../../../circuits/shape.ts';
import { add, type F4, get, mul, mulTo, scale, ZERO } from '../../../protocol/extension.ts';
import { add as addBase, sub as subBase } from '../../../protocol/field.ts';
import { foldTop } from '../../../protocol/mle.ts';
import type { BatchedSumcheck, ProductInstance } from '../kernels.ts';
import { vectorOf } from './recipes.ts';

interface Running {
  readonly variables: number;
  readonly sum: F4;
  factors: Uint32Array[];
}

export async function sumcheck(
  instances: readonly ProductInstance[],
  delta: readonly F4[],
  degree: number,
  values: (tensor: number) => Int32Array,
): Promise<BatchedSumcheck> {
  const running = instances.map(
    ({ variables, sum, factors }): Running => ({ variables, sum, factors: factors.map((r) => vectorOf(r, values)) }),
  );
  return batched(running, delta, degree);
}

/** The sumcheck of Σ_k delta_k Π factors_k, each instance over its own number of variables. */
export function batched(instances: Running[], delta: readonly F4[], degree: number): BatchedSumcheck {
  const rounds = maxOf(instances.map((i) => i.variables));
  let bound = 0;
  return {
    async round() {
      const total: F4[] = Array.from({ length: degree }, () => ZERO);
      instances.forEach(({ variables, sum, factors }, k) => {
        const waiting = rounds - bound - variables;
        const h = waiting > 0 ? total.map(() => scale(2 ** (waiting - 1), sum)) : productRound(factors, degree);
        h.forEach((v, d) => {
          total[d] = add(total[d] as F4, mul(delta[k] as F4, v));
        });
      });
      return total;
    },
    async fold(x) {
      for (const i of instances) if (rounds - bound <= i.variables) i.factors = i.factors.map((f) => foldTop(f, x));
      bound++;
    },
    async ends(count) {
      return instances.map(({ factors }) => factors.slice(0, count).map((f) => get(f, 0)));
    },
    free() {
      instances.length = 0;
    },
  };
}

/** Σ_x Π f(X, x) at X = 0, 2, …, degree. */
export function productRound(factors: readonly Uint32Array[], degree: number): F4[] {
  const half = (factors[0] as Uint32Array).length / 2;
  const sums = new Uint32Array(4 * degree);
  const product = new Uint32Array(4);
  const at = new Uint32Array(4);
  for (let i = 0; i < half; i += 4) {
    for (let d = 0; d < degree; d++) {
      const x = d === 0 ? 0 : d + 1;
      factors.forEach((f, k) => {
        const target = k === 0 ? product : at;
        for (let c = 0; c < 4; c++) {
          const low = f[i + c] as number;
          let v = low;
          // f(X) = low + X (high − low), by additions: X ≤ 3.
          if (x > 0) {
            const difference = subBase(f[i + half + c] as number, low);
            for (let n = 0; n < x; n++) v = addBase(v, difference);
          }
          target[c] = v;
        }
        if (k > 0) mulTo(product, 0, product, 0, at, 0);
      });
      for (let c = 0; c < 4; c++) sums[4 * d + c] = addBase(sums[4 * d + c] as number, product[c] as number);
    }
  }
  return Array.from({ length: degree }, (_, d) => get(sums, d));
}
