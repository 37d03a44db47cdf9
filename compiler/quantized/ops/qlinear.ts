/** com.microsoft QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu: DequantizeLinear, the operation and QuantizeLinear in one node. */
import { floatOf, type Node, refuse } from '../../onnx/graph.ts';
import { type Context, constantActivation, integerOf, operand, scaleOf, targetOf, zeroPointOf } from '../context.ts';
import type { IntegerType, Target } from '../form.ts';
import { mapped, type Real } from '../real.ts';
import { SCALARS } from '../scalar.ts';
import { plainView } from '../view.ts';
import { binary } from './binary.ts';
import { type OpReader, result } from './op.ts';
import { closed } from './quantize.ts';

/** Operands i, i+1, i+2 as a dequantized tensor; a constant is one too. */
function real(ctx: Context, node: Node, i: number): Real {
  const value = operand(ctx, node, i);
  if (value.kind === 'constant') {
    const { tensor } = value;
    if (tensor.dtype !== 'uint8' && tensor.dtype !== 'int8')
      refuse(node, 'model.invalid-type', `operand ${i} ("${tensor.name}") is ${tensor.dtype}; supported: uint8, int8`, {
        tensor: tensor.name,
      });
    const from = {
      scale: scaleOf(ctx, node, i + 1, 'scale'),
      zp: zeroPointOf(ctx, node, i + 2, 'zero point', tensor.dtype as IntegerType).zp,
    };
    const x = constantActivation(ctx, tensor.name, tensor, from.zp);
    return {
      kind: 'real',
      x,
      view: plainView(tensor.dims, x.dims as readonly number[]),
      tensor: '',
      from,
      values: null,
      axis: null,
      fusable: null,
    };
  }
  const { x, view, from } = integerOf(ctx, node, i);
  return { kind: 'real', x, view, tensor: node.inputs[i] as string, from, values: null, axis: null, fusable: null };
}

function ofTwo(op: 'Add' | 'Mul'): OpReader {
  return {
    attributes: [],
    read(node, ctx) {
      const [a, b] = [real(ctx, node, 0), real(ctx, node, 3)];
      const to = targetOf(ctx, node, 6, 7);
      types(node, [a, b], to);
      // The same as Add between its pairs: read as one, under names of its own.
      const names = node.inputs.map((_, i) => `${node.outputs[0]}/${i}`);
      ctx.values.set(names[0] as string, a);
      ctx.values.set(names[3] as string, b);
      const inner: Node = { ...node, op, inputs: [names[0] as string, names[3] as string], outputs: [`${node.outputs[0]}/real`] };
      binary[op]?.read(inner, ctx);
      result(ctx, node, closed(ctx, node, operand(ctx, { ...inner, inputs: inner.outputs }, 0), to, true, node.outputs[0] as string));
    },
  };
}

function types(node: Node, operands: readonly Real[], to: Target): void {
  const all = [...operands.map((r) => r.x.dtype), to.dtype];
  if (all.some((t) => t !== all[0]))
    refuse(node, 'model.invalid-type', `has operands and a result of ${all.join(', ')}; supported: one type for all`);
}

function ofOne(op: string, attributes: readonly string[]): OpReader {
  return {
    attributes,
    read(node, ctx) {
      const x = real(ctx, node, 0);
      const to = targetOf(ctx, node, 3, 4);
      types(node, [x], to);
      const f = SCALARS[op]?.((name) => Math.fround(floatOf(node, name, 0.01)));
      result(ctx, node, closed(ctx, node, mapped(x, f as (v: number) => number), to, true, node.outputs[0] as string));
    },
  };
}

export const qlinear: Readonly<Record<string, OpReader>> = {
  'com.microsoft.QLinearAdd': ofTwo('Add'),
  'com.microsoft.QLinearMul': ofTwo('Mul'),
  'com.microsoft.QLinearSigmoid': ofOne('Sigmoid', []),
  'com.microsoft.QLinearLeakyRelu': ofOne('LeakyRelu', ['alpha']),
};
