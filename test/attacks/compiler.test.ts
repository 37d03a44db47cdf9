/** T25: an average pool that leaves padding out of its count has no exact table (protocol §7.3); the compiler refuses it. */
import { describe, expect, it } from 'vitest';
import { check, lower } from '../../compiler/index.ts';
import { ModelBuilder } from '../compiler/onnx.helpers.ts';
import { refusalOf } from '../lies.ts';

/** x -> Q -> DQ -> average pool -> Q -> DQ -> y. */
function averagePool(attributes: Record<string, number | readonly number[]>): Uint8Array {
  const m = new ModelBuilder(17);
  const x = m.pair(m.input('x', 'float32', [1, 2, 6, 6]), 0.05, 100, 'uint8');
  const pooled = m.node('AveragePool', [x], { kernel_shape: [3, 3], ...attributes });
  m.output(m.node('Identity', [m.pair(pooled, 0.05, 100, 'uint8')], {}, ['y']), 'float32', [1, 2, 6, 6]);
  return m.bytes();
}

/** The same as one integer node of com.microsoft. */
function quantizedAveragePool(attributes: Record<string, number | readonly number[]>): Uint8Array {
  const m = new ModelBuilder(17);
  const scale = m.scalar('float32', 0.05);
  const zp = m.scalar('uint8', 100);
  const q = m.node('QuantizeLinear', [m.input('x', 'float32', [1, 2, 6, 6]), scale, zp]);
  const pooled = m.node('com.microsoft.QLinearAveragePool', [q, scale, zp, scale, zp], { kernel_shape: [3, 3], ...attributes });
  m.output(m.node('DequantizeLinear', [pooled, scale, zp], {}, ['y']), 'float32', [1, 2, 6, 6]);
  return m.bytes();
}

describe.each([
  ['AveragePool', averagePool],
  ['QLinearAveragePool', quantizedAveragePool],
])('T25 %s', (op, model) => {
  it.each([
    ['the default count', {}],
    ['count_include_pad = 0', { count_include_pad: 0 }],
  ])('refuses padding that is not counted: %s', (_, attributes) => {
    const bytes = model({ pads: [1, 1, 1, 1], strides: [1, 1], ...attributes });
    expect(check(bytes)).toMatchObject({ supported: false });
    const verdict = refusalOf(() => lower(bytes));
    expect(verdict).toMatchObject({ ok: false, code: expect.stringMatching(/^model\./) });
    expect((verdict as { sentence: string }).sentence).toContain(op);
  });
});
