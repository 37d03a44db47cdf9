/**
 * QuantizeLinear: `clip(rint(f32(x/s)) + z)`. Closes an accumulator (requantisation), float steps on a dequantized tensor (a table), or
 * opens the graph (the head). DequantizeLinear: `f32((q-z)*s)`; nothing happens until someone reads it.
 */
import { quantize } from '../../../circuits/interface.ts';
import { elements, intOf, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import {
  activation,
  type Context,
  isScale,
  meet,
  operand,
  quantizedInput,
  scaleOf,
  scalesOf,
  targetOf,
  zeroPointOf,
  zeroPointsOf,
} from '../context.ts';
import type { Activation, Clamp, RANGE, Target } from '../form.ts';
import { fusedKernel } from '../kernels.ts';
import { pairForm } from '../pair.ts';
import { type Pair, quantized, valuesOf } from '../real.ts';
import type { Value } from '../value.ts';
import { beforeQuantize } from './chained.ts';
import { looked, type OpReader, requantised, result, wrongOperand } from './op.ts';
import { centred } from './weights.ts';

export const quantizeLinear: OpReader = {
  attributes: ['axis', 'saturate', 'block_size', 'output_dtype', 'precision'],
  read(node, ctx) {
    const value = operand(ctx, node, 0);
    if (value.kind === 'constant') return result(ctx, node, quantizedConstant(ctx, node, value.tensor));
    blocks(node);
    const to = targetOf(ctx, node, 1, 2);
    outputType(node, to.dtype);
    const name = node.outputs[0] as string;
    if (value.kind === 'float-input') return result(ctx, node, headOf(ctx, node, value, to, name));
    if (value.kind === 'accumulator')
      return result(ctx, node, requantised(ctx, node, beforeQuantize(ctx, node, value), narrowed(to, value.clamps), name));
    if (value.kind !== 'real' && value.kind !== 'pair')
      return wrongOperand(ctx, node, 0, 'a float input, a dequantized tensor, or the result of Conv, Gemm or MatMul');
    if (value.kind === 'real' && value.values === null) {
      const { from } = value;
      if (from.scale === to.scale && from.zp === to.zp && value.x.dtype === to.dtype)
        return result(ctx, node, { kind: 'integer', x: value.x, view: value.view });
      const before = ctx.producer.get(node.inputs[0] as string);
      // onnxruntime moves a QuantizeLinear before views and max-pools, and may then merge it with the pair it meets there.
      if (!STAYS_BEHIND.includes(before?.op ?? ''))
        refuse(
          node,
          'model.unsupported-rescale',
          `${before?.op} lies between "${value.tensor}" (scale ${from.scale}, zero point ${from.zp}) and this quantization by other parameters (scale ${to.scale}, zero point ${to.zp}); supported: the same on both sides`,
        );
    }
    const fusable = 'fusable' in value ? value.fusable : null;
    // onnxruntime fuses DQ, DQ -> Add -> Q into QLinearAdd when all three tensors have one type (a constant is never shifted to unsigned).
    const types = [...(fusable?.operands.map((o) => o.dtype) ?? []), ctx.signed.typeOf(name, to.dtype)];
    const fused = fusable !== null && ctx.signed.onlyQuantizer(node.inputs[0] as string) !== null && types.every((t) => t === types[0]);
    result(ctx, node, closed(ctx, node, value, to, fused, name));
  },
};

/** What onnxruntime moves no QuantizeLinear past. */
const STAYS_BEHIND = ['DequantizeLinear', 'ReduceMax', 'ReduceMin'];

/** A function of one or two tensors, quantized to `to`; `fused`: by onnxruntime's kernel for it, where there is one. */
export function closed(ctx: Context, node: Node, value: Value, to: Target, fused: boolean, name: string): Value {
  if (value.kind === 'pair') return closedPair(ctx, node, value, to, fused, name);
  if (value.kind !== 'real') return wrongOperand(ctx, node, 0, 'a dequantized tensor');
  const { x, axis, from, fusable } = value;
  const kernel = fused && fusable !== null ? fusedKernel(fusable, to) : null;
  const ys = valuesOf(value).map((list) =>
    Int16Array.from(list, (v, i) => {
      if (kernel === null || fusable === null) return quantized(v, to);
      const q = x.lo + i;
      const k = fusable.constant.length === 0 ? q : (fusable.constant[0] as number);
      return fusable.at === 0 ? kernel(k, q) : kernel(q, k);
    }),
  );
  return looked(ctx, node, value, { node: node.label, axis, from, to, lo: x.lo, ys }, name);
}

function closedPair(
  ctx: Context,
  node: Node,
  { a, b, view, values, slope, fusable }: Pair,
  to: Target,
  fused: boolean,
  name: string,
): Value {
  const kernel = fused && fusable !== null ? fusedKernel(fusable, to) : null;
  const width = b.hi - b.lo + 1;
  const ys = Int16Array.from(
    values,
    (v, i) => (kernel === null ? quantized(v, to) : kernel(a.lo + Math.floor(i / width), b.lo + (i % width))) - to.zp,
  );
  const centred = (t: Activation): [number, number] => [t.lo - (t.zp.value ?? 0), t.hi - (t.zp.value ?? 0)];
  const form = pairForm({ a: centred(a), b: centred(b), ys }, slope);
  const y = activation(ctx, name, to.dtype, a.dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  ctx.ops.push({ kind: 'combine', node: node.label, a, b, y, form });
  return { kind: 'integer', x: y, view };
}

/**
 * The integers of a float input. One input is one tensor of the statement, however often the graph quantizes it: two tensors could hold
 * two different inputs. So every quantization of an input must be the same.
 */
function headOf(ctx: Context, node: Node, value: Extract<Value, { kind: 'float-input' }>, to: Target, name: string): Value {
  const known = ctx.inputs.find((i) => i.input === value.input);
  if (known === undefined) return quantizedInput(ctx, value.input, name, to.dtype, { scale: to.scale, zp: to.zp }, value.view);
  const { activation, quantize: first } = known;
  if (first === null || first.scale !== to.scale || first.zp !== to.zp || activation.dtype !== to.dtype)
    refuse(
      node,
      'model.unsupported-input',
      `the float input is quantized a second time by other parameters (scale ${to.scale}, zero point ${to.zp}, ${to.dtype}) than in "${activation.name}"; supported: one quantization of each input`,
    );
  return { kind: 'integer', x: activation, view: value.view };
}

/** The clip bounds after Relu and Clip in the accumulator: the quantised bounds of the float clamp. */
function narrowed(to: Target, clamps: readonly Clamp[]): Target {
  let { lo, hi } = to;
  const q = (v: number) => Math.min(to.hi, Math.max(to.lo, quantize([v], to.scale, to.zp, to.dtype)[0] as number));
  for (const c of clamps) {
    const [min, max] = c.op === 'clip' ? [c.min, c.max] : [0, Number.POSITIVE_INFINITY];
    [lo, hi] = [Math.min(Math.max(lo, q(min)), q(max)), Math.min(Math.max(hi, q(min)), q(max))];
  }
  return { ...to, lo, hi };
}

export const dequantizeLinear: OpReader = {
  attributes: ['axis', 'block_size', 'output_dtype'],
  read(node, ctx) {
    blocks(node);
    const value = operand(ctx, node, 0);
    if (value.kind === 'constant') return result(ctx, node, realConstant(ctx, node, value.tensor));
    if (value.kind !== 'integer') return wrongOperand(ctx, node, 0, 'a quantized tensor');
    const scale = scaleOf(ctx, node, 1, 'scale');
    const { zp } = zeroPointOf(ctx, node, 2, 'zero point', value.x.dtype);
    meet(node, value.x, zp);
    result(ctx, node, {
      kind: 'real',
      x: value.x,
      view: value.view,
      tensor: node.inputs[0] as string,
      from: { scale, zp },
      values: null,
      axis: null,
      fusable: null,
    });
  },
};

function blocks(node: Node): void {
  if (intOf(node, 'block_size', 0) !== 0)
    refuse(
      node,
      'model.unsupported-attribute',
      'attribute block_size: blocked quantization is not supported; supported: per tensor and per channel',
      {
        attribute: 'block_size',
      },
    );
}

/** `output_dtype` (opset 21) must say what the zero point says. */
function outputType(node: Node, dtype: string): void {
  const code = intOf(node, 'output_dtype', 0);
  if (code !== 0 && code !== (dtype === 'uint8' ? 2 : 3))
    refuse(
      node,
      'model.unsupported-attribute',
      `attribute output_dtype is ${code}, the zero point is ${dtype}; supported: uint8 and int8 by zero point`,
      {
        attribute: 'output_dtype',
      },
    );
}

/** The axis of per-channel parameters, and that there are as many as the tensor has channels. */
function axisOf(node: Node, tensor: Tensor, count: number): number {
  const given = intOf(node, 'axis', 1);
  const axis = given < 0 ? given + tensor.dims.length : given;
  if (count === 1) return Math.max(0, Math.min(axis, tensor.dims.length - 1));
  const channels = tensor.dims[axis];
  if (channels !== count)
    refuse(node, 'model.invalid-scale', `there are ${count} scales, "${tensor.name}" has ${channels ?? 'no'} channels on axis ${given}`, {
      tensor: tensor.name,
    });
  return axis;
}

function realConstant(ctx: Context, node: Node, tensor: Tensor): Value {
  if (!['uint8', 'int8', 'int32'].includes(tensor.dtype))
    refuse(node, 'model.unsupported-type', `"${tensor.name}" is ${tensor.dtype}; supported: uint8, int8, and int32 for biases`, {
      tensor: tensor.name,
    });
  const scales = scalesOf(ctx, node, 1, 'scale');
  const axis = axisOf(node, tensor, scales.length);
  const { values } = zeroPointsOf(ctx, node, 2, 'zero point', tensor.dtype);
  if (values.length !== 1 && values.length !== scales.length)
    refuse(node, 'model.invalid-zero-point', `there are ${values.length} zero points for ${scales.length} scales`);
  const [zp] = values as [number];
  if (values.every((z) => z === zp) || tensor.data === null) return { kind: 'real-constant', tensor, scales, axis, zp };
  if (tensor.dtype === 'int32')
    refuse(node, 'model.unsupported-bias', `the channels of "${tensor.name}" have different zero points; supported: one for all int32`);
  // Zero points that differ are taken off at once; what is left are no bytes.
  const data = centred(tensor.data, tensor.dims, values, axis);
  return { kind: 'real-constant', tensor: { ...tensor, dtype: 'int16', data }, scales, axis, zp: 0 };
}

/** Weights kept in float behind a QuantizeLinear: folded. */
function quantizedConstant(ctx: Context, node: Node, tensor: Tensor): Value {
  blocks(node);
  if (tensor.dtype !== 'float32' || tensor.data === null)
    refuse(node, 'model.unsupported-type', `quantizes a constant of type ${tensor.dtype}; supported: float32`, { tensor: tensor.name });
  const scales = scalesOf(ctx, node, 1, 'scale');
  const { dtype, values } = zeroPointsOf(ctx, node, 2, 'zero point', null);
  outputType(node, dtype);
  const axis = axisOf(node, tensor, scales.length);
  if (values.length !== 1 && values.length !== scales.length)
    refuse(node, 'model.invalid-zero-point', `there are ${values.length} zero points for ${scales.length} scales`);
  if (tensor.data.some(Number.isNaN) || !scales.every(isScale))
    refuse(node, 'model.invalid-constant', `"${tensor.name}" holds NaN`, { tensor: tensor.name });
  const inner = elements(tensor.dims.slice(axis + 1));
  const data = Int32Array.from(tensor.data, (v, i) => {
    const c = scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length;
    return quantize([v], scales[c] as number, values[values.length === 1 ? 0 : c] as number, dtype as keyof typeof RANGE)[0] as number;
  });
  return { kind: 'constant', tensor: { name: node.outputs[0] as string, dtype, dims: tensor.dims, data } };
}
