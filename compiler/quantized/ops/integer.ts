/**
 * ConvInteger and MatMulInteger: the int32 accumulator itself, of constant weights. What follows is a Cast and float32 arithmetic by constants
 * (chain.ts), or it leaves the graph.
 */
import { type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { type Context, meet, operand, zeroPointOf } from '../context.ts';
import type { Activation } from '../form.ts';
import type { View } from '../view.ts';
import { convolution } from './conv.ts';
import { product } from './dense.ts';
import { type OpReader, result, wrongOperand } from './op.ts';
import { integerWeights, type Weights } from './weights.ts';
import { WINDOW_ATTRIBUTES } from './window.ts';

/** Operands x, weights, zero point of x, zero points of the weights. */
function operands(ctx: Context, node: Node, axis: (t: Tensor) => number): { x: Activation; view: View; weights: Weights } {
  const value = operand(ctx, node, 0);
  if (value.kind !== 'integer' || value.x.dtype === 'int32') return wrongOperand(ctx, node, 0, 'a quantized tensor');
  meet(node, value.x, zeroPointOf(ctx, node, 2, 'input zero point', value.x.dtype).zp);
  return { x: value.x, view: value.view, weights: { ...integerWeights(ctx, node, 1, 3, axis), scales: [1] } };
}

const noBias = (channels: number): Int32Array => new Int32Array(channels);

const convInteger: OpReader = {
  attributes: [...WINDOW_ATTRIBUTES, 'group'],
  read(node, ctx) {
    const { x, view, weights } = operands(ctx, node, () => 0);
    const bias = noBias(weights.tensor.dims[0] ?? 0);
    result(ctx, node, { kind: 'int32', ...convolution(ctx, node, x, view, weights, bias, weights.scales) });
  },
};

const matMulInteger: OpReader = {
  attributes: [],
  read(node, ctx) {
    const { x, view, weights } = operands(ctx, node, (t) => t.dims.length - 1);
    const { dims } = weights.tensor;
    if (dims.length !== 2) refuse(node, 'model.unsupported-shape', `the weights have dims [${dims.join(', ')}]; supported: two dimensions`);
    result(ctx, node, { kind: 'int32', ...product(ctx, node, x, view, weights, noBias(dims[1] as number), weights.scales), moved: null });
  },
};

export const integer: Readonly<Record<string, OpReader>> = {
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
};
