/** Networks in the dialects of exporters: what they write where a person would write one node. */
import { FloatBuilder } from './quantize.helpers.ts';

/** PyTorch: an open batch, batch normalizations, `x.view(x.size(0), -1)` as a chain of shape nodes, Relu behind a pool, Dropout, Softmax. */
export function torchNet(opset: number): Uint8Array {
  const m = new FloatBuilder(opset, 11);
  let x = m.open('x', ['batch', 1, 8, 8]);
  x = m.node('Relu', [m.norm(m.conv(x, 1, 4, 3, {}, false), 4)]);
  x = m.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  x = m.norm(m.conv(x, 4, 6, 3), 6);
  x = m.node('Relu', [m.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] })]);
  const batch = m.node('Gather', [m.node('Shape', [x]), m.literal('int64', [], [0])], { axis: 0 });
  const unsqueeze = (v: string): string =>
    opset < 13 ? m.node('Unsqueeze', [v], { axes: [0] }) : m.node('Unsqueeze', [v, m.literal('int64', [1], [0])]);
  const shape = m.node('Concat', [unsqueeze(batch), unsqueeze(m.literal('int64', [], [-1]))], { axis: 0 });
  x = m.node('Dropout', [m.node('Reshape', [x, shape])]);
  x = m.node('Relu', [
    m.node('Gemm', [x, m.random([10, 24], 0.3), m.random([10], 0.2)], { transB: 1, alpha: { float: 1 }, beta: { float: 1 } }),
  ]);
  x = m.node('Gemm', [x, m.random([10, 5], 0.5), m.random([1, 5], 0.2)], { alpha: { float: 1.5 }, beta: { float: 0.5 } });
  m.node('Softmax', [x], { axis: 1 }, ['y']);
  m.result('y');
  return m.bytes();
}

/** tf2onnx: images with channels last, a bias and a folded normalization as Add and Mul, relu6 as Clip, dense layers as MatMul and Add. */
export function tensorflowNet(opset: number): Uint8Array {
  const m = new FloatBuilder(opset, 12);
  let x = m.open('image', ['unk__1', 8, 8, 1]);
  x = m.conv(m.node('Transpose', [x], { perm: [0, 3, 1, 2] }), 1, 4, 3, { strides: [2, 2] }, false);
  x = m.node('Add', [x, m.random([1, 4, 1, 1], 0.2)]);
  x = m.node('Add', [m.node('Mul', [x, m.random([1, 4, 1, 1], 0.3, 1.2)]), m.random([4, 1, 1], 0.2)]);
  x =
    opset < 11
      ? m.node('Clip', [x], { min: { float: 0 }, max: { float: 1 } })
      : m.node('Clip', [x, m.scalar('float32', 0), m.scalar('float32', 1)]);
  x = m.node('Reshape', [m.node('Transpose', [x], { perm: [0, 2, 3, 1] }), m.constant('int64', [2], [-1, 64])]);
  x = m.node('Relu', [m.node('Add', [m.node('MatMul', [x, m.random([64, 12], 0.2)]), m.random([12], 0.3)])]);
  m.node('Add', [m.node('MatMul', [x, m.random([12, 4], 0.4)]), m.random([4], 0.3)], {}, ['scores']);
  m.result('scores');
  return m.bytes();
}

/** scikit-learn's MLP: a Cast first, MatMul and Add, an Identity last. */
export function sklearnNet(): Uint8Array {
  const m = new FloatBuilder(15, 13);
  let x = m.node('Cast', [m.open('X', ['N', 6])], { to: 1 });
  x = m.node('Relu', [m.node('Add', [m.node('MatMul', [x, m.random([6, 9], 0.6)]), m.random([1, 9], 0.3)])]);
  x = m.node('Add', [m.node('MatMul', [x, m.random([9, 3], 0.6)]), m.random([3], 0.3)]);
  m.node('Identity', [x], {}, ['variable']);
  m.result('variable');
  return m.bytes();
}

/** Rows of tokens: MatMul and a bias on three dimensions. */
export function rowsNet(): Uint8Array {
  const m = new FloatBuilder(17, 14);
  const x = m.node('Relu', [m.node('Add', [m.random([7], 0.3), m.node('MatMul', [m.open('x', ['b', 4, 5]), m.random([5, 7], 0.6)])])]);
  m.node('Add', [m.node('MatMul', [x, m.random([7, 3], 0.6)]), m.random([3], 0.3)], {}, ['y']);
  m.result('y');
  return m.bytes();
}

/** Two inputs, one of them unused in part, and outputs that other nodes read too. */
export function forkedNet(): Uint8Array {
  const m = new FloatBuilder(13, 16);
  const [a, b] = [m.open('a', ['N', 6]), m.open('b', ['N', 4])];
  m.open('unused', ['N', 2]);
  m.node('Relu', [m.node('Gemm', [a, m.random([6, 5], 0.6), m.random([5], 0.3)])], {}, ['hidden']);
  m.node('Gemm', ['hidden', m.random([3, 5], 0.6)], { transB: 1 }, ['left']);
  m.node('ArgMax', ['left'], { axis: 1, keepdims: 0 }, ['class']);
  m.node('MatMul', [b, m.random([4, 2], 0.6)], {}, ['right']);
  for (const name of ['hidden', 'left', 'right']) m.result(name);
  m.outputs.push({ name: 'class', type: { tensorType: { elemType: 7 } } });
  return m.bytes();
}

/** One attention head over five tokens of an embedding, as PyTorch writes it: query, key and value cut from one product. */
export function attentionNet(): Uint8Array {
  const m = new FloatBuilder(17, 17);
  const x = m.node('Add', [m.node('Gather', [m.random([11, 8], 1), m.open('ids', ['N', 5], 7)]), m.random([1, 5, 8], 0.5)]);
  const normal = m.node('LayerNormalization', [x, m.random([8], 0.3, 1), m.random([8], 0.2)], { axis: -1 });
  const parts = ['query', 'key', 'value'];
  m.node('Split', [m.node('Add', [m.node('MatMul', [normal, m.random([8, 24], 0.5)]), m.random([24], 0.2)])], { axis: -1 }, parts);
  const scores = m.node('MatMul', ['query', m.node('Transpose', ['key'], { perm: [0, 2, 1] })]);
  const mixed = m.node('MatMul', [m.node('Softmax', [m.node('Div', [scores, m.scalar('float32', Math.sqrt(8))])], { axis: -1 }), 'value']);
  const y = m.node('LayerNormalization', [m.node('Add', [x, mixed]), m.random([8], 0.3, 1), m.random([8], 0.2)]);
  m.node('Gemm', [m.node('Gather', [y, m.literal('int64', [], [0])], { axis: 1 }), m.random([8, 3], 0.6)], {}, ['y']);
  m.result('y');
  return m.bytes();
}

/** Residuals, gates, averages, a normalization that stands alone: what is joined and not folded. */
export function residualNet(): Uint8Array {
  const m = new FloatBuilder(17, 15);
  const x = m.node('Relu', [m.conv(m.open('x', ['N', 2, 8, 8]), 2, 4, 3)]);
  const a = m.node('AveragePool', [m.norm(x, 4)], { kernel_shape: [2, 2], strides: [2, 2] });
  const b = m.node('Sigmoid', [m.conv(x, 4, 4, 3, { strides: [2, 2] })]);
  const gated = m.node('Add', [m.node('Mul', [a, b]), m.node('HardSwish', [a])]);
  const both = m.node('Concat', [gated, m.node('Tanh', [a])], { axis: 1 });
  const mean = m.node('ReduceMean', [both], { axes: [2, 3], keepdims: 0 });
  m.node('Gemm', [m.node('LeakyRelu', [mean]), m.random([8, 3], 0.8)], {}, ['y']);
  m.result('y');
  return m.bytes();
}
