/** Patterns that passes look for, and what only looks like them: the prepared model computes the same, the quantized one stays near. */
import { describe, expect, test } from 'vitest';
import { compare, prepare, quantize } from '../../compiler/quantize/index.ts';
import { draftBytes } from '../../compiler/quantize/prepare.ts';
import { Refused } from '../../protocol/refused.ts';
import { calibrated, FloatBuilder, needRuntime, runtime } from './quantize.helpers.ts';

interface Pattern {
  readonly opset?: number;
  /** Least signal to noise of the quantized model, in dB. */
  readonly near?: number;
  readonly build: (m: FloatBuilder) => string;
}

const number = (m: FloatBuilder, v: number, dims: readonly number[] = []): string => m.constant('float32', dims, [v]);
const list = (m: FloatBuilder, ...v: number[]): string => m.constant('int64', [v.length], v);
const relu = (m: FloatBuilder, shape: readonly number[]): string => m.node('Relu', [m.open('x', shape)]);
/** Probabilities of masked scores, times a matrix. */
const weighed = (m: FloatBuilder, scores: string, n: number): string =>
  m.node('MatMul', [m.node('Softmax', [scores], { axis: -1 }), m.random([n, 5], 1)]);
/** A padding mask: the first of n are seen. */
const padding = (m: FloatBuilder, n: number, seen: number, hidden: number): string =>
  m.constant(
    'float32',
    [n],
    Array.from({ length: n }, (_, i) => (i < seen ? 0 : hidden)),
  );

const PATTERNS: Readonly<Record<string, Pattern>> = {
  'a summand a row before a Softmax, which is no mask': {
    near: 25,
    build: (m) => weighed(m, m.node('Add', [m.open('x', [1, 4, 8]), m.constant('float32', [1, 4, 1], [-20, -20, -20, -20])]), 8),
  },
  'summands that differ by row': {
    near: 20,
    build: (m) => weighed(m, m.node('Add', [m.open('x', [1, 4, 8]), m.constant('float32', [1, 4, 1], [0, -10, -15, -20])]), 8),
  },
  'log priors before a Softmax at the end': {
    near: 25,
    build: (m) =>
      m.node('Softmax', [m.node('Add', [relu(m, [4, 6]), m.constant('float32', [6], [-9, -9.5, -10, -11, -12, -12.5])])], { axis: 1 }),
  },
  'a padding mask of 4 in 16': {
    near: 28,
    build: (m) => weighed(m, m.node('Add', [m.open('x', [1, 4, 16]), padding(m, 16, 4, -1e9)]), 16),
  },
  'a padding mask of 4 in 1024': {
    near: 25,
    build: (m) => weighed(m, m.node('Add', [m.open('x', [1, 4, 1024]), padding(m, 1024, 4, Number.NEGATIVE_INFINITY)]), 1024),
  },
  'a bias by distance and a mask in one constant': {
    near: 25,
    build: (m) => {
      const at = (i: number, j: number): number => (j > i ? -10000 : (j - i) / 4);
      const bias = Array.from({ length: 64 }, (_, p) => at(Math.floor(p / 8), p % 8));
      return weighed(m, m.node('Add', [m.open('x', [1, 8, 8]), m.constant('float32', [8, 8], bias)]), 8);
    },
  },
  'a small mask of −100, as windows have it': {
    near: 25,
    build: (m) => weighed(m, m.node('Add', [m.open('x', [1, 4, 8]), padding(m, 8, 3, -100)]), 8),
  },
  'a sum of everything, before opset 13': { opset: 11, near: 20, build: (m) => m.node('ReduceSum', [relu(m, [2, 6])]) },
  'a sum over axes, before opset 13': {
    opset: 11,
    near: 20,
    build: (m) => m.node('ReduceSum', [relu(m, [2, 6])], { axes: [1], keepdims: 0 }),
  },
  'a sum over no axes, which are all': {
    near: 20,
    build: (m) => {
      const x = relu(m, [2, 3, 8]);
      const size = m.node('Gather', [
        m.node('Shape', [m.node('ReduceSum', [x, m.constant('int64', [0], [])])]),
        m.constant('int64', [], [2]),
      ]);
      return m.node('Mul', [x, m.node('Cast', [size], { to: 1 })]);
    },
  },
  'a maximum that reduces nothing': {
    opset: 18,
    near: 20,
    build: (m) => m.node('Reshape', [m.node('ReduceMax', [relu(m, [2, 8])], { noop_with_empty_axes: 1 }), list(m, -1)]),
  },
  'LogSoftmax of the last dimension, before opset 13': { opset: 12, near: 20, build: (m) => m.node('LogSoftmax', [relu(m, [3, 4])]) },
  'the greatest in any order': {
    build: (m) => m.node('TopK', [relu(m, [2, 6]), list(m, 1)], { sorted: 0 }, ['v', 'i']),
  },
};

describe('patterns', () => {
  needRuntime();
  test.each(Object.entries(PATTERNS))('%s', async (_, { opset = 17, near, build }) => {
    const m = new FloatBuilder(opset, 5);
    m.result(build(m));
    const model = m.bytes();
    const { prepared, samples, ranges } = await calibrated(model, 6);
    const [a, b] = [await runtime.open(model), await runtime.open(draftBytes(prepared.draft))];
    for (const sample of samples) {
      const [float, same] = [await a.run(sample), await b.run(sample)];
      for (const [name, { data, shape }] of Object.entries(float)) {
        expect(same[name]?.shape).toEqual(shape);
        for (const [i, v] of data.entries()) expect(same[name]?.data[i]).toBeCloseTo(v, 4);
      }
    }
    await Promise.all([a.close(), b.close()]);
    const { outputs } = await compare(model, prepared, quantize(prepared, ranges), samples, runtime);
    if (near !== undefined) expect(outputs[0]?.sqnr).toBeGreaterThan(near);
  });
});

test.each<[string, number, (m: FloatBuilder) => string]>([
  [
    'a layer normalization whose epsilon raises the rank',
    17,
    (m) => {
      const x = relu(m, [5, 8]);
      const centred = m.node('Sub', [x, m.node('ReduceMean', [x], { axes: [-1], keepdims: 1 })]);
      const variance = m.node('ReduceMean', [m.node('Pow', [centred, number(m, 2)])], { axes: [-1], keepdims: 1 });
      return m.node('Div', [centred, m.node('Sqrt', [m.node('Add', [variance, number(m, 0.1, [1, 1, 1])])])]);
    },
  ],
  ['LogSoftmax over several dimensions, before opset 13', 11, (m) => m.node('LogSoftmax', [relu(m, [1, 3, 4])])],
  [
    'a row that is masked whole',
    17,
    (m) => weighed(m, m.node('Where', [m.constant('bool', [2, 1], [1, 0]), m.open('x', [2, 4]), number(m, -1e9)]), 4),
  ],
  [
    'a number that scores can reach for a mask',
    17,
    (m) => weighed(m, m.node('Where', [m.constant('bool', [4], [1, 1, 0, 0]), m.open('x', [2, 4]), number(m, -1000)]), 4),
  ],
  ['more of the greatest than there are', 17, (m) => m.node('TopK', [relu(m, [2, 6]), list(m, 7)], {}, ['v', 'i'])],
  ['an exponent a position', 17, (m) => m.node('Pow', [relu(m, [2, 3]), m.constant('float32', [3], [1, 2, 3])])],
])('%s: refused by name', (_, opset, build) => {
  const m = new FloatBuilder(opset, 5);
  m.result(build(m));
  expect(() => prepare(m.bytes())).toThrow(Refused);
});
