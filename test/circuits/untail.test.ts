/** The way back from a model's outputs to the integers of its circuit. */
import { describe, expect, test } from 'vitest';
import { applyTail, type Interface, type TailStep } from '../../circuits/interface.ts';
import type { IoTensor } from '../../circuits/types.ts';
import { untail } from '../../circuits/untail.ts';
import { floatToBits } from '../../protocol/float32.ts';
import { refusal } from '../cli/files.helpers.ts';

const face = (dims: readonly number[], steps: readonly TailStep[]): Interface => ({
  inputs: [],
  head: [],
  outputs: [{ name: 'y', dtype: 'float32', shape: dims, source: 0, dims, steps }],
});
const port = (dtype: IoTensor['dtype'] = 'uint8'): IoTensor => ({ tensor: 0, dtype }) as IoTensor;
const dequantize = (scales: readonly number[], axis: number, zp: number): TailStep => ({
  op: 'dequantize',
  scales: scales.map(floatToBits),
  axis,
  zp,
});
/** Every value of 8 bits at every place, in turn. */
const raws = (count: number, lo: number): Int32Array[] =>
  Array.from({ length: 256 }, (_, k) => Int32Array.from({ length: count }, (_, i) => lo + ((k + 7 * i) % 256)));

describe('untail is the inverse of the tail', () => {
  const cases: readonly (readonly [string, readonly number[], readonly TailStep[], IoTensor['dtype']])[] = [
    ['nothing', [6], [], 'uint8'],
    ['one scale', [2, 3], [dequantize([0.1], 0, 128)], 'uint8'],
    ['signed', [2, 3], [dequantize([0.037], 0, -5)], 'int8'],
    ['a scale a channel, then a transpose', [2, 3], [dequantize([0.1, 0.3, 1.7], 1, 3), { op: 'transpose', perm: [1, 0] }], 'uint8'],
    ['a transpose, then a scale a channel', [2, 3], [{ op: 'transpose', perm: [1, 0] }, dequantize([0.1, 0.3, 1.7], 0, 3)], 'uint8'],
    [
      'reshape, transpose, reshape',
      [2, 6],
      [
        { op: 'reshape', shape: [2, 2, 3] },
        { op: 'transpose', perm: [2, 0, 1] },
        { op: 'reshape', shape: [12] },
      ],
      'int8',
    ],
  ];
  test.each(cases)('%s', (_, dims, steps, dtype) => {
    const f = face(dims, steps);
    const back = untail(f, [port(dtype)]);
    const count = dims.reduce((p, d) => p * d, 1);
    for (const raw of raws(count, dtype === 'int8' ? -128 : 0)) {
      const [y] = applyTail(f, [raw]);
      expect(back({ y: y?.data })).toEqual([raw]);
    }
  });

  test('takes the output that shows the integers where another does not', () => {
    const f = face([3], [{ op: 'softmax', axis: 0 }]);
    const both: Interface = { ...f, outputs: [...f.outputs, { ...(f.outputs[0] as Interface['outputs'][number]), name: 'z', steps: [] }] };
    expect(untail(both, [port()])({ z: [1, 2, 3] })).toEqual([Int32Array.of(1, 2, 3)]);
  });
});

describe('untail refuses', () => {
  test.each<readonly [string, readonly TailStep[], IoTensor['dtype'], string]>([
    ['softmax', [{ op: 'softmax', axis: 0 }], 'uint8', 'softmax is behind them'],
    ['argmax', [{ op: 'argmax', axis: 0, keepdims: false, last: false }], 'uint8', 'argmax is behind them'],
    ['accumulators as floats', [dequantize([0.1], 0, 0)], 'int32', 'they leave as floats from int32'],
    ['a scale so large that floats meet at infinity', [dequantize([3e38], 0, 0)], 'uint8', 'two integers have the same float'],
    ['a second DequantizeLinear', [dequantize([0.1], 0, 0), dequantize([1], 0, 0)], 'uint8', 'they leave as floats'],
  ])('%s', (_, steps, dtype, sentence) => {
    const refused = refusal(() => untail(face([3], steps), [port(dtype)]));
    expect(refused.code).toBe('circuit.tail');
    expect(refused.message).toContain(sentence);
  });

  test('an output that no graph output shows', () => {
    expect(refusal(() => untail({ ...face([3], []), outputs: [] }, [port()])).message).toContain('none shows them');
  });

  test('outputs that no integers have', () => {
    const back = untail(face([2], [dequantize([0.1], 0, 0)]), [port()]);
    expect(() => back({ y: [Math.fround(0.1), 0.1] })).toThrow('0.1 at position 1 is the value of no integer');
    expect(() => back({ y: [0] })).toThrow('1 elements instead of 2');
    expect(() => back({})).toThrow('0 elements instead of 2');
    expect(() => back({ y: [Number.NaN, 0] })).toThrow('NaN at position 0');
  });
});
