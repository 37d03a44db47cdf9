/** Chains of shapes and constants, as exporters write them: they are computed when the graph is read. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { type Case, compared, i64 } from './between.helpers.ts';
import { ModelBuilder } from './onnx.helpers.ts';

const cases: Readonly<Record<string, Case>> = {
  'a Reshape by a gathered batch': {
    shape: [2, 3, 4],
    out: [2, 12],
    build: (m, x) => {
      const batch = m.node('Gather', [m.node('Shape', [x]), m.scalar('int64', 0)], { axis: 0 });
      const shape = m.node('Concat', [m.node('Unsqueeze', [batch, i64(m, [0])]), i64(m, [-1])], { axis: 0 });
      return m.node('Reshape', [x, shape]);
    },
  },
  'Slice by half of a dimension': {
    opset: 15,
    shape: [1, 6, 4],
    out: [1, 3, 4],
    build: (m, x) => {
      const half = m.node('Div', [m.node('Shape', [x], { start: 1, end: 2 }), i64(m, [2])]);
      return m.node('Slice', [x, i64(m, [0]), half, i64(m, [1])]);
    },
  },
  'Expand by Where, Equal and ConstantOfShape': {
    shape: [1, 3, 1],
    out: [2, 3, 4],
    build: (m, x) => {
      const asked = i64(m, [2, -1, 4]);
      const ones = m.node('ConstantOfShape', [i64(m, [3])]);
      const filler = m.node('Add', [m.node('Cast', [ones], { to: 7 }), i64(m, [1])]);
      return m.node('Expand', [x, m.node('Where', [m.node('Equal', [asked, i64(m, [-1])]), filler, asked])]);
    },
  },
  'Resize to twice its size by Cast, Mul, Floor': {
    shape: [1, 2, 3, 4],
    out: [1, 2, 6, 8],
    build: (m, x) => {
      const shape = m.node('Shape', [x]);
      const image = m.node('Cast', [m.node('Slice', [shape, i64(m, [2]), i64(m, [2 ** 62])])], { to: 1 });
      const twice = m.node('Cast', [m.node('Floor', [m.node('Mul', [image, m.scalar('float32', 2)])])], { to: 7 });
      const sizes = m.node('Concat', [m.node('Slice', [shape, i64(m, [0]), i64(m, [2])]), twice], { axis: 0 });
      return m.node('Resize', [x, '', '', sizes], { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' });
    },
  },
  'Gather by a Range': {
    shape: [1, 5, 3],
    out: [1, 2, 3],
    build: (m, x) =>
      m.node('Gather', [x, m.node('Range', [m.scalar('int64', 1), m.scalar('int64', 5), m.scalar('int64', 2)])], { axis: 1 }),
  },
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));

/** x -> Q -> DQ, then an operator on the float. */
function reasons(build: (m: ModelBuilder, x: string) => string) {
  const m = new ModelBuilder();
  const x = m.pair(m.input('x', 'float32', [1, 4]), 0.05, 100, 'uint8');
  m.output(m.node('Identity', [m.pair(build(m, x), 0.05, 100, 'uint8')], {}, ['y']), 'float32', [1, 4]);
  return check(m.bytes()).reasons.map((r) => r.code);
}

test('refuses a shape chain on a computed tensor', () => {
  expect(reasons((m, x) => m.node('Where', [m.node('Equal', [x, x]), x, x]))).toEqual(['model.unsupported-dynamic']);
});

test('a shape of what was refused is no reason of its own', () => {
  expect(reasons((m, x) => m.node('Reshape', [x, m.node('Shape', [m.node('Hardmax', [x])])]))).toEqual(['model.unsupported-op']);
});

test('refuses an index outside of a shape', () => {
  const row = (m: ModelBuilder, x: string) => m.node('Gather', [m.node('Shape', [x]), m.constant('int64', [1], [3])]);
  expect(reasons((m, x) => m.node('Reshape', [x, row(m, x)]))).toEqual(['model.invalid-index']);
});
