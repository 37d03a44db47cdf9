/** One model a reason: what is refused, by which code, naming what. */
import { expect, test } from 'vitest';
import { check, lower } from '../../compiler/index.ts';
import { Refused } from '../../protocol/refused.ts';
import { type AttributeValue, ModelBuilder } from './onnx.helpers.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** x [shape] -> Q -> DQ -> `inner` -> Q -> DQ -> y. */
function sandwich(shape: readonly number[], inner: (m: ModelBuilder, x: string) => string, opset = 17): Uint8Array {
  const m = new ModelBuilder(opset);
  const x = m.pair(m.input('x', 'float32', shape), 0.05, 100, 'uint8');
  m.output(m.node('Identity', [m.pair(inner(m, x), 0.5, 10, 'uint8')], {}, ['y']), 'float32', [1]);
  return m.bytes();
}

const constant = (
  m: ModelBuilder,
  dims: readonly number[],
  o: { zp?: number; scales?: number[]; axis?: number; dtype?: string } = {},
): string => {
  const n = dims.reduce((p, d) => p * d, 1);
  const scales = o.scales ?? [0.1];
  const many = scales.length > 1;
  const dtype = o.dtype ?? 'int8';
  const zps = scales.map(() => o.zp ?? 0);
  return m.node(
    'DequantizeLinear',
    [
      m.constant(
        dtype,
        dims,
        Array.from({ length: n }, (_, i) => (i * 37) % 100),
      ),
      m.constant('float32', many ? [scales.length] : [], scales),
      m.constant(dtype, many ? [scales.length] : [], zps),
    ],
    { axis: o.axis ?? 0 },
  );
};

const conv = (shape: readonly number[], w: readonly number[], attributes: Attributes) =>
  sandwich(shape, (m, x) => m.node('Conv', [x, constant(m, w)], attributes));
const gemm = (
  attributes: Attributes,
  o: Parameters<typeof constant>[2] = {},
  shape: readonly number[] = [1, 4],
  dims: readonly number[] = [4, 3],
) => sandwich(shape, (m, x) => m.node('Gemm', [x, constant(m, dims, o)], attributes));

const refusals: Readonly<Record<string, [string, RegExp, () => Uint8Array]>> = {
  'weights that do not fit': ['model.invalid-shape', /do not fit/, () => conv([1, 2, 5, 5], [1, 1, 3, 3], {})],
  'a kernel_shape that is not that of the weights': [
    'model.invalid-attribute',
    /kernel_shape/,
    () => conv([1, 1, 5, 5], [1, 1, 3, 3], { kernel_shape: [2, 2] }),
  ],
  'a window larger than the image': ['model.invalid-shape', /does not fit an axis of 5/, () => conv([1, 1, 5, 5], [1, 1, 7, 7], {})],
  'negative pads': ['model.invalid-attribute', /pads/, () => conv([1, 1, 5, 5], [1, 1, 3, 3], { pads: [-1, 0, 0, 0] })],
  'an attribute we do not know': [
    'model.unsupported-attribute',
    /fused_activation/,
    () => conv([1, 1, 5, 5], [1, 1, 3, 3], { fused_activation: 'Relu' }),
  ],
  'alpha other than 1': ['model.unsupported-attribute', /alpha is 0.5; supported: 1/, () => gemm({ alpha: { float: 0.5 } })],
  'a transposed A': ['model.unsupported-attribute', /transA/, () => gemm({ transA: 1 })],
  'scales along the contracted axis': [
    'model.unsupported-per-axis',
    /axis 0/,
    () => gemm({}, { scales: [0.1, 0.2, 0.3], axis: 0 }, [1, 3], [3, 3]),
  ],
  'too many scales': ['model.invalid-scale', /2 scales/, () => gemm({}, { scales: [0.1, 0.2], axis: 1 })],
  'a zero point of another type than its tensor': [
    'model.invalid-type',
    /is int32, what it belongs to|int32; supported/,
    () =>
      sandwich([1, 4], (m, x) =>
        m.node('Add', [
          x,
          m.node('DequantizeLinear', [m.constant('int8', [4], [1, 2, 3, 4]), m.scalar('float32', 1), m.scalar('int32', 0)]),
        ]),
      ),
  ],
  'a float constant that varies along two dimensions': [
    'model.unsupported-broadcast',
    /several dimensions/,
    () =>
      sandwich([3, 4], (m, x) =>
        m.node('Add', [
          x,
          m.constant(
            'float32',
            [3, 4],
            Array.from({ length: 12 }, (_, i) => i / 8),
          ),
        ]),
      ),
  ],
  'a float constant along a dimension that is no channel': [
    'model.unsupported-broadcast',
    /along dimension 1/,
    () => sandwich([3, 4], (m, x) => m.node('Add', [x, m.constant('float32', [4], [1, 2, 3, 4])])),
  ],
  'padding with a second value': [
    'model.unsupported-view',
    /padded with 120 is padded with 100 again/,
    () =>
      sandwich([1, 4], (m, x) => {
        const pads = m.constant('int64', [4], [0, 1, 0, 0]);
        return m.node('Pad', [m.pair(m.node('Pad', [x, pads, m.scalar('float32', 1)]), 0.05, 100, 'uint8'), pads]);
      }),
  ],
  'a Conv of a batch, padded with zeros after another value': [
    'model.unsupported-view',
    /is padded with 100 again/,
    () =>
      sandwich([2, 1, 4, 4], (m, x) => {
        const padded = m.node('Pad', [x, m.constant('int64', [8], [0, 0, 1, 0, 0, 0, 0, 0]), m.scalar('float32', 1)]);
        return m.node('Conv', [m.pair(padded, 0.05, 100, 'uint8'), constant(m, [1, 1, 2, 2])], { pads: [1, 0, 0, 0] });
      }),
  ],
  'the greatest of three tensors': [
    'model.unsupported-float',
    /function of two tensors already/,
    () =>
      sandwich([1, 4], (m, x) =>
        m.node('Max', [x, ...['v', 'w'].map((name) => m.pair(m.input(name, 'float32', [1, 4]), 0.1, 7, 'uint8'))]),
      ),
  ],
  'a constant that does not broadcast': [
    'model.unsupported-broadcast',
    /shapes that broadcast/,
    () => sandwich([3, 4], (m, x) => m.node('Add', [x, m.constant('float32', [5], [1, 2, 3, 4, 5])])),
  ],
  'Clip bounds out of order': [
    'model.invalid-attribute',
    /not at most/,
    () => sandwich([1, 4], (m, x) => m.node('Clip', [x, m.scalar('float32', 2), m.scalar('float32', 1)])),
  ],
  'a reshape to another size': [
    'model.invalid-shape',
    /cannot give/,
    () => sandwich([1, 4], (m, x) => m.node('Reshape', [x, m.constant('int64', [1], [5])])),
  ],
  'no permutation': [
    'model.invalid-attribute',
    /no permutation/,
    () => sandwich([1, 4], (m, x) => m.node('Transpose', [x], { perm: [0, 0] })),
  ],
  'squeezing a dimension that is not 1': [
    'model.invalid-shape',
    /is not 1/,
    () => sandwich([1, 4], (m, x) => m.node('Squeeze', [x, m.constant('int64', [1], [1])])),
  ],
  'a second output of MaxPool': [
    'model.unsupported-output',
    /indices/,
    () => sandwich([1, 1, 4, 4], (m, x) => m.node('MaxPool', [x], { kernel_shape: [2, 2] }, ['p', 'indices'])),
  ],
  'a pool to one element': [
    'model.unsupported-shape',
    /single element/,
    () => {
      const m = new ModelBuilder();
      const x = m.pair(m.input('x', 'float32', [1, 1, 1, 4]), 0.05, 100, 'uint8');
      m.output(m.node('Identity', [m.node('MaxPool', [x], { kernel_shape: [1, 4] })], {}, ['y']), 'float32', [1, 1, 1, 1]);
      return m.bytes();
    },
  ],
  'a window in the padding': [
    'model.unsupported-padding',
    /padding altogether/,
    () => sandwich([1, 1, 4, 4], (m, x) => m.node('MaxPool', [x], { kernel_shape: [2, 2], pads: [2, 2, 2, 2] })),
  ],
  'max-pooling to other parameters': [
    'model.unsupported-rescale',
    /MaxPool lies between/,
    () => sandwich([1, 1, 4, 4], (m, x) => m.node('MaxPool', [x], { kernel_shape: [2, 2] })),
  ],
  'a bias at another scale': [
    'model.unsupported-bias',
    /scale 0.5/,
    () =>
      sandwich([1, 4], (m, x) =>
        m.node('Gemm', [
          x,
          constant(m, [4, 3]),
          m.node('DequantizeLinear', [m.constant('int32', [3], [1, 2, 3]), m.scalar('float32', 0.5)]),
        ]),
      ),
  ],
  'a float bias': [
    'model.unsupported-float',
    /int32 bias/,
    () => sandwich([1, 4], (m, x) => m.node('Gemm', [x, constant(m, [4, 3]), m.constant('float32', [3], [1, 2, 3])])),
  ],
  'a float result of Conv': [
    'model.unsupported-float',
    /never quantized/,
    () => {
      const m = new ModelBuilder();
      const x = m.pair(m.input('x', 'float32', [1, 1, 4, 4]), 0.05, 100, 'uint8');
      m.output(m.node('Conv', [x, constant(m, [1, 1, 2, 2])], {}, ['y']), 'float32', [1, 1, 3, 3]);
      return m.bytes();
    },
  ],
  'an output of another type than declared': [
    'model.invalid-type',
    /declared uint8/,
    () => {
      const m = new ModelBuilder();
      const x = m.pair(m.input('x', 'float32', [1, 4]), 0.05, 100, 'uint8');
      m.output(m.node('Identity', [m.pair(m.node('Relu', [x]), 0.1, 7, 'uint8')], {}, ['y']), 'uint8', [1, 4]);
      return m.bytes();
    },
  ],
  'two zero points for one tensor': [
    'model.unsupported-zero-point',
    /zero point 5/,
    () => {
      const m = new ModelBuilder();
      const x = m.node('QuantizeLinear', [m.input('x', 'float32', [1, 4]), m.scalar('float32', 0.1), m.scalar('uint8', 100)]);
      const real = m.node('DequantizeLinear', [x, m.scalar('float32', 0.1), m.scalar('uint8', 5)]);
      m.output(m.node('Identity', [m.pair(m.node('Relu', [real]), 0.1, 7, 'uint8')], {}, ['y']), 'float32', [1, 4]);
      return m.bytes();
    },
  ],
  'blocked quantization': [
    'model.unsupported-attribute',
    /block_size/,
    () => {
      const m = new ModelBuilder(21);
      const q = m.node('QuantizeLinear', [m.input('x', 'float32', [1, 4]), m.scalar('float32', 0.1), m.scalar('uint8', 0)], {
        block_size: 2,
      });
      m.output(m.node('Identity', [q], {}, ['y']), 'uint8', [1, 4]);
      return m.bytes();
    },
  ],
  'an accumulator outside the field': [
    'model.unsupported-accumulator',
    /accumulator can reach/,
    () =>
      sandwich([1, 4], (m, x) => {
        const s = Math.fround(Math.fround(0.05) * Math.fround(0.1));
        return m.node('Gemm', [
          x,
          constant(m, [4, 3]),
          m.node('DequantizeLinear', [m.constant('int32', [3], [2 ** 31 - 2 ** 24, 2, 3]), m.scalar('float32', s)]),
        ]);
      }),
  ],
};

test.each(Object.keys(refusals))('refuses %s', (name) => {
  const [code, sentence, build] = refusals[name] as (typeof refusals)[string];
  const bytes = build();
  const [first] = check(bytes).reasons;
  expect(first?.code).toBe(code);
  expect(first?.sentence).toMatch(sentence);
  expect(() => lower(bytes)).toThrow(Refused);
});

test('check lists all the reasons, and says which nodes wait for them', () => {
  const m = new ModelBuilder();
  const x = m.pair(m.input('x', 'float32', [1, 4]), 0.05, 100, 'uint8');
  const a = m.node('Hardmax', [x]);
  const b = m.node('IsNaN', [x]);
  m.output(m.node('Add', [a, b], {}, ['y']), 'float32', [1, 4]);
  const report = check(m.bytes());
  expect(report.reasons.map((r) => r.code)).toEqual(['model.unsupported-op', 'model.unsupported-op']);
  expect(report.reasons.map((r) => r.node?.replace(/_[0-9]+$/, ''))).toEqual(['n_Hardmax', 'n_IsNaN']);
  expect(report.nodes.map((n) => n.status)).toEqual(['recomputed', 'recomputed', 'unsupported', 'unsupported', 'blocked']);
});
