/**
 * One operator with attributes at random, between its pairs: what is accepted equals onnxruntime to the bit, unless its meaning is marked as our own.
 * Scales are powers of two where onnxruntime sums in float32.
 */
import { expect, test } from 'vitest';
import { sum } from '../../circuits/shape.ts';
import { check } from '../../compiler/index.ts';
import { product } from './between.helpers.ts';
import { differing, runner } from './models.helpers.ts';
import { type AttributeValue, Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';

type Attributes = Record<string, AttributeValue>;

/** A model under construction: x [shape] is dequantized; int8 or uint8. */
interface Draw {
  readonly m: ModelBuilder;
  readonly d: Dice;
  readonly x: string;
  readonly shape: readonly number[];
  /** Spatial dimensions. */
  readonly size: readonly number[];
  readonly groups: number;
}

const each = <T>(list: readonly T[], f: (v: T, i: number) => number): number[] => list.map(f);

/** Weights of these dims, one scale or one an index of `axis`, sometimes with a zero point. */
function weights({ m, d }: Draw, dims: readonly number[], axis: number): string {
  const n = d.chance(0.5) ? (dims[axis] as number) : 1;
  const zp = d.chance(0.3) ? d.int(-20, 20) : 0;
  const [scales, zps] = [Array.from({ length: n }, (_, c) => 2 ** -(5 + (c % 3))), Array.from({ length: n }, () => zp)];
  const many = n > 1 ? [n] : [];
  const w = m.constant('int8', dims, d.ints(product(dims), -60, 60));
  return m.node('DequantizeLinear', [w, m.constant('float32', many, scales), m.constant('int8', many, zps)], { axis });
}

const window = ({ d, size }: Draw): Attributes => ({ strides: each(size, () => d.int(1, 3)), dilations: each(size, () => d.int(1, 2)) });

const makers: Readonly<Record<string, (draw: Draw) => string>> = {
  Conv: (draw) => {
    const { m, d, x, shape, size, groups } = draw;
    const w = weights(draw, [d.int(1, 6) * groups, (shape[1] as number) / groups, ...each(size, () => d.int(1, 2))], 0);
    return m.node('Conv', [x, w], { ...window(draw), group: groups, pads: each([...size, ...size], () => d.int(0, 2)) });
  },
  ConvTranspose: (draw) => {
    const { m, d, x, shape, size, groups } = draw;
    const w = weights(draw, [shape[1] as number, d.int(1, 3), ...each(size, () => d.int(1, 3))], 1);
    const base = window(draw);
    const strides = base.strides as readonly number[];
    const way = d.int(0, 3);
    const more: Attributes =
      way === 0
        ? { auto_pad: d.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) }
        : way === 1
          ? { output_shape: each(size, (n, i) => (n - 1) * (strides[i] as number) + 1) }
          : { pads: each([...size, ...size], () => d.int(0, 1)), output_padding: each(strides, (s) => d.int(0, s - 1)) };
    return m.node('ConvTranspose', [x, w], { ...base, ...more, group: groups });
  },
  AveragePool: ({ m, d, x, size }) => {
    const kernel = each(size, (n) => d.int(1, Math.min(3, n)));
    const pads = each([...kernel, ...kernel], (k) => (d.chance(0.3) ? d.int(0, k - 1) : 0));
    const strides = each(size, () => d.int(1, 3));
    return m.node('AveragePool', [x], { kernel_shape: kernel, strides, pads, ceil_mode: d.int(0, 1), count_include_pad: d.int(0, 1) });
  },
  Reduce: ({ m, d, x, shape }) => {
    const axes = shape.flatMap((_, i) => (d.chance(0.5) ? [i] : []));
    const operand = axes.length === 0 ? [] : [m.constant('int64', [axes.length], axes)];
    return m.node(d.pick(['ReduceMax', 'ReduceMin']), [x, ...operand], { keepdims: d.int(0, 1) });
  },
  Arg: ({ m, d, x, shape }) =>
    m.node(d.pick(['ArgMax', 'ArgMin']), [m.pair(m.node('Relu', [x]), 0.25, 3, 'uint8')], {
      axis: d.int(-shape.length, shape.length - 1),
      keepdims: d.int(0, 1),
      select_last_index: d.int(0, 1),
    }),
  // Few values, so that there are ties.
  TopK: ({ m, d, x, shape }) => {
    const axis = d.int(0, shape.length - 1);
    const k = m.constant('int64', [1], [d.int(1, shape[axis] as number)]);
    const few = m.pair(x, 0.25, 8, 'uint8');
    return m.node('TopK', [few, k], { axis: d.chance(0.5) ? axis : axis - shape.length, largest: d.int(0, 1) }, ['values', 'indices']);
  },
};

function draw(kind: string, d: Dice): { bytes: Uint8Array; shape: readonly number[] } {
  const m = new ModelBuilder(19);
  const rank = d.int(1, 3);
  const size = Array.from({ length: rank }, () => d.int(3, rank === 3 ? 4 : 6));
  const groups = d.pick([1, 1, 2, 3]);
  const shape = [d.int(1, 2), d.int(1, 4) * groups, ...size];
  const dtype = d.pick(['uint8', 'uint8', 'int8']);
  const zp = (): string => m.scalar(dtype, d.int(0, 255) - (dtype === 'int8' ? 128 : 0));
  const [s, z] = [m.scalar('float32', 1 / 64), zp()];
  const x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input('x', 'float32', shape), s, z]), s, z]);
  const y = (makers[kind] as (of: Draw) => string)({ m, d, x, shape, size, groups });
  const [so, zo] = [m.scalar('float32', d.scale(kind.startsWith('Conv') ? -3 : -6)), zp()];
  if (kind === 'Arg') m.output(m.node('Identity', [y], {}, ['y']), 'int64', []);
  else if (kind === 'TopK') {
    m.output('values', 'float32', []);
    m.output('indices', 'int64', []);
  } else m.output(m.node('DequantizeLinear', [m.node('QuantizeLinear', [y, so, zo]), so, zo], {}, ['y']), 'float32', []);
  const open = (o: { type?: { tensorType?: { shape?: unknown } | null } | null }): void => {
    if (o.type?.tensorType) o.type.tensorType.shape = null;
  };
  return { bytes: m.bytes((model) => model.graph?.output?.forEach(open)), shape };
}

test.for(Object.keys(makers))('%s', async (kind, context) => {
  const ort = await onnxruntime();
  if (typeof ort === 'string') return context.skip(ort);
  const seen = { equal: 0, refused: 0, own: 0 };
  for (let seed = 1; seed <= 60; seed++) {
    const d = new Dice(seed * 104729);
    const { bytes, shape } = draw(kind, d);
    const { supported, nodes } = check(bytes);
    if (!supported) {
      seen.refused++;
      continue;
    }
    const inputs = { x: { dtype: 'float32', shape, data: Float32Array.from({ length: product(shape) }, () => d.next() * 4.4 - 2.2) } };
    const mine = runner(bytes).run(inputs);
    const truth = await ort(bytes, inputs);
    expect([seed, ...mine.map((o) => o.shape)]).toEqual([seed, ...truth.map((o) => o.shape)]);
    const own = nodes.some((n) => n.meaning === 'own meaning');
    const different = sum(mine.map((o, i) => differing(o.data, truth[i]?.data ?? [])));
    if (!own) expect([seed, different]).toEqual([seed, 0]);
    seen[own ? 'own' : 'equal']++;
  }
  console.info(`${kind}: ${JSON.stringify(seen)}`);
  expect(seen.equal).toBeGreaterThan(25);
});
