/** The opening over all columns (protocol §9.1–§9.3): batch the claims by point, evaluate and combine columns. */
import { ACCUMULATE_BURST, accumulateScaled, dotBase, settle, settled } from '../../../protocol/accumulator.ts';
import { type F4, get, isZero, ONE } from '../../../protocol/extension.ts';
import { add as addBase } from '../../../protocol/field.ts';
import { eqTable, type Point } from '../../../protocol/mle.ts';
import type { StackClaim } from '../../../protocol/opening.ts';
import type { RoundOracle } from '../../../protocol/sumcheck.ts';
import type { CommittedGroup, OpeningColumns } from '../kernels.ts';
import { batched } from './sumcheck.ts';

export async function opening(groups: readonly CommittedGroup[], h: number): Promise<OpeningColumns> {
  const rows = 2 ** h;
  const stacks = groups.map((g) => g.columns as Int32Array);
  /** Column c of the global order: its stack and where it starts. */
  const columns = stacks.flatMap((stack) => Array.from({ length: stack.length / rows }, (_, c) => ({ stack, from: c * rows })));

  /** Σ_c weight_c f_c over consecutive columns. */
  const combine = (first: number, weights: readonly F4[]): Uint32Array => {
    const acc = new Float64Array(8 * rows);
    let used = 0;
    weights.forEach((w, i) => {
      if (isZero(w)) return;
      const { stack, from } = columns[first + i] as { stack: Int32Array; from: number };
      accumulateScaled(acc, stack, from, 1, w, rows);
      if (++used % ACCUMULATE_BURST === 0) settle(acc);
    });
    settle(acc);
    return settled(acc);
  };

  return {
    async batch(claims: readonly StackClaim[], gamma: readonly F4[]): Promise<RoundOracle> {
      // Claims at one point share a combination of columns.
      const byPoint = new Map<string, { z: Point; g: Uint32Array }>();
      claims.forEach((claim, j) => {
        const high = eqTable(claim.high, gamma[j] as F4);
        const g = combine(
          claim.first,
          Array.from({ length: high.length / 4 }, (_, c) => get(high, c)),
        );
        const key = claim.z.map((x) => x.join()).join(';');
        const same = byPoint.get(key);
        if (same === undefined) byPoint.set(key, { z: claim.z, g });
        else for (let i = 0; i < g.length; i++) same.g[i] = addBase(same.g[i] as number, g[i] as number);
      });
      const groups = [...byPoint.values()];
      return batched(
        groups.map(({ z, g }) => ({ variables: h, sum: ONE, factors: [g, eqTable(z)] })),
        groups.map(() => ONE),
        2,
      );
    },
    async columnsAt(z: Point): Promise<readonly F4[]> {
      const eq = eqTable(z);
      return columns.map(({ stack, from }) => dotBase(stack, from, 1, eq, 0, rows));
    },
    async combine(eta: readonly F4[]): Promise<Uint32Array> {
      return combine(0, eta);
    },
    free() {},
  };
}
