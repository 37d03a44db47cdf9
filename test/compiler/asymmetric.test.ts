/** Weights with zero points, one or one a channel: whatever the operator, they are weights less their zero point. */
import { test } from 'vitest';
import { type Case, compared, product } from './between.helpers.ts';
import type { Dice, ModelBuilder } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

interface Asymmetric {
  readonly dtype: 'uint8' | 'int8';
  readonly zps: readonly number[];
}

/** Names of weights, scales and zero points. */
function operands(m: ModelBuilder, d: Dice, dims: readonly number[], { dtype, zps }: Asymmetric): [string, string, string] {
  const lo = dtype === 'uint8' ? 0 : -WEIGHT_LIMIT;
  const many = zps.length > 1 ? [zps.length] : [];
  return [
    m.constant(dtype, dims, d.ints(product(dims), lo, dtype === 'uint8' ? 255 : WEIGHT_LIMIT)),
    m.constant(
      'float32',
      many,
      zps.map((_, c) => 0.004 + c / 500),
    ),
    m.constant(dtype, many, zps),
  ];
}

const WEIGHTS: Readonly<Record<string, Asymmetric>> = {
  'uint8, zero point 128': { dtype: 'uint8', zps: [128] },
  'int8, zero point -7': { dtype: 'int8', zps: [-7] },
  'uint8, a zero point a channel': { dtype: 'uint8', zps: [3, 128, 255, 0] },
  'int8, a zero point a channel': { dtype: 'int8', zps: [3, -12, 0, 25] },
};

const between =
  (op: string, shape: readonly number[], out: readonly number[], dims: readonly number[], axis: number, group?: number) =>
  (w: Asymmetric) => ({
    shape,
    out,
    scale: 0.08,
    build: (m: ModelBuilder, x: string, d: Dice) =>
      m.node(op, [x, m.node('DequantizeLinear', operands(m, d, dims, w), { axis })], group === undefined ? {} : { group }),
  });

const inside = (op: string, shape: readonly number[], out: readonly number[], dims: readonly number[]) => (w: Asymmetric) => ({
  shape,
  out,
  scale: 0.08,
  build: (m: ModelBuilder, x: string, d: Dice) => {
    const [s, z] = [m.scalar('float32', 1 / 64), m.scalar('uint8', 121)];
    const [so, zo] = [m.scalar('float32', 0.08), m.scalar('uint8', 131)];
    const bias = op === 'com.microsoft.QGemm' ? [''] : [];
    const y = m.node(op, [m.node('QuantizeLinear', [x, s, z]), s, z, ...operands(m, d, dims, w), ...bias, so, zo]);
    return m.node('DequantizeLinear', [y, so, zo]);
  },
});

const USES: Readonly<Record<string, (w: Asymmetric) => Case>> = {
  Conv: between('Conv', [1, 3, 5, 4], [1, 4, 4, 3], [4, 3, 2, 2], 0),
  'Conv of groups': between('Conv', [1, 4, 5, 4], [1, 4, 4, 3], [4, 1, 2, 2], 0, 4),
  Gemm: between('Gemm', [2, 6], [2, 4], [6, 4], 1),
  MatMul: between('MatMul', [2, 3, 6], [2, 3, 4], [6, 4], 1),
  QLinearConv: inside('QLinearConv', [1, 3, 5, 4], [1, 4, 4, 3], [4, 3, 2, 2]),
  QLinearMatMul: inside('QLinearMatMul', [2, 3, 6], [2, 3, 4], [6, 4]),
  QGemm: inside('com.microsoft.QGemm', [2, 6], [2, 4], [6, 4]),
};

const cases = Object.entries(USES).flatMap(([use, of]) =>
  Object.entries(WEIGHTS).map(([weights, w]): [string, Case] => [`${use}: ${weights}`, of(w)]),
);

test.for(cases)('%s', ([name, of], context) => compared(of, name.length * 131, context));
