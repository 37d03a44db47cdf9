/** Moved tensors in the quantized graph: what a value's tensor shows, and activations that show others instead of being computed. */
import type { ViewStep } from '../../circuits/interface.ts';
import { type Graph, type Node, refuse } from '../onnx/graph.ts';
import { activation, type Context, meet } from './context.ts';
import type { Activation, QuantizedInput } from './form.ts';
import { permute, reshape, type Shown, type ShownPart, showsWhole, whole } from './shown.ts';
import type { Moved, Value } from './value.ts';
import { plainView, type View } from './view.ts';

/** More parts than this in one view are refused: each costs the verifier a pass over the tensor. */
const MAX_PARTS = 256;

/** An activation with dims, and how a node sees it. */
interface Settled {
  readonly x: Activation;
  readonly dims: readonly number[];
  readonly view: View;
}

/**
 * The activation a node is about to read, its dims and the layout of its view. An input no one has read yet takes the dims the reader wants
 * (`prefer`), by default its shape without the batch dimension; a later reader that wants another layout gets a tensor that shows it.
 */
export function settle(ctx: Context, node: Node, x: Activation, view: View, prefer?: readonly number[]): Settled {
  const { shape } = view;
  if (view.layout !== null && x.dims !== null) return { x, dims: x.dims, view };
  const entry = ctx.inputs.find((i) => i.activation === x) as QuantizedInput;
  if (x.dims === null) {
    x.dims = prefer ?? keyDims(shape);
    entry.steps = view.steps;
  }
  if (bare(x.dims) === bare(shape) && (sameSteps(entry.steps, view.steps) || !(turns(entry.steps) || turns(view.steps))))
    return { x, dims: x.dims, view: plainView(shape, x.dims) };
  const graphInput = ctx.graph.inputs[entry.input] as Graph['inputs'][number];
  const moved = virtual(ctx, node, x.name, view.steps.reduce(step, back(whole(x, x.dims), graphInput.shape, entry.steps)));
  return { x: moved.x, dims: moved.x.dims as readonly number[], view: moved.view };
}

const bare = (dims: readonly number[]): string => dims.filter((d) => d !== 1).join();
const sameSteps = (a: readonly ViewStep[], b: readonly ViewStep[]): boolean => JSON.stringify(a) === JSON.stringify(b);
const turns = (steps: readonly ViewStep[]): boolean => steps.some((s) => s.op === 'transpose');

function step<X>(s: Shown<X>, by: ViewStep): Shown<X> {
  return by.op === 'reshape' ? reshape(s, by.shape) : permute(s, by.perm);
}

/** The tensor of these dims that became `s` by these steps. */
function back<X>(s: Shown<X>, dims: readonly number[], steps: readonly ViewStep[]): Shown<X> {
  const [first, ...rest] = steps;
  if (first === undefined) return reshape(s, dims);
  if (first.op === 'reshape') return reshape(back(s, first.shape, rest), dims);
  const turned = back(
    s,
    first.perm.map((p) => dims[p] as number),
    rest,
  );
  return permute(
    turned,
    dims.map((_, i) => first.perm.indexOf(i)),
  );
}

/** The tensor of a value as its node sees it. */
export function shownOf(ctx: Context, node: Node, source: Activation, given: View): Shown<Activation> {
  const { x: from, dims, view } = settle(ctx, node, source, given);
  const x = from.gathered ? copyOf(ctx, node.label, from) : from;
  const listed = (view.layout as readonly (readonly number[])[]).flat();
  const rest = dims.map((_, i) => i).filter((i) => !listed.includes(i)); // axes of size 1
  return reshape(permute(x.shows ?? whole(x, dims), [...listed, ...rest]), view.shape);
}

/** A copy of an activation that is not computed itself: one lookup an element. */
export function copyOf(ctx: Context, node: string, x: Activation): Activation {
  const known = ctx.copies.get(x);
  if (known !== undefined) return known;
  const y = activation(ctx, x.name, x.dtype, x.dims, { zp: null, lo: x.lo, hi: x.hi }, { zp: x.zp });
  ctx.ops.push({ kind: 'lookup', node, x, y, stages: [] });
  ctx.copies.set(x, y);
  return y;
}

/** Dims of a key tensor for a logical shape: without the batch dimension of 1. */
export const keyDims = (shape: readonly number[]): readonly number[] =>
  shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape.length === 0 ? [1] : shape;

/**
 * An activation that shows this, named `name`, with these key dims: the shown tensor itself where it is one, whole and in its own order. All parts must have one
 * type and one zero point.
 */
export function virtual(
  ctx: Context,
  node: Node,
  name: string,
  shown: Shown<Activation>,
  asked?: readonly number[],
): { x: Activation; view: View } {
  const shape = shown.dims;
  const dims = asked ?? keyDims(shape);
  const same = showsWhole(shown, (a) => a.dims as readonly number[]);
  const fits = (d: readonly number[]): boolean => (asked === undefined ? bare(d) === bare(shape) : d.join() === asked.join());
  if (same !== null && fits(same.dims as readonly number[])) return { x: same, view: plainView(shape, same.dims as readonly number[]) };
  const [first] = shown.parts as [ShownPart<Activation>?];
  if (first === undefined) refuse(node, 'model.unsupported-shape', 'shows no element of its operand');
  if (shown.parts.length > MAX_PARTS)
    refuse(node, 'model.unsupported-view', `moves its operand in ${shown.parts.length} pieces; the limit is ${MAX_PARTS}`);
  for (const { x } of shown.parts) {
    if (x.dtype !== first.x.dtype)
      refuse(
        node,
        'model.unsupported-type',
        `puts "${first.x.name}" (${first.x.dtype}) and "${x.name}" (${x.dtype}) into one tensor; supported: one type`,
      );
    if (x.zp.value !== first.x.zp.value) meet(node, x, first.x.zp.value ?? 0);
  }
  const values = [...shown.parts.flatMap(({ x }) => [x.lo, x.hi]), ...(shown.fill === null ? [] : [shown.fill])];
  const bounds = { zp: null, lo: Math.min(...values), hi: Math.max(...values) };
  const y = activation(ctx, name, first.x.dtype, dims, bounds, { zp: first.x.zp, shows: reshape(shown, dims) });
  ctx.ops.push({ kind: 'show', node: node.label, y });
  return { x: y, view: plainView(shape, dims) };
}

/** An accumulator whose quantized result is moved once more. */
export function movedLater(value: Extract<Value, { kind: 'accumulator' }>, shape: readonly number[], move: Moved['move']): Value {
  const before = value.moved?.move;
  return { ...value, moved: { shape, move: before === undefined ? move : (s) => move(before(s)) } };
}

/** x under this view as an activation laid out as `shape` in row-major order. */
export function plain(ctx: Context, node: Node, given: Activation, view: View): { x: Activation; view: View } {
  const settled = settle(ctx, node, given, view);
  const axes = (v: View): string => (v.layout ?? []).flat().join();
  const own = plainView(view.shape, settled.dims);
  if (bare(settled.dims) === bare(view.shape) && axes(settled.view) === axes(own)) return settled;
  return virtual(ctx, node, given.name, shownOf(ctx, node, given, view));
}
