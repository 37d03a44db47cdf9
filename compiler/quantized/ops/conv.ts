/**
 * Conv between DQ and Q, and QLinearConv: an exact integer convolution (protocol §7.2) in one, two or three dimensions, any batch, any groups
 * (groups.ts). One image in at most two dimensions is convolved as it lies; everything else as a stack of images (stack.ts).
 */
import { elements, intsOf, type Node, refuse } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { type Context, integerOf, operand, targetOf } from '../context.ts';
import type { Activation, Window } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { reshape, type Shown } from '../shown.ts';
import type { Accumulator, Value } from '../value.ts';
import type { View } from '../view.ts';
import { plainView } from '../view.ts';
import { grouped } from './groups.ts';
import { type OpReader, requantised, result, wrongOperand } from './op.ts';
import { outputRows, type Stack, stacked, stackedChannels, unstacked } from './stack.ts';
import { dequantizedBias, dequantizedWeights, operatorBias, operatorWeights, type Weights } from './weights.ts';
import { axesOf, groupsOf, settleImage, WINDOW_ATTRIBUTES, windowFrom } from './window.ts';

const attributes = [...WINDOW_ATTRIBUTES, 'group'];

export const conv: OpReader = {
  attributes,
  read(node, ctx) {
    const x = operand(ctx, node, 0);
    if (x.kind !== 'real' || x.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
    const weights = dequantizedWeights(ctx, node, 1, () => 0);
    const scales = weights.scales.map((s) => Math.fround(x.from.scale * s));
    const bias = dequantizedBias(ctx, node, 2, weights.tensor.dims[0] ?? 0, scales);
    result(ctx, node, {
      kind: 'accumulator',
      ...convolution(ctx, node, x.x, x.view, weights, bias, scales),
      chain: null,
      clamps: [],
      pools: [],
    });
  },
};

export const qlinearConv: OpReader = {
  attributes,
  read(node, ctx) {
    const { x, view, from } = integerOf(ctx, node, 0);
    const weights = operatorWeights(ctx, node, 3, () => 0);
    const to = targetOf(ctx, node, 6, 7);
    kernelTypes(node, x, to.dtype, weights);
    const bias = operatorBias(ctx, node, 8, weights.tensor.dims[0] ?? 0);
    const scales = weights.scales.map((s) => Math.fround(from.scale * s));
    result(
      ctx,
      node,
      requantised(
        ctx,
        node,
        { ...convolution(ctx, node, x, view, weights, bias, scales), chain: null, pools: [] },
        to,
        node.outputs[0] as string,
      ),
    );
  },
};

/** onnxruntime has kernels for u8·(u8|s8) -> u8 and s8·s8 -> s8. */
export function kernelTypes(node: Node, x: Activation, out: string, weights: Weights): void {
  if (x.dtype !== out || (x.dtype === 'int8' && weights.tensor.dtype === 'uint8'))
    refuse(
      node,
      'model.invalid-type',
      `takes ${x.dtype} and ${weights.tensor.dtype} weights and gives ${out}; supported: uint8 with uint8 or int8 weights to uint8, int8 with int8 weights to int8`,
    );
}

type Convolved = Pick<Extract<Value, { kind: 'accumulator' }>, 'acc' | 'view' | 'moved'>;

/** A convolution by the attributes of `node`. */
export function convolution(
  ctx: Context,
  node: Node,
  x: Activation,
  view: View,
  weights: Weights,
  bias: Int32Array,
  scales: readonly number[],
): Convolved {
  const { shape } = view;
  const wDims = weights.tensor.dims;
  const groups = groupsOf(node);
  const [co, ci] = [wDims[0] as number, wDims[1] as number];
  const kernel = wDims.slice(2);
  if (wDims.length !== shape.length || !(groups >= 1) || ci * groups !== shape[1] || co % groups !== 0 || co === 0)
    refuse(node, 'model.invalid-shape', `weights [${wDims.join(', ')}] with group ${groups} do not fit an operand [${shape.join(', ')}]`);
  const declared = intsOf(node, 'kernel_shape');
  if (declared !== undefined && declared.join() !== kernel.join())
    refuse(node, 'model.invalid-attribute', `attribute kernel_shape is [${declared.join(', ')}], the weights are [${wDims.join(', ')}]`, {
      attribute: 'kernel_shape',
    });
  const plain = shape[0] === 1 && (shape.length === 3 || shape.length === 4);
  const made = plain ? single(ctx, node, x, view, kernel) : stack(ctx, node, x, view, kernel);
  const channels = plain ? wDims.slice(0, 2) : stackedChannels(wide(wDims));
  return {
    acc: { linear: linear(ctx, node, made, channels as [number, number], groups, weights, bias), dims: [co, ...made.out], scales },
    ...made.shown(co),
  };
}

/** What is convolved: the operand, the window over it, and how the result is seen. */
interface Made {
  readonly x: Activation;
  readonly window: Window;
  readonly out: readonly [number, number];
  shown(co: number): Pick<Convolved, 'view' | 'moved'>;
}

function single(ctx: Context, node: Node, given: Activation, view: View, kernel: readonly number[]): Made {
  const { x, image } = settleImage(ctx, node, given, view);
  const { window, out } = windowFrom(node, view.shape.length, [image[1], image[2]], kernel);
  const shown = (co: number): Pick<Convolved, 'view' | 'moved'> => {
    const dims = [co, ...out];
    return { view: plainView(view.shape.length === 4 ? [1, ...dims] : [1, co, out[1]], dims), moved: null };
  };
  return { x, window, out, shown };
}

/** [.., L], [.., H, W] or [.., D, H, W] as depth, height, width. */
const wide = <T>(list: readonly T[], one: T = 1 as T): T[] => [
  ...list.slice(0, 2),
  ...Array.from({ length: 5 - list.length }, () => one),
  ...list.slice(2),
];

function stack(ctx: Context, node: Node, given: Activation, view: View, kernel: readonly number[]): Made {
  const { shape } = view;
  if (shape.length < 3 || shape.length > 5)
    refuse(
      node,
      'model.unsupported-shape',
      `the operand has shape [${shape.join(', ')}]; supported: [N, C, L], [N, C, H, W] and [N, C, D, H, W]`,
    );
  const axes = axesOf(node, shape.slice(2), kernel);
  const one = { size: 1, before: 0, after: 0, taps: 1, stride: 1, dilation: 1, out: 1 };
  const [, , depth, height, width] = wide([one, one, ...axes], one) as [unknown, unknown, ...typeof axes];
  const s: Stack = { depth: depth as Stack['depth'], height: height as Stack['height'] };
  const across = width as Stack['depth'];
  const n = shape[0] as number;
  const rows = outputRows(n * s.depth.out, s.height);
  if (elements([shape[1] as number, s.depth.taps, rows, across.size]) > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `stacks [${shape.join(', ')}] to more than ${MAX_ELEMENTS} elements`);
  const images = stacked(reshape(shownOf(ctx, node, given, view), wide(shape)), s, given.zp.value ?? 0);
  const { x } = virtual(ctx, node, given.name, images, images.dims);
  const window: Window = {
    kernel: [s.height.taps, across.taps],
    stride: [s.height.stride, across.stride],
    pad: [0, across.before, 0, across.after],
    dilation: [s.height.dilation, across.dilation],
  };
  const out = [n, ...axes.map((a) => a.out)];
  const shown = (co: number): Pick<Convolved, 'view' | 'moved'> => {
    const dims = [co, rows, across.out];
    const to = [out[0] as number, co, ...out.slice(1)];
    return { view: plainView(dims, dims), moved: { shape: to, move: <X>(y: Shown<X>): Shown<X> => reshape(unstacked(y, n, s), to) } };
  };
  return { x, window, out: [rows, across.out], shown };
}

function linear(
  ctx: Context,
  node: Node,
  made: Made,
  [co, ci]: readonly [number, number],
  groups: number,
  weights: Weights,
  bias: Int32Array,
): Accumulator['linear'] {
  const { window, out } = made;
  const taps = window.kernel[0] * window.kernel[1];
  const { x, ...form } = grouped(ctx, node, made.x, { co, ci, taps, groups, data: weights.data });
  if (elements([co, ...out]) > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `gives [${[co, ...out].join(', ')}]; the limit is ${MAX_ELEMENTS} elements`);
  return {
    node: node.label,
    x,
    form: { kind: 'conv', groups: form.groups, ...window },
    wDims: [co, form.weights.length / (co * taps), taps],
    weights: form.weights,
    bias,
  };
}
