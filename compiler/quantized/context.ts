/**
 * The state of reading one graph into a quantized graph, and what every op asks of it: constants, scales, zero points, activations.
 */
import { type Graph, type Node, refuse, type Tensor } from '../onnx/graph.ts';
import type { SignedRule } from '../signed.ts';
import { type Activation, type Affine, type IntegerType, type QuantizedInput, type QuantizedOp, RANGE, type Target } from './form.ts';
import { describe, type Value } from './value.ts';
import type { View } from './view.ts';

export interface Context {
  readonly graph: Graph;
  readonly values: Map<string, Value>;
  readonly inputs: QuantizedInput[];
  readonly ops: QuantizedOp[];
  readonly activations: Activation[];
  readonly signed: SignedRule;
  readonly producer: ReadonlyMap<string, Node>;
  readonly notes: string[];
  /** Nodes whose integer meaning is our own, not onnxruntime's to the bit: why. */
  readonly own: Map<string, string>;
  /** Copies of activations that show others, made for outputs. */
  readonly copies: Map<Activation, Activation>;
}

/** Thrown by an op whose operand was refused already. */
export class Blocked extends Error {}

/** The value of operand `i`; refuses a missing one. */
export function operand(ctx: Context, node: Node, i: number): Value {
  const name = node.inputs[i] ?? '';
  if (name === '') refuse(node, 'model.invalid-inputs', `operand ${i} is missing`);
  const value = ctx.values.get(name);
  if (value === undefined || value.kind === 'unknown') throw new Blocked();
  return value;
}

export const has = (node: Node, i: number): boolean => (node.inputs[i] ?? '') !== '';

/** Operand `i` as a constant of one of these types. */
export function constantOf(
  ctx: Context,
  node: Node,
  i: number,
  what: string,
  dtypes: readonly string[],
): Tensor & { data: NonNullable<Tensor['data']> } {
  const value = operand(ctx, node, i);
  if (value.kind !== 'constant') refuse(node, 'model.unsupported-dynamic', `the ${what} must be a constant, and is ${describe(value)}`);
  const { tensor } = value;
  if (!dtypes.includes(tensor.dtype) || tensor.data === null) {
    const width = /^(u?int(2|4|16)|float(8|4|16|64).*|bfloat16)$/.test(tensor.dtype);
    refuse(
      node,
      width ? 'model.unsupported-type' : 'model.invalid-type',
      `the ${what} "${tensor.name}" is ${tensor.dtype}; supported: ${dtypes.join(', ')}`,
      {
        tensor: tensor.name,
      },
    );
  }
  return tensor as Tensor & { data: NonNullable<Tensor['data']> };
}

/** Largest scale: 255 times it is still a finite float32. */
const MAX_SCALE = 2 ** 120;
const MIN_SCALE = 2 ** -126;

export const isScale = (s: number): boolean => s >= MIN_SCALE && s <= MAX_SCALE;

/** Operand `i` as scales: positive normal float32 numbers. */
export function scalesOf(ctx: Context, node: Node, i: number, what: string): number[] {
  const tensor = constantOf(ctx, node, i, what, ['float32']);
  const scales = Array.from(tensor.data);
  scales.forEach((s, k) => {
    if (!isScale(s))
      refuse(
        node,
        'model.invalid-scale',
        `the ${what} "${tensor.name}" holds ${s} at position ${k}; a scale is a normal float32 in (0, 2^120]`,
        {
          tensor: tensor.name,
        },
      );
  });
  if (scales.length === 0) refuse(node, 'model.invalid-scale', `the ${what} "${tensor.name}" is empty`, { tensor: tensor.name });
  return scales;
}

export function scaleOf(ctx: Context, node: Node, i: number, what: string): number {
  const scales = scalesOf(ctx, node, i, what);
  if (scales.length !== 1)
    refuse(
      node,
      'model.unsupported-per-axis',
      `the ${what} has ${scales.length} values; activations are quantized with one scale per tensor`,
    );
  return scales[0] as number;
}

/** Operand `i` as the zero points of integers of type `dtype` (any type when null); absent means 0 of `dtype`, or of uint8. */
export function zeroPointsOf(ctx: Context, node: Node, i: number, what: string, dtype: string | null): { dtype: string; values: number[] } {
  if (!has(node, i)) return { dtype: dtype ?? 'uint8', values: [0] };
  const tensor = constantOf(ctx, node, i, what, dtype === 'int32' ? ['int32'] : ['uint8', 'int8']);
  if (dtype !== null && tensor.dtype !== dtype)
    refuse(node, 'model.invalid-type', `the ${what} "${tensor.name}" is ${tensor.dtype}, what it belongs to is ${dtype}`, {
      tensor: tensor.name,
    });
  if (tensor.data.length === 0) refuse(node, 'model.invalid-zero-point', `the ${what} "${tensor.name}" is empty`, { tensor: tensor.name });
  return { dtype: tensor.dtype, values: Array.from(tensor.data) };
}

export function zeroPointOf(ctx: Context, node: Node, i: number, what: string, dtype: string | null): { dtype: IntegerType; zp: number } {
  const { dtype: type, values } = zeroPointsOf(ctx, node, i, what, dtype);
  if (values.length !== 1)
    refuse(node, 'model.unsupported-per-axis', `the ${what} has ${values.length} values; activations have one zero point`);
  return { dtype: type as IntegerType, zp: values[0] as number };
}

/** Zero points of weights: one, or one per channel. */
export function weightZeroPoints(ctx: Context, node: Node, i: number, dtype: string, channels: number): readonly number[] {
  const { values } = zeroPointsOf(ctx, node, i, 'weight zero point', dtype);
  if (values.length !== 1 && values.length !== channels)
    refuse(node, 'model.invalid-zero-point', `there are ${values.length} weight zero points for ${channels} channels`);
  return values;
}

/** The target of a quantisation by operands scale `s` and zero point `z`. */
export function targetOf(ctx: Context, node: Node, s: number, z: number): Target {
  const scale = scaleOf(ctx, node, s, 'output scale');
  const { dtype, zp } = zeroPointOf(ctx, node, z, 'output zero point', null);
  const [lo, hi] = RANGE[dtype];
  return { scale, zp, dtype, lo, hi };
}

/** Operand `i` as an integer activation read with scale and zero point operands `i+1`, `i+2`. */
export function integerOf(ctx: Context, node: Node, i: number): { x: Activation; view: View; from: Affine } {
  const value = operand(ctx, node, i);
  if (value.kind !== 'integer')
    refuse(node, 'model.unsupported-operand', `operand ${i} must be a quantized tensor, and is ${describe(value)}`);
  const scale = scaleOf(ctx, node, i + 1, 'input scale');
  const { zp } = zeroPointOf(ctx, node, i + 2, 'input zero point', value.x.dtype);
  meet(node, value.x, zp);
  return { x: value.x, view: value.view, from: { scale, zp } };
}

/** Notes that `x` is read with zero point `zp`; two readers must agree, because the tensor is proven centred. */
export function meet(node: Node, x: Activation, zp: number): void {
  if (x.zp.value === null) x.zp.value = zp;
  if (x.zp.value !== zp)
    refuse(
      node,
      'model.unsupported-zero-point',
      `"${x.name}" is read with zero point ${zp}, but elsewhere it has ${x.zp.value}; one tensor must have one`,
      {
        tensor: x.name,
      },
    );
}

export function activation(
  ctx: Context,
  name: string,
  dtype: Activation['dtype'],
  dims: readonly number[] | null,
  bounds: { zp: number | null; lo: number; hi: number },
  more: { zp?: Activation['zp']; input?: boolean; shows?: Activation['shows']; gathered?: boolean } = {},
): Activation {
  const made: Activation = {
    id: ctx.activations.length,
    name,
    dtype,
    zp: more.zp ?? { value: bounds.zp },
    lo: bounds.lo,
    hi: bounds.hi,
    dims,
    input: more.input ?? false,
    shows: more.shows ?? null,
    gathered: more.gathered ?? false,
  };
  ctx.activations.push(made);
  return made;
}

/** A constant tensor of integers as an activation; `zp` null: its readers say. `exact`: with just the dims it has, else without a leading 1. */
export function constantActivation(ctx: Context, name: string, tensor: Tensor, zp: number | null, exact = false): Activation {
  const { dims } = tensor;
  const [lo, hi] = RANGE[tensor.dtype as IntegerType];
  const own = !exact && dims.length > 1 && dims[0] === 1 ? dims.slice(1) : dims.length === 0 ? [1] : dims;
  const y = activation(ctx, name, tensor.dtype as IntegerType, own, { zp, lo, hi });
  ctx.ops.push({ kind: 'constant', node: tensor.name, y, values: Int32Array.from(tensor.data as ArrayLike<number>) });
  return y;
}

export function quantizedInput(ctx: Context, input: number, name: string, dtype: IntegerType, quantize: Affine | null, view: View): Value {
  const [lo, hi] = RANGE[dtype];
  const x = activation(ctx, name, dtype, null, { zp: quantize?.zp ?? null, lo, hi }, { input: true });
  ctx.inputs.push({ activation: x, input, quantize, steps: [] });
  return { kind: 'integer', x, view };
}

/** An input of indices into `rows` rows: a tensor of the statement whose bounds keep every index inside. */
export function quantizedIndices(ctx: Context, node: Node, input: number, shape: readonly number[], rows: number): Activation {
  const known = ctx.inputs.find((i) => i.input === input);
  const { name } = ctx.graph.inputs[input] as Graph['inputs'][number];
  if (known !== undefined) {
    if (known.activation.hi !== rows - 1)
      refuse(
        node,
        'model.unsupported-input',
        `the input "${name}" indexes ${rows} rows here and ${known.activation.hi + 1} elsewhere; supported: one number of rows`,
      );
    return known.activation;
  }
  const dims = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape.length === 0 ? [1] : shape;
  const x = activation(ctx, name, 'int32', dims, { zp: 0, lo: 0, hi: rows - 1 }, { input: true });
  ctx.inputs.push({ activation: x, input, quantize: null, steps: [] });
  return x;
}
