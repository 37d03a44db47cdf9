/**
 * The tail backwards: the raw integers of the key's outputs from the model's outputs, for a runtime that shows only those. Possible where
 * every step of a tail is a view or a DequantizeLinear of 8-bit integers whose 256 values differ.
 */
import { bitsToFloat } from '../protocol/float32.ts';
import { Refused } from '../protocol/refused.ts';
import { applyViews, type Interface, type TailTensor } from './interface.ts';
import type { IoTensor } from './types.ts';

/** Where a raw integer is in an output, and the integer of each value it can have there; null: the value is the integer. */
interface Place {
  readonly at: Int32Array;
  readonly integers: readonly ReadonlyMap<number, number>[] | null;
  /** Which of `integers` belongs to a raw position. */
  readonly which: Int32Array;
}

/** By the name of an output: its elements, row-major. */
export type OutputsByName = Readonly<Record<string, ArrayLike<number | bigint> | undefined>>;

const RAW: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/**
 * Prepares the way back. Throws `Refused` `circuit.tail` where outputs do not determine the integers; what it returns throws an Error for
 * outputs that no integers have.
 */
export function untail(face: Interface, ports: readonly IoTensor[]): (outputs: OutputsByName) => Int32Array[] {
  const found = ports.map((io, i) => {
    const reasons: string[] = [];
    for (const tail of face.outputs.filter((o) => o.source === i)) {
      const place = placeOf(tail, io.dtype);
      if (typeof place !== 'string') return { tail, place };
      reasons.push(place);
    }
    throw new Refused(
      'circuit.tail',
      `the integers of output ${i} are not known from the model’s outputs: ${reasons[0] ?? 'none shows them'}`,
    );
  });
  return (outputs) =>
    found.map(({ tail: { name }, place: { at, integers, which } }) => {
      const values = outputs[name];
      if (values?.length !== at.length) throw new Error(`output "${name}": ${values?.length ?? 0} elements instead of ${at.length}`);
      return Int32Array.from(at, (position, raw) => {
        const value = Number(values[position]);
        const q = integers === null ? value : integers[which[raw] as number]?.get(value);
        if (q === undefined) throw new Error(`output "${name}": ${value} at position ${position} is the value of no integer`);
        return q;
      });
    });
}

function placeOf(tail: TailTensor, dtype: IoTensor['dtype']): Place | string {
  const count = tail.dims.reduce((p, d) => p * d, 1);
  /** The raw position of each element, as the views go on. */
  let from: Int32Array = Int32Array.from({ length: count }, (_, i) => i);
  let dims: readonly number[] = tail.dims;
  let integers: Place['integers'] = null;
  const which = new Int32Array(count);
  for (const step of tail.steps) {
    if (step.op === 'softmax' || step.op === 'logsoftmax' || step.op === 'argmax' || step.op === 'topk') return `${step.op} is behind them`;
    if (step.op !== 'dequantize') {
      from = applyViews(from, dims, [step]);
      dims = step.op === 'reshape' ? step.shape : step.perm.map((p) => (dims as number[])[p] as number);
      continue;
    }
    const range = RAW[dtype];
    if (range === undefined || integers !== null) return `they leave as floats from ${dtype}`;
    const [lo, hi] = range;
    const maps = step.scales.map(
      (bits) =>
        new Map(Array.from({ length: hi - lo + 1 }, (_, i) => [Math.fround(Math.fround(lo + i - step.zp) * bitsToFloat(bits)), lo + i])),
    );
    if (maps.some((m) => m.size !== hi - lo + 1)) return 'two integers have the same float';
    const inner = dims.slice(step.axis + 1).reduce((p, d) => p * d, 1);
    from.forEach((raw, i) => {
      which[raw] = maps.length === 1 ? 0 : Math.floor(i / inner) % (dims[step.axis] as number);
    });
    integers = maps;
  }
  const at = new Int32Array(count);
  from.forEach((raw, i) => {
    at[raw] = i;
  });
  return { at, integers, which };
}
