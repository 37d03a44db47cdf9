/**
 * Concat and com.microsoft QLinearConcat: the operands one after the other, each quantized by the parameters of the result first where it has
 * others (a table), as onnxruntime does operand by operand.
 */
import { quantize } from '../../../circuits/interface.ts';
import { intOf, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { type Context, constantActivation, constantOf, meet, operand, scaleOf, targetOf, zeroPointOf } from '../context.ts';
import { type Activation, type Affine, RANGE, type Target } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { realsOf } from '../real.ts';
import { concat as joined } from '../shown.ts';
import type { Value } from '../value.ts';
import { plainView } from '../view.ts';
import { dimension } from './move.ts';
import { type OpReader, result, wrongOperand } from './op.ts';
import { closed } from './quantize.ts';

type Integer = Extract<Value, { kind: 'integer' }>;

/** The result of joining quantized tensors along `axis`. */
function join(ctx: Context, node: Node, parts: readonly Integer[], axis: number): Integer {
  const shown = parts.map((p) => shownOf(ctx, node, p.x, p.view));
  agree(
    node,
    shown.map((s) => s.dims),
    axis,
  );
  const all = joined(shown, axis);
  if (all === null) refuse(node, 'model.unsupported-view', 'joins tensors that were padded with different values');
  return { kind: 'integer', ...virtual(ctx, node, node.outputs[0] as string, all) };
}

function agree(node: Node, shapes: readonly (readonly number[])[], axis: number): void {
  const [first] = shapes as [readonly number[]];
  if (shapes.some((s) => s.length !== first.length || s.some((d, i) => i !== axis && d !== first[i])))
    refuse(node, 'model.invalid-shape', `joins ${shapes.map((s) => `[${s.join(', ')}]`).join(', ')} along dimension ${axis}`);
}

/** A dequantized operand as integers with the parameters `to`. */
function requantized(ctx: Context, node: Node, i: number, to: Target): Integer {
  const value = operand(ctx, node, i);
  const name = `${node.outputs[0]}/${i}`;
  if (value.kind === 'constant' || value.kind === 'real-constant') {
    if (value.kind === 'constant' && value.tensor.dtype !== 'float32')
      return wrongOperand(ctx, node, i, 'a dequantized tensor, or a constant');
    return constantInteger(ctx, name, value.tensor.dims, realsOf(value), to);
  }
  if (value.kind !== 'real') return wrongOperand(ctx, node, i, 'a dequantized tensor');
  return rescaled(ctx, node, value, to, name);
}

/** A constant of these floats, as QuantizeLinear makes integers of it. */
function constantInteger(ctx: Context, name: string, dims: readonly number[], floats: Float32Array, to: Target): Integer {
  const tensor: Tensor = { name, dtype: to.dtype, dims, data: quantize(floats, to.scale, to.zp, to.dtype) };
  const x = constantActivation(ctx, name, tensor, to.zp);
  return { kind: 'integer', x, view: plainView(dims, x.dims as readonly number[]) };
}

function rescaled(ctx: Context, node: Node, value: Extract<Value, { kind: 'real' }>, to: Target, name: string): Integer {
  const { from, x, view } = value;
  if (value.values === null && from.scale === to.scale && from.zp === to.zp && x.dtype === to.dtype) {
    meet(node, x, to.zp);
    return { kind: 'integer', x, view };
  }
  return closed(ctx, node, value, to, false, name) as Integer;
}

export const concat: OpReader = {
  attributes: ['axis'],
  read(node, ctx) {
    const values = node.inputs.map((_, i) => operand(ctx, node, i));
    const rank = rankOf(values[0] as Value) ?? wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor, or a constant');
    const axis = dimension(node, intOf(node, 'axis', 0), rank);
    if (values.every((v): v is Integer => v.kind === 'integer')) return result(ctx, node, join(ctx, node, values, axis));
    // Behind dequantized tensors stands a QuantizeLinear, which says what the integers of the result are.
    const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
    if (q === null)
      refuse(node, 'model.unsupported-float', 'joins dequantized tensors and is not read by one QuantizeLinear alone; supported: that');
    const to = targetOf(ctx, q, 1, 2);
    const parts = node.inputs.map((_, i) => requantized(ctx, node, i, to));
    const { x, view } = join(ctx, node, parts, axis);
    const from = { scale: to.scale, zp: to.zp };
    result(ctx, node, { kind: 'real', x, view, tensor: x.name, from, values: null, axis: null, fusable: null });
  },
};

const rankOf = (v: Value): number | null =>
  v.kind === 'constant' || v.kind === 'real-constant'
    ? v.tensor.dims.length
    : v.kind === 'integer' || v.kind === 'real'
      ? v.view.shape.length
      : null;

/** Operands Y_scale, Y_zero_point, then x, scale, zero point of each. */
export const qlinearConcat: OpReader = {
  attributes: ['axis'],
  read(node, ctx) {
    if (node.inputs.length < 5 || (node.inputs.length - 2) % 3 !== 0)
      refuse(node, 'model.invalid-inputs', `has ${node.inputs.length} operands`);
    const to = targetOf(ctx, node, 0, 1);
    const parts = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, k) => integerPart(ctx, node, 2 + 3 * k, to));
    const rank = (parts[0] as Integer).view.shape.length;
    result(ctx, node, join(ctx, node, parts, dimension(node, intOf(node, 'axis', 0), rank)));
  },
};

function integerPart(ctx: Context, node: Node, i: number, to: Target): Integer {
  const value = operand(ctx, node, i);
  const from: Affine = { scale: scaleOf(ctx, node, i + 1, 'input scale'), zp: zeroPointOf(ctx, node, i + 2, 'input zero point', null).zp };
  if (value.kind === 'constant') {
    const tensor = constantOf(ctx, node, i, 'operand', Object.keys(RANGE));
    return constantInteger(
      ctx,
      `${node.outputs[0]}/${i}`,
      tensor.dims,
      realsOf({ kind: 'real-constant', tensor, scales: [from.scale], axis: 0, zp: from.zp }),
      to,
    );
  }
  if (value.kind !== 'integer') return wrongOperand(ctx, node, i, 'a quantized tensor');
  meet(node, value.x as Activation, from.zp);
  const { x, view } = value;
  return rescaled(
    ctx,
    node,
    { kind: 'real', x, view, tensor: x.name, from, values: null, axis: null, fusable: null },
    to,
    `${node.outputs[0]}/${i}`,
  );
}
