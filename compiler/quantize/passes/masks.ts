/**
 * Attention masks: what a Softmax must not see gets −∞, or a number that stands for it, by Add or Where. Both become an Add of one finite
 * number; `planOf` lets it saturate, so that it does not widen the scale of the scores.
 */
import { type Constant, floats } from '../../onnx/arrays.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Draft, Links } from '../draft.ts';
import { Edit, nodeLike } from '../edit.ts';

/** In float32 e^MASK is 0. */
const MASK = -10_000;
/** From here on a summand is a mask. */
const MASKS = -1_000;

/** Whether a tensor is read by Softmax alone. */
export function onlySoftmax(links: Links, tensor: string): boolean {
  const readers = links.readers.get(tensor) ?? [];
  return readers.length > 0 && readers.every((n) => n.op === 'Softmax');
}

export function finiteMasks(draft: Draft): Draft {
  const edit = new Edit(draft);
  for (const node of draft.nodes) {
    const y = node.outputs[0] as string;
    if (edit.isOutput(y) || !onlySoftmax(edit.links, y)) continue;
    const made = node.op === 'Add' ? added(edit, node) : node.op === 'Where' ? chosen(edit, node) : null;
    if (made !== null) edit.replace(node, [made]);
  }
  return edit.done();
}

function added(edit: Edit, node: Node): Node | null {
  const k = node.inputs.findIndex((n) => edit.constant(n) !== null);
  const mask = edit.constant(node.inputs[k]);
  if (mask === null || !mask.data.some((v) => v < MASK)) return null;
  const y = node.outputs[0] as string;
  return nodeLike(
    node,
    'Add',
    [node.inputs[1 - k] as string, edit.add({ ...mask, data: mask.data.map((v) => Math.max(v, MASK)) } as Constant, `${y}/mask`)],
    y,
  );
}

/** Where(constant, scores, mask) or Where(constant, mask, scores). */
function chosen(edit: Edit, node: Node): Node | null {
  const condition = edit.constants.get(node.inputs[0] ?? '');
  const k = [1, 2].findIndex((i) => edit.constant(node.inputs[i]) !== null) + 1;
  const mask = edit.constant(node.inputs[k]);
  if (!condition?.data || k === 0 || mask === null || mask.data.length !== 1 || !((mask.data[0] as number) <= MASKS)) return null;
  const y = node.outputs[0] as string;
  const values = Float32Array.from(condition.data as ArrayLike<number>, (c) => ((c !== 0) === (k === 1) ? MASK : 0));
  return nodeLike(node, 'Add', [node.inputs[3 - k] as string, edit.add(floats(`${y}/mask`, condition.dims, values))], y);
}
