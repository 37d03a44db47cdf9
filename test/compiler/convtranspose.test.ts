/** ConvTranspose: scales that are powers of two make onnxruntime's float32 sums exact, so the integers must agree; elsewhere within a step. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { type Case, compared, product } from './between.helpers.ts';
import { type AttributeValue, type Dice, ModelBuilder } from './onnx.helpers.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Weights [C, M/g, ..k] behind a DequantizeLinear, one scale or one a channel of M/g. */
function weights(m: ModelBuilder, d: Dice, dims: readonly number[], scales: readonly number[], zp = 0): string {
  const w = m.constant('int8', dims, d.ints(product(dims), -100, 100));
  const many = scales.length > 1;
  const zps = scales.map(() => zp);
  return m.node(
    'DequantizeLinear',
    [w, m.constant('float32', many ? [scales.length] : [], scales), m.constant('int8', many ? [scales.length] : [], zps)],
    {
      axis: 1,
    },
  );
}

const turned = (
  shape: readonly number[],
  w: readonly number[],
  out: readonly number[],
  attributes: Attributes,
  more: Partial<Case> & { zp?: number; scales?: readonly number[] } = {},
): Case => ({
  shape,
  out,
  scale: 0.3,
  build: (m, x, d) => m.node('ConvTranspose', [x, weights(m, d, w, more.scales ?? [1 / 128], more.zp)], attributes),
  ...more,
});

const cases: Readonly<Record<string, Case>> = {
  'of stride 1': turned([1, 3, 4, 5], [3, 2, 3, 2], [1, 2, 6, 6], {}),
  'strides, pads and output padding': turned([1, 3, 4, 3], [3, 4, 3, 3], [1, 4, 8, 6], {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    output_padding: [1, 1],
    kernel_shape: [3, 3],
  }),
  'pads that reach past the kernel, dilations': turned([1, 2, 5, 5], [2, 3, 2, 2], [1, 3, 8, 12], {
    strides: [2, 3],
    pads: [2, 3, 1, 0],
    dilations: [2, 2],
  }),
  'groups, a scale a channel': turned(
    [1, 4, 3, 3],
    [4, 3, 2, 2],
    [1, 6, 6, 6],
    { group: 2, strides: [2, 2] },
    { scales: [1 / 128, 1 / 64, 1 / 256] },
  ),
  'auto_pad SAME_UPPER': turned([1, 2, 3, 4], [2, 2, 3, 4], [1, 2, 6, 8], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  'auto_pad SAME_LOWER': turned([1, 2, 3, 4], [2, 2, 4, 3], [1, 2, 6, 8], { strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  'an output shape': turned([1, 2, 3, 4], [2, 2, 3, 3], [1, 2, 6, 8], { strides: [2, 2], output_shape: [6, 8] }),
  'of a signal of one channel': turned([1, 1, 5], [1, 3, 3], [1, 3, 11], { strides: [2] }),
  'of a signal that is not spread': turned([1, 3, 5], [3, 2, 1], [1, 2, 5], {}),
  'auto_pad where strides leave gaps': turned([1, 1, 3, 4], [1, 2, 1, 2], [1, 2, 5, 8], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  'of signals, in a batch': turned([3, 2, 5], [2, 3, 3], [3, 3, 11], { strides: [2] }),
  'of three dimensions': turned([1, 2, 2, 3, 3], [2, 2, 2, 2, 2], [1, 2, 4, 6, 4], { strides: [2, 2, 1] }),
  'of weights with a zero point': turned([1, 3, 4, 5], [3, 2, 3, 2], [1, 2, 6, 6], {}, { zp: -5 }),
  'a bias, and Relu behind it': {
    shape: [1, 3, 4, 5],
    out: [1, 2, 8, 10],
    scale: 0.3,
    build: (m, x, d) => {
      const bias = m.node('DequantizeLinear', [
        m.constant('int32', [2], [900, -7000]),
        m.scalar('float32', 1 / 64 / 128),
        m.scalar('int32', 0),
      ]);
      return m.node('Relu', [m.node('ConvTranspose', [x, weights(m, d, [3, 2, 2, 2], [1 / 128]), bias], { strides: [2, 2] })]);
    },
  },
  'scales that make float32 sums round': turned(
    [1, 8, 5, 5],
    [8, 2, 3, 3],
    [1, 2, 11, 11],
    { strides: [2, 2] },
    { from: 0.0171, scales: [0.0071], float: true, scale: 0.13 },
  ),
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));

const meaning = (scale: number): string | undefined => {
  const m = new ModelBuilder(17);
  const x = m.pair(m.input('x', 'float32', [1, 1, 3, 3]), scale, 100, 'uint8');
  const w = m.node('DequantizeLinear', [m.constant('int8', [1, 1, 2, 2], [1, 2, 3, 4]), m.scalar('float32', 0.5), m.scalar('int8', 0)]);
  m.output(m.node('Identity', [m.pair(m.node('ConvTranspose', [x, w]), 0.3, 10, 'uint8')], {}, ['y']), 'float32', [1, 1, 4, 4]);
  return check(m.bytes()).nodes.find((n) => n.op === 'ConvTranspose')?.meaning;
};

test('its meaning is our own where float32 sums round', () => {
  expect([meaning(0.25), meaning(0.0171)]).toEqual(['exact', 'own meaning']);
});

test('refuses more elements than strides leave', () => {
  const m = new ModelBuilder(17);
  const x = m.pair(m.input('x', 'float32', [1, 1, 3, 3]), 0.1, 100, 'uint8');
  const w = m.node('DequantizeLinear', [m.constant('int8', [1, 1, 1, 1], [1]), m.scalar('float32', 0.5), m.scalar('int8', 0)]);
  m.output(
    m.node('Identity', [m.pair(m.node('ConvTranspose', [x, w], { output_shape: [3, 4] }), 0.3, 10, 'uint8')], {}, ['y']),
    'float32',
    [1],
  );
  expect(check(m.bytes()).reasons.map((r) => r.sentence)).toEqual([expect.stringMatching(/gives 4 elements of an axis of 3/)]);
});

test('refuses weights that do not fit', () => {
  const m = new ModelBuilder(17);
  const x = m.pair(m.input('x', 'float32', [1, 3, 3, 3]), 0.1, 100, 'uint8');
  const w = m.node('DequantizeLinear', [m.constant('int8', [2, 1, 1, 1], [1, 2]), m.scalar('float32', 0.5), m.scalar('int8', 0)]);
  m.output(m.node('Identity', [m.pair(m.node('ConvTranspose', [x, w]), 0.3, 10, 'uint8')], {}, ['y']), 'float32', [1, 1, 3, 3]);
  expect(check(m.bytes()).reasons.map((r) => r.code)).toEqual(['model.invalid-shape']);
});
