/**
 * What lies between an accumulator and its QuantizeLinear decides by which arithmetic onnxruntime quantizes it: the scales here make a tie of every
 * second accumulator, on which the fused kernels, a scaled float and float32 altogether differ.
 */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { i64, product } from './between.helpers.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';

const [INPUT, WEIGHT, OUTPUT] = [0.0171, 0.00708126462996006, 0.0002421792596578598];

type Move = (m: ModelBuilder, y: string) => string;

/** Moves of [1, 3, n, k]; those that onnxruntime moves no QuantizeLinear past leave a Conv in float32. */
const MOVES: Readonly<Record<string, { readonly passed: boolean; readonly move: Move }>> = {
  nothing: { passed: true, move: (_, y) => y },
  Identity: { passed: true, move: (m, y) => m.node('Identity', [y]) },
  Reshape: { passed: true, move: (m, y) => m.node('Reshape', [y, i64(m, [-1, 3])]) },
  Transpose: { passed: true, move: (m, y) => m.node('Transpose', [y], { perm: [1, 0, 2, 3] }) },
  Slice: { passed: true, move: (m, y) => m.node('Slice', [y, i64(m, [1]), i64(m, [3]), i64(m, [1])]) },
  Squeeze: { passed: true, move: (m, y) => m.node('Squeeze', [y, i64(m, [0])]) },
  Unsqueeze: { passed: true, move: (m, y) => m.node('Unsqueeze', [y, i64(m, [1])]) },
  Flatten: { passed: false, move: (m, y) => m.node('Flatten', [y]) },
  Split: {
    passed: false,
    move: (m, y) => {
      m.node('Split', [y, i64(m, [1, 2])], { axis: 1 }, ['left', 'right']);
      return 'right';
    },
  },
  Gather: { passed: false, move: (m, y) => m.node('Gather', [y, i64(m, [2, 0])], { axis: 1 }) },
  Expand: { passed: false, move: (m, y) => m.node('Expand', [y, i64(m, [2, 3, 1, 1])]) },
  Tile: { passed: false, move: (m, y) => m.node('Tile', [y, i64(m, [1, 2, 1, 1])]) },
  Pad: { passed: false, move: (m, y) => m.node('Pad', [y, i64(m, [0, 0, 1, 0, 0, 0, 0, 2]), m.scalar('float32', 0.001)]) },
};

/** DQ -> op -> move -> Q -> DQ; `second`: another QuantizeLinear reads the same tensor. */
function build(op: 'Conv' | 'MatMul', move: Move, second: boolean): { bytes: Uint8Array; shape: readonly number[] } {
  const m = new ModelBuilder(13);
  const [s, z] = [m.scalar('float32', INPUT), m.scalar('uint8', 121)];
  const [shape, dims] =
    op === 'Conv'
      ? [
          [1, 4, 20, 20],
          [3, 4, 3, 3],
        ]
      : [
          [1, 3, 60, 9],
          [9, 20],
        ];
  const x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input('x', 'float32', shape), s, z]), s, z]);
  const w = m.constant('int8', dims, new Dice(5).ints(product(dims), -60, 60));
  const y = move(m, m.node(op, [x, m.node('DequantizeLinear', [w, m.scalar('float32', WEIGHT), m.scalar('int8', 0)])]));
  const zo = m.scalar('uint8', 131);
  const leave = (name: string, scale: number): void => {
    const so = m.scalar('float32', scale);
    m.output(m.node('DequantizeLinear', [m.node('QuantizeLinear', [y, so, zo]), so, zo], {}, [name]), 'float32', []);
  };
  leave('y', OUTPUT);
  if (second) leave('y2', 0.001);
  const open = (o: { type?: { tensorType?: { shape?: unknown } | null } | null }): void => {
    if (o.type?.tensorType) o.type.tensorType.shape = null;
  };
  return { bytes: m.bytes((model) => model.graph?.output?.forEach(open)), shape };
}

/** Whether its meaning is exact; then it must equal onnxruntime. */
async function exact(op: 'Conv' | 'MatMul', move: Move, second: boolean): Promise<boolean> {
  const { bytes, shape } = build(op, move, second);
  const { reasons, nodes } = check(bytes);
  expect(reasons).toEqual([]);
  const own = nodes.some((n) => n.meaning === 'own meaning');
  const ort = await onnxruntime();
  if (own || typeof ort === 'string') return !own;
  const d = new Dice(3);
  const inputs = { x: { dtype: 'float32', shape, data: Float32Array.from({ length: product(shape) }, () => (d.next() - 0.5) * 0.3) } };
  const [mine, truth] = [runner(bytes).run(inputs), await ort(bytes, inputs)];
  truth.forEach((t, i) => void expect([t.name, differing(mine[i]?.data ?? [], t.data)]).toEqual([t.name, 0]));
  return true;
}

test.each(Object.entries(MOVES))('%s before a QuantizeLinear', async (_, { passed, move }) => {
  expect([await exact('Conv', move, false), await exact('MatMul', move, false)]).toEqual([passed, true]);
});

test.each(Object.entries(MOVES))('%s before two of them', async (name, { move }) => {
  if (name === 'Pad') return; // what it pads with is decided by one
  const direct = name === 'nothing' || name === 'Identity';
  expect([await exact('Conv', move, true), await exact('MatMul', move, true)]).toEqual([false, !direct]);
});
