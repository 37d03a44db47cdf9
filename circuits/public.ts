/**
 * Tensors in the clear besides the statement (protocol §7.7): revealed ones, whose values are in the proof body, and derived ones, which the
 * verifier computes from public ones. Claims on them are evaluated by the verifier, like claims on inputs and outputs.
 *
 * A requantisation with a table a channel and few elements a channel costs less so: the accumulator is revealed (an `out` of home R), and
 * whoever verifies applies the step function itself (`apply`).
 */
import { Refused } from '../protocol/refused.ts';
import { computedOf } from './computed/computed.ts';
import type { TableDescription } from './descriptions.ts';
import type { KeyFields } from './key.ts';
import { showOf } from './show.ts';
import { type ComputedOp, type Home, isComputed, isShow, type Op, type Tensor } from './types.ts';

/** Whether everybody who verifies has the values of a tensor of this home. */
export const isPublic = (home: Home | undefined): boolean => home === 'PUB' || home === 'R' || home === 'D';

/** Ops that have a description in a key, in the order of its descriptions. */
export const isDescribed = (op: Op): boolean =>
  op.kind === 'req' || op.kind === 'unary' || op.kind === 'bin' || (isComputed(op) && computedOf(op).described.length > 0);

/** The description of each computed op, by op index. */
export function computedDescriptions({ ops, descriptions }: Pick<KeyFields, 'ops' | 'descriptions'>): Map<number, TableDescription> {
  const out = new Map<number, TableDescription>();
  let next = 0;
  ops.forEach((op, i) => {
    if (!isDescribed(op)) return;
    const d = descriptions?.[next++];
    if (isComputed(op) && d !== undefined) out.set(i, d);
  });
  return out;
}

/** The padded output of a computed op. */
export function computedValues(
  op: ComputedOp,
  d: TableDescription | undefined,
  tensors: readonly Tensor[],
  at: (tensor: number) => Int32Array,
): Int32Array {
  return computedOf(op).values(op, d ?? null, tensors, at);
}

/** All tensors in the clear: `stated` (inputs and outputs), the `revealed` ones, and what follows from them. Refuses V14 where an output does not. */
export function publicTensors(
  key: KeyFields,
  stated: ReadonlyMap<number, Int32Array>,
  revealed: readonly [number, Int32Array][],
): ReadonlyMap<number, Int32Array> {
  const values = new Map([...stated, ...revealed]);
  const descriptions = computedDescriptions(key);
  const at = (t: number): Int32Array => values.get(t) as Int32Array;
  key.ops.forEach((op, i) => {
    if (isShow(op) && key.tensors[op.y]?.home === 'D') values.set(op.y, showOf(op).values(op, key.tensors, at));
    if (!isComputed(op)) return;
    const y = computedValues(op, descriptions.get(i), key.tensors, at);
    const given = stated.get(op.y);
    if (given?.some((v, p) => v !== y[p]))
      throw new Refused('V14', `the output of op ${i} is not what the values in the clear give`, { op: i });
    values.set(op.y, y);
  });
  return values;
}
