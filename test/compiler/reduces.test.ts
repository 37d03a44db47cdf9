/** Greatest and least elements, between their pairs and on integers. */
import { test } from 'vitest';
import { type Case, compared, i64 } from './between.helpers.ts';

const cases: Readonly<Record<string, Case>> = {
  'ReduceMax along the channels': { shape: [1, 5, 3, 2], out: [1, 1, 3, 2], build: (m, x) => m.node('ReduceMax', [x], { axes: [1] }) },
  'ReduceMax along two dimensions, which vanish': {
    shape: [2, 3, 4, 7],
    out: [2, 4],
    build: (m, x) => m.node('ReduceMax', [x], { axes: [-1, 1], keepdims: 0 }),
  },
  'ReduceMax of everything': { shape: [3, 5], out: [1, 1], build: (m, x) => m.node('ReduceMax', [x]) },
  'ReduceMax along axes that are an operand': {
    opset: 18,
    shape: [2, 6, 3],
    out: [2, 3],
    build: (m, x) => m.node('ReduceMax', [x, i64(m, [1])], { keepdims: 0 }),
  },
  'ReduceMin of signed integers': { dtype: 'int8', shape: [3, 7], out: [3, 1], build: (m, x) => m.node('ReduceMin', [x], { axes: [1] }) },
  'ReduceMin of everything, to other parameters': {
    shape: [2, 5],
    out: [],
    scale: 0.03,
    build: (m, x) => m.node('ReduceMin', [x], { keepdims: 0 }),
  },
  'ReduceMax to other parameters': {
    shape: [4, 9],
    out: [4, 1],
    scale: 0.01,
    build: (m, x) => m.node('ReduceMax', [x], { axes: [1] }),
  },
  'ReduceMin of integers': {
    opset: 13,
    shape: [2, 4, 3],
    out: [2, 1, 3],
    build: (m, x) => {
      const [s, z] = [m.scalar('float32', 0.02), m.scalar('uint8', 77)];
      return m.node('DequantizeLinear', [m.node('ReduceMin', [m.node('QuantizeLinear', [x, s, z])], { axes: [1] }), s, z]);
    },
    scale: 0.02,
  },
  GlobalMaxPool: { shape: [2, 3, 4, 5], out: [2, 3, 1, 1], build: (m, x) => m.node('GlobalMaxPool', [x]) },
  'the difference of greatest and least': {
    shape: [3, 6],
    out: [3, 1],
    scale: 1 / 50,
    build: (m, x) => {
      const [top, low] = ['ReduceMax', 'ReduceMin'].map((op) => m.pair(m.node(op, [x], { axes: [1] }), 1 / 64, 121, 'uint8'));
      return m.node('Sub', [top as string, low as string]);
    },
  },
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));
