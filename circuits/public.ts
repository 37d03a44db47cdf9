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
import { forEachValid, paddedSize, product } from './shape.ts';
import { showOf } from './show.ts';
import { type ComputedOp, type Home, isComputed, isShow, type Op, type Tensor } from './types.ts';

/** Whether everybody who verifies has the values of a tensor of this home. */
export const isPublic = (home: Home | undefined): boolean => home === 'PUB' || home === 'R' || home === 'D';

/** Bytes of one value of a revealed tensor: those that its bounds need. */
function valueBytes({ lo, hi }: Tensor): number {
  const span = (hi as number) - (lo as number);
  return span < 2 ** 8 ? 1 : span < 2 ** 16 ? 2 : span < 2 ** 24 ? 3 : 4;
}

const revealed = (tensors: readonly Tensor[]): [number, Tensor][] =>
  [...tensors.entries()].filter((e): e is [number, Tensor] => e[1].home === 'R');

/** Length of the `reveal` message; 0: there is none. */
export function revealedBytes(tensors: readonly Tensor[]): number {
  return revealed(tensors).reduce((n, [, t]) => n + valueBytes(t) * product(t.dims), 0);
}

/** The `reveal` message: every revealed tensor by index, its true values row-major, value − lo in little-endian bytes. */
export function encodeRevealed(tensors: readonly Tensor[], values: (tensor: number) => Int32Array): Uint8Array {
  const out = new Uint8Array(revealedBytes(tensors));
  let at = 0;
  for (const [i, t] of revealed(tensors)) {
    const padded = values(i);
    const width = valueBytes(t);
    forEachValid(t.dims, (p) => {
      let v = (padded[p] as number) - (t.lo as number);
      for (let k = 0; k < width; k++, v = Math.floor(v / 256)) out[at++] = v % 256;
    });
  }
  return out;
}

/** The padded values of the revealed tensors; refuses one outside its bounds (R1). `bytes` has the length of the message. */
export function decodeRevealed(tensors: readonly Tensor[], bytes: Uint8Array): [number, Int32Array][] {
  let at = 0;
  return revealed(tensors).map(([i, t]) => {
    const out = new Int32Array(paddedSize(t.dims));
    const width = valueBytes(t);
    forEachValid(t.dims, (p) => {
      let v = 0;
      for (let k = width - 1; k >= 0; k--) v = 256 * v + (bytes[at + k] as number);
      at += width;
      const value = v + (t.lo as number);
      if (value > (t.hi as number))
        throw new Refused('R1', `a revealed value of tensor ${i} is ${value}, outside [${t.lo}, ${t.hi}]`, { tensor: i });
      out[p] = value;
    });
    return [i, out];
  });
}

/** Ops that have a description in a key, in the order of its descriptions. */
export const isDescribed = (op: Op): boolean => op.kind === 'req' || op.kind === 'unary' || op.kind === 'bin' || isComputed(op);

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
export function computedValues(op: ComputedOp, d: TableDescription, tensors: readonly Tensor[], x: Int32Array): Int32Array {
  return computedOf(op).values(op, d, tensors[op.y] as Tensor, x);
}

/** All tensors in the clear: `stated` (inputs and outputs), the revealed ones, and what follows from them. Refuses V14 where an output does not. */
export function publicTensors(
  key: KeyFields,
  stated: ReadonlyMap<number, Int32Array>,
  message: Uint8Array,
): ReadonlyMap<number, Int32Array> {
  const values = new Map([...stated, ...decodeRevealed(key.tensors, message)]);
  const descriptions = computedDescriptions(key);
  const at = (t: number): Int32Array => values.get(t) as Int32Array;
  key.ops.forEach((op, i) => {
    if (isShow(op) && key.tensors[op.y]?.home === 'D') values.set(op.y, showOf(op).values(op, key.tensors, at));
    if (!isComputed(op)) return;
    const y = computedValues(op, descriptions.get(i) as TableDescription, key.tensors, at(op.x));
    const given = stated.get(op.y);
    if (given?.some((v, p) => v !== y[p]))
      throw new Refused('V14', `the output of op ${i} is not what the values in the clear give`, { op: i });
    values.set(op.y, y);
  });
  return values;
}
