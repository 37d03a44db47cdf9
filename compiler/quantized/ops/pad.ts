/**
 * Pad: constant, edge, reflect, wrap; negative pads crop. The constant is a real number: behind the QuantizeLinear that follows it is the
 * integer which that gives it.
 */
import { quantize } from '../../../circuits/interface.ts';
import { floatOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand, scaleOf, targetOf, zeroPointOf } from '../context.ts';
import type { IntegerType } from '../form.ts';
import { pick } from '../shown.ts';
import { describe, type Value } from '../value.ts';
import { dimension, integers, moved, shapeOf } from './move.ts';
import type { OpReader } from './op.ts';

export const pad: OpReader = {
  attributes: ['mode', 'pads', 'value'],
  read(node, ctx) {
    const shape = shapeOf(ctx, node);
    const value = operand(ctx, node, 0);
    const mode = stringOf(node, 'mode', 'constant');
    if (!['constant', 'edge', 'reflect', 'wrap'].includes(mode))
      refuse(node, 'model.invalid-attribute', `attribute mode is "${mode}"`, { attribute: 'mode' });
    const axes = has(node, 3)
      ? Array.from(constantOf(ctx, node, 3, 'axes', ['int64', 'int32']).data, (a) => dimension(node, a, shape.length, 'axes'))
      : shape.map((_, i) => i);
    const pads = integers(ctx, node, 'pads', 1) ?? [];
    if (pads.length !== 2 * axes.length)
      refuse(node, 'model.invalid-attribute', `${pads.length} pads for ${axes.length} dimensions`, { attribute: 'pads' });
    const lists = axes.map(
      (axis, k) => [axis, padded(node, shape[axis] as number, pads[k] as number, pads[k + axes.length] as number, mode)] as const,
    );
    const fill = lists.some(([, l]) => l.includes(-1)) ? fillOf(ctx, node, value) : null;
    const name = node.outputs[0] as string;
    ctx.values.set(
      name,
      moved(ctx, node, value, name, (s) => lists.reduce((now, [axis, list]) => pick(now, axis, list, fill ?? now.fill), s)),
    );
  },
};

/** Positions of one dimension after padding; -1: the constant. */
function padded(node: Node, size: number, before: number, after: number, mode: string): number[] {
  const count = size + before + after;
  if (count < 1 || count > 2 ** 24) refuse(node, 'model.invalid-shape', `pads a dimension of ${size} by ${before} and ${after}`);
  if (mode === 'reflect' && (before >= size || after >= size))
    refuse(node, 'model.invalid-attribute', `reflects ${Math.max(before, after)} elements of a dimension of ${size}`, {
      attribute: 'pads',
    });
  return Array.from({ length: count }, (_, i) => {
    const at = i - before;
    if (at >= 0 && at < size) return at;
    if (mode === 'constant') return -1;
    if (mode === 'edge') return at < 0 ? 0 : size - 1;
    if (mode === 'wrap') return ((at % size) + size) % size;
    return at < 0 ? -at : 2 * (size - 1) - at;
  });
}

/** The raw integer that stands for the constant. */
function fillOf(ctx: Context, node: Node, value: Value): number {
  if (value.kind === 'integer' || value.kind === 'constant') {
    const given =
      node.opset >= 11 && has(node, 2)
        ? constantOf(ctx, node, 2, 'constant value', ['uint8', 'int8', 'int64', 'int32', 'float32']).data[0]
        : 0;
    return given ?? 0;
  }
  const real =
    node.opset < 11 ? floatOf(node, 'value', 0) : has(node, 2) ? (constantOf(ctx, node, 2, 'constant value', ['float32']).data[0] ?? 0) : 0;
  if (value.kind === 'real-constant') return integerFor(node, real, value.scales[0] as number, value.zp, value.tensor.dtype as IntegerType);
  const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
  if (value.kind === 'accumulator' && q !== null) {
    const { scale, zp, dtype } = targetOf(ctx, q, 1, 2);
    return quantize([real], scale, zp, dtype)[0] as number;
  }
  if (value.kind !== 'real')
    refuse(node, 'model.unsupported-float', `pads ${describe(value)} and is not read by one QuantizeLinear alone; supported: that`);
  // What the QuantizeLinear behind makes of it, where that is the only reader and keeps the parameters; else it must be a value of the tensor.
  const { scale, zp } = value.from;
  const dtype = value.x.dtype as IntegerType;
  if (q !== null && value.values === null && scaleOf(ctx, q, 1, 'scale') === scale && zeroPointOf(ctx, q, 2, 'zero point', null).zp === zp)
    return quantize([real], scale, zp, dtype)[0] as number;
  return integerFor(node, real, scale, zp, dtype);
}

function integerFor(node: Node, real: number, scale: number, zp: number, dtype: IntegerType): number {
  const q = quantize([real], scale, zp, dtype)[0] as number;
  if (Math.fround((q - zp) * scale) !== Math.fround(real))
    refuse(
      node,
      'model.unsupported-rescale',
      `pads with ${real}, which is no value of a tensor of scale ${scale} and zero point ${zp}; supported: such values, or a QuantizeLinear right behind that has the same parameters`,
    );
  return q;
}
