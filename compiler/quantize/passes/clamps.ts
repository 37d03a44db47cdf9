/**
 * Two clamps in a row are one; and a clamp moves before max-pools and views that alone read what it clamps: clamping commutes with taking a
 * maximum and with moving elements. There it meets the Conv or Gemm, whose requantisation clamps for nothing.
 */
import { floats } from '../../onnx/arrays.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Draft } from '../draft.ts';
import { Edit, nodeLike } from '../edit.ts';

const COMMUTE = ['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Slice'];
const isClamp = (node: Node | null): boolean => node?.op === 'Relu' || node?.op === 'Clip';

export function hoistClamps(draft: Draft): Draft {
  let current = draft;
  for (;;) {
    const edit = new Edit(current);
    const before = (n: Node): Node | null => edit.links.only(n.inputs[0] as string);
    const next = current.nodes.find((n) => isClamp(n) && (mergeable(edit, before(n), n) !== null || COMMUTE.includes(before(n)?.op ?? '')));
    const mover = next === undefined ? null : before(next);
    if (next === undefined || mover === null) return current;
    edit.replace(mover, []);
    edit.replace(next, isClamp(mover) ? [merged(edit, mover, next)] : swapped(edit, mover, next));
    current = edit.done();
  }
}

function swapped(edit: Edit, mover: Node, clamp: Node): Node[] {
  const clamped = edit.tensor(`${clamp.outputs[0]}/clamped`, edit.shape(mover.inputs[0]));
  return [
    { ...clamp, inputs: [mover.inputs[0] as string, ...clamp.inputs.slice(1)], outputs: [clamped] },
    { ...mover, inputs: [clamped, ...mover.inputs.slice(1)], outputs: clamp.outputs },
  ];
}

/** Smallest and largest value of a clamp, or null where they are no constants. */
function boundsOf(edit: Edit, node: Node): readonly [number, number] | null {
  const bound = (i: number, otherwise: number): number | null =>
    node.op === 'Relu' || (node.inputs[i] ?? '') === '' ? otherwise : (edit.constant(node.inputs[i])?.data[0] ?? null);
  const lo = node.op === 'Relu' ? 0 : bound(1, Number.NEGATIVE_INFINITY);
  const hi = bound(2, Number.POSITIVE_INFINITY);
  return lo === null || hi === null || !(lo <= hi) ? null : [lo, hi];
}

/** The bounds of two clamps together. */
function mergeable(edit: Edit, first: Node | null, second: Node): readonly [number, number] | null {
  const a = first !== null && isClamp(first) ? boundsOf(edit, first) : null;
  const b = a === null ? null : boundsOf(edit, second);
  if (a === null || b === null) return null;
  const into = (v: number): number => Math.min(b[1], Math.max(b[0], v));
  return [into(a[0]), into(a[1])];
}

function merged(edit: Edit, first: Node, second: Node): Node {
  const [lo, hi] = mergeable(edit, first, second) as readonly [number, number];
  const [x, y] = [first.inputs[0] as string, second.outputs[0] as string];
  if (lo === 0 && hi === Number.POSITIVE_INFINITY) return nodeLike(second, 'Relu', [x], y);
  const bound = (name: string, v: number): string => (Number.isFinite(v) ? edit.add(floats(`${y}/${name}`, [], [v])) : '');
  return nodeLike(second, 'Clip', [x, bound('min', lo), bound('max', hi)], y);
}
