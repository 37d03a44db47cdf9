/** What Slice, Reshape, Squeeze, Unsqueeze and Flatten make of a shape: one meaning for constants and for tensors that are computed. */
import { axisIn } from './arrays.ts';
import { elements, intOf, intsOf, type Node, refuse, type Tensor } from './graph.ts';

export type Lookup = (i: number) => Tensor | undefined;

/** Operand `i` as a list of numbers; it must be constant. Undefined when it is not given. */
export function numbersOf(node: Node, constant: Lookup, i: number): number[] | undefined {
  if ((node.inputs[i] ?? '') === '') return undefined;
  const data = constant(i)?.data;
  if (!data) refuse(node, 'model.unsupported-dynamic', `operand ${i} ("${node.inputs[i]}") is computed; supported: constants`);
  return Array.from(data);
}

export const axis = (node: Node, given: number, rank: number): number =>
  axisIn(given, rank) ?? refuse(node, 'model.invalid-attribute', `axis ${given} is outside rank ${rank}`, { attribute: 'axis' });

/** Operands that must be given, where it is more than the first. */
const OPERANDS: ReadonlyMap<string, number> = new Map([
  ...'Conv ConvTranspose Gemm MatMul Add Sub Mul Div Pow PRelu Min Max Equal Reshape Gather Expand TopK'
    .split(' ')
    .map((op) => [op, 2] as const),
  ...[...'Range Where InstanceNormalization GroupNormalization'.split(' ')].map((op) => [op, 3] as const),
  ['BatchNormalization', 5],
  ['Constant', 0],
]);

/** Refuses a node without a first output, or without an operand that its operator cannot do without. */
export function requireArity(node: Node): void {
  if ((node.outputs[0] ?? '') === '') refuse(node, 'model.invalid-outputs', 'has no output');
  for (let i = 0; i < (OPERANDS.get(node.op) ?? 1); i++)
    if ((node.inputs[i] ?? '') === '') refuse(node, 'model.invalid-inputs', `operand ${i} is missing`);
}

/** The permutation of Transpose. */
export function permOf(node: Node, shape: readonly number[]): readonly number[] {
  const perm = intsOf(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
  if (perm.length !== shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
    refuse(node, 'model.invalid-attribute', `attribute perm is [${perm.join(', ')}], no permutation of ${shape.length} dimensions`, {
      attribute: 'perm',
    });
  return perm;
}

/** Start and step of each dimension, and the shape. */
export interface Cut {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly shape: readonly number[];
}

export function cutOf(node: Node, shape: readonly number[], constant: Lookup): Cut {
  const old = node.opset < 10;
  const starts = (old ? intsOf(node, 'starts') : numbersOf(node, constant, 1)) ?? [];
  const ends = (old ? intsOf(node, 'ends') : numbersOf(node, constant, 2)) ?? [];
  const axes = (old ? intsOf(node, 'axes') : numbersOf(node, constant, 3)) ?? starts.map((_, i) => i);
  const steps = (old ? undefined : numbersOf(node, constant, 4)) ?? starts.map(() => 1);
  const start = shape.map(() => 0);
  const step = shape.map(() => 1);
  const out = [...shape];
  axes.forEach((given, i) => {
    const a = axis(node, given, shape.length);
    const [n, by] = [shape[a] as number, steps[i] as number];
    if (!by) refuse(node, 'model.invalid-attribute', 'slices by step 0');
    const clamp = (v: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, v < 0 ? v + n : v));
    const from = by > 0 ? clamp(starts[i] as number, 0, n) : clamp(starts[i] as number, 0, n - 1);
    const to = by > 0 ? clamp(ends[i] as number, 0, n) : clamp(ends[i] as number, -1, n - 1);
    start[a] = from;
    step[a] = by;
    out[a] = Math.max(0, Math.ceil((to - from) / by));
  });
  return { start, step, shape: out };
}

export function reshaped(node: Node, shape: readonly number[], asked: readonly number[]): number[] {
  const keepZero = intOf(node, 'allowzero', 0) === 1;
  const dims = asked.map((d, i) => (d === 0 && !keepZero ? (shape[i] ?? -2) : d));
  const rest = elements(dims.filter((d) => d !== -1));
  const out = dims.map((d) => (d === -1 ? elements(shape) / rest : d));
  if (out.some((d) => !Number.isInteger(d) || d < 0) || elements(out) !== elements(shape))
    refuse(node, 'model.invalid-shape', `cannot give [${shape.join(', ')}] the shape [${asked.join(', ')}]`);
  return out;
}

/** The first opset that has axes as an operand; of the other reductions it is 18. */
const AXES_SINCE: Readonly<Record<string, number>> = { Squeeze: 13, Unsqueeze: 13, ReduceSum: 13 };

/** The axes of Squeeze, Unsqueeze and Reduce…: an attribute, then an operand. */
export const axesOf = (node: Node, constant: Lookup): readonly number[] | undefined =>
  node.opset < (AXES_SINCE[node.op] ?? 18) ? intsOf(node, 'axes') : numbersOf(node, constant, 1);

/** The dimensions that Reduce… reduces, ascending: without axes all, or none where the node says so. */
export function reducedAxes(node: Node, rank: number, constant: Lookup): number[] {
  const given = axesOf(node, constant);
  const all = Array.from({ length: rank }, (_, i) => i);
  if (!given?.length) return intOf(node, 'noop_with_empty_axes', 0) === 1 ? [] : all;
  const axes = given.map((a) => axis(node, a, rank));
  return all.filter((i) => axes.includes(i));
}

export function squeezed(node: Node, shape: readonly number[], constant: Lookup): number[] {
  const axes = axesOf(node, constant)?.map((a) => axis(node, a, shape.length));
  return shape.filter((d, i) => (axes === undefined ? d !== 1 : !axes.includes(i)));
}

export function unsqueezed(node: Node, shape: readonly number[], constant: Lookup): number[] {
  const given = axesOf(node, constant) ?? refuse(node, 'model.invalid-attribute', 'axes are missing', { attribute: 'axes' });
  const axes = given.map((a) => axis(node, a, shape.length + given.length));
  let next = 0;
  return Array.from({ length: shape.length + axes.length }, (_, i) => (axes.includes(i) ? 1 : (shape[next++] as number)));
}

export function flattened(node: Node, shape: readonly number[]): number[] {
  const given = intOf(node, 'axis', 1);
  const a = given < 0 ? given + shape.length : given;
  return [elements(shape.slice(0, a)), elements(shape.slice(a))];
}
