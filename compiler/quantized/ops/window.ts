/** Kernel, strides, pads and dilations of Conv and MaxPool; an image is [C, H, W], a signal [C, L] counts as H = 1. */
import { intOf, intsOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { type Context, settle } from '../context.ts';
import type { Activation, Window } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { reshape } from '../shown.ts';
import { plainView, type View } from '../view.ts';

export const WINDOW_ATTRIBUTES = ['kernel_shape', 'strides', 'pads', 'dilations', 'auto_pad'];

/** [C, H, W] of a logical shape [1, C, H, W] or [1, C, L]. */
export function imageShape(node: Node, shape: readonly number[]): readonly [number, number, number] {
  if (shape.length !== 3 && shape.length !== 4)
    refuse(node, 'model.unsupported-shape', `the operand has shape [${shape.join(', ')}]; supported: [1, C, H, W] and [1, C, L]`);
  if (shape[0] !== 1) refuse(node, 'model.unsupported-batch', `the batch size is ${shape[0]}; supported: 1`);
  return shape.length === 4 ? [shape[1] as number, shape[2] as number, shape[3] as number] : [shape[1] as number, 1, shape[2] as number];
}

/** x as an image: an activation whose key dims are [C, H, W] in this order, x itself or a view of it. */
export function settleImage(
  ctx: Context,
  node: Node,
  x: Activation,
  view: View,
): { readonly x: Activation; readonly image: readonly [number, number, number] } {
  const image = imageShape(node, view.shape);
  const settled = settle(ctx, node, x, view, image);
  const plain = plainView(view.shape, image).layout?.flat().join();
  if (settled.dims.join() === image.join() && settled.view.layout?.flat().join() === plain) return { x, image };
  return { x: virtual(ctx, node, x.name, reshape(shownOf(ctx, node, x, view), image)).x, image };
}

/** The window over H and W. `ceil`: MaxPool's ceil_mode, resolved into a larger trailing pad. */
export function windowFrom(
  node: Node,
  rank: number,
  size: readonly [number, number],
  kernel: readonly number[],
  ceil = false,
): { window: Window; out: [number, number] } {
  const n = rank - 2;
  const list = (name: string, length: number, otherwise: number): number[] => {
    const given = intsOf(node, name) ?? Array.from({ length }, () => otherwise);
    const low = name === 'pads' ? 0 : 1;
    if (given.length !== length || given.some((v) => !(v >= low && v <= 2 ** 20)))
      refuse(node, 'model.invalid-attribute', `attribute ${name} is [${given.join(', ')}]; it needs ${length} numbers of at least ${low}`, {
        attribute: name,
      });
    return [...given];
  };
  if (kernel.length !== n || kernel.some((v) => !(v >= 1 && v <= 2 ** 20)))
    refuse(node, 'model.invalid-attribute', `attribute kernel_shape is [${kernel.join(', ')}]; it needs ${n} numbers of at least 1`, {
      attribute: 'kernel_shape',
    });
  const wide = (v: readonly number[], fill: number): [number, number] =>
    n === 2 ? [v[0] as number, v[1] as number] : [fill, v[0] as number];
  const taps = wide(kernel, 1);
  const stride = wide(list('strides', n, 1), 1);
  const dilation = wide(list('dilations', n, 1), 1);
  const pads = list('pads', 2 * n, 0);
  const before = wide(pads.slice(0, n), 0);
  const after = wide(pads.slice(n), 0);
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  const out: [number, number] = [0, 0];
  for (const a of [0, 1] as const) {
    const span = dilation[a] * (taps[a] - 1) + 1;
    if (auto === 'VALID') [before[a], after[a]] = [0, 0];
    else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const total = Math.max(0, (Math.ceil(size[a] / stride[a]) - 1) * stride[a] + span - size[a]);
      const less = Math.floor(total / 2);
      [before[a], after[a]] = auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
    } else if (auto !== 'NOTSET') refuse(node, 'model.invalid-attribute', `attribute auto_pad is "${auto}"`, { attribute: 'auto_pad' });
    const room = size[a] + before[a] + after[a] - span;
    if (room < 0)
      refuse(node, 'model.invalid-shape', `a window of ${span} does not fit an axis of ${size[a]} with pads ${before[a]} and ${after[a]}`);
    let count = Math.floor(room / stride[a]) + 1;
    if (ceil) {
      const up = Math.ceil(room / stride[a]) + 1;
      // onnxruntime and its shape inference disagree on a last window that starts past the image.
      if (up > count && (up - 1) * stride[a] >= size[a] + before[a])
        refuse(
          node,
          'model.unsupported-attribute',
          `attribute ceil_mode gives a window that starts past the image; supported: windows that start inside`,
          {
            attribute: 'ceil_mode',
          },
        );
      if (up > count) {
        count = up;
        after[a] = (count - 1) * stride[a] + span - size[a] - before[a];
      }
    }
    out[a] = count;
  }
  if (out[0] * out[1] > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `gives ${out[0]} x ${out[1]} windows; the limit is ${MAX_ELEMENTS}`);
  return { window: { kernel: taps, stride, pad: [before[0], before[1], after[0], after[1]], dilation }, out };
}

export const groupsOf = (node: Node): number => intOf(node, 'group', 1);
