/**
 * Softmax between DequantizeLinear and QuantizeLinear, and com.microsoft QLinearSoftmax: computed by the verifier on the revealed integers, in the
 * arithmetic of onnxruntime's kernel (circuits/computed/softmax.ts). A Softmax of the last tensor is recomputed from the output instead (tail.ts).
 */
import { floatToBits } from '../../../protocol/float32.ts';
import { intOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, integerOf, operand, targetOf } from '../context.ts';
import type { Activation, Affine, Target } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { permute, reshape } from '../shown.ts';
import { plainView, stepView, type View } from '../view.ts';
import { dimension } from './move.ts';
import { type OpReader, ownMeaning, result, wrongOperand } from './op.ts';
import { softmaxTail } from './tail.ts';

const f32 = Math.fround;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

export const softmax: OpReader = {
  attributes: ['axis'],
  read(node, ctx) {
    const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
    const value = operand(ctx, node, 0);
    if (q === null || value.kind !== 'real') return softmaxTail(node, ctx);
    if (value.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
    const to = targetOf(ctx, q, 1, 2);
    const [inside, outside] = [ctx.signed.typeOf(value.tensor, value.x.dtype), ctx.signed.typeOf(q.outputs[0] as string, to.dtype)];
    const { x, view } = computed(ctx, node, value, to, inside === outside, node.opset < 13, q.outputs[0] as string);
    const from = { scale: to.scale, zp: to.zp };
    result(ctx, node, { kind: 'real', x, view, tensor: x.name, from, values: null, axis: null, fusable: null });
  },
};

/** Operands X, X_scale, X_zero_point, Y_scale, Y_zero_point; `opset`: whose Softmax it is. */
export const qlinearSoftmax: OpReader = {
  attributes: ['axis', 'opset'],
  read(node, ctx) {
    const source = integerOf(ctx, node, 0);
    const to = targetOf(ctx, node, 3, 4);
    if (source.x.dtype !== to.dtype)
      refuse(node, 'model.invalid-type', `takes ${source.x.dtype} and gives ${to.dtype}; supported: one type for both`);
    const { x, view } = computed(ctx, node, source, to, true, intOf(node, 'opset', 13) < 13, node.outputs[0] as string);
    result(ctx, node, { kind: 'integer', x, view });
  },
};

function computed(
  ctx: Context,
  node: Node,
  { x, view, from }: { readonly x: Activation; readonly view: View; readonly from: Affine },
  to: Target,
  fused: boolean,
  old: boolean,
  name: string,
): { x: Activation; view: View } {
  const { shape } = view;
  const axis = dimension(node, intOf(node, 'axis', old ? 1 : -1), shape.length);
  const rest = shape.map((_, i) => i).filter((i) => i !== axis);
  const perm = [...rest, axis];
  const shown = shownOf(ctx, node, x, view);
  // Before opset 13 everything from the axis on is one row.
  const rows = old ? reshape(shown, [product(shape.slice(0, axis)), product(shape.slice(axis))]) : permute(shown, perm);
  const source = virtual(ctx, node, x.name, rows, rowDims(rows.dims));
  const y = activation(ctx, name, to.dtype, source.x.dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  if (!fused) ownMeaning(ctx, node, 'onnxruntime on x86 runs it in float32, with an exponential of its own');
  const length = rows.dims.at(-1) as number;
  ctx.ops.push({
    kind: 'softmax',
    node: node.label,
    x: source.x,
    y,
    description: description(node, source.x, length, from.scale, to, fused),
  });
  const made = plainView(rows.dims, y.dims as readonly number[]);
  const back = old
    ? stepView(made, y.dims, { op: 'reshape', shape })
    : stepView(made, y.dims, { op: 'transpose', perm: shape.map((_, i) => perm.indexOf(i)) });
  return back === null ? virtual(ctx, node, name, reshape(shownOf(ctx, node, y, made), shape)) : { x: y, view: back };
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Key dims whose last dimension is the row. */
const rowDims = (dims: readonly number[]): readonly number[] => (dims.length > 1 && dims[0] === 1 ? dims.slice(1) : dims);

/** The kernel's table at the distance z to the maximum, shifted so that the largest sum stays finite; it takes this logarithm in float32. */
function description(node: Node, x: Activation, length: number, sx: number, to: Target, fused: boolean) {
  const shift = fused ? Math.max(0, f32(Math.log(f32(f32(LARGEST) / f32(length)))) - 5) / sx : 0;
  const table = Array.from({ length: x.hi - x.lo + 1 }, (_, z) => floatToBits(f32(Math.exp((shift - z) * sx))));
  const factor = fused ? f32(Math.floor(f32(1 / to.scale))) : to.scale;
  if (fused && !(factor >= 1 && f32(Math.exp(shift * sx)) * factor < LARGEST))
    refuse(
      node,
      'model.unsupported-scale',
      `the output scale ${to.scale} makes onnxruntime's kernel overflow; supported: a scale near 1/256, and rows of more than one element`,
    );
  return { kind: 'softmax', table, factor: floatToBits(factor), fused: fused ? 1 : 0, zp: to.zp, lo: to.lo, hi: to.hi } as const;
}
