/**
 * MaxPool in one, two or three dimensions and any batch: on the integers, because quantisation keeps the order; after an accumulator it waits for
 * the QuantizeLinear. Batch and channels are one dimension, and depth is pooled by itself: the greatest of a box is the greatest of its layers' greatest.
 */
import { intOf, intsOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, operand } from '../context.ts';
import type { Activation, Window } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { reshape } from '../shown.ts';
import type { Value } from '../value.ts';
import { plainView, type View } from '../view.ts';
import { type OpReader, result, windowOf, wrongOperand } from './op.ts';
import type { Axis } from './stack.ts';
import { axesOf, imageShape, WINDOW_ATTRIBUTES, windowFrom } from './window.ts';

export const maxPool: OpReader = {
  attributes: [...WINDOW_ATTRIBUTES, 'ceil_mode', 'storage_order'],
  read(node, ctx) {
    const value = operand(ctx, node, 0);
    const kernel = intsOf(node, 'kernel_shape');
    if (kernel === undefined) refuse(node, 'model.invalid-attribute', 'attribute kernel_shape is missing', { attribute: 'kernel_shape' });
    if (value.kind === 'accumulator') return afterAccumulator(ctx, node, value, kernel);
    if (value.kind !== 'integer' && (value.kind !== 'real' || value.values !== null))
      return wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor, or the result of Conv');
    if (value.x.dtype === 'int32') return wrongOperand(ctx, node, 0, 'uint8 and int8');
    const { shape } = value.view;
    if (shape.length < 3 || shape.length > 5)
      refuse(
        node,
        'model.unsupported-shape',
        `the operand has shape [${shape.join(', ')}]; supported: [N, C, L], [N, C, H, W] and [N, C, D, H, W]`,
      );
    const axes = axesOf(node, shape.slice(2), kernel, intOf(node, 'ceil_mode', 0) === 1);
    for (const axis of axes) insideImage(node, axis);
    result(ctx, node, { ...value, ...pooled(ctx, node, value.x, value.view, axes) });
  },
};

const ONE: Axis = { size: 1, before: 0, after: 0, taps: 1, stride: 1, dilation: 1, out: 1 };

function pooled(ctx: Context, node: Node, x: Activation, view: View, axes: readonly Axis[]): { x: Activation; view: View } {
  const { shape } = view;
  const [depth, height, width] = [...Array.from({ length: 3 - axes.length }, () => ONE), ...axes] as [Axis, Axis, Axis];
  const channels = (shape[0] as number) * (shape[1] as number);
  const flat = poolImage(ctx, node, x, view, [channels * depth.size, height, width]);
  const deep = poolImage(ctx, node, flat.x, flat.view, [
    channels,
    depth,
    { ...ONE, size: height.out * width.out, out: height.out * width.out },
  ]);
  const to = [shape[0] as number, shape[1] as number, ...axes.map((a) => a.out)];
  if (deep.x === x) return { x, view };
  return virtual(ctx, node, node.outputs[0] as string, reshape(shownOf(ctx, node, deep.x, deep.view), to));
}

/** Pools x, seen as [channels, rows, columns]. */
function poolImage(
  ctx: Context,
  node: Node,
  source: Activation,
  view: View,
  [channels, rows, columns]: readonly [number, Axis, Axis],
): { x: Activation; view: View } {
  const trivial = [rows, columns].every((a) => a.taps === 1 && a.stride === 1 && a.before === 0 && a.after === 0);
  if (trivial) return { x: source, view };
  const image = [channels, rows.size, columns.size];
  const { x } = virtual(ctx, node, source.name, reshape(shownOf(ctx, node, source, view), image), image);
  const dims = [channels, rows.out, columns.out];
  const y = activation(ctx, node.outputs[0] as string, x.dtype, dims, { zp: null, lo: x.lo, hi: x.hi }, { zp: x.zp });
  const window: Window = {
    kernel: [rows.taps, columns.taps],
    stride: [rows.stride, columns.stride],
    pad: [rows.before, columns.before, rows.after, columns.after],
    dilation: [rows.dilation, columns.dilation],
  };
  ctx.ops.push({ kind: 'maxpool', node: node.label, ...window, x, y });
  return { x: y, view: plainView(dims, dims) };
}

/** A pool of a Conv's result before it is quantized. */
function afterAccumulator(ctx: Context, node: Node, value: Extract<Value, { kind: 'accumulator' }>, kernel: readonly number[]): void {
  const { view } = value;
  const { shape } = view;
  const dims = value.pools.at(-1)?.dims ?? value.acc.dims;
  const lies =
    value.moved === null && value.acc.linear.form.kind === 'conv' && plainView(shape, dims).layout?.join('|') === view.layout?.join('|');
  if (!lies || dims.length !== 3)
    refuse(
      node,
      'model.unsupported-view',
      'pools a view of an accumulator, or a batch; supported: the result of a Conv of one image, or its quantized result',
    );
  const image = imageShape(node, shape);
  const { window, out } = windowFrom(node, shape.length, [image[1], image[2]], kernel, intOf(node, 'ceil_mode', 0) === 1);
  for (const a of [0, 1] as const)
    insideImage(node, {
      size: image[a + 1] as number,
      before: window.pad[a],
      taps: window.kernel[a],
      stride: window.stride[a],
      dilation: window.dilation[a],
      out: out[a],
    });
  const to = [image[0], ...out];
  const shown = plainView(shape.length === 4 ? [1, ...to] : [1, image[0], out[1]], to);
  result(ctx, node, {
    ...value,
    view: shown,
    pools: [...value.pools, { node: node.label, ...windowOf({ ...window, node: '', dims: to }), dims: to }],
  });
}

/** Refuses a window that lies in the padding altogether: its maximum is no element of the image. */
function insideImage(node: Node, { size, before, taps, stride, dilation, out }: Omit<Axis, 'after'>): void {
  for (let o = 0; o < out; o++) {
    const start = o * stride - before;
    const tap = Math.max(0, Math.ceil(-start / dilation)); // the first tap that is not before the image
    if (tap >= taps || start + tap * dilation >= size)
      refuse(node, 'model.unsupported-padding', `window ${o} lies in the padding altogether; supported: windows that meet the image`);
  }
}
