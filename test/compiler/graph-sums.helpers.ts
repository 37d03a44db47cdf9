/** Products, pools, reductions and normalizations in random graphs. */

import { clipped } from './graph-functions.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';
import {
  type Attributes,
  float,
  type Kind,
  MOST,
  RANGE,
  range,
  type Scaling,
  type Shape,
  type Sketch,
  size,
  spread,
} from './sketch.helpers.ts';

/** Integer weights with a scale, or one a channel, and sometimes a zero point. */
function weights(g: Sketch, x: Scaling, dims: Shape, axis: number, perChannel: boolean) {
  const type = x.dtype === 'uint8' && g.d.chance(0.15) ? 'uint8' : 'int8';
  const many = perChannel && g.d.chance(0.4);
  const channels = dims[axis] as number;
  const scales = range(many ? channels : 1).map(() => g.d.scale(-7));
  const w = g.m.constant(type, dims, g.d.ints(size(dims), type === 'uint8' ? 0 : -WEIGHT_LIMIT, WEIGHT_LIMIT));
  const s = g.m.constant('float32', many ? [channels] : [], scales);
  const zp = g.d.chance(0.3) ? g.d.int(-20, 20) + (type === 'uint8' ? 128 : 0) : 0;
  const z = g.m.constant(
    type,
    many ? [channels] : [],
    scales.map(() => zp),
  );
  const fan = size(dims) / channels;
  const values = g.values(x);
  const energy = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const deviation = Math.sqrt(energy * fan) * (WEIGHT_LIMIT / 1.7) * (scales.reduce((a, b) => a + b, 0) / scales.length);
  const operator = [w, s, z];
  const real = () => g.node('DequantizeLinear', operator, many ? { axis } : {});
  return { scales, operator, real, about: [-2.5 * deviation, 2.5 * deviation], channels };
}

/** An int32 bias at the scale of the accumulator. */
function bias(g: Sketch, x: Scaling, { scales, channels, about }: ReturnType<typeof weights>): { raw: string; real: () => string } {
  const steps = scales.map((s) => Math.fround(x.scale * s));
  const most = Math.round((about[1] as number) / (4 * Math.max(...steps)));
  const raw = g.m.constant('int32', [channels], g.d.ints(channels, -most, most));
  const real = () =>
    g.node(
      'DequantizeLinear',
      [raw, g.m.constant('float32', scales.length > 1 ? [channels] : [], steps)],
      scales.length > 1 ? { axis: 0 } : {},
    );
  return { raw, real };
}

const perChannel = (g: Sketch, kernel: boolean): boolean => kernel || g.opset >= 13;

/** Sometimes Relu or Clip lies between a product and its QuantizeLinear. */
function finished(g: Sketch, real: string, shape: Shape, about: readonly number[]): void {
  const after = g.d.next();
  if (after < 0.15) real = g.node('Relu', [real]);
  else if (after < 0.25)
    ({ real } = clipped(
      g,
      real,
      [],
      about.map((v) => v * 0.4),
    ));
  g.close(real, shape, g.around(about));
}

interface Windows {
  readonly attributes: Attributes;
  readonly kernel: readonly number[];
  readonly out: readonly number[];
}

function windows(g: Sketch, space: Shape, pool: boolean, dilated: boolean): Windows {
  const kernel = space.map((n) => g.d.int(1, Math.min(3, n)));
  const strides = g.d.chance(0.4) ? [...kernel] : space.map(() => g.d.int(1, 2));
  const dilations = kernel.map((k, i) => (dilated && g.d.chance(0.2) && 2 * k - 1 <= (space[i] as number) ? 2 : 1));
  const pads = [0, 1].flatMap(() =>
    kernel.map((k, i) => (g.d.chance(0.5) || (dilations[i] as number) > 1 ? 0 : g.d.int(0, pool ? k - 1 : 2))),
  );
  const n = space.length;
  // SAME with a stride over the kernel would crop, which onnxruntime refuses.
  const whole = dilations.every((v, i) => v === 1 && (strides[i] as number) <= (kernel[i] as number));
  const auto = g.d.next() < 0.2 && whole ? g.d.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) : null;
  const out = space.map((v, i) => {
    const s = strides[i] as number;
    const span = (dilations[i] as number) * ((kernel[i] as number) - 1) + 1;
    if (auto?.startsWith('SAME')) return Math.ceil(v / s);
    return Math.floor((v + (auto === null ? (pads[i] as number) + (pads[i + n] as number) : 0) - span) / s) + 1;
  });
  const where: Attributes = auto === null ? { pads } : { auto_pad: auto };
  return { attributes: { kernel_shape: kernel, strides, ...(dilations.some((v) => v > 1) ? { dilations } : {}), ...where }, kernel, out };
}

const image = (s: Shape): boolean => s.length >= 3 && size(s.slice(2)) > 1;

const convolution = (kernel: boolean): Kind => ({
  family: 'products',
  build(g) {
    const x = g.take(image);
    const [n, ci, ...space] = x.shape as [number, number, ...number[]];
    const group = g.d.chance(0.3) ? g.d.pick([1, 2, 3, ci].filter((v) => ci % v === 0)) : 1;
    const co = group * g.d.int(1, 4);
    const { attributes, kernel: k, out } = windows(g, space, false, true);
    const w = weights(g, x, [co, ci / group, ...k], 0, perChannel(g, kernel));
    const b = g.d.chance(0.6) ? bias(g, x, w) : null;
    const shape = [n, co, ...out];
    if (kernel) {
      const to = g.like(x, w.about);
      g.add(
        g.node('QLinearConv', [g.integers(x), x.s, x.z, ...w.operator, to.s, to.z, ...(b === null ? [] : [b.raw])], {
          ...attributes,
          group,
        }),
        shape,
        to,
      );
    } else finished(g, g.node('Conv', [g.real(x), w.real(), ...(b === null ? [] : [b.real()])], { ...attributes, group }), shape, w.about);
  },
});

const dense = (op: 'Gemm' | 'MatMul' | 'QLinearMatMul' | 'com.microsoft.QGemm'): Kind => ({
  family: 'products',
  build(g) {
    const gemm = op.endsWith('Gemm');
    const kernel = op.includes('QLinear') || op.includes('QGemm');
    const x = g.take((s) => (gemm ? s.length === 2 : s.length >= 2));
    const k = x.shape.at(-1) as number;
    const n = g.d.int(1, 12);
    const transB = gemm && g.d.chance(0.5) ? 1 : 0;
    const w = weights(g, x, transB === 1 ? [n, k] : [k, n], transB === 1 ? 0 : 1, perChannel(g, kernel));
    const b = gemm && (g.opset < 11 || g.d.chance(0.6)) ? bias(g, x, w) : null;
    const shape = [...x.shape.slice(0, -1), n];
    const operands = [g.integers(x), x.s, x.z, ...w.operator];
    const to = g.like(x, w.about);
    if (op === 'QLinearMatMul') g.add(g.node(op, [...operands, to.s, to.z]), shape, to);
    else if (kernel) g.add(g.node(op, [...operands, b?.raw ?? '', to.s, to.z], { transB, alpha: { float: 1 } }), shape, to);
    else if (gemm) finished(g, g.node('Gemm', [g.real(x), w.real(), ...(b === null ? [] : [b.real()])], { transB }), shape, w.about);
    else finished(g, g.node('MatMul', [g.real(x), w.real()]), shape, w.about);
  },
});

/** Two tensors; where onnxruntime's kernel of signed operands saturates, unsigned ones alone. */
const product = (kernel: boolean): Kind => ({
  family: 'products',
  build(g) {
    const types = WEIGHT_LIMIT > 64 ? ['uint8', 'int8'] : ['uint8'];
    const good = g.made.filter((t) => t.shape.length >= 2 && types.includes(t.dtype) && size(t.shape) <= MOST);
    const a =
      good.at(-1) ??
      g.input(
        g.shape((s) => s.length >= 2),
        'uint8',
      );
    const [rows, k] = a.shape.slice(-2) as [number, number];
    const lead = a.shape.slice(0, -2);
    const columns = g.d.int(1, 4);
    const transposed = g.d.chance(0.4);
    const dims = [...(g.d.chance(0.5) ? lead : lead.map(() => 1)), ...(transposed ? [columns, k] : [k, columns])];
    const b = g.input(dims, a.dtype);
    const perm = [...range(dims.length - 2), dims.length - 1, dims.length - 2];
    const square = g.values(a).reduce((m, v) => Math.max(m, Math.abs(v)), 0) * g.values(b).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const about = [-square * Math.sqrt(k) * 0.4, square * Math.sqrt(k) * 0.4];
    const shape = [...lead, rows, columns];
    if (kernel) {
      const q = transposed ? g.node('Transpose', [g.integers(b)], { perm }) : g.integers(b);
      const to = g.like(a, about);
      g.add(g.node('QLinearMatMul', [g.integers(a), a.s, a.z, q, b.s, b.z, to.s, to.z]), shape, to);
      return;
    }
    const real = transposed ? g.node('Transpose', [g.real(b)], { perm }) : g.real(b);
    g.close(g.node('MatMul', [g.real(a), real]), shape, g.around(about));
  },
});

const maxPool: Kind = {
  family: 'pools',
  since: 12,
  build(g) {
    const x = g.take((s) => image(s) && size(s) > 4);
    const [n, c, ...space] = x.shape as [number, number, ...number[]];
    const { attributes, out } = windows(g, space, true, true);
    const shape = [n, c, ...out];
    if (size(shape) < 2) return;
    if (g.qop) g.add(g.node('MaxPool', [g.integers(x)], attributes), shape, x);
    else g.close(g.node('MaxPool', [g.real(x)], attributes), shape, x);
  },
};

const averagePool = (kernel: boolean): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take((s) => image(s) && s.length < 5);
    const [n, c, ...space] = x.shape as [number, number, ...number[]];
    const { attributes, out } = windows(g, space, true, false);
    const more = { ...attributes, count_include_pad: g.d.pick([0, 1]) };
    const shape = [n, c, ...out];
    const to = g.like(x, g.values(x));
    if (kernel) g.add(g.node('com.microsoft.QLinearAveragePool', [g.integers(x), x.s, x.z, to.s, to.z], more), shape, to);
    else g.close(g.node('AveragePool', [g.real(x)], more), shape, to);
  },
});

const globalPool = (kernel: boolean): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take(image);
    const shape = x.shape.map((v, i) => (i < 2 ? v : 1));
    const to = g.like(
      x,
      spread(g.values(x)).map((v) => v / 2),
    );
    if (kernel)
      g.add(g.node('com.microsoft.QLinearGlobalAveragePool', [g.integers(x), x.s, x.z, to.s, to.z], { channels_last: 0 }), shape, to);
    else g.close(g.node('GlobalAveragePool', [g.real(x)]), shape, to);
  },
});

const reduction = (op: 'ReduceMean' | 'ReduceSum'): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take((s) => s.length >= 2);
    const axes = range(x.shape.length)
      .filter(() => g.d.chance(0.5))
      .slice(0, x.shape.length - 1);
    if (axes.length === 0) axes.push(x.shape.length - 1);
    const keepdims = g.d.pick([0, 1]);
    const shape = x.shape.flatMap((v, i) => (!axes.includes(i) ? [v] : keepdims === 1 ? [1] : []));
    const named = axes.map((a) => (g.opset >= 11 && g.d.chance(0.3) ? a - x.shape.length : a));
    const [inputs, attributes] = g.listed(g.real(x), 'axes', named, op === 'ReduceSum' ? 13 : 18);
    const times = op === 'ReduceSum' ? Math.sqrt(size(axes.map((a) => x.shape[a] as number))) : 1;
    g.close(g.node(op, inputs, { ...attributes, keepdims }), shape, g.around(g.values(x).map((v) => v * times)));
  },
});

const softmax = (kernel: boolean): Kind => ({
  family: 'normalizations',
  build(g) {
    const row = (s: Shape, axis: number): number => (g.opset >= 13 ? (s[axis] as number) : size(s.slice(axis)));
    const x = g.take((s) => s.length >= 2 && size(s) > 1);
    const axis = g.d.pick(range(x.shape.length).filter((i) => row(x.shape, i) > 1));
    const to = g.parameters(g.d.pick([1 / 256, Math.fround(1 / 255), Math.fround((1 + g.d.next() / 2) / 256)]), RANGE[x.dtype][0], x.dtype);
    if (kernel) g.add(g.node('com.microsoft.QLinearSoftmax', [g.integers(x), x.s, x.z, to.s, to.z], { axis, opset: g.opset }), x.shape, to);
    else g.close(g.node('Softmax', [g.real(x)], { axis }), x.shape, to);
  },
});

const layerNormalization: Kind = {
  family: 'normalizations',
  since: 17,
  build(g) {
    const axis = g.d.pick([-1, -1, -2]);
    const whole = g.d.chance(0.7);
    const fits = (n: number): boolean => n > 1 && (n % 8 === 0) === whole;
    const x = g.take((s) => s.length >= 2 && fits(size(s.slice(axis))));
    const dims = x.shape.slice(axis);
    const list = (about: number): string => {
      const values = range(size(dims)).map(() => about + g.d.next() - 0.5);
      return g.m.constant('float32', dims, values);
    };
    const operands = [g.real(x), list(1), ...(g.d.chance(0.7) ? [list(0)] : [])];
    g.close(g.node('LayerNormalization', operands, { axis, epsilon: float(1e-5) }), x.shape, g.around([-2.5, 2.5]));
  },
};

export const sums: Readonly<Record<string, Kind>> = {
  Conv: convolution(false),
  QLinearConv: convolution(true),
  Gemm: dense('Gemm'),
  MatMul: dense('MatMul'),
  QLinearMatMul: dense('QLinearMatMul'),
  QGemm: dense('com.microsoft.QGemm'),
  'MatMul of two': product(false),
  'QLinearMatMul of two': product(true),
  MaxPool: maxPool,
  AveragePool: averagePool(false),
  QLinearAveragePool: averagePool(true),
  GlobalAveragePool: globalPool(false),
  QLinearGlobalAveragePool: globalPool(true),
  ReduceMean: reduction('ReduceMean'),
  ReduceSum: reduction('ReduceSum'),
  Softmax: softmax(false),
  QLinearSoftmax: softmax(true),
  LayerNormalization: layerNormalization,
};
