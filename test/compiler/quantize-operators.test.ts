/** Every operator that can be quantized, once: the quantized model opens in onnxruntime and stays near the float one. */
import { describe, expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { compare, quantize } from '../../compiler/quantize/index.ts';
import { QUANTIZABLE } from '../../compiler/quantize/rules.ts';
import { calibrated, FloatBuilder, needRuntime, runtime } from './quantize.helpers.ts';

type Build = (m: FloatBuilder, x: string) => string;
const one =
  (op: string): Build =>
  (m, x) =>
    m.node(op, [x]);
const list = (m: FloatBuilder, ...values: number[]): string => m.constant('int64', [values.length], values);

/** x is the result of a Conv, [1, 4, 6, 6]. */
const OPERATORS: Readonly<Record<string, Build>> = {
  Conv: (m, x) => m.conv(x, 4, 3, 3),
  ConvTranspose: (m, x) =>
    m.node('ConvTranspose', [x, m.random([4, 3, 3, 3], 0.3), m.random([3], 0.2)], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      output_padding: [1, 1],
    }),
  Gemm: (m, x) => m.node('Gemm', [m.node('Flatten', [x]), m.random([144, 5], 0.2), m.random([5], 0.2)]),
  MatMul: (m, x) =>
    m.node('MatMul', [m.node('MatMul', [x, m.random([6, 5], 0.5)]), m.node('Reshape', [m.conv(x, 4, 5, 1), list(m, 1, 4, 5, 9)])]),
  MaxPool: (m, x) => m.node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ReduceMax: (m, x) => m.node('ReduceMax', [x, list(m, 1)], { keepdims: 0 }),
  ReduceMin: (m, x) => m.node('ReduceMin', [x, list(m, 2, -1)]),
  Reshape: (m, x) => m.node('Reshape', [x, list(m, 0, -1)]),
  Flatten: (m, x) => m.node('Flatten', [x], { axis: 2 }),
  Transpose: (m, x) => m.node('Transpose', [x], { perm: [0, 2, 3, 1] }),
  Slice: (m, x) => m.node('Slice', [x, list(m, 1, -1), list(m, 2 ** 62, -7), list(m, 2, 3), list(m, 2, -1)]),
  Pad: (m, x) => m.node('Pad', [x, list(m, 0, 0, 1, 1, 0, 0, 1, 2), m.scalar('float32', -4)]),
  Resize: (m, x) =>
    m.node('Resize', [x, '', m.constant('float32', [4], [1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
  AveragePool: (m, x) => m.node('AveragePool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  GlobalAveragePool: one('GlobalAveragePool'),
  ReduceSum: (m, x) => m.node('ReduceSum', [x, list(m, 1)], { keepdims: 0 }),
  Add: (m, x) => m.node('Add', [m.node('Add', [x, m.conv(x, 4, 4, 1)]), m.random([4, 1, 1], 1)]),
  Sub: (m, x) => m.node('Sub', [m.scalar('float32', 1), m.node('Sub', [x, m.conv(x, 4, 4, 1)])]),
  Mul: (m, x) => m.node('Mul', [m.node('Mul', [x, m.conv(x, 4, 4, 1)]), m.random([6], 1)]),
  Div: (m, x) => m.node('Div', [x, m.scalar('float32', 3)]),
  PRelu: (m, x) => m.node('PRelu', [x, m.random([4, 1, 1], 0.3, 0.2)]),
  Concat: (m, x) => m.node('Concat', [x, m.random([1, 2, 6, 6], 1), m.conv(x, 4, 1, 3)], { axis: 1 }),
  Relu: one('Relu'),
  Clip: (m, x) => m.node('Clip', [m.node('Clip', [x, m.scalar('float32', -0.5), m.scalar('float32', 0.6)]), m.scalar('float32', 0)]),
  LeakyRelu: (m, x) => m.node('LeakyRelu', [x], { alpha: { float: 0.2 } }),
  ThresholdedRelu: (m, x) => m.node('ThresholdedRelu', [x], { alpha: { float: 0.1 } }),
  Sigmoid: one('Sigmoid'),
  Tanh: one('Tanh'),
  Elu: one('Elu'),
  Selu: one('Selu'),
  Celu: one('Celu'),
  HardSigmoid: one('HardSigmoid'),
  HardSwish: one('HardSwish'),
  Softplus: one('Softplus'),
  Softsign: one('Softsign'),
  Erf: one('Erf'),
  Gelu: one('Gelu'),
  Mish: one('Mish'),
  Exp: one('Exp'),
  Sqrt: (m, x) => m.node('Sqrt', [m.node('Add', [m.node('Abs', [x]), m.scalar('float32', 0.5)])]),
  Log: (m, x) => m.node('Log', [m.node('Add', [m.node('Abs', [x]), m.scalar('float32', 0.5)])]),
  Reciprocal: (m, x) => m.node('Reciprocal', [m.node('Add', [m.node('Abs', [x]), m.scalar('float32', 1)])]),
  Pow: (m, x) => m.node('Pow', [x, m.scalar('float32', 2)]),
  Sin: one('Sin'),
  Cos: one('Cos'),
  Atan: one('Atan'),
  Abs: one('Abs'),
  Neg: one('Neg'),
  LayerNormalization: (m, x) => m.node('LayerNormalization', [x, m.random([6], 0.5, 1), m.random([6], 0.2)]),
  Gather: (m, x) => m.node('Gather', [x, list(m, 2, 0, -1)], { axis: 2 }),
  Split: (m, x) => {
    const parts = [m.fresh('part'), m.fresh('part')] as const;
    m.node('Split', [x, list(m, 1, 3)], { axis: 1 }, parts);
    return m.node('Concat', [m.node('Relu', [parts[1]]), parts[0]], { axis: 1 });
  },
  Min: (m, x) => m.node('Min', [m.node('Relu', [x]), m.scalar('float32', 0.8)]),
  Max: (m, x) => m.node('Max', [m.scalar('float32', 0.1), x]),
  GlobalMaxPool: one('GlobalMaxPool'),
  Softmax: (m, x) => m.node('Neg', [m.node('Softmax', [x], { axis: 1 })]),
  LogSoftmax: (m, x) => m.node('LogSoftmax', [m.node('Flatten', [x])]),
  TopK: (m, x) => m.node('TopK', [m.node('Flatten', [x]), list(m, 3)], {}, ['greatest', 'where']),
  ArgMax: (m, x) => m.node('ArgMax', [x], { axis: 3, keepdims: 0 }),
  Identity: one('Identity'),
  Dropout: one('Dropout'),
  Cast: (m, x) => m.node('Cast', [x], { to: 1 }),
  BatchNormalization: (m, x) => m.norm(m.node('Relu', [m.node('Flatten', [m.node('GlobalAveragePool', [x])])]), 4),
  InstanceNormalization: (m, x) => m.node('InstanceNormalization', [x, m.random([4], 0.3, 1), m.random([4], 0.3)]),
  GroupNormalization: (m, x) => m.node('GroupNormalization', [x, m.random([2], 0.3, 1), m.random([2], 0.3)], { num_groups: 2 }),
  Where: (m, x) => {
    const seen = m.literal(
      'bool',
      [6, 6],
      Array.from({ length: 36 }, (_, i) => Number(i % 6 <= i / 6)),
    );
    return m.node('Softmax', [m.node('Where', [seen, x, m.scalar('float32', -1e9)])], { axis: -1 });
  },
  Squeeze: (m, x) => m.node('Squeeze', [x, list(m, 0)]),
  Unsqueeze: (m, x) => m.node('Unsqueeze', [x, list(m, -1, 0)]),
  ReduceMean: (m, x) => m.node('ReduceMean', [m.node('ReduceMean', [x, list(m, -2)]), list(m, 1, 3)], { keepdims: 0 }),
};

test('the list is whole', () => {
  expect(Object.keys(OPERATORS).sort()).toEqual([...QUANTIZABLE].sort());
});

describe('every operator', () => {
  needRuntime();

  test.each(Object.entries(OPERATORS))('%s', async (op, build) => {
    const m = new FloatBuilder(20, 21);
    const made = build(m, m.conv(m.open('x', ['N', 2, 6, 6]), 2, 4, 3));
    m.outputs.push({ name: made, type: { tensorType: { elemType: op === 'ArgMax' ? 7 : 1 } } });
    const model = m.bytes();
    const { prepared, samples, ranges } = await calibrated(model, 8);
    const quantized = quantize(prepared, ranges);
    const { outputs, layers } = await compare(model, prepared, quantized, samples, runtime, { perLayer: true });
    // What it writes compiles.
    expect(check(quantized.model)).toMatchObject({ supported: true });
    // Indices have no noise; the first of two near values may change.
    expect(outputs.length).toBe(op === 'ArgMax' ? 0 : 1);
    for (const { sqnr } of outputs) expect(sqnr).toBeGreaterThan(24);
    // Masked scores saturate.
    for (const { sqnr, name } of layers.slice(0, op === 'Where' ? 1 : undefined)) expect([name, sqnr > 24]).toEqual([name, true]);
  });
});
