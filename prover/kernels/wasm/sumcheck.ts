/** Batched sumchecks of products (protocol §8.5, §9.1): every instance's factors lie in the kernel's memory and are folded there. */
import { maxOf } from '../../../circuits/shape.ts';
import { add, type F4, mul, scale, sub, ZERO } from '../../../protocol/extension.ts';
import type { Scope } from '../../../wasm/memory.ts';
import type { BatchedSumcheck } from '../kernels.ts';
import { at, fromMontgomery, setScalar } from './elements.ts';
import type { Machine, Task } from './machine.ts';

/** An instance whose factors are vectors of 2^variables elements in planes. */
export interface Running {
  readonly variables: number;
  readonly sum: F4;
  readonly factors: readonly number[];
  readonly plane: number;
}

/** The sumcheck of Σ_k delta_k Π factors_k, each instance over its own number of variables. `scope` is freed with it. */
export function batched(
  machine: Machine,
  scope: Scope,
  instances: readonly Running[],
  delta: readonly F4[],
  degree: number,
): BatchedSumcheck {
  const rounds = maxOf(instances.map((i) => i.variables));
  const stride = 64 * degree;
  const sums = scope.alloc(stride * instances.length * machine.mostRanges);
  const xAt = scope.alloc(28);
  let bound = 0;
  let x: F4 | null = null;

  return {
    async round() {
      const pieces: { k: number; out: number }[] = [];
      const tasks: Task[] = [];
      const total: F4[] = Array.from({ length: degree }, () => ZERO);
      if (x !== null) setScalar(machine, xAt, x);
      instances.forEach(({ variables, sum, factors: [f, g, h = 0], plane }, k) => {
        const left = rounds - bound;
        if (left > variables) {
          const constant = mul(delta[k] as F4, scale(2 ** (left - variables - 1), sum));
          for (let d = 0; d < degree; d++) total[d] = add(total[d] as F4, constant);
          return;
        }
        const length = 2 ** (left - 1);
        const folds = x !== null && left < variables;
        for (const [a, b] of machine.ranges(length, 4, 4)) {
          const out = sums + stride * pieces.length;
          pieces.push({ k, out });
          tasks.push(['productRound', a, b, f as number, g as number, h, plane, length, degree, folds ? xAt : 0, out]);
        }
      });
      machine.run(tasks);
      const words = machine.memory.u32;
      for (const { k, out } of pieces)
        for (let d = 0; d < degree; d++) total[d] = add(total[d] as F4, mul(delta[k] as F4, fromMontgomery(at(words, out + 16 * d))));
      return total;
    },
    async fold(value) {
      x = value;
      bound++;
    },
    async ends(count) {
      const words = machine.memory.u32;
      return instances.map(({ factors, plane, variables }) =>
        factors.slice(0, count).map((f) => {
          const element = (i: number): F4 =>
            fromMontgomery([0, 1, 2, 3].map((k) => words[(f + k * plane) / 4 + i] as number) as unknown as F4);
          const low = element(0);
          return variables === 0 || x === null ? low : add(low, mul(x, sub(element(1), low)));
        }),
      );
    },
    free: () => scope.free(),
  };
}
