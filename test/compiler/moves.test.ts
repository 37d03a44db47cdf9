/** Operators that move elements, and convolutions of every rank and batch, between their pairs. */
import { test } from 'vitest';
import { type Case, compared, i64, weights } from './between.helpers.ts';

const cases: Readonly<Record<string, Case>> = {
  'Reshape that splits and merges': { shape: [1, 6, 4], out: [1, 8, 3], build: (m, x) => m.node('Reshape', [x, i64(m, [1, 8, 3])]) },
  'Transpose of an odd image': {
    shape: [1, 3, 5, 7],
    out: [1, 7, 3, 5],
    build: (m, x) => m.node('Transpose', [x], { perm: [0, 3, 1, 2] }),
  },
  'Reshape of a transpose': {
    shape: [1, 3, 5],
    out: [1, 15],
    build: (m, x) => m.node('Reshape', [m.node('Transpose', [x], { perm: [0, 2, 1] }), i64(m, [1, 15])]),
  },
  'Slice with steps, ends past the end, and a negative step': {
    shape: [1, 3, 9, 8],
    out: [1, 2, 4, 3],
    build: (m, x) => m.node('Slice', [x, i64(m, [1, 8, -2]), i64(m, [99, 0, 1]), i64(m, [1, 2, 3]), i64(m, [1, -2, -2])]),
  },
  'Split into unequal parts, of which two are joined again': {
    shape: [1, 7, 3],
    out: [1, 5, 3],
    build: (m, x) => {
      m.node('Split', [x, i64(m, [2, 2, 3])], { axis: 1 }, ['s0', 's1', 's2']);
      return m.node('Concat', ['s2', 's0'], { axis: 1 });
    },
  },
  'Concat of a tensor with itself': { shape: [1, 3, 2], out: [1, 6, 2], build: (m, x) => m.node('Concat', [x, x], { axis: -2 }) },
  'Pad by zero': { shape: [1, 2, 3], out: [1, 3, 6], build: (m, x) => m.node('Pad', [x, i64(m, [0, 1, 1, 0, 0, 2])]) },
  'Pad by edge': { shape: [1, 2, 3], out: [1, 4, 8], build: (m, x) => m.node('Pad', [x, i64(m, [0, 1, 2, 0, 1, 3])], { mode: 'edge' }) },
  'Pad by reflection': {
    shape: [1, 4, 5],
    out: [1, 7, 8],
    build: (m, x) => m.node('Pad', [x, i64(m, [0, 2, 3, 0, 1, 0])], { mode: 'reflect' }),
  },
  'Pad that crops': { shape: [1, 4, 5], out: [1, 3, 5], build: (m, x) => m.node('Pad', [x, i64(m, [0, -1, 1, 0, 0, -1])]) },
  'Gather of constant rows': {
    shape: [1, 5, 3],
    out: [1, 2, 2, 3],
    build: (m, x) => m.node('Gather', [x, m.constant('int64', [2, 2], [4, 0, -2, 4])], { axis: 1 }),
  },
  'Gather of one row': { shape: [1, 5, 3], out: [1, 3], build: (m, x) => m.node('Gather', [x, m.scalar('int64', 2)], { axis: 1 }) },
  Expand: { shape: [1, 3, 1], out: [2, 3, 4], build: (m, x) => m.node('Expand', [x, i64(m, [2, 1, 4])]) },
  Tile: { shape: [1, 3, 2], out: [2, 3, 6], build: (m, x) => m.node('Tile', [x, i64(m, [2, 1, 3])]) },
  'Resize by whole factors': {
    shape: [1, 2, 3, 4],
    out: [1, 2, 6, 12],
    build: (m, x) => m.node('Resize', [x, '', m.constant('float32', [4], [1, 1, 2, 3])], { mode: 'nearest' }),
  },
  'Resize by broken factors, asymmetric': {
    shape: [1, 2, 3, 5],
    out: [1, 2, 5, 3],
    build: (m, x) =>
      m.node('Resize', [x, '', '', i64(m, [1, 2, 5, 3])], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      }),
  },
  'Resize by a factor that keeps the size': {
    shape: [1, 1, 2, 3],
    out: [1, 1, 2, 3],
    build: (m, x) => {
      const attributes = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      return m.node('Resize', [x, '', m.constant('float32', [4], [1, 1, 1.25, 1])], attributes);
    },
  },
  'Resize with aligned corners': {
    shape: [1, 1, 4, 5],
    out: [1, 1, 7, 9],
    build: (m, x) =>
      m.node('Resize', [x, '', '', i64(m, [1, 1, 7, 9])], { coordinate_transformation_mode: 'align_corners', nearest_mode: 'ceil' }),
  },
  'DepthToSpace, both orders': {
    shape: [1, 8, 2, 3],
    out: [1, 2, 4, 6],
    build: (m, x) => m.node('DepthToSpace', [x], { blocksize: 2, mode: 'CRD' }),
  },
  SpaceToDepth: { shape: [1, 2, 4, 6], out: [1, 8, 2, 3], build: (m, x) => m.node('SpaceToDepth', [x], { blocksize: 2 }) },
  'a channel shuffle': {
    shape: [1, 6, 2, 3],
    out: [1, 6, 2, 3],
    build: (m, x) =>
      m.node('Reshape', [
        m.node('Transpose', [m.node('Reshape', [x, i64(m, [1, 2, 3, 2, 3])])], { perm: [0, 2, 1, 3, 4] }),
        i64(m, [1, 6, 2, 3]),
      ]),
  },
  'Conv of a batch': {
    shape: [3, 2, 5, 6],
    out: [3, 4, 3, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [4, 2, 3, 3])], { kernel_shape: [3, 3] }),
  },
  'Conv of a batch with pads, strides, dilations and groups': {
    shape: [2, 4, 7, 6],
    out: [2, 6, 4, 3],
    scale: 0.05,
    build: (m, x, d) =>
      m.node('Conv', [x, weights(m, d, [6, 2, 3, 2], true)], {
        kernel_shape: [3, 2],
        pads: [2, 1, 1, 0],
        strides: [2, 2],
        dilations: [1, 2],
        group: 2,
      }),
  },
  'Conv of five groups of three channels': {
    shape: [1, 15, 4, 4],
    out: [1, 20, 2, 2],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [20, 3, 3, 3], true)], { group: 5 }),
  },
  'Conv of five groups to three channels': {
    shape: [1, 10, 3, 2],
    out: [1, 15, 3, 2],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [15, 2, 3, 3], true)], { group: 5, pads: [1, 1, 1, 1] }),
  },
  'Conv of groups of three to six channels, in a batch': {
    shape: [2, 12, 2, 1],
    out: [2, 24, 2, 1],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [24, 3, 3, 1], true)], { group: 4, pads: [1, 0, 1, 0] }),
  },
  'Conv of a batch of signals': {
    shape: [2, 3, 9],
    out: [2, 2, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [2, 3, 3])], { kernel_shape: [3], strides: [2], pads: [0, 0] }),
  },
  'Conv of a signal of one channel that was sliced': {
    shape: [1, 1, 9],
    out: [1, 2, 5],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [m.node('Slice', [x, i64(m, [1]), i64(m, [8]), i64(m, [2])]), weights(m, d, [2, 1, 3])]),
  },
  'Conv of a signal that was computed': {
    shape: [1, 2, 6],
    out: [1, 3, 5],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [m.pair(m.node('Abs', [x]), 1 / 64, 3, 'uint8'), weights(m, d, [3, 2, 2])], { kernel_shape: [2] }),
  },
  'Conv of three dimensions': {
    shape: [1, 2, 4, 5, 4],
    out: [1, 3, 3, 3, 3],
    scale: 0.05,
    build: (m, x, d) => m.node('Conv', [x, weights(m, d, [3, 2, 2, 3, 2], true)], { kernel_shape: [2, 3, 2] }),
  },
  'Conv of three dimensions, batched, padded, strided': {
    shape: [2, 2, 5, 4, 4],
    out: [2, 2, 3, 2, 4],
    scale: 0.05,
    build: (m, x, d) =>
      m.node('Conv', [x, weights(m, d, [2, 1, 3, 3, 3])], {
        kernel_shape: [3, 3, 3],
        pads: [1, 1, 1, 1, 1, 1],
        strides: [2, 2, 1],
        group: 2,
      }),
  },
  'Conv, then a reshape before its QuantizeLinear': {
    shape: [1, 2, 5, 5],
    out: [1, 9, 4],
    scale: 0.05,
    build: (m, x, d) => m.node('Reshape', [m.node('Conv', [x, weights(m, d, [4, 2, 3, 3])], { kernel_shape: [3, 3] }), i64(m, [1, 9, 4])]),
  },
  'MaxPool of a batch': {
    shape: [2, 3, 5, 6],
    out: [2, 3, 3, 3],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0] }),
  },
  'MaxPool of three dimensions': {
    shape: [2, 2, 4, 5, 4],
    out: [2, 2, 3, 2, 4],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [2, 3, 2], strides: [1, 2, 1], pads: [0, 0, 1, 0, 0, 0] }),
  },
  'MaxPool of a batch of signals': {
    shape: [3, 2, 9],
    out: [3, 2, 4],
    build: (m, x) => m.node('MaxPool', [x], { kernel_shape: [3], strides: [2] }),
  },
  'MatMul along a dimension of one element': {
    shape: [1, 3, 4],
    out: [1, 3, 4, 5],
    scale: 0.05,
    build: (m, x, d) => m.node('MatMul', [m.node('Unsqueeze', [x, i64(m, [3])]), weights(m, d, [1, 5])]),
  },
  'MatMul of two tensors': {
    shape: [1, 3, 5],
    out: [1, 3, 3],
    scale: 0.1,
    build: (m, x) => m.node('MatMul', [x, m.node('Transpose', [x], { perm: [0, 2, 1] })]),
  },
  'MatMul of heads, one of them broadcast': {
    shape: [2, 3, 4, 5],
    out: [2, 3, 4, 4],
    scale: 0.1,
    build: (m, x) => {
      const one = m.node('Slice', [x, i64(m, [0]), i64(m, [1]), i64(m, [0])]);
      return m.node('MatMul', [x, m.node('Transpose', [one], { perm: [0, 1, 3, 2] })]);
    },
  },
};

test.for(Object.keys(cases))('%s', (name, context) => compared(cases[name] as Case, name.length * 131, context));
