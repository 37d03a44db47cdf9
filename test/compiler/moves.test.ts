/**
 * Operators that move elements, and convolutions of every rank and batch, against onnxruntime-node on random inputs: equal to the bit; and one of
 * each is proven and verified.
 */
import { expect, test } from 'vitest';
import type { NamedTensor } from '../../circuits/interface.ts';
import { applyHead } from '../../circuits/interface.ts';
import { setup } from '../../circuits/setup.ts';
import { check } from '../../compiler/index.ts';
import { prove } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

/** Builds from the dequantized input; gives the name of a real tensor of this shape, which is quantized by the input's parameters or others. */
interface Case {
  readonly opset?: number;
  readonly shape: readonly number[];
  readonly out: readonly number[];
  readonly build: (m: ModelBuilder, x: string, d: Dice) => string;
  /** Quantized by parameters of its own: not a move alone. */
  readonly scale?: number;
  /** Runs in float32 in onnxruntime: it may differ by a step. */
  readonly float?: boolean;
}

const i64 = (m: ModelBuilder, values: readonly number[]): string => m.constant('int64', [values.length], values);
const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function weights(m: ModelBuilder, d: Dice, dims: readonly number[], perChannel = false): string {
  const w = m.constant('int8', dims, d.ints(product(dims), -WEIGHT_LIMIT, WEIGHT_LIMIT));
  const n = dims[0] as number;
  if (!perChannel) return m.node('DequantizeLinear', [w, m.scalar('float32', 0.01), m.scalar('int8', 0)]);
  const s = m.constant(
    'float32',
    [n],
    Array.from({ length: n }, (_, c) => 0.01 + c / 500),
  );
  return m.node('DequantizeLinear', [w, s, m.constant('int8', [n], d.ints(n, 0, 0))], { axis: 0 });
}

const cases: Readonly<Record<string, Case>> = {
  'Reshape that splits and merges': { shape: [1, 6, 4], out: [1, 8, 3], build: (m, x) => m.node('Reshape', [x, i64(m, [1, 8, 3])]) },
  'Transpose of an odd image': {
    shape: [1, 3, 5, 7],
    out: [1, 7, 3, 5],
    build: (m, x) => m.node('Transpose', [x], { perm: [0, 3, 1, 2] }),
  },
  'Reshape of a transpose': {
    shape: [1, 3, 5],
    out: [1, 15],
    build: (m, x) => m.node('Reshape', [m.node('Transpose', [x], { perm: [0, 2, 1] }), i64(m, [1, 15])]),
  },
  'Slice with steps, ends past the end, and a negative step': {
    shape: [1, 3, 9, 8],
    out: [1, 2, 4, 3],
    build: (m, x) => m.node('Slice', [x, i64(m, [1, 8, -2]), i64(m, [99, 0, 1]), i64(m, [1, 2, 3]), i64(m, [1, -2, -2])]),
  },
  'Split into unequal parts, of which two are joined again': {
    shape: [1, 7, 3],
    out: [1, 5, 3],
    build: (m, x) => {
      m.node('Split', [x, i64(m, [2, 2, 3])], { axis: 1 }, ['s0', 's1', 's2']);
      return m.node('Concat', ['s2', 's0'], { axis: 1 });
    },
  },
  'Concat of a tensor with itself': { shape: [1, 3, 2], out: [1, 6, 2], build: (m, x) => m.node('Concat', [x, x], { axis: -2 }) },
  'Pad by zero': { shape: [1, 2, 3], out: [1, 3, 6], build: (m, x) => m.node('Pad', [x, i64(m, [0, 1, 1, 0, 0, 2])]) },
  'Pad by edge': { shape: [1, 2, 3], out: [1, 4, 8], build: (m, x) => m.node('Pad', [x, i64(m, [0, 1, 2, 0, 1, 3])], { mode: 'edge' }) },
  'Pad by reflection': {
    shape: [1, 4, 5],
    out: [1, 7, 8],
    build: (m, x) => m.node('Pad', [x, i64(m, [0, 2, 3, 0, 1, 0])], { mode: 'reflect' }),
  },
  'Pad that crops': { shape: [1, 4, 5], out: [1, 3, 5], build: (m, x) => m.node('Pad', [x, i64(m, [0, -1, 1, 0, 0, -1])]) },
  'Gather of constant rows': {
    shape: [1, 5, 3],
    out: [1, 2, 2, 3],
    build: (m, x) => m.node('Gather', [x, m.constant('int64', [2, 2], [4, 0, -2, 4])], { axis: 1 }),
  },
  'Gather of one row': { shape: [1, 5, 3], out: [1, 3], build: (m, x) => m.node('Gather', [x, m.scalar('int64', 2)], { axis: 1 }) },
  Expand: { shape: [1, 3, 1], out: [2, 3, 4], build: (m, x) => m.node('Expand', [x, i64(m, [2, 1, 4])]) },
  Tile: { shape: [1, 3, 2], out: [2, 3, 6], build: (m, x) => m.node('Tile', [x, i64(m, [2, 1, 3])]) },
  'Resize by whole factors': {
    shape: [1, 2, 3, 4],
    out: [1, 2, 6, 12],
    build: (m, x) => m.node('Resize', [x, '', m.constant('float32', [4], [1, 1, 2, 3])], { mode: 'nearest' }),
  },
  'Resize by broken factors, asymmetric': {
    shape: [1, 2, 3, 5],
    out: [1, 2, 5, 3],
    build: (m, x) =>
      m.node('Resize', [x, '', '', i64(m, [1, 2, 5, 3])], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      }),
  },
  'Resize by a factor that keeps the size': {
    shape: [1, 1, 2, 3],
    out: [1, 1, 2, 3],
    build: (m, x) => {
      const attributes = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      return m.node('Resize', [x, '', m.constant('float32', [4], [1, 1, 1.25, 1])], attributes);
    },
  },
  'Resize with aligned corners': {
    shape: [1, 1, 4, 5],
    out: [1, 1, 7, 9],
    build: (m, x) =>
      m.node('Resize', [x, '', '', i64(m, [1, 1, 7, 9])], { coordinate_transformation_mode: 'align_corners', nearest_mode: 'ceil' }),
  },
  'DepthToSpace, both orders': {
    shape: [1, 8, 2, 3],
    out: [1, 2, 4, 6],
    build: (m, x) => m.node('DepthToSpace', [x], { blocksize: 2, mode: 'CRD' }),
  },
  SpaceToDepth: { shape: [1, 2, 4, 6], out: [1, 8, 2, 3], build: (m, x) => m.node('SpaceToDepth', [x], { blocksize: 2 }) },
  'a channel shuffle': {
    shape: [1, 6, 2, 3],
    out: [1, 6, 2, 3],
    build: (m, x) =>
      m.node('Reshape', [
        m.node('Transpose', [m.node('Reshape', [x, i64(m, [1, 2, 3, 2, 3])])], { perm: [0, 2, 1, 3, 4] }),
        i64(m, [1, 6, 2, 3]),
      ]),
  },
  'Conv of a batch': {
    shape: [3, 2, 5, 6],
    out: [3, 4, 3, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [4, 2, 3, 3])], { kernel_shape: [3, 3] }),
  },
  'Conv of a batch with pads, strides, dilations and groups': {
    shape: [2, 4, 7, 6],
    out: [2, 6, 4, 3],
    scale: 0.05,
    build: (m, x, d) =>
      m.node('Conv', [x, weights(m, d, [6, 2, 3, 2], true)], {
        kernel_shape: [3, 2],
        pads: [2, 1, 1, 0],
        strides: [2, 2],
        dilations: [1, 2],
        group: 2,
      }),
  },
  'Conv of a batch of signals': {
    shape: [2, 3, 9],
    out: [2, 2, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [2, 3, 3])], { kernel_shape: [3], strides: [2], pads: [0, 0] }),
  },
  'Conv of a signal that was computed': {
    shape: [1, 2, 6],
    out: [1, 3, 5],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [m.pair(m.node('Abs', [x]), 1 / 64, 3, 'uint8'), weights(m, d, [3, 2, 2])], { kernel_shape: [2] }),
  },
  'Conv of three dimensions': {
    shape: [1, 2, 4, 5, 4],
    out: [1, 3, 3, 3, 3],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [3, 2, 2, 3, 2], true)], { kernel_shape: [2, 3, 2] }),
  },
  'Conv of three dimensions, batched, padded, strided': {
    shape: [2, 2, 5, 4, 4],
    out: [2, 2, 3, 2, 4],
    scale: 0.05,
    build: (m, x, d) =>
      m.node('Conv', [x, weights(m, d, [2, 1, 3, 3, 3])], {
        kernel_shape: [3, 3, 3],
        pads: [1, 1, 1, 1, 1, 1],
        strides: [2, 2, 1],
        group: 2,
      }),
  },
  'Conv, then a reshape before its QuantizeLinear': {
    shape: [1, 2, 5, 5],
    out: [1, 9, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Reshape', [m.node('Conv', [x, weights(m, d, [4, 2, 3, 3])], { kernel_shape: [3, 3] }), i64(m, [1, 9, 4])]),
  },
  'MaxPool of a batch': {
    shape: [2, 3, 5, 6],
    out: [2, 3, 3, 3],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0] }),
  },
  'MaxPool of three dimensions': {
    shape: [2, 2, 4, 5, 4],
    out: [2, 2, 3, 2, 4],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [2, 3, 2], strides: [1, 2, 1], pads: [0, 0, 1, 0, 0, 0] }),
  },
  'MaxPool of a batch of signals': {
    shape: [3, 2, 9],
    out: [3, 2, 4],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [3], strides: [2] }),
  },
  'MatMul along a dimension of one element': {
    shape: [1, 3, 4],
    out: [1, 3, 4, 5],
    scale: 0.05,
    build: (m, x, d) => m.node('MatMul', [m.node('Unsqueeze', [x, i64(m, [3])]), weights(m, d, [1, 5])]),
  },
  'MatMul of two tensors': {
    shape: [1, 3, 5],
    out: [1, 3, 3],
    scale: 0.1,
    build: (m, x) => m.node('MatMul', [x, m.node('Transpose', [x], { perm: [0, 2, 1] })]),
  },
  'MatMul of heads, one of them broadcast': {
    shape: [2, 3, 4, 5],
    out: [2, 3, 4, 4],
    scale: 0.1,
    build: (m, x) => {
      const one = m.node('Slice', [x, i64(m, [0]), i64(m, [1]), i64(m, [0])]);
      return m.node('MatMul', [x, m.node('Transpose', [one], { perm: [0, 1, 3, 2] })]);
    },
  },
};

test.for(Object.keys(cases))('%s', async (name, context) => {
  const { opset = 17, shape, out, build, scale, float = false } = cases[name] as Case;
  const d = new Dice(name.length * 131);
  const m = new ModelBuilder(opset);
  const [s, z] = [m.scalar('float32', 1 / 64), m.scalar('uint8', 121)];
  const x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input('x', 'float32', shape), s, z]), s, z]);
  const y = build(m, x, d);
  const [so, zo] = scale === undefined ? [s, z] : [m.scalar('float32', scale), m.scalar('uint8', 131)];
  m.output(m.node('DequantizeLinear', [m.node('QuantizeLinear', [y, so, zo]), so, zo], {}, ['y']), 'float32', out);
  const bytes = m.bytes();
  expect(check(bytes).reasons).toEqual([]);
  const { program, run } = runner(bytes);
  const ort = await onnxruntime();
  let inputs: Record<string, NamedTensor> = {};
  for (let i = 0; i < 4; i++) {
    const data = Float32Array.from({ length: product(shape) }, () => d.next() * 4.4 - 2.2);
    inputs = { x: { dtype: 'float32', shape, data } };
    const [mine] = run(inputs);
    expect(mine?.shape).toEqual(out);
    expect(mine?.data.length).toBe(product(out));
    if (typeof ort === 'string') continue;
    const [truth] = await ort(bytes, inputs);
    expect(truth?.shape).toEqual(out);
    const different = differing(mine?.data ?? [], truth?.data ?? []);
    if (!float) expect(different).toBe(0);
  }
  const { key, plan, contents } = setup(program.network);
  const { envelope } = await prove({ fields: key, plan, contents }, applyHead(program.interface, inputs));
  expect(verify(envelope, key)).toMatchObject({ ok: true });
  if (typeof ort === 'string') context.skip(`proven, but not compared: ${ort}`);
});
