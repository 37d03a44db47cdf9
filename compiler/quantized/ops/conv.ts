/** Conv between DQ and Q, and QLinearConv: an exact integer convolution (protocol §7.2), groups included. */
import { isPowerOfTwo } from '../../../protocol/integers.ts';
import { elements, intsOf, type Node, refuse } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { type Context, integerOf, operand, targetOf } from '../context.ts';
import type { Activation } from '../form.ts';
import type { Accumulator } from '../value.ts';
import type { View } from '../view.ts';
import { plainView } from '../view.ts';
import { type OpReader, requantised, result, wrongOperand } from './op.ts';
import { dequantizedBias, dequantizedWeights, operatorBias, operatorWeights, type Weights } from './weights.ts';
import { groupsOf, settleImage, WINDOW_ATTRIBUTES, windowFrom } from './window.ts';

const attributes = [...WINDOW_ATTRIBUTES, 'group'];

export const conv: OpReader = {
  attributes,
  read(node, ctx) {
    const x = operand(ctx, node, 0);
    if (x.kind !== 'real' || x.steps.length > 0) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
    const weights = dequantizedWeights(ctx, node, 1, () => 0);
    const scales = weights.scales.map((s) => Math.fround(x.from.scale * s));
    const bias = dequantizedBias(ctx, node, 2, weights.tensor.dims[0] ?? 0, scales);
    const { acc, view } = convolution(ctx, node, x.x, x.view, weights, bias, scales);
    result(ctx, node, { kind: 'accumulator', acc, view, clamps: [], pools: [] });
  },
};

export const qlinearConv: OpReader = {
  attributes,
  read(node, ctx) {
    const { x, view, from } = integerOf(ctx, node, 0);
    const weights = operatorWeights(ctx, node, 3, (t) => t.dims[0] ?? 0);
    const to = targetOf(ctx, node, 6, 7);
    kernelTypes(node, x, to.dtype, weights);
    const bias = operatorBias(ctx, node, 8, weights.tensor.dims[0] ?? 0);
    const scales = weights.scales.map((s) => Math.fround(from.scale * s));
    const made = convolution(ctx, node, x, view, weights, bias, scales);
    result(ctx, node, requantised(ctx, node, made.acc, made.view, to, [], node.outputs[0] as string));
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

function convolution(
  ctx: Context,
  node: Node,
  given: Activation,
  view: View,
  weights: Weights,
  bias: Int32Array,
  scales: readonly number[],
): { acc: Accumulator; view: View } {
  const { x, image } = settleImage(ctx, node, given, view);
  const [channels, height, width] = image;
  const wDims = weights.tensor.dims;
  const groups = groupsOf(node);
  const [co, ci] = [wDims[0] as number, wDims[1] as number];
  const kernel = wDims.slice(2);
  if (wDims.length !== view.shape.length || !(groups >= 1) || ci * groups !== channels || co % groups !== 0 || co === 0)
    refuse(
      node,
      'model.invalid-shape',
      `weights [${wDims.join(', ')}] with group ${groups} do not fit an operand [${view.shape.join(', ')}]`,
    );
  const declared = intsOf(node, 'kernel_shape');
  if (declared !== undefined && declared.join() !== kernel.join())
    refuse(node, 'model.invalid-attribute', `attribute kernel_shape is [${declared.join(', ')}], the weights are [${wDims.join(', ')}]`, {
      attribute: 'kernel_shape',
    });
  const { window, out } = windowFrom(node, view.shape.length, [height, width], kernel);
  const taps = kernel.reduce((p, d) => p * d, 1);
  const whole = groups > 1 && !(isPowerOfTwo(co / groups) && isPowerOfTwo(ci));
  const dims = [co, ...out];
  if (elements(dims) > MAX_ELEMENTS || (whole && elements([co, channels, taps]) > MAX_ELEMENTS))
    refuse(node, 'model.unsupported-shape', `gives [${dims.join(', ')}] with ${groups} groups; the limit is ${MAX_ELEMENTS} elements`);
  const shape = view.shape.length === 4 ? [1, ...dims] : [1, co, out[1]];
  return {
    acc: {
      linear: {
        node: node.label,
        x,
        form: { kind: 'conv', groups: whole ? 1 : groups, ...window },
        wDims: [co, whole ? channels : ci, taps],
        weights: whole ? ungrouped(weights.data, co, ci, taps, groups) : Int32Array.from(weights.data),
        bias,
      },
      dims,
      scales,
    },
    view: plainView(shape, dims),
  };
}

/** The weights of a grouped convolution as one of groups = 1, zero outside the blocks (protocol S5 wants powers of two). */
function ungrouped(w: ArrayLike<number>, co: number, ci: number, taps: number, groups: number): Int32Array {
  const row = ci * groups * taps;
  const out = new Int32Array(co * row);
  const perGroup = co / groups;
  for (let c = 0; c < co; c++) {
    const start = c * row + Math.floor(c / perGroup) * ci * taps;
    for (let i = 0; i < ci * taps; i++) out[start + i] = w[c * ci * taps + i] as number;
  }
  return out;
}
