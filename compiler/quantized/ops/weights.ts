/** Constant operands of linear ops: weights as integers with one scale or one per channel, biases as int32 at the accumulator's scale. */
import { elements, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand, scalesOf, weightZeroPoints } from '../context.ts';
import { wrongOperand } from './op.ts';

export interface Weights {
  readonly tensor: Tensor;
  /** Without their zero point: in [-255, 255]. */
  readonly data: Int32Array;
  readonly scales: readonly number[];
}

/** Constant integers, and their zero points in operand `z`. */
export function integerWeights(ctx: Context, node: Node, i: number, z: number, axis: (t: Tensor) => number): Omit<Weights, 'scales'> {
  const value = operand(ctx, node, i);
  if (value.kind !== 'constant') refuse(node, 'model.unsupported-dynamic', `operand ${i} ("${node.inputs[i]}") must be constant weights`);
  const tensor = constantOf(ctx, node, i, 'weight tensor', ['int8', 'uint8']);
  if (tensor.data.length === 0) refuse(node, 'model.invalid-shape', `the weights "${tensor.name}" are empty`, { tensor: tensor.name });
  const at = axis(tensor);
  const zeroPoints = weightZeroPoints(ctx, node, z, tensor.dtype, tensor.dims[at] ?? 1);
  return { tensor, data: centred(tensor.data, tensor.dims, zeroPoints, at) };
}

/** QOperator: operands i (integers), i+1 (scale), i+2 (zero point); `axis` of its channels. */
export function operatorWeights(ctx: Context, node: Node, i: number, axis: (t: Tensor) => number): Weights {
  const weights = integerWeights(ctx, node, i, i + 2, axis);
  const scales = scalesOf(ctx, node, i + 1, 'weight scale');
  checkCount(node, scales.length, weights.tensor.dims[axis(weights.tensor)] ?? 1);
  return { ...weights, scales };
}

/** QDQ: operand i is a dequantized constant; its channels lie on `axis`. */
export function dequantizedWeights(ctx: Context, node: Node, i: number, axis: (t: Tensor) => number): Weights {
  const value = operand(ctx, node, i);
  if (value.kind !== 'real-constant') return wrongOperand(ctx, node, i, 'constant integer weights behind a DequantizeLinear');
  const { tensor, scales, zp } = value;
  if (tensor.dtype === 'int32' || tensor.data === null)
    refuse(node, 'model.unsupported-type', `the weights "${tensor.name}" are ${tensor.dtype}; supported: int8, uint8`, {
      tensor: tensor.name,
    });
  if (tensor.data.length === 0) refuse(node, 'model.invalid-shape', `the weights "${tensor.name}" are empty`, { tensor: tensor.name });
  const at = axis(tensor);
  checkCount(node, scales.length, tensor.dims[at] ?? 1);
  if (scales.length > 1 && value.axis !== at)
    refuse(
      node,
      'model.unsupported-per-axis',
      `the weights "${tensor.name}" have scales on axis ${value.axis}; supported: the output channels, axis ${at}`,
      {
        tensor: tensor.name,
      },
    );
  return { tensor, data: centred(tensor.data, tensor.dims, [zp], 0), scales };
}

/** Integers less their zero point: one, or one per index of `axis`. */
export function centred(data: ArrayLike<number>, dims: readonly number[], zeroPoints: readonly number[], axis: number): Int32Array {
  const inner = elements(dims.slice(axis + 1));
  const n = zeroPoints.length;
  return Int32Array.from(data, (v, i) => v - (zeroPoints[n === 1 ? 0 : Math.floor(i / inner) % n] as number));
}

function checkCount(node: Node, scales: number, channels: number): void {
  if (scales !== 1 && scales !== channels)
    refuse(node, 'model.invalid-scale', `there are ${scales} weight scales for ${channels} output channels`);
}

/** QOperator bias: int32, one per channel; zeros if absent. */
export function operatorBias(ctx: Context, node: Node, i: number, channels: number): Int32Array {
  if (!has(node, i)) return new Int32Array(channels);
  const tensor = constantOf(ctx, node, i, 'bias', ['int32']);
  return spread(node, tensor, tensor.data, channels);
}

/** QDQ bias: a dequantized int32 constant at scale f32(sx·sw). onnxruntime adds its integers to the accumulator without reading the scale. */
export function dequantizedBias(ctx: Context, node: Node, i: number, channels: number, accumulator: readonly number[]): Int32Array {
  if (!has(node, i)) return new Int32Array(channels);
  const value = operand(ctx, node, i);
  if (value.kind !== 'real-constant') return wrongOperand(ctx, node, i, 'a constant int32 bias behind a DequantizeLinear');
  const { tensor, scales, zp } = value;
  if (tensor.dtype !== 'int32' || tensor.data === null)
    refuse(node, 'model.unsupported-bias', `the bias "${tensor.name}" is ${tensor.dtype}; supported: int32`, { tensor: tensor.name });
  if (zp !== 0)
    refuse(node, 'model.unsupported-bias', `the zero point of the bias "${tensor.name}" is ${zp}; supported: 0`, { tensor: tensor.name });
  for (let c = 0; c < channels; c++) {
    const [is, must] = [scales[scales.length === 1 ? 0 : c], accumulator[accumulator.length === 1 ? 0 : c]] as [number, number];
    if (!(Math.abs(is - must) <= 1e-5 * must))
      refuse(
        node,
        'model.unsupported-bias',
        `the bias "${tensor.name}" has scale ${is} in channel ${c}; supported: input scale times weight scale, ${must}`,
        {
          tensor: tensor.name,
        },
      );
  }
  return spread(node, tensor, tensor.data, channels);
}

/** A bias of shape [N], [1, N], [1] or [] as N integers. */
function spread(node: Node, tensor: Tensor, data: ArrayLike<number>, channels: number): Int32Array {
  const good = tensor.dims.slice(0, -1).every((d) => d === 1) && (data.length === channels || data.length === 1);
  if (!good)
    refuse(node, 'model.invalid-shape', `the bias "${tensor.name}" has dims [${tensor.dims.join(', ')}] for ${channels} output channels`, {
      tensor: tensor.name,
    });
  return data.length === channels ? Int32Array.from(data) : new Int32Array(channels).fill(data[0] as number);
}
