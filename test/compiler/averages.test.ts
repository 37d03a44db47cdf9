/** Averages of every rank, with pads, and windows that are cut off at the end. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { type Case, compared } from './between.helpers.ts';
import { type AttributeValue, ModelBuilder } from './onnx.helpers.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

const pooled = (shape: readonly number[], out: readonly number[], attributes: Attributes, more: Partial<Case> = {}): Case => ({
  shape,
  out,
  scale: 1 / 50,
  build: (m, x) => m.node('AveragePool', [x], attributes),
  ...more,
});

const cases: Readonly<Record<string, Case>> = {
  'a last window that is cut off': pooled([1, 3, 5, 6], [1, 3, 3, 3], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
  'a last window that is cut off, behind pads': pooled([1, 3, 6, 6], [1, 3, 4, 4], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil_mode: 1,
  }),
  'a last window of a signal that is cut off': pooled([2, 3, 8], [2, 3, 3], { kernel_shape: [3], strides: [3], ceil_mode: 1 }),
  'a last window that is cut off, where pads would count': pooled([1, 3, 5, 6], [1, 3, 3, 3], {
    kernel_shape: [2, 2],
    strides: [2, 2],
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  'a last window that is cut off, behind pads that count': pooled([1, 3, 6, 6], [1, 3, 4, 4], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  'a cut window that runs in float32': {
    ...pooled([1, 3, 8], [1, 3, 3], {}),
    build: (m, x) => {
      const y = m.node('AveragePool', [x], { kernel_shape: [4], strides: [3], ceil_mode: 1, count_include_pad: 1 });
      return m.pair(y, 1 / 32, 0, 'int8');
    },
  },
  'AveragePool of three dimensions': pooled([2, 2, 4, 5, 4], [2, 2, 3, 2, 3], { kernel_shape: [2, 3, 2], strides: [1, 2, 1] }),
  'AveragePool of three dimensions, padded height': pooled([1, 2, 4, 5, 4], [1, 2, 2, 3, 3], {
    kernel_shape: [2, 3, 2],
    strides: [2, 2, 1],
    pads: [0, 1, 0, 0, 1, 0],
  }),
  'AveragePool of three dimensions, counted pads': pooled([1, 2, 4, 5, 4], [1, 2, 3, 3, 3], {
    kernel_shape: [2, 3, 2],
    strides: [2, 2, 1],
    pads: [1, 1, 0, 1, 1, 0],
    count_include_pad: 1,
  }),
  'AveragePool of three dimensions, the last window cut off': pooled([1, 2, 2, 5, 4], [1, 2, 1, 3, 2], {
    kernel_shape: [2, 2, 2],
    strides: [2, 2, 2],
    ceil_mode: 1,
  }),
  'AveragePool of a whole volume': pooled([1, 3, 2, 3, 4], [1, 3, 1, 1, 1], { kernel_shape: [2, 3, 4] }),
  'GlobalAveragePool of three dimensions': {
    shape: [2, 3, 2, 3, 4],
    out: [2, 3, 1, 1, 1],
    scale: 1 / 90,
    build: (m, x) => m.node('GlobalAveragePool', [x]),
  },
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));

const refusals: Readonly<Record<string, readonly [string, RegExp, readonly number[], Attributes]>> = {
  'pads of the depth that do not count': [
    'model.unsupported-padding',
    /pads the depth/,
    [1, 1, 4, 4, 4],
    { kernel_shape: [2, 2, 2], pads: [1, 0, 0, 1, 0, 0] },
  ],
  'a dilated height of a window of depth': [
    'model.unsupported-attribute',
    /height of a window of depth by 2/,
    [1, 1, 4, 4, 4],
    { kernel_shape: [2, 2, 2], dilations: [1, 2, 1] },
  ],
  'an average over four dimensions': ['model.unsupported-shape', /\[N, C, D, H, W\]/, [1, 1, 2, 2, 2, 2], { kernel_shape: [2, 2, 2, 2] }],
};

test.each(Object.keys(refusals))('refuses %s', (name) => {
  const [code, sentence, shape, attributes] = refusals[name] as (typeof refusals)[string];
  const m = new ModelBuilder(19);
  const x = m.pair(m.input('x', 'float32', shape), 0.05, 100, 'uint8');
  m.output(m.node('Identity', [m.pair(m.node('AveragePool', [x], attributes), 0.05, 100, 'uint8')], {}, ['y']), 'float32', shape);
  const [reason] = check(m.bytes()).reasons;
  expect(reason?.code).toBe(code);
  expect(reason?.sentence).toMatch(sentence);
});
