/**
 * Views: how a logical ONNX tensor lies in a key tensor (protocol §7.4).
 *
 * A layout gives each logical dimension the ordered list of key axes it consists of (major first); axes of size 1 are left out.
 * Reshape may merge axes and cut between them; it cannot cut an axis, because its padding to a power of two would show.
 */
import type { ViewStep } from '../../circuits/interface.ts';
import { elements } from '../onnx/graph.ts';

export interface View {
  readonly shape: readonly number[];
  /** Null while the tensor is an input without dims: then `steps` are the views since the graph input. */
  readonly layout: readonly (readonly number[])[] | null;
  readonly steps: readonly ViewStep[];
}

/** The plain view of a key tensor whose dims are `shape` without leading 1s, or with an extra dimension of size 1. */
export function plainView(shape: readonly number[], dims: readonly number[]): View {
  const axes = dims.flatMap((d, i) => (d === 1 ? [] : [i]));
  let next = 0;
  return { shape, layout: shape.map((d) => (d === 1 ? [] : [axes[next++] as number])), steps: [] };
}

/** The view after one more step, or null if a reshape would cut a key axis. `dims`: of the key tensor, null while undecided. */
export function stepView(view: View, dims: readonly number[] | null, step: ViewStep): View | null {
  if (view.layout === null) return { shape: shapeAfter(view.shape, step), layout: null, steps: joined(view, step) };
  if (step.op === 'transpose')
    return { shape: shapeAfter(view.shape, step), layout: step.perm.map((p) => view.layout?.[p] as readonly number[]), steps: [] };
  const axes = view.layout.flat();
  let next = 0;
  const layout: number[][] = [];
  for (const d of step.shape) {
    const list: number[] = [];
    let product = 1;
    while (product < d) {
      const axis = axes[next++] as number;
      list.push(axis);
      product *= dims?.[axis] as number;
    }
    if (product !== d) return null;
    layout.push(list);
  }
  return { shape: step.shape, layout, steps: [] };
}

function shapeAfter(shape: readonly number[], step: ViewStep): readonly number[] {
  return step.op === 'reshape' ? step.shape : step.perm.map((p) => shape[p] as number);
}

/** Steps of an undecided view with one more; consecutive reshapes become one. */
function joined(view: View, step: ViewStep): ViewStep[] {
  const last = view.steps.at(-1);
  const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((v, i) => v === b[i]);
  if (step.op === 'reshape')
    return same(step.shape, view.shape) ? [...view.steps] : [...(last?.op === 'reshape' ? view.steps.slice(0, -1) : view.steps), step];
  if (step.perm.every((p, i) => p === i)) return [...view.steps];
  // A transpose that only moves dimensions of size 1 is a reshape.
  const big = step.perm.filter((p) => view.shape[p] !== 1);
  if (big.every((p, i) => i === 0 || (big[i - 1] as number) < p))
    return joined(view, { op: 'reshape', shape: step.perm.map((p) => view.shape[p] as number) });
  return [...view.steps, step];
}

/** The steps that take row-major key data of these dims to the logical tensor. */
export function viewSteps(dims: readonly number[], view: View): ViewStep[] {
  const listed = (view.layout ?? []).flat();
  const rest = dims.map((_, i) => i).filter((i) => !listed.includes(i)); // axes of size 1
  const perm = [...listed];
  for (const axis of rest) perm.splice(Math.min(axis, perm.length), 0, axis);
  const steps: ViewStep[] = [];
  const identity = listed.every((p, i) => i === 0 || (listed[i - 1] as number) < p);
  if (!identity) steps.push({ op: 'transpose', perm });
  const now = identity ? dims : perm.map((p) => dims[p] as number);
  if (now.length !== view.shape.length || now.some((d, i) => d !== view.shape[i])) steps.push({ op: 'reshape', shape: view.shape });
  return steps;
}

/** For each position of the key axes `axes` (row-major, in key order), the index in the logical dimension made of `list`. */
export function positions(dims: readonly number[], axes: readonly number[], list: readonly number[]): Int32Array {
  const stride = new Map<number, number>();
  let s = 1;
  for (const axis of [...list].reverse()) {
    stride.set(axis, s);
    s *= dims[axis] as number;
  }
  const out = new Int32Array(elements(axes.map((a) => dims[a] as number)));
  let block = out.length;
  for (const axis of axes) {
    const d = dims[axis] as number;
    block /= d;
    const step = stride.get(axis) ?? 0;
    if (step !== 0) for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + (Math.floor(i / block) % d) * step;
  }
  return out;
}
