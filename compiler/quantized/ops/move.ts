/**
 * Slice, Split, Gather by constant indices, Expand, Tile, DepthToSpace, SpaceToDepth: ops that move elements and change none. On integers and on
 * dequantized tensors they are views (protocol §7.8) and cost no lookup; on constants they are done at once.
 */
import { elements, intOf, intsOf, type Node, refuse, stringOf, type Tensor } from '../../onnx/graph.ts';
import { reducedAxes } from '../../onnx/slices.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import { movedLater, shownOf, virtual } from '../moved.ts';
import { permute, pick, reshape, type Shown, whole } from '../shown.ts';
import type { Value } from '../value.ts';
import { beforeMove } from './chained.ts';
import { type OpReader, wrongOperand } from './op.ts';

/** A move of anything: of a tensor of the circuit, or of a constant. */
export type Move = <X>(s: Shown<X>) => Shown<X>;

/** The value of operand 0 moved, as output `name`. */
export function moved(ctx: Context, node: Node, value: Value, name: string, move: Move): Value {
  if (value.kind === 'constant') return { kind: 'constant', tensor: movedConstant(node, value.tensor, move) };
  if (value.kind === 'real-constant' && value.scales.length === 1) return { ...value, tensor: movedConstant(node, value.tensor, move) };
  if (value.kind === 'accumulator') {
    const { dims } = move(whole(0, shapeOf(ctx, node)));
    limit(node, dims);
    return movedLater(beforeMove(ctx, node, value), dims, move);
  }
  if (value.kind !== 'integer' && (value.kind !== 'real' || value.axis !== null))
    return wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor, or a constant');
  const shown = move(shownOf(ctx, node, value.x, value.view));
  limit(node, shown.dims);
  return { ...value, ...virtual(ctx, node, name, shown) };
}

function limit(node: Node, dims: readonly number[]): void {
  if (elements(dims) > MAX_ELEMENTS || elements(dims) === 0)
    refuse(node, 'model.unsupported-shape', `gives [${dims.join(', ')}]; supported: 1 to ${MAX_ELEMENTS} elements`);
}

function movedConstant(node: Node, tensor: Tensor, move: Move): Tensor {
  const { dims, parts, fill } = move(whole(0, tensor.dims));
  limit(node, dims);
  const { data } = tensor;
  if (data === null) return { ...tensor, dims };
  const Store = data.constructor as new (n: number) => Float32Array | Int32Array | Float64Array;
  const out = new Store(elements(dims)).fill(fill ?? 0);
  for (const part of parts) {
    // Positions of the product set, one dimension after the other.
    let places: [number, number][] = [[0, part.base]];
    part.at.forEach((at, d) => {
      const size = dims[d] as number;
      places = places.flatMap(([o, i]) => [...at].map((p, k): [number, number] => [o * size + p, i + (part.from[d]?.[k] as number)]));
    });
    for (const [o, i] of places) out[o] = data[i] as number;
  }
  return { ...tensor, dims, data: out };
}

/** Shape of a value whose elements can be moved. */
export function shapeOf(ctx: Context, node: Node, i = 0): readonly number[] {
  const value = operand(ctx, node, i);
  if (value.kind === 'constant' || value.kind === 'real-constant') return value.tensor.dims;
  if (value.kind === 'accumulator' && value.moved !== null) return value.moved.shape;
  if (value.kind === 'integer' || value.kind === 'real' || value.kind === 'accumulator') return value.view.shape;
  return wrongOperand(ctx, node, i, 'a quantized or dequantized tensor, or a constant');
}

/** A dimension of a rank, counted from the end where negative. */
export function dimension(node: Node, given: number, rank: number, what = 'axis'): number {
  if (!Number.isInteger(given) || given < -rank || given >= rank)
    refuse(node, 'model.invalid-attribute', `${what} ${given} is outside rank ${rank}`, { attribute: what });
  return given < 0 ? given + rank : given;
}

/** A list of integers: an attribute, or since some opset operand `i`. */
export function integers(ctx: Context, node: Node, name: string, i: number): readonly number[] | undefined {
  const attribute = intsOf(node, name);
  if (attribute !== undefined) return attribute;
  return has(node, i) ? Array.from(constantOf(ctx, node, i, name, ['int64', 'int32']).data) : undefined;
}

/** The dimensions that Reduce… reduces, ascending. */
export const reducedDims = (ctx: Context, node: Node, rank: number): number[] =>
  reducedAxes(node, rank, (i) => constantOf(ctx, node, i, 'axes', ['int64']));

const simple = (attributes: readonly string[], move: (ctx: Context, node: Node, shape: readonly number[]) => Move): OpReader => ({
  attributes,
  read(node, ctx) {
    const name = node.outputs[0] as string;
    const made = move(ctx, node, shapeOf(ctx, node));
    ctx.values.set(name, moved(ctx, node, operand(ctx, node, 0), name, made));
  },
});

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The positions of one axis that a slice keeps; ends beyond the axis are cut off (ONNX Slice-13). */
export function sliced(size: number, start: number, end: number, step: number): number[] {
  const clamp = (v: number, low: number, high: number): number => Math.min(high, Math.max(low, v < 0 ? v + size : v));
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : end < -size ? -1 : clamp(end, -1, size - 1);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

export const slice = simple(['starts', 'ends', 'axes'], (ctx, node, shape) => {
  const starts = integers(ctx, node, 'starts', 1) ?? [];
  const ends = integers(ctx, node, 'ends', 2) ?? [];
  const axes = (integers(ctx, node, 'axes', 3) ?? range(starts.length)).map((a) => dimension(node, a, shape.length, 'axes'));
  const steps = integers(ctx, node, 'steps', 4) ?? starts.map(() => 1);
  if (
    ends.length !== starts.length ||
    axes.length !== starts.length ||
    steps.length !== starts.length ||
    new Set(axes).size !== axes.length
  )
    refuse(node, 'model.invalid-attribute', `${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps`);
  if (steps.includes(0)) refuse(node, 'model.invalid-attribute', 'a step is 0', { attribute: 'steps' });
  return (s) =>
    axes.reduce((now, axis, k) => {
      const kept = sliced(now.dims[axis] as number, starts[k] as number, ends[k] as number, steps[k] as number);
      return pick(now, axis, kept);
    }, s);
});

/** Tile repeats a whole dimension; Expand one of size 1. */
export const tile = simple([], (ctx, node, shape) => {
  const repeats = integers(ctx, node, 'repeats', 1) ?? [];
  if (repeats.length !== shape.length || repeats.some((r) => !(r >= 1)))
    refuse(node, 'model.invalid-attribute', `repeats [${repeats.join(', ')}] for rank ${shape.length}`, { attribute: 'repeats' });
  limit(
    node,
    shape.map((d, i) => d * (repeats[i] as number)),
  );
  return (s) =>
    repeats.reduce((now, n, d) => (n === 1 ? now : pick(now, d, Array.from({ length: n }, () => range(shape[d] as number)).flat())), s);
});

export const expand = simple([], (ctx, node, shape) => {
  const asked = integers(ctx, node, 'shape', 1) ?? [];
  const to = broadcastShape(shape, asked);
  if (to === null) refuse(node, 'model.invalid-shape', `cannot expand [${shape.join(', ')}] to [${asked.join(', ')}]`);
  limit(node, to);
  return (s) => broadcast(s, to);
});

/** The shape that two broadcast to, or null. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const at = (dims: readonly number[], i: number): number => dims[i - rank + dims.length] ?? 1;
  const out = range(rank).map((i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
  return out.every((d, i) => [1, d].includes(at(a, i)) && [1, d].includes(at(b, i))) ? out : null;
}

/** A tensor repeated to a shape that it broadcasts to. */
export function broadcast<X>(s: Shown<X>, to: readonly number[]): Shown<X> {
  const wide = reshape(s, [...Array.from({ length: to.length - s.dims.length }, () => 1), ...s.dims]);
  return to.reduce(
    (now, d, i) =>
      now.dims[i] === d
        ? now
        : pick(
            now,
            i,
            Array.from({ length: d }, () => 0),
          ),
    wide,
  );
}

/** Rows of operand 0 by constant indices, along one dimension. */
export function gatherConstant(ctx: Context, node: Node): void {
  const name = node.outputs[0] as string;
  const shape = shapeOf(ctx, node);
  const axis = dimension(node, intOf(node, 'axis', 0), shape.length);
  const indices = constantOf(ctx, node, 1, 'indices', ['int64', 'int32']);
  const size = shape[axis] as number;
  const at = Array.from(indices.data, (i) => (i < 0 ? i + size : i));
  const bad = at.findIndex((i) => !(i >= 0 && i < size));
  if (bad >= 0)
    refuse(
      node,
      'model.invalid-index',
      `index ${indices.data[bad]} at position ${bad} lies outside dimension ${axis} of [${shape.join(', ')}]`,
    );
  const dims = [...shape.slice(0, axis), ...indices.dims, ...shape.slice(axis + 1)];
  limit(node, dims);
  ctx.values.set(
    name,
    moved(ctx, node, operand(ctx, node, 0), name, (s) => reshape(pick(s, axis, at), dims)),
  );
}

export const split: OpReader = {
  attributes: ['axis', 'split', 'num_outputs'],
  read(node, ctx) {
    const shape = shapeOf(ctx, node);
    const axis = dimension(node, intOf(node, 'axis', 0), shape.length);
    const size = shape[axis] as number;
    const n = node.outputs.length;
    const each = Math.ceil(size / n);
    const lengths = integers(ctx, node, 'split', 1) ?? node.outputs.map((_, i) => (i < n - 1 ? each : size - each * (n - 1)));
    if (lengths.length !== n || lengths.some((l) => !(l >= 0)) || lengths.reduce((a, b) => a + b, 0) !== size)
      refuse(node, 'model.invalid-attribute', `splits ${size} into [${lengths.join(', ')}] for ${n} outputs`, { attribute: 'split' });
    const value = operand(ctx, node, 0);
    let start = 0;
    node.outputs.forEach((name, i) => {
      const from = start;
      start += lengths[i] as number;
      const kept = range(lengths[i] as number).map((k) => from + k);
      if (name !== '')
        ctx.values.set(
          name,
          moved(ctx, node, value, name, (s) => pick(s, axis, kept)),
        );
    });
  },
};

/** [N, C, H, W] and a block size; refuses what does not divide. */
function blocks(node: Node, shape: readonly number[], into: 'depth' | 'space'): { n: number; c: number; h: number; w: number; b: number } {
  const b = intOf(node, 'blocksize', 0);
  const [n, c, h, w] = shape as [number, number, number, number];
  const fits = shape.length === 4 && b >= 1 && (into === 'space' ? c % (b * b) === 0 : h % b === 0 && w % b === 0);
  if (!fits) refuse(node, 'model.invalid-shape', `cannot move blocks of ${b} of [${shape.join(', ')}]`, { attribute: 'blocksize' });
  return { n, c, h, w, b };
}

export const depthToSpace = simple(['blocksize', 'mode'], (_, node, shape) => {
  const { n, c, h, w, b } = blocks(node, shape, 'space');
  const mode = stringOf(node, 'mode', 'DCR');
  if (mode !== 'DCR' && mode !== 'CRD') refuse(node, 'model.invalid-attribute', `attribute mode is "${mode}"`, { attribute: 'mode' });
  const depth = c / (b * b);
  const [dims, perm] =
    mode === 'DCR'
      ? [
          [n, b, b, depth, h, w],
          [0, 3, 4, 1, 5, 2],
        ]
      : [
          [n, depth, b, b, h, w],
          [0, 1, 4, 2, 5, 3],
        ];
  return (s) => reshape(permute(reshape(s, dims), perm), [n, depth, h * b, w * b]);
});

export const spaceToDepth = simple(['blocksize'], (_, node, shape) => {
  const { n, c, h, w, b } = blocks(node, shape, 'depth');
  return (s) => reshape(permute(reshape(s, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
});
