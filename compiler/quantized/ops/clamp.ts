/** Relu and Clip on a dequantized tensor (a table) or on an accumulator (narrower clip bounds). */
import { floatOf, type Node, refuse } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import type { Elementwise } from '../form.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

function clamped(node: Node, ctx: Context, step: Elementwise) {
  const x = operand(ctx, node, 0);
  if (x.kind === 'accumulator') return result(ctx, node, { ...x, clamps: [...x.clamps, step] });
  if (x.kind === 'real') return result(ctx, node, { ...x, steps: [...x.steps, step], add: null });
  wrongOperand(ctx, node, 0, 'a dequantized tensor, or the result of Conv, Gemm or MatMul');
}

export const relu: OpReader = { attributes: [], read: (node, ctx) => clamped(node, ctx, { op: 'relu' }) };

export const clip: OpReader = {
  attributes: ['min', 'max'],
  read(node, ctx) {
    const bound = (name: 'min' | 'max', i: number, otherwise: number): number => {
      if (node.opset < 11) return floatOf(node, name, otherwise);
      if (!has(node, i)) return otherwise;
      const t = constantOf(ctx, node, i, name, ['float32']);
      if (t.data.length !== 1) refuse(node, 'model.invalid-shape', `${name} has ${t.data.length} elements; it must be a scalar`);
      return t.data[0] as number;
    };
    const min = bound('min', 1, Number.NEGATIVE_INFINITY);
    const max = bound('max', 2, Number.POSITIVE_INFINITY);
    if (!(min <= max)) refuse(node, 'model.invalid-attribute', `min ${min} is not at most max ${max}`);
    clamped(node, ctx, { op: 'clip', min, max });
  },
};
