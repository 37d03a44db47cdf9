/** Small networks of the kinds that people have, with random weights, as exporters write them. */
import type { FloatBuilder } from './quantize.helpers.ts';

const list = (m: FloatBuilder, ...v: number[]): string => m.literal('int64', [v.length], v);
const number = (m: FloatBuilder, v: number): string => m.literal('float32', [], [v]);

/** MatMul and a bias. */
const linear = (m: FloatBuilder, x: string, from: number, to: number): string =>
  m.node('Add', [m.random([to], 0.2), m.node('MatMul', [x, m.random([from, to], 1.5 / Math.sqrt(from))])]);

const layerNorm = (m: FloatBuilder, x: string, d: number): string =>
  m.node('LayerNormalization', [x, m.random([d], 0.2, 1), m.random([d], 0.2)], { axis: -1 });

/** LayerNormalization as PyTorch wrote it before opset 17; `twice`: with the difference written twice, as it did before that. */
function layerNormSteps(m: FloatBuilder, x: string, d: number, twice = false): string {
  const mean = m.node('ReduceMean', [x], { axes: [-1], keepdims: 1 });
  const centred = m.node('Sub', [x, mean]);
  const squares = m.node('Pow', [twice ? m.node('Sub', [x, mean]) : centred, number(m, 2)]);
  const variance = m.node('ReduceMean', [squares], { axes: [-1], keepdims: 1 });
  const normal = m.node('Div', [centred, m.node('Sqrt', [m.node('Add', [variance, number(m, 1e-5)])])]);
  return m.node('Add', [m.node('Mul', [normal, m.random([d], 0.2, 1)]), m.random([d], 0.2)]);
}

function gelu(m: FloatBuilder, x: string): string {
  const e = m.node('Erf', [m.node('Div', [x, number(m, Math.SQRT2)])]);
  return m.node('Mul', [m.node('Mul', [x, m.node('Add', [e, number(m, 1)])]), number(m, 0.5)]);
}

/** Multi-head attention over t tokens; `mask` changes the scores. */
function attention(m: FloatBuilder, x: string, [t, h, d]: readonly [number, number, number], mask = (s: string): string => s): string {
  const e = h * d;
  const qkv = m.node('Transpose', [m.node('Reshape', [linear(m, x, e, 3 * e), list(m, 1, t, 3, h, d)])], { perm: [2, 0, 3, 1, 4] });
  const [q, k, v] = [0, 1, 2].map((n) => m.node('Gather', [qkv, m.literal('int64', [], [n])], { axis: 0 })) as [string, string, string];
  const scaled = m.node('Mul', [q, number(m, 1 / Math.sqrt(d))]);
  const scores = mask(m.node('MatMul', [scaled, m.node('Transpose', [k], { perm: [0, 1, 3, 2] })]));
  const seen = m.node('MatMul', [m.node('Softmax', [scores], { axis: -1 }), v]);
  return linear(m, m.node('Reshape', [m.node('Transpose', [seen], { perm: [0, 2, 1, 3] }), list(m, 1, t, e)]), e, e);
}

const block = (m: FloatBuilder, x: string, t: number, mask?: (s: string) => string): string => {
  const y = m.node('Add', [x, attention(m, layerNorm(m, x, 8), [t, 2, 4], mask)]);
  return m.node('Add', [y, linear(m, gelu(m, linear(m, layerNorm(m, y, 8), 8, 16)), 16, 8)]);
};

const causal = (t: number, seen: number, not: number): number[] =>
  Array.from({ length: t * t }, (_, p) => (p % t > Math.floor(p / t) ? not : seen));

const embedding = (m: FloatBuilder): string =>
  m.node('Add', [m.node('Gather', [m.random([11, 8], 1), m.open('ids', ['N', 5], 7)]), m.random([1, 5, 8], 0.5)]);

/** By what it is, how to build it; gives the name of the output. */
export const ARCHITECTURES: Readonly<Record<string, (m: FloatBuilder) => string>> = {
  'vision transformer with a class token': (m) => {
    let x = m.conv(m.open('x', [1, 3, 8, 8]), 3, 8, 4, { strides: [4, 4], pads: [0, 0, 0, 0] });
    x = m.node('Transpose', [m.node('Reshape', [x, list(m, 1, 8, 4)])], { perm: [0, 2, 1] });
    const cls = m.node('Expand', [m.random([1, 1, 8], 1), list(m, 1, 1, 8)]);
    x = block(m, m.node('Add', [m.node('Concat', [cls, x], { axis: 1 }), m.random([1, 5, 8], 0.3)]), 5);
    return m.node('Gemm', [m.node('Gather', [layerNorm(m, x, 8), m.literal('int64', [], [0])], { axis: 1 }), m.random([8, 4], 0.5)]);
  },
  'transformer with a mean over tokens': (m) => {
    const x = block(m, m.open('x', [1, 5, 8]), 5);
    return m.node('Gemm', [m.node('ReduceMean', [layerNorm(m, x, 8)], { axes: [1], keepdims: 0 }), m.random([8, 4], 0.5)]);
  },
  'layer normalizations in single steps': (m) => {
    const x = m.open('x', [1, 5, 8]);
    const y = m.node('Add', [x, linear(m, gelu(m, linear(m, layerNormSteps(m, x, 8), 8, 16)), 16, 8)]);
    return linear(m, layerNormSteps(m, y, 8, true), 8, 3);
  },
  'language model, a mask of −∞ added': (m) => {
    const mask = (s: string): string => m.node('Add', [s, m.literal('float32', [1, 1, 5, 5], causal(5, 0, Number.NEGATIVE_INFINITY))]);
    return linear(m, layerNorm(m, block(m, embedding(m), 5, mask), 8), 8, 11);
  },
  'language model, a mask by Where': (m) => {
    const mask = (s: string): string => m.node('Where', [m.literal('bool', [1, 1, 5, 5], causal(5, 1, 0)), s, number(m, -10000)]);
    return linear(m, layerNorm(m, block(m, embedding(m), 5, mask), 8), 8, 11);
  },
  'U-net': (m) => {
    const a = m.node('Relu', [m.conv(m.open('x', [1, 1, 8, 8]), 1, 4, 3)]);
    const b = m.node('Relu', [m.conv(m.node('MaxPool', [a], { kernel_shape: [2, 2], strides: [2, 2] }), 4, 8, 3)]);
    const up = m.node('ConvTranspose', [b, m.random([8, 4, 2, 2], 0.4), m.random([4], 0.2)], { kernel_shape: [2, 2], strides: [2, 2] });
    return m.node('Sigmoid', [m.conv(m.node('Concat', [up, a], { axis: 1 }), 8, 1, 1)]);
  },
  'MobileNet v3: depthwise, squeeze and excite, hard swish in steps': (m) => {
    const hardSwish = (x: string): string => {
      const clipped = m.node('Clip', [m.node('Add', [x, number(m, 3)]), m.scalar('float32', 0), m.scalar('float32', 6)]);
      return m.node('Div', [m.node('Mul', [x, clipped]), number(m, 6)]);
    };
    let x = hardSwish(m.norm(m.conv(m.open('x', [1, 3, 8, 8]), 3, 8, 3, { strides: [2, 2] }, false), 8));
    x = m.node('Conv', [x, m.random([8, 1, 3, 3], 0.5)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 8 });
    x = m.node('Relu', [m.norm(x, 8)]);
    const squeezed = m.node('Relu', [m.conv(m.node('GlobalAveragePool', [x]), 8, 4, 1)]);
    const gate = m.node('HardSigmoid', [m.conv(squeezed, 4, 8, 1)], { alpha: { float: 1 / 6 } });
    return m.node('Gemm', [m.node('Flatten', [m.node('GlobalAveragePool', [m.node('Mul', [x, gate])])]), m.random([8, 5], 0.5)]);
  },
  'ShuffleNet: channels shuffled between groups': (m) => {
    let x = m.node('Reshape', [m.conv(m.open('x', [1, 3, 6, 6]), 3, 8, 1), list(m, 1, 2, 4, 6, 6)]);
    x = m.node('Reshape', [m.node('Transpose', [x], { perm: [0, 2, 1, 3, 4] }), list(m, 1, 8, 6, 6)]);
    x = m.node('Conv', [x, m.random([8, 4, 1, 1], 0.5)], { kernel_shape: [1, 1], group: 2 });
    return m.node('ReduceMean', [m.node('Relu', [x])], { axes: [2, 3], keepdims: 0 });
  },
  'sound in one dimension': (m) => {
    let x = m.node('Conv', [m.open('x', [1, 1, 40]), m.random([4, 1, 9], 0.4)], { kernel_shape: [9], strides: [2] });
    x = m.node('MaxPool', [m.node('Relu', [m.norm(x, 4)])], { kernel_shape: [4], strides: [4] });
    x = m.node('Conv', [x, m.random([6, 4, 3], 0.4), m.random([6], 0.1)], { kernel_shape: [3] });
    x = m.node('AveragePool', [m.node('Relu', [x])], { kernel_shape: [2] });
    return linear(m, m.node('Flatten', [m.node('Transpose', [x], { perm: [0, 2, 1] })]), 6, 4);
  },
  'detector: SiLU, upsampling, a large pool, a grid': (m) => {
    const c = m.conv(m.open('x', [1, 3, 8, 8]), 3, 8, 3, { strides: [2, 2] });
    const silu = m.node('Mul', [c, m.node('Sigmoid', [c])]);
    const up = m.node('Resize', [silu, '', m.constant('float32', [4], [1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    const pooled = m.node('MaxPool', [up], { kernel_shape: [5, 5], pads: [2, 2, 2, 2] });
    const y = m.node('Reshape', [m.conv(m.node('Concat', [up, pooled], { axis: 1 }), 16, 12, 1), list(m, 1, 2, 6, 8, 8)]);
    m.node('Split', [m.node('Sigmoid', [m.node('Transpose', [y], { perm: [0, 1, 3, 4, 2] })])], { axis: 4 }, ['xy', 'wh', 'classes']);
    const moved = m.node('Add', [m.node('Mul', ['xy', number(m, 2)]), m.random([1, 1, 8, 8, 2], 4, 4)]);
    const boxes = m.node('Mul', [moved, number(m, 0.125)]);
    return m.node('Reshape', [m.node('Concat', [boxes, 'wh', 'classes'], { axis: 4 }), list(m, 1, -1, 6)]);
  },
  'face net: PRelu': (m) => {
    const x = m.node('PRelu', [m.conv(m.open('x', [1, 3, 6, 6]), 3, 4, 3), m.random([4, 1, 1], 0.2, 0.2)]);
    return m.node('Gemm', [m.node('Flatten', [x]), m.random([144, 3], 0.1)]);
  },
  'group normalization, as PyTorch writes it': (m) => {
    const x = m.conv(m.open('x', [1, 3, 6, 6]), 3, 4, 3);
    const ones = [m.constant('float32', [2], [1, 1]), m.constant('float32', [2], [0, 0])];
    const n = m.node('InstanceNormalization', [m.node('Reshape', [x, list(m, 0, 2, -1)]), ...ones]);
    const y = m.node('Mul', [m.node('Reshape', [n, list(m, 1, 4, 6, 6)]), m.random([4, 1, 1], 0.2, 1)]);
    return m.node('Gemm', [m.node('Flatten', [m.node('Relu', [m.node('Add', [y, m.random([4, 1, 1], 0.2)])])]), m.random([144, 3], 0.1)]);
  },
  'image to image: instance normalization': (m) => {
    const x = m.conv(m.open('x', [1, 3, 6, 6]), 3, 4, 3);
    const y = m.node('Relu', [m.node('InstanceNormalization', [x, m.random([4], 0.2, 1), m.random([4], 0.3)])]);
    return m.node('Tanh', [m.conv(y, 4, 3, 3)]);
  },
  autoencoder: (m) => {
    const z = m.node('Tanh', [linear(m, m.node('Relu', [linear(m, m.open('x', ['N', 16]), 16, 8)]), 8, 2)]);
    return m.node('Sigmoid', [linear(m, m.node('Relu', [linear(m, z, 2, 8)]), 8, 16)]);
  },
  'MLP mixer': (m) => {
    const x = m.open('x', [1, 4, 8]);
    const turned = m.node('Transpose', [layerNorm(m, x, 8)], { perm: [0, 2, 1] });
    const y = m.node('Add', [x, m.node('Transpose', [linear(m, gelu(m, linear(m, turned, 4, 6)), 6, 4)], { perm: [0, 2, 1] })]);
    return linear(m, m.node('ReduceMean', [y], { axes: [1], keepdims: 0 }), 8, 3);
  },
  'player: value and advantages': (m) => {
    const x = m.node('Div', [m.open('x', [1, 4, 8, 8]), number(m, 2)]);
    const h = m.node('Flatten', [m.node('Relu', [m.conv(x, 4, 4, 3, { strides: [2, 2] })])]);
    const [v, a] = [1, 3].map((n) => linear(m, m.node('Relu', [linear(m, h, 64, 8)]), 8, n)) as [string, string];
    return m.node('Sub', [m.node('Add', [v, a]), m.node('ReduceMean', [a], { axes: [1], keepdims: 1 })]);
  },
  'patches by slices': (m) => {
    const x = m.open('x', [1, 3, 8, 8]);
    const cut = (of: string, from: number, axis: number): string =>
      m.node('Slice', [of, list(m, from), list(m, 99), list(m, axis), list(m, 2)]);
    const patches = [0, 1].flatMap((b) => [0, 1].map((a) => cut(cut(x, a, 2), b, 3)));
    return m.node('Relu', [m.conv(m.node('Concat', patches, { axis: 1 }), 12, 4, 3)]);
  },
};
