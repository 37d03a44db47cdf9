/** Identity, Flatten, Reshape, Transpose, Squeeze, Unsqueeze: no proof step, the layout changes. Constants are permuted at once. */
import { applyViews, type ViewStep } from '../../../circuits/interface.ts';
import { elements, intOf, intsOf, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { MAX_RANK } from '../../onnx/tensor.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import { movedLater, shownOf, virtual } from '../moved.ts';
import { permute, reshape as reshapeShown, type Shown } from '../shown.ts';
import { shapeOf, type Value } from '../value.ts';
import { stepView } from '../view.ts';
import { beforeMove } from './chained.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

function viewed(node: Node, ctx: Context, step: (shape: readonly number[]) => ViewStep | null) {
  const given = operand(ctx, node, 0);
  const value = given.kind === 'accumulator' ? beforeMove(ctx, node, given) : given;
  const shape = shapeOf(value) ?? [];
  const made = step(shape);
  if (made === null) return result(ctx, node, value);
  if (made.op === 'reshape' && elements(made.shape) !== elements(shape))
    refuse(node, 'model.invalid-shape', `cannot give [${shape.join(', ')}] the shape [${made.shape.join(', ')}]`);
  if (made.op === 'reshape' && made.shape.length > MAX_RANK)
    refuse(node, 'model.unsupported-shape', `gives ${made.shape.length} dimensions; the limit is ${MAX_RANK}`);
  const target = made.op === 'reshape' ? made.shape : made.perm.map((p) => shape[p] as number);
  if (value.kind === 'tail') return result(ctx, node, { ...value, shape: target, steps: [...value.steps, made] });
  if (value.kind === 'constant') return result(ctx, node, { kind: 'constant', tensor: constantView(node, value.tensor, made, target) });
  if (value.kind === 'real-constant') {
    if (made.op === 'reshape' && value.scales.length > 1)
      refuse(
        node,
        'model.unsupported-view',
        `reshapes the constant "${value.tensor.name}" with ${value.scales.length} scales; supported: one scale`,
      );
    const axis = made.op === 'transpose' ? made.perm.indexOf(value.axis) : 0;
    return result(ctx, node, { ...value, tensor: constantView(node, value.tensor, made, target), axis });
  }
  if (value.kind === 'indices' && made.op === 'reshape') return result(ctx, node, { ...value, shape: target });
  if (value.kind === 'unknown' || value.kind === 'indices' || value.kind === 'int32')
    return wrongOperand(ctx, node, 0, 'any tensor but transposed indices, and int32 results behind a Cast to float');
  const move = <X>(s: Shown<X>): Shown<X> => (made.op === 'reshape' ? reshapeShown(s, made.shape) : permute(s, made.perm));
  if (value.kind === 'accumulator') {
    const dims = value.pools.at(-1)?.dims ?? value.acc.dims;
    const view = value.moved === null ? stepView(value.view, dims, made) : null;
    return result(ctx, node, view === null ? movedLater(value, target, move) : { ...value, view });
  }
  const base = value.kind === 'pair' ? value.a.dims : value.kind === 'float-input' ? null : value.x.dims;
  const view = stepView(value.view, base, made);
  if (view !== null) return result(ctx, node, { ...value, view });
  if (value.kind === 'pair') return wrongOperand(ctx, node, 0, 'the quantized result of a function of two tensors');
  // The layout cannot say it: a view of the tensor does. (A float input's always can.)
  const { x, view: before } = value as Extract<Value, { kind: 'integer' | 'real' }>;
  result(ctx, node, {
    ...(value as Extract<Value, { kind: 'integer' | 'real' }>),
    ...virtual(ctx, node, node.outputs[0] as string, move(shownOf(ctx, node, x, before))),
  });
}

function constantView(node: Node, tensor: Tensor, step: ViewStep, dims: readonly number[]): Tensor {
  const { data } = tensor;
  if (data === null) return { ...tensor, dims };
  if (step.op === 'reshape') return { ...tensor, dims };
  if (data instanceof Float64Array) refuse(node, 'model.unsupported-view', `transposes the int64 constant "${tensor.name}"`);
  return { ...tensor, dims, data: applyViews(data, tensor.dims, [step]) };
}

/** An axis in [0, rank). */
function axis(node: Node, given: number, rank: number, what = 'axis'): number {
  if (!Number.isInteger(given) || given < -rank || given >= rank)
    refuse(node, 'model.invalid-attribute', `${what} ${given} is outside rank ${rank}`, { attribute: what });
  return given < 0 ? given + rank : given;
}

/** The axes of Squeeze and Unsqueeze: an attribute before opset 13, an operand since. */
function axesOf(ctx: Context, node: Node): readonly number[] | undefined {
  if (node.opset < 13) return intsOf(node, 'axes');
  return has(node, 1) ? Array.from(constantOf(ctx, node, 1, 'axes', ['int64']).data) : undefined;
}

export const identity: OpReader = { attributes: [], read: (node, ctx) => viewed(node, ctx, () => null) };

export const flatten: OpReader = {
  attributes: ['axis'],
  read: (node, ctx) =>
    viewed(node, ctx, (shape) => {
      const given = intOf(node, 'axis', 1);
      const at = given === shape.length ? given : axis(node, given, shape.length);
      return { op: 'reshape', shape: [elements(shape.slice(0, at)), elements(shape.slice(at))] };
    }),
};

export const reshape: OpReader = {
  attributes: ['allowzero'],
  read: (node, ctx) =>
    viewed(node, ctx, (shape) => {
      const asked = Array.from(constantOf(ctx, node, 1, 'shape', ['int64']).data);
      if (intOf(node, 'allowzero', 0) === 1 && asked.includes(0))
        refuse(node, 'model.invalid-shape', 'asks for a dimension 0', { attribute: 'allowzero' });
      const dims = asked.map((d, i) => (d === 0 ? (shape[i] ?? -2) : d));
      if (dims.some((d) => !Number.isInteger(d) || d < -1 || d === 0) || dims.filter((d) => d === -1).length > 1)
        refuse(node, 'model.invalid-shape', `cannot give [${shape.join(', ')}] the shape [${asked.join(', ')}]`);
      const rest = elements(dims.filter((d) => d !== -1));
      return { op: 'reshape', shape: dims.map((d) => (d === -1 ? elements(shape) / rest : d)) };
    }),
};

export const transpose: OpReader = {
  attributes: ['perm'],
  read: (node, ctx) =>
    viewed(node, ctx, (shape) => {
      const perm = intsOf(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
      if (perm.length !== shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
        refuse(node, 'model.invalid-attribute', `attribute perm is [${perm.join(', ')}], no permutation of ${shape.length} dimensions`, {
          attribute: 'perm',
        });
      return { op: 'transpose', perm };
    }),
};

export const squeeze: OpReader = {
  attributes: ['axes'],
  read: (node, ctx) =>
    viewed(node, ctx, (shape) => {
      const axes = axesOf(ctx, node)?.map((a) => axis(node, a, shape.length, 'axes'));
      if (axes?.some((a) => shape[a] !== 1))
        refuse(node, 'model.invalid-shape', `squeezes a dimension of [${shape.join(', ')}] that is not 1`);
      return { op: 'reshape', shape: shape.filter((d, i) => (axes === undefined ? d !== 1 : !axes.includes(i))) };
    }),
};

export const unsqueeze: OpReader = {
  attributes: ['axes'],
  read: (node, ctx) =>
    viewed(node, ctx, (shape) => {
      const given = axesOf(ctx, node);
      if (given === undefined) refuse(node, 'model.invalid-attribute', 'axes are missing', { attribute: 'axes' });
      const rank = shape.length + given.length;
      const axes = given.map((a) => axis(node, a, rank, 'axes'));
      if (new Set(axes).size !== axes.length)
        refuse(node, 'model.invalid-attribute', `axes [${given.join(', ')}] name a dimension twice`, { attribute: 'axes' });
      let next = 0;
      return { op: 'reshape', shape: Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (shape[next++] as number))) };
    }),
};
