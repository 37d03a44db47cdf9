/** ConvInteger and MatMulInteger, and float32 arithmetic between an accumulator and its QuantizeLinear. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { type Case, compared, product, weights } from './between.helpers.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

const bytes = (m: ModelBuilder, d: Dice, dims: readonly number[], dtype = 'int8'): string =>
  m.constant(dtype, dims, d.ints(product(dims), dtype === 'int8' ? -WEIGHT_LIMIT : 0, dtype === 'int8' ? WEIGHT_LIMIT : 255));

/** The integers behind the dequantized input, and the zero point. */
function integers(m: ModelBuilder, x: string): [string, string] {
  const z = m.scalar('uint8', 121);
  return [m.node('QuantizeLinear', [x, m.scalar('float32', 1 / 64), z]), z];
}

const float = (m: ModelBuilder, x: string): string => m.node('Cast', [x], { to: 1 });
const reals = (m: ModelBuilder, dims: readonly number[], values: readonly number[]): string => m.constant('float32', dims, values);

const cases: Readonly<Record<string, Case>> = {
  'MatMulInteger, Cast, Mul by the product of two scales, Add': {
    shape: [2, 3, 6],
    out: [2, 3, 4],
    scale: 0.05,
    build: (m, x, d) => {
      const [q, z] = integers(m, x);
      const y = float(m, m.node('MatMulInteger', [q, bytes(m, d, [6, 4]), z, m.scalar('int8', 3)]));
      const scale = m.node('Mul', [m.scalar('float32', 1 / 64), reals(m, [4], [0.011, 0.017, 0.013, 0.019])]);
      return m.node('Add', [m.node('Mul', [y, scale]), reals(m, [4], [0.3, -1.1, 0.07, 0.9])]);
    },
  },
  'MatMulInteger of unsigned weights, a zero point a column': {
    shape: [3, 5],
    out: [3, 2],
    scale: 0.05,
    build: (m, x, d) => {
      const [q, z] = integers(m, x);
      const y = m.node('MatMulInteger', [q, bytes(m, d, [5, 2], 'uint8'), z, m.constant('uint8', [2], [128, 77])]);
      return m.node('Mul', [float(m, y), m.scalar('float32', 0.0001)]);
    },
  },
  'ConvInteger, Cast, Mul, Add, Relu': {
    shape: [1, 3, 6, 5],
    out: [1, 4, 3, 3],
    scale: 0.05,
    build: (m, x, d) => {
      const [q, z] = integers(m, x);
      const y = m.node('ConvInteger', [q, bytes(m, d, [4, 3, 3, 3], 'uint8'), z, m.scalar('uint8', 100)], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      });
      const scaled = m.node('Mul', [float(m, y), reals(m, [4, 1, 1], [0.0002, 0.0003, 0.00013, 0.00019])]);
      return m.node('Relu', [m.node('Add', [scaled, reals(m, [1, 4, 1, 1], [0.3, -1.1, 0.07, 0.9])])]);
    },
  },
  'ConvInteger of a batch, Relu, then Sub': {
    shape: [2, 2, 5, 5],
    out: [2, 3, 4, 4],
    scale: 0.05,
    build: (m, x, d) => {
      const [q, z] = integers(m, x);
      const y = float(
        m,
        m.node('ConvInteger', [q, bytes(m, d, [3, 2, 2, 2], 'uint8'), z, m.scalar('uint8', 128)], { kernel_shape: [2, 2] }),
      );
      const relu = m.node('Relu', [m.node('Div', [y, m.scalar('float32', 900)])]);
      return m.node('Sub', [relu, m.scalar('float32', 0.77)]);
    },
  },
  'Gemm, a float bias, Mul, then one QuantizeLinear': {
    shape: [9, 6],
    out: [9, 5],
    from: 1 / 60,
    scale: 0.02,
    build: (m, x, d) => {
      const y = m.node('Add', [m.node('Gemm', [x, weights(m, d, [6, 5])]), reals(m, [5], [0.3, -1.1, 0.07, 0.9, -0.2])]);
      return m.node('Mul', [y, m.scalar('float32', 0.7)]);
    },
  },
  'MatMul and a float bias, then one QuantizeLinear': {
    shape: [2, 6],
    out: [2, 5],
    scale: 0.02,
    float: true,
    build: (m, x, d) => m.node('Add', [m.node('MatMul', [x, weights(m, d, [6, 5])]), reals(m, [5], [0.3, -1.1, 0.07, 0.9, -0.2])]),
  },
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));

/** x [shape] uint8 -> `build` -> y. */
function whole(shape: readonly number[], dtype: string, out: readonly number[], build: (m: ModelBuilder, x: string, d: Dice) => string) {
  const m = new ModelBuilder(17);
  m.output(m.node('Identity', [build(m, m.input('x', 'uint8', shape), new Dice(11))], {}, ['y']), dtype, out);
  return m.bytes();
}

const leaving: Readonly<Record<string, readonly [readonly number[], Uint8Array]>> = {
  'MatMulInteger as an int32 output': [
    [2, 6],
    whole([2, 6], 'int32', [2, 4], (m, x, d) => m.node('MatMulInteger', [x, bytes(m, d, [6, 4]), m.scalar('uint8', 7)])),
  ],
  'ConvInteger as an int32 output': [
    [1, 2, 5, 5],
    whole([1, 2, 5, 5], 'int32', [1, 3, 4, 4], (m, x, d) =>
      m.node('ConvInteger', [x, bytes(m, d, [3, 2, 2, 2], 'uint8'), m.scalar('uint8', 7)]),
    ),
  ],
  'ConvInteger as a float output': [
    [1, 2, 5, 5],
    whole([1, 2, 5, 5], 'float32', [1, 3, 4, 4], (m, x, d) => {
      const y = m.node('ConvInteger', [x, bytes(m, d, [3, 2, 2, 2], 'uint8'), m.scalar('uint8', 7)]);
      return m.node('Mul', [float(m, y), reals(m, [3, 1, 1], [0.1, 0.3, 0.7])]);
    }),
  ],
};

test.for(Object.keys(leaving))('%s', async (name, context) => {
  const [shape, model] = leaving[name] as (typeof leaving)[string];
  expect(check(model).reasons).toEqual([]);
  const { run } = runner(model);
  const inputs = { x: { dtype: 'uint8', shape, data: Int32Array.from(new Dice(5).ints(product(shape), 0, 255)) } };
  const [mine] = run(inputs);
  const ort = await onnxruntime();
  if (typeof ort === 'string') return context.skip(ort);
  const [truth] = await ort(model, inputs);
  expect([mine?.dtype, mine?.shape, differing(mine?.data ?? [], truth?.data ?? [])]).toEqual([truth?.dtype, truth?.shape, 0]);
});

const refusals: Readonly<Record<string, [string, RegExp, Uint8Array]>> = {
  'dynamic quantization': [
    'model.unsupported-op',
    /static quantization/,
    (() => {
      const m = new ModelBuilder(17);
      m.node('DynamicQuantizeLinear', [m.input('x', 'float32', [2, 6])], {}, ['q', 's', 'z']);
      const y = float(m, m.node('MatMulInteger', ['q', bytes(m, new Dice(1), [6, 4]), 'z']));
      m.output(m.node('Mul', [y, 's'], {}, ['y']), 'float32', [2, 4]);
      return m.bytes();
    })(),
  ],
  'a scale that turns the order of an accumulator around': [
    'model.unsupported-float',
    /positive/,
    whole([2, 6], 'float32', [2, 4], (m, x, d) =>
      m.node('Mul', [float(m, m.node('MatMulInteger', [x, bytes(m, d, [6, 4])])), m.scalar('float32', -1)]),
    ),
  ],
  'a constant along the rows of an accumulator': [
    'model.unsupported-broadcast',
    /one per channel/,
    whole([2, 6], 'float32', [2, 4], (m, x, d) =>
      m.node('Add', [float(m, m.node('MatMulInteger', [x, bytes(m, d, [6, 4])])), reals(m, [2, 1], [1, 2])]),
    ),
  ],
  'a constant that spreads an accumulator': [
    'model.unsupported-broadcast',
    /spreads an accumulator/,
    whole([1, 6], 'float32', [2, 4], (m, x, d) =>
      m.node('Add', [float(m, m.node('MatMulInteger', [x, bytes(m, d, [6, 4])])), reals(m, [2, 1], [1, 1])]),
    ),
  ],
  'an int32 result that is reshaped': [
    'model.unsupported-float',
    /behind a Cast/,
    whole([2, 6], 'int32', [8], (m, x, d) =>
      m.node('Reshape', [m.node('MatMulInteger', [x, bytes(m, d, [6, 4])]), m.constant('int64', [1], [8])]),
    ),
  ],
};

test.each(Object.keys(refusals))('refuses %s', (name) => {
  const [code, sentence, model] = refusals[name] as (typeof refusals)[string];
  const { reasons } = check(model);
  expect(reasons.map((r) => r.code)).toEqual([code]);
  expect(reasons[0]?.sentence).toMatch(sentence);
});
