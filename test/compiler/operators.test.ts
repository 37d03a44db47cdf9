/** Operators one by one against onnxruntime-node: float results, tails, views, layouts and the pools that random models do not make. */
import { expect, test } from 'vitest';
import type { NamedTensor } from '../../circuits/interface.ts';
import { check } from '../../compiler/index.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

type Build = (m: ModelBuilder, d: Dice) => void;

/** x float [shape] -> Q -> DQ, as `real`; scale 1/64, zero point 128 of uint8. */
function head(m: ModelBuilder, shape: readonly number[]): string {
  return m.pair(m.input('x', 'float32', shape), 1 / 64, 128, 'uint8');
}

const close = (m: ModelBuilder, real: string, scale = 2, zp = 100) => m.pair(real, scale, zp, 'uint8');
const end = (m: ModelBuilder, from: string, dtype: string, shape: readonly number[]) =>
  m.output(m.node('Identity', [from], {}, ['y']), dtype, shape);

/** Weights behind a DequantizeLinear, int8, one scale. */
function weights(m: ModelBuilder, d: Dice, dims: readonly number[], scale = 0.5): string {
  const w = m.constant(
    'int8',
    dims,
    d.ints(
      dims.reduce((p, v) => p * v, 1),
      -Math.min(100, WEIGHT_LIMIT),
      Math.min(100, WEIGHT_LIMIT),
    ),
  );
  return m.node('DequantizeLinear', [w, m.scalar('float32', scale), m.scalar('int8', 0)]);
}

interface Case {
  readonly opset?: number;
  readonly shape: readonly number[];
  readonly approximate?: boolean;
  readonly build: Build;
}

/** Before opset 13 a softmax sees a matrix, here of one row. */
const matrixRows = (op: string): Case => ({
  opset: 11,
  shape: [2, 8],
  approximate: true,
  build: (m, d) => {
    const y = close(m, m.node('MatMul', [head(m, [2, 8]), weights(m, d, [8, 6], 0.01)]), 0.05);
    end(m, m.node(op, [y], { axis: 0 }), 'float32', [2, 6]);
  },
});

const cases: Readonly<Record<string, Case>> = {
  'Gemm with a float result': {
    shape: [3, 10],
    build: (m, d) => end(m, m.node('Gemm', [head(m, [3, 10]), weights(m, d, [10, 4])]), 'float32', [3, 4]),
  },
  'MatMul with a float result': {
    shape: [2, 10],
    build: (m, d) => end(m, m.node('MatMul', [head(m, [2, 10]), weights(m, d, [10, 5])]), 'float32', [2, 5]),
  },
  'QGemm with a float result, scales per channel': {
    shape: [2, 6],
    build: (m, d) => {
      const [s, z] = [m.scalar('float32', 0.02), m.scalar('uint8', 3)];
      const q = m.node('QuantizeLinear', [m.input('x', 'float32', [2, 6]), s, z]);
      const w = m.constant('int8', [6, 3], d.ints(18, -WEIGHT_LIMIT, WEIGHT_LIMIT));
      const y = m.node(
        'com.microsoft.QGemm',
        [
          q,
          s,
          z,
          w,
          m.constant('float32', [3], [0.1, 0.3, 0.07]),
          m.constant('int8', [3], [0, 0, 0]),
          m.constant('int32', [3], [5, -9, 700]),
        ],
        { alpha: { float: 1 } },
      );
      end(m, y, 'float32', [2, 3]);
    },
  },
  'Conv, Relu, MaxPool, then one QuantizeLinear': {
    shape: [1, 3, 8, 8],
    build: (m, d) => {
      const y = m.node('Conv', [head(m, [1, 3, 8, 8]), weights(m, d, [4, 3, 3, 3])], { kernel_shape: [3, 3] });
      const pooled = m.node('MaxPool', [m.node('Relu', [y])], { kernel_shape: [2, 2], strides: [2, 2] });
      end(m, close(m, pooled, 4, 0), 'float32', [1, 4, 3, 3]);
    },
  },
  'one-dimensional Conv and MaxPool': {
    shape: [1, 2, 12],
    build: (m, d) => {
      const y = close(m, m.node('Conv', [head(m, [1, 2, 12]), weights(m, d, [4, 2, 3])], { kernel_shape: [3], pads: [1, 0] }));
      const [s, z] = [m.scalar('float32', 2), m.scalar('uint8', 100)];
      const pooled = m.node('QuantizeLinear', [m.node('MaxPool', [y], { kernel_shape: [3], strides: [2] }), s, z]);
      end(m, m.node('DequantizeLinear', [pooled, s, z]), 'float32', [1, 4, 5]);
    },
  },
  'a transposed input, weights transposed behind their DequantizeLinear': {
    shape: [1, 4, 5, 3],
    build: (m, d) => {
      const nchw = m.node('Transpose', [m.input('x', 'float32', [1, 4, 5, 3])], { perm: [0, 3, 1, 2] });
      const x = m.pair(nchw, 1 / 64, 128, 'uint8');
      const y = close(m, m.node('Conv', [x, weights(m, d, [2, 3, 2, 2])], { kernel_shape: [2, 2] }));
      const flat = m.node('Reshape', [m.node('Transpose', [y], { perm: [0, 2, 3, 1] }), m.constant('int64', [2], [0, -1])], {});
      const w = m.node('Transpose', [weights(m, d, [6, 24])], { perm: [1, 0] });
      void flat;
      end(m, close(m, m.node('MatMul', [m.node('Flatten', [m.node('Transpose', [y], { perm: [0, 2, 3, 1] })]), w]), 16), 'float32', [1, 6]);
    },
  },
  'ArgMax of the last index, keeping dims': {
    shape: [1, 8],
    build: (m, d) => {
      const y = close(m, m.node('Gemm', [head(m, [1, 8]), weights(m, d, [8, 6], 0.01)]), 4);
      end(m, m.node('ArgMax', [y], { axis: -1, keepdims: 1, select_last_index: 1 }), 'int64', [1, 1]);
    },
  },
  'ArgMin of the first index along the rows': {
    shape: [3, 4, 5],
    build: (m) => {
      // Few values, so that there are ties.
      const x = m.pair(m.input('x', 'float32', [3, 4, 5]), 0.5, 2, 'uint8');
      end(m, m.node('ArgMin', [x], { axis: 1, keepdims: 0 }), 'int64', [3, 5]);
    },
  },
  'ArgMin of the last index, of integers': {
    shape: [3, 7],
    build: (m) => {
      const q = m.node('QuantizeLinear', [m.input('x', 'float32', [3, 7]), m.scalar('float32', 0.7), m.scalar('int8', -1)]);
      end(m, m.node('ArgMin', [q], { axis: -1, select_last_index: 1 }), 'int64', [3, 1]);
    },
  },
  'a tail that is transposed and reshaped': {
    shape: [1, 2, 4, 4],
    build: (m, d) => {
      const y = close(m, m.node('Conv', [head(m, [1, 2, 4, 4]), weights(m, d, [3, 2, 2, 2])], { kernel_shape: [2, 2] }));
      end(m, m.node('Reshape', [m.node('Transpose', [y], { perm: [0, 2, 3, 1] }), m.constant('int64', [2], [9, 3])]), 'float32', [9, 3]);
    },
  },
  Softmax: {
    shape: [1, 8],
    approximate: true,
    build: (m, d) =>
      end(
        m,
        m.node('Softmax', [close(m, m.node('Gemm', [head(m, [1, 8]), weights(m, d, [8, 6], 0.01)]), 0.05)], { axis: 1 }),
        'float32',
        [1, 6],
      ),
  },
  'Softmax before opset 13': matrixRows('Softmax'),
  'LogSoftmax before opset 13': matrixRows('LogSoftmax'),
  'Concat with constants: floats, integers of another scale, integers of a scale each': {
    shape: [1, 3, 4],
    build: (m, d) => {
      const floats = m.constant(
        'float32',
        [1, 2, 4],
        d.ints(8, -200, 200).map((v) => v / 64),
      );
      const one = m.node('DequantizeLinear', [
        m.constant('int8', [1, 1, 4], d.ints(4, -128, 127)),
        m.scalar('float32', 0.011),
        m.scalar('int8', 3),
      ]);
      const each = m.node(
        'DequantizeLinear',
        [m.constant('uint8', [1, 2, 4], d.ints(8, 0, 255)), m.constant('float32', [2], [0.007, 0.012]), m.constant('uint8', [2], [90, 90])],
        { axis: 1 },
      );
      const x = m.pair(m.input('x', 'float32', [1, 3, 4]), 1 / 64, 128, 'uint8');
      end(m, m.pair(m.node('Concat', [floats, x, one, each], { axis: 1 }), 1 / 50, 100, 'uint8'), 'float32', [1, 8, 4]);
    },
  },
  'Concat with int32 constants beyond 2^24': {
    shape: [1, 3, 4],
    build: (m) => {
      const x = m.pair(m.input('x', 'float32', [1, 3, 4]), 1 / 64, 128, 'uint8');
      const large = [18620723, 18620721, -20000001, 16777217].map((v) => v + 8 * (v % 3));
      const c = m.node('DequantizeLinear', [m.constant('int32', [1, 1, 4], large), m.scalar('float32', 1.6231788322329521e-6)]);
      end(m, m.pair(m.node('Concat', [x, c], { axis: 1 }), 2.2388715744018555, 50, 'uint8'), 'float32', [1, 4, 4]);
    },
  },
  'Add of int32 constants beyond 2^24': {
    shape: [1, 4],
    build: (m) => {
      const x = m.pair(m.input('x', 'float32', [1, 4]), 1 / 64, 128, 'uint8');
      const c = m.node('DequantizeLinear', [
        m.constant('int32', [4], [18620723, 18620721, -20000001, 16777219]),
        m.scalar('float32', 1.6231788322329521e-6),
      ]);
      end(m, m.pair(m.node('Add', [x, c]), 0.5, 100, 'uint8'), 'float32', [1, 4]);
    },
  },
  'QLinearConcat with a constant of another scale': {
    shape: [1, 3, 4],
    build: (m, d) => {
      const x = m.node('QuantizeLinear', [m.input('x', 'float32', [1, 3, 4]), m.scalar('float32', 1 / 64), m.scalar('uint8', 128)]);
      const [s, z] = [m.scalar('float32', 1 / 50), m.scalar('uint8', 100)];
      const constant = [m.constant('uint8', [1, 2, 4], d.ints(8, 0, 255)), m.scalar('float32', 0.013), m.scalar('uint8', 77)];
      const y = m.node('com.microsoft.QLinearConcat', [s, z, x, m.scalar('float32', 1 / 64), m.scalar('uint8', 128), ...constant], {
        axis: 1,
      });
      end(m, m.node('DequantizeLinear', [y, s, z]), 'float32', [1, 5, 4]);
    },
  },
  'LogSoftmax, and the three greatest of it': {
    shape: [2, 8],
    approximate: true,
    build: (m, d) => {
      const y = m.node('LogSoftmax', [close(m, m.node('MatMul', [head(m, [2, 8]), weights(m, d, [8, 6], 0.01)]), 0.05)], { axis: 1 });
      end(m, m.node('TopK', [y, m.constant('int64', [1], [3])], { axis: 1 }, ['greatest', 'where']), 'float32', [2, 3]);
    },
  },
  'weights quantized in the graph': {
    shape: [1, 8],
    build: (m, d) => {
      const w = m.constant(
        'float32',
        [8, 5],
        Array.from({ length: 40 }, () => ((d.next() - 0.5) * WEIGHT_LIMIT) / 127),
      );
      const [s, z] = [m.constant('float32', [5], [0.004, 0.003, 0.005, 0.0041, 0.0039]), m.constant('int8', [5], [0, 0, 0, 0, 0])];
      const dw = m.node('DequantizeLinear', [m.node('QuantizeLinear', [w, s, z], { axis: 1 }), s, z], { axis: 1 });
      end(m, close(m, m.node('MatMul', [head(m, [1, 8]), dw]), 0.05), 'float32', [1, 5]);
    },
  },
  'two outputs, one of them read again': {
    shape: [1, 8],
    build: (m, d) => {
      const [s, z] = [m.scalar('float32', 3), m.scalar('uint8', 90)];
      const q = m.node('QuantizeLinear', [m.node('Gemm', [head(m, [1, 8]), weights(m, d, [8, 6])]), s, z], {}, ['q']);
      m.output('q', 'uint8', [1, 6]);
      end(m, close(m, m.node('Gemm', [m.node('DequantizeLinear', [q, s, z]), weights(m, d, [6, 4])]), 100), 'float32', [1, 4]);
    },
  },
};

test.for(Object.keys(cases))('%s', async (name, context) => {
  const { opset = 13, shape, approximate = false, build } = cases[name] as (typeof cases)[string];
  const dice = new Dice(name.length * 97);
  const m = new ModelBuilder(opset);
  build(m, dice);
  const bytes = m.bytes();
  expect(check(bytes).reasons).toEqual([]);
  const { run } = runner(bytes);
  const ort = await onnxruntime();
  for (let i = 0; i < 5; i++) {
    const data = Float32Array.from({ length: shape.reduce((p, v) => p * v, 1) }, () => dice.next() * 4 - 2);
    const inputs: Record<string, NamedTensor> = { x: { dtype: 'float32', shape, data } };
    const mine = run(inputs);
    if (typeof ort === 'string') continue;
    for (const t of await ort(bytes, inputs)) {
      const o = mine.find((p) => p.name === t.name);
      expect([o?.dtype, o?.shape]).toEqual([t.dtype, t.shape]);
      if (approximate) (o?.data ?? []).forEach((v, k) => void expect(Math.abs(v - (t.data[k] as number))).toBeLessThan(1e-6));
      else expect({ name: t.name, different: differing(o?.data ?? [], t.data) }).toEqual({ name: t.name, different: 0 });
    }
  }
  if (typeof ort === 'string') context.skip(`compiled and evaluated, but not compared: ${ort}`);
});
