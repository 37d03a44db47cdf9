/** The catalogue of operators: complete, what docs/operators.md says, and its costs those that `check` predicts for a small model of each relation. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { check } from '../../compiler/compile.ts';
import { catalogue, RELATIONS, type Relation } from '../../compiler/quantized/ops/catalogue.ts';
import { SUPPORTED } from '../../compiler/quantized/read.ts';
import { OPERATORS_PAGE, operatorsPage } from '../../scripts/operators.ts';
import { Dice, ModelBuilder } from './onnx.helpers.ts';

test('has an entry for every operator that is read, and for no other', () => {
  expect(Object.keys(catalogue).sort()).toEqual([...SUPPORTED].sort());
});

test('is what docs/operators.md says', () => {
  expect(readFileSync(OPERATORS_PAGE, 'utf8')).toBe(operatorsPage());
});

/** A quantized tensor from the dequantized [1, 8, n] or [1, n, 8], and how many elements it has for one of these. */
interface Example {
  readonly relation: keyof typeof RELATIONS;
  readonly last?: true;
  readonly times?: number;
  readonly build: (m: ModelBuilder, x: string, n: number) => string;
}

const quantized = (m: ModelBuilder, real: string, scale = 1 / 64): string => m.pair(real, scale, 121, 'uint8');
const other = (m: ModelBuilder, n: number, scale: number): string => quantized(m, m.input('y', 'float32', [1, 8, n]), scale);
const weights = (m: ModelBuilder, dims: readonly number[]): string => {
  const w = m.constant('int8', dims, new Dice(1).ints(64, -64, 64));
  return m.node('DequantizeLinear', [w, m.scalar('float32', 0.01), m.scalar('int8', 0)]);
};
const binary =
  (op: string, scale: number, to = 0.02): Example['build'] =>
  (m, x, n) =>
    quantized(m, m.node(op, [x, other(m, n, scale)]), to);

const examples: Readonly<Record<string, Example>> = {
  'a pair': { relation: 'border', build: (_, x) => x },
  Transpose: { relation: 'view', build: (m, x) => m.node('Transpose', [x], { perm: [0, 2, 1] }) },
  'Slice and Concat': { relation: 'join', times: 2, build: (m, x) => quantized(m, m.node('Concat', [x, x], { axis: 1 })) },
  'Concat to another scale': { relation: 'join', times: 2, build: (m, x) => quantized(m, m.node('Concat', [x, x], { axis: 1 }), 0.017) },
  'Gather by constants': {
    relation: 'gather',
    build: (m, x) => m.node('Gather', [x, m.constant('int64', [8], [7, 6, 5, 4, 3, 2, 1, 0])], { axis: 1 }),
  },
  Abs: { relation: 'unary', build: (m, x) => quantized(m, m.node('Abs', [x]), 0.02) },
  'a chain': { relation: 'unary', build: (m, x) => quantized(m, m.node('Sigmoid', [m.node('Sin', [x])]), 0.02) },
  'Add of a number': { relation: 'unary', build: (m, x) => quantized(m, m.node('Add', [x, m.scalar('float32', 0.3)]), 0.02) },
  Add: { relation: 'lin', build: binary('Add', 0.013) },
  Sub: { relation: 'lin', build: binary('Sub', 1 / 64) },
  Mul: { relation: 'mul', build: binary('Mul', 0.013) },
  Max: { relation: 'pairmax', build: binary('Max', 1 / 64, 1 / 64) },
  'Min of two scales': { relation: 'pairmax', build: binary('Min', 0.013) },
  PRelu: { relation: 'bin', build: binary('PRelu', 0.013) },
  Conv: { relation: 'conv', build: (m, x) => quantized(m, m.node('Conv', [x, weights(m, [8, 8, 1])]), 0.05) },
  MatMul: { relation: 'dense', last: true, build: (m, x) => quantized(m, m.node('MatMul', [x, weights(m, [8, 8])]), 0.05) },
  'MatMul of two': {
    relation: 'dense',
    last: true,
    build: (m, x) => quantized(m, m.node('MatMul', [x, quantized(m, m.input('y', 'float32', [1, 8, 8]))]), 0.05),
  },
  MaxPool: { relation: 'max', build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [2], pads: [0, 1] }) },
  AveragePool: {
    relation: 'pool',
    build: (m, x) => quantized(m, m.node('AveragePool', [x], { kernel_shape: [2], pads: [0, 1], count_include_pad: 1 }), 0.02),
  },
  'AveragePool without its padding': {
    relation: 'pool',
    build: (m, x) => quantized(m, m.node('AveragePool', [x], { kernel_shape: [2], pads: [0, 1] }), 0.02),
  },
  Softmax: { relation: 'computed', last: true, build: (m, x) => m.pair(m.node('Softmax', [x], { axis: 2 }), 1 / 256, 0, 'uint8') },
  LayerNormalization: {
    relation: 'computed',
    last: true,
    build: (m, x) => quantized(m, m.node('LayerNormalization', [x, m.constant('float32', [8], [1, 1, 1, 1, 1, 1, 1, 1])]), 0.02),
  },
};

/** One function before, one that also reads its result, and two behind: so nothing is fused, and operand and result are committed. */
function predicted({ build, last }: Example, n: number) {
  const m = new ModelBuilder(17);
  const shape = last === true ? [1, n, 8] : [1, 8, n];
  const output = (op: string, real: string) =>
    m.output(m.node('Identity', [quantized(m, m.node(op, [real]), 1 / 128)], {}, [op]), 'float32', []);
  const x = quantized(m, m.node('Abs', [quantized(m, m.input('x', 'float32', shape))]));
  output('Neg', x);
  const y = build(m, x, n);
  for (const op of ['Cos', 'Sin']) output(op, y);
  const { predicted, reasons } = check(m.bytes(), { reveal: false });
  expect(reasons).toEqual([]);
  return predicted as NonNullable<typeof predicted>;
}

test.for(Object.entries(examples))('costs what the catalogue says: %s', ([, example]) => {
  const [less, more] = [predicted(example, 32), predicted(example, 64)];
  const [operand, results] = [256, 256 * (example.times ?? 1)];
  const { lookups, committed }: Relation = RELATIONS[example.relation];
  const looked = (more.lookups - less.lookups - 2 * operand - 2 * results) / results;
  const rows = more.tableRows - less.tableRows;
  // Tables do not grow with the elements.
  expect(rows).toBe(0);
  const kept = (more.committedElements - less.committedElements - operand) / results;
  expect([looked, looked >= lookups[0] && looked <= lookups[1]]).toEqual([looked, true]);
  expect([kept, kept >= committed[0] && kept <= committed[1]]).toEqual([kept, true]);
});
