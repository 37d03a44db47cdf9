/** The opening over all columns (protocol §9.1–§9.3): batch the claims by point, evaluate and combine columns. */
import { type F4, get, ONE } from '../../../protocol/extension.ts';
import { mul as mulBase } from '../../../protocol/field.ts';
import { eqTable as eqPlain, type Point } from '../../../protocol/mle.ts';
import type { StackClaim } from '../../../protocol/opening.ts';
import type { RoundOracle } from '../../../protocol/sumcheck.ts';
import { Scope } from '../../../wasm/memory.ts';
import type { CommittedGroup, OpeningColumns } from '../kernels.ts';
import { claimRounds, type VectorClaim } from './claims.ts';
import type { Columns } from './commit.ts';
import { eqTable, planeOf, R, R2, times } from './elements.ts';
import { runs } from './integers.ts';
import type { Machine, Task } from './machine.ts';
import { TILES } from './recipes.ts';

export async function opening(machine: Machine, groups: readonly CommittedGroup[], h: number): Promise<OpeningColumns> {
  const { memory } = machine;
  const rows = 2 ** h;
  const list = groups.map((g) => g.columns as Columns);
  const total = list.reduce((n, g) => n + g.count, 0);
  const plane = planeOf(rows);
  const batches: { free(): void }[] = [];

  /** Adds Σ_c weights[c] f_c over consecutive columns of the global order to the planes at `out`. */
  const combine = (scope: Scope, tiles: number, first: number, weights: readonly F4[], out: number): void => {
    let from = 0;
    for (const { stack, count, parts } of list) {
      // The part of [first, first + weights.length) that lies in this group.
      const a = Math.max(first, from);
      const b = Math.min(first + weights.length, from + count);
      for (const [c, end, pieces] of runs(parts, a - from, Math.max(a, b) - from))
        for (const { shift, mask, scale: factor } of pieces) {
          const words = weights.slice(from + c - first, from + end - first).flatMap((w) => times(w, mulBase(factor, R2)));
          const at = scope.copy(Uint32Array.from(words));
          machine.run(
            machine
              .ranges(rows, 4, end - c)
              .map(([i, j]): Task => ['combine', i, j, stack + 4 * c * rows, 4 * rows, end - c, shift, mask, at, out, plane, tiles]),
          );
        }
      from += count;
    }
  };

  /** Writes a column of the global order as elements: limb 0; the other planes are zero already. */
  const lift = (column: number, out: number): void => {
    let c = column;
    const group = list.find(({ count }) => {
      if (c < count) return true;
      c -= count;
      return false;
    }) as Columns;
    machine.run(machine.ranges(rows).map(([a, b]): Task => ['lift', a, b, group.stack + 4 * c * rows, out]));
  };

  return {
    async batch(claims: readonly StackClaim[], gamma: readonly F4[]): Promise<RoundOracle> {
      const scope = new Scope(memory);
      const work = new Scope(memory);
      try {
        const tiles = work.alloc(TILES * machine.threads);
        /** A column by its number, or the combination of all claims on several columns at one point. */
        const vectors = new Map<string, { index: number; address: number }>();
        const onVectors: VectorClaim[] = [];
        claims.forEach((claim, j) => {
          const weight = gamma[j] as F4;
          const single = claim.high.length === 0;
          const key = single ? `${claim.first}` : claim.z.map((x) => x.join()).join(';');
          let vector = vectors.get(key);
          if (vector === undefined) {
            vector = { index: vectors.size, address: scope.zeroed(4 * plane) };
            vectors.set(key, vector);
            if (single) lift(claim.first, vector.address);
            else onVectors.push({ vector: vector.index, z: claim.z, weight: ONE });
          }
          if (single) {
            onVectors.push({ vector: vector.index, z: claim.z, weight });
            return;
          }
          const high = eqPlain(claim.high, weight);
          combine(
            work,
            tiles,
            claim.first,
            Array.from({ length: high.length / 4 }, (_, c) => get(high, c)),
            vector.address,
          );
        });
        const addresses = [...vectors.values()].map((v) => v.address);
        const batch = claimRounds(machine, scope, h, addresses, plane, onVectors);
        batches.push(scope);
        return batch;
      } catch (e) {
        scope.free();
        throw e;
      } finally {
        work.free();
      }
    },
    async columnsAt(z: Point): Promise<readonly F4[]> {
      const scope = new Scope(memory);
      try {
        const eq = eqTable(machine, scope, z);
        const out = scope.zeroed(16 * total);
        let from = 0;
        // The parts of a column are added one after the other: the second parts make a second list.
        const lists: Task[][] = [[], []];
        for (const { stack, count, parts } of list) {
          for (const [c, end, pieces] of runs(parts))
            pieces.forEach(({ shift, mask, scale: factor }, k) => {
              for (const [a, b] of machine.ranges(end - c, 1, rows))
                lists[k]?.push([
                  'dots',
                  a,
                  b,
                  stack + 4 * c * rows,
                  4 * rows,
                  rows,
                  shift,
                  mask,
                  eq.table,
                  eq.plane,
                  mulBase(factor, R),
                  out + 16 * (from + c),
                  16,
                ]);
            });
          from += count;
        }
        for (const tasks of lists) machine.run(tasks);
        const words = memory.u32;
        return Array.from({ length: total }, (_, c) => [0, 1, 2, 3].map((k) => words[out / 4 + 4 * c + k] as number) as unknown as F4);
      } finally {
        scope.free();
      }
    },
    async combine(eta: readonly F4[]): Promise<Uint32Array> {
      const scope = new Scope(memory);
      try {
        const out = scope.zeroed(4 * plane);
        combine(scope, scope.alloc(TILES * machine.threads), 0, eta, out);
        const elements = scope.alloc(16 * rows);
        machine.run(machine.ranges(rows).map(([a, b]): Task => ['fromPlanes', a, b, out, plane, elements]));
        return memory.u32.slice(elements / 4, elements / 4 + 4 * rows);
      } finally {
        scope.free();
      }
    },
    free() {
      for (const b of batches.splice(0)) b.free();
    },
  };
}
