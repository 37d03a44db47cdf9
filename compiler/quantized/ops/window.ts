/** Kernel, strides, pads and dilations of Conv and MaxPool; an image is [C, H, W], a signal [C, L] counts as H = 1. */
import { intOf, intsOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import type { Context } from '../context.ts';
import type { Activation, Window } from '../form.ts';
import { settle, shownOf, virtual } from '../moved.ts';
import { reshape } from '../shown.ts';
import { plainView, type View } from '../view.ts';
import type { Axis } from './stack.ts';

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
  if (settled.dims.join() === image.join() && settled.view.layout?.flat().join() === plain) return { x: settled.x, image };
  return { x: virtual(ctx, node, x.name, reshape(shownOf(ctx, node, x, view), image), image).x, image };
}

/** Kernel, stride, dilation, pads and outputs of every spatial dimension. `ceil`: a pool's ceil_mode, resolved into a larger trailing pad. */
export function axesOf(node: Node, sizes: readonly number[], kernel: readonly number[], ceil = false): Axis[] {
  const n = sizes.length;
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
  const strides = list('strides', n, 1);
  const dilations = list('dilations', n, 1);
  const pads = list('pads', 2 * n, 0);
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  return sizes.map((size, a) => {
    const [taps, stride, dilation] = [kernel[a] as number, strides[a] as number, dilations[a] as number];
    const given = { size, taps, stride, dilation };
    const [before, after] = padsOf(node, auto, given, [pads[a] as number, pads[a + n] as number]);
    return outputsOf(node, { ...given, before, after }, ceil);
  });
}

const spanOf = ({ taps, dilation }: Pick<Axis, 'taps' | 'dilation'>): number => dilation * (taps - 1) + 1;

function padsOf(
  node: Node,
  auto: string,
  axis: Omit<Axis, 'before' | 'after' | 'out'>,
  given: readonly [number, number],
): readonly [number, number] {
  if (auto === 'NOTSET') return given;
  if (auto === 'VALID') return [0, 0];
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER')
    refuse(node, 'model.invalid-attribute', `attribute auto_pad is "${auto}"`, { attribute: 'auto_pad' });
  const total = Math.max(0, (Math.ceil(axis.size / axis.stride) - 1) * axis.stride + spanOf(axis) - axis.size);
  const less = Math.floor(total / 2);
  return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
}

function outputsOf(node: Node, axis: Omit<Axis, 'out'>, ceil: boolean): Axis {
  const { size, before, after, stride } = axis;
  const span = spanOf(axis);
  const room = size + before + after - span;
  if (room < 0) refuse(node, 'model.invalid-shape', `a window of ${span} does not fit an axis of ${size} with pads ${before} and ${after}`);
  const count = Math.floor(room / stride) + 1;
  const up = Math.ceil(room / stride) + 1;
  if (!ceil || up === count) return { ...axis, out: count };
  // onnxruntime and its shape inference disagree on a last window that starts past the image.
  if ((up - 1) * stride >= size + before)
    refuse(
      node,
      'model.unsupported-attribute',
      `attribute ceil_mode gives a window that starts past the image; supported: windows that start inside`,
      { attribute: 'ceil_mode' },
    );
  return { ...axis, out: up, after: (up - 1) * stride + span - size - before };
}

/** The window over H and W; a signal [C, L] counts as H = 1. */
export function windowFrom(
  node: Node,
  rank: number,
  size: readonly [number, number],
  kernel: readonly number[],
  ceil = false,
): { window: Window; out: [number, number] } {
  const axes = axesOf(node, rank === 4 ? size : size.slice(1), kernel, ceil);
  const one: Axis = { size: 1, before: 0, after: 0, taps: 1, stride: 1, dilation: 1, out: 1 };
  const [h, w] = (axes.length === 2 ? axes : [one, ...axes]) as [Axis, Axis];
  if (h.out * w.out > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `gives ${h.out} x ${w.out} windows; the limit is ${MAX_ELEMENTS}`);
  const window: Window = {
    kernel: [h.taps, w.taps],
    stride: [h.stride, w.stride],
    pad: [h.before, w.before, h.after, w.after],
    dilation: [h.dilation, w.dilation],
  };
  return { window, out: [h.out, w.out] };
}

export const groupsOf = (node: Node): number => intOf(node, 'group', 1);
