/** Resize and Upsample by nearest neighbour, at any factor: every position of the output shows one of the input (ONNX Resize-19). */
import { intOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import { pick } from '../shown.ts';
import { dimension, moved, shapeOf } from './move.ts';
import type { OpReader } from './op.ts';

const f32 = Math.fround;

/** The coordinate in the input of position `x` of the output, as onnxruntime computes it in float32. */
function coordinate(mode: string, x: number, scale: number, to: number, from: number): number {
  switch (mode) {
    case 'asymmetric':
      return scale === 1 ? x : f32(x / scale);
    case 'half_pixel':
      return f32(f32(f32(x + 0.5) / scale) - 0.5);
    case 'pytorch_half_pixel':
      return to > 1 ? f32(f32(f32(x + 0.5) / scale) - 0.5) : 0;
    case 'align_corners':
      return to === 1 ? 0 : f32(f32(x * f32(from - 1)) / f32(to - 1));
    default:
      return Number.NaN;
  }
}

function nearest(mode: string, x: number, downsamples: boolean): number {
  switch (mode) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    case 'round_prefer_floor':
      return x === Math.floor(x) + 0.5 ? Math.floor(x) : Math.floor(x + 0.5);
    default: // of Resize-10 and Upsample
      return downsamples ? Math.ceil(x) : Math.trunc(x);
  }
}

interface Asked {
  readonly scales: readonly number[];
  readonly sizes: readonly number[];
}

/** Scales and output sizes of every dimension. */
function asked(ctx: Context, node: Node, shape: readonly number[]): Asked {
  const old = node.opset < 11;
  const scaleAt = old ? 1 : 2;
  const axes = node.attributes.get('axes');
  const list = axes?.kind === 'ints' ? axes.value.map((a) => dimension(node, a, shape.length, 'axes')) : shape.map((_, i) => i);
  const spread = (values: readonly number[], otherwise: readonly number[]): number[] => {
    if (values.length !== list.length)
      refuse(node, 'model.invalid-shape', `${values.length} scales or sizes for ${list.length} dimensions`);
    const out = [...otherwise];
    list.forEach((d, k) => {
      out[d] = values[k] as number;
    });
    return out;
  };
  if (stringOf(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    refuse(node, 'model.unsupported-attribute', 'attribute keep_aspect_ratio_policy is not "stretch"', {
      attribute: 'keep_aspect_ratio_policy',
    });
  const attribute = node.attributes.get('scales');
  const scales =
    attribute?.kind === 'floats'
      ? attribute.value
      : has(node, scaleAt)
        ? Array.from(constantOf(ctx, node, scaleAt, 'scales', ['float32']).data)
        : [];
  if (scales.length > 0) {
    const wide = spread(
      scales,
      shape.map(() => 1),
    );
    return { scales: wide, sizes: shape.map((d, i) => Math.floor(f32(d * (wide[i] as number)))) };
  }
  if (!has(node, 3)) refuse(node, 'model.invalid-inputs', 'has neither scales nor sizes');
  const sizes = spread(Array.from(constantOf(ctx, node, 3, 'sizes', ['int64']).data), shape);
  return { sizes, scales: sizes.map((n, i) => f32(n / (shape[i] as number))) };
}

export const resize: OpReader = {
  attributes: [
    'mode',
    'coordinate_transformation_mode',
    'nearest_mode',
    'scales',
    'axes',
    'keep_aspect_ratio_policy',
    'antialias',
    'cubic_coeff_a',
    'exclude_outside',
    'extrapolation_value',
  ],
  read(node, ctx) {
    const mode = stringOf(node, 'mode', 'nearest');
    if (mode !== 'nearest')
      refuse(node, 'model.unsupported-attribute', `attribute mode is "${mode}"; supported: "nearest"`, { attribute: 'mode' });
    if (intOf(node, 'antialias', 0) !== 0)
      refuse(node, 'model.unsupported-attribute', 'attribute antialias is set', { attribute: 'antialias' });
    const shape = shapeOf(ctx, node);
    const { scales, sizes } = asked(ctx, node, shape);
    if (sizes.some((n) => !(n >= 1 && n <= 2 ** 24)) || scales.some((s) => !(s > 0)))
      refuse(node, 'model.invalid-shape', `resizes [${shape.join(', ')}] by [${scales.join(', ')}]`);
    const old = node.opset < 11;
    const transformation = old ? 'asymmetric' : stringOf(node, 'coordinate_transformation_mode', 'half_pixel');
    const rounding = old ? 'simple' : stringOf(node, 'nearest_mode', 'round_prefer_floor');
    // onnxruntime copies what keeps its size, whatever the scales.
    const copies = sizes.every((n, d) => n === shape[d]);
    const lists = sizes.map((n, d) => {
      const [size, scale] = [shape[d] as number, scales[d] as number];
      if (copies || (n === size && scale === 1)) return null;
      return Array.from({ length: n }, (_, x) => {
        const at = nearest(rounding, coordinate(transformation, x, scale, n, size), scale < 1);
        if (!Number.isInteger(at))
          refuse(node, 'model.unsupported-attribute', `attribute coordinate_transformation_mode is "${transformation}"`, {
            attribute: 'coordinate_transformation_mode',
          });
        return Math.min(size - 1, Math.max(0, at));
      });
    });
    const name = node.outputs[0] as string;
    ctx.values.set(
      name,
      moved(ctx, node, operand(ctx, node, 0), name, (s) => lists.reduce((now, list, d) => (list === null ? now : pick(now, d, list)), s)),
    );
  },
};
