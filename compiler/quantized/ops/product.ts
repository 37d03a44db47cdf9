/**
 * MatMul of two dequantized activations, and QLinearMatMul of two: an exact batched integer product (protocol §7.2 bmm), requantised like every
 * accumulator. Leading dimensions broadcast.
 */
import { type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, integerOf, operand, targetOf } from '../context.ts';
import type { Activation, Affine, Target } from '../form.ts';
import { plain, shownOf, virtual } from '../moved.ts';
import { plainView, type View } from '../view.ts';
import { broadcast, broadcastShape } from './move.ts';
import { type OpReader, requantScale, result, wrongOperand } from './op.ts';

interface Factor {
  readonly x: Activation;
  readonly view: View;
  readonly from: Affine;
}

export function isActivation(ctx: Context, node: Node, i: number): boolean {
  const { kind } = operand(ctx, node, i);
  return kind === 'real' || kind === 'integer';
}

/** MatMul between DequantizeLinear and one QuantizeLinear. */
export function matMulOfTwo(node: Node, ctx: Context): void {
  const [a, b] = [0, 1].map((i): Factor => {
    const value = operand(ctx, node, i);
    if (value.kind !== 'real' || value.values !== null) return wrongOperand(ctx, node, i, 'a dequantized tensor');
    return value;
  }) as [Factor, Factor];
  const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
  if (q === null)
    refuse(node, 'model.unsupported-float', 'multiplies two tensors and is not read by one QuantizeLinear alone; supported: that');
  const to = targetOf(ctx, q, 1, 2);
  const { x, view } = product(ctx, node, a, b, to, q.outputs[0] as string);
  const from = { scale: to.scale, zp: to.zp };
  result(ctx, node, { kind: 'real', x, view, tensor: x.name, from, values: null, axis: null, fusable: null });
}

/** QLinearMatMul of two tensors: a, scale, zero point, b, scale, zero point, y scale, y zero point. */
export const qlinearMatMulOfTwo: OpReader['read'] = (node, ctx) => {
  const [a, b] = [integerOf(ctx, node, 0), integerOf(ctx, node, 3)];
  const to = targetOf(ctx, node, 6, 7);
  const { x, view } = product(ctx, node, a, b, to, node.outputs[0] as string);
  result(ctx, node, { kind: 'integer', x, view });
};

function product(ctx: Context, node: Node, a: Factor, b: Factor, to: Target, name: string): { x: Activation; view: View } {
  const [p, q] = [a.view.shape, b.view.shape];
  const lead = broadcastShape(p.slice(0, -2), q.slice(0, -2));
  if (p.length < 2 || q.length < 2 || lead === null || p.at(-1) !== q.at(-2))
    refuse(node, 'model.invalid-shape', `cannot multiply [${p.join(', ')}] by [${q.join(', ')}]`);
  const [left, right] = [spread(ctx, node, a, lead), spread(ctx, node, b, lead)];
  const scale = requantScale(node, [Math.fround(a.from.scale * b.from.scale)], to)[0] as number;
  const shape = [...lead, p.at(-2) as number, q.at(-1) as number];
  // The leading dims of the operands are those of the result, with or without a batch of 1.
  const dims = [...left.dims.slice(0, -2), shape.at(-2) as number, shape.at(-1) as number];
  const y = activation(ctx, name, to.dtype, dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  ctx.ops.push({ kind: 'product', node: node.label, a: left.x, b: right.x, y, requant: { scales: [scale], to }, stages: [] });
  return { x: y, view: plainView(shape, dims) };
}

/** An operand with all leading dims, row-major, at least two dims. */
function spread(ctx: Context, node: Node, { x, view }: Factor, lead: readonly number[]): { x: Activation; dims: readonly number[] } {
  const shape = [...lead, ...view.shape.slice(-2)];
  const own = shape.join() === view.shape.join();
  const moved = own ? plain(ctx, node, x, view) : virtual(ctx, node, x.name, broadcast(shownOf(ctx, node, x, view), shape));
  const wanted = lead.length > 0 && shape[0] === 1 ? shape.slice(1) : shape;
  if ((moved.x.dims as readonly number[]).join() === wanted.join()) return { x: moved.x, dims: wanted };
  const whole = virtual(ctx, node, x.name, shownOf(ctx, node, moved.x, moved.view), wanted);
  return { x: whole.x, dims: wanted };
}
