/** f̃(point) of vectors of centred integers (protocol §3.3), eq in two factors: a table for the low variables, one for the high. */
import type { F4 } from '../../../protocol/extension.ts';
import { add, ZERO } from '../../../protocol/extension.ts';
import { mul } from '../../../protocol/field.ts';
import type { Point } from '../../../protocol/mle.ts';
import { Scope } from '../../../wasm/memory.ts';
import { at, eqTable, R } from './elements.ts';
import { partsOf } from './integers.ts';
import type { Machine, Task } from './machine.ts';

/** Variables of the low table at most: 512 elements stay near. */
const LOW = 9;
/** A sum and the partial sum behind it. */
const SUM = 32;

export function evaluate(machine: Machine, list: readonly { readonly values: Int32Array; readonly point: Point }[]): F4[] {
  const scope = new Scope(machine.memory);
  try {
    const tasks: Task[] = [];
    const sums = list.map(({ values, point }) => {
      const v = scope.copy(values);
      const low = Math.min(LOW, point.length);
      const high = 2 ** (point.length - low);
      const eqLow = eqTable(machine, scope, point.slice(point.length - low));
      const eqHigh = eqTable(machine, scope, point.slice(0, point.length - low), R);
      const weights = scope.alloc(16 * high);
      // times R, so that limbs together are in Montgomery form again.
      machine.run([['fromPlanes', 0, high, eqHigh.table, eqHigh.plane, weights]]);
      const [parts] = partsOf(machine, scope, v, values.length, 1);
      return (parts ?? []).flatMap(({ shift, mask, scale }) =>
        machine.ranges(high, 1, 2 ** low).map(([a, b]) => {
          const out = scope.zeroed(SUM);
          tasks.push(['evaluate', a, b, v, 2 ** low, shift, mask, eqLow.table, eqLow.plane, weights, mul(scale, R), out]);
          return out;
        }),
      );
    });
    machine.run(tasks);
    return sums.map((outs) => outs.reduce((sum: F4, out) => add(sum, at(machine.memory.u32, out)), ZERO));
  } finally {
    scope.free();
  }
}
