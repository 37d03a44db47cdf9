/**
 * Attention masks: what a Softmax must not see gets −∞, or a number that stands for it, by Add or Where. Both become an Add of one finite
 * number, far below every score.
 */
import { type Constant, floats } from '../../onnx/arrays.ts';
import { intOf, type Node } from '../../onnx/graph.ts';
import type { Draft, Links } from '../draft.ts';
import { Edit, nodeLike } from '../edit.ts';

/** In float32 e^MASK is 0. */
const MASK = -10_000;

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

/** The same scores plus `mask`, if every row sees something and the sum has the shape of the scores. */
function masked(edit: Edit, node: Node, scores: string, mask: Constant): Node | null {
  const y = node.outputs[0] as string;
  const shape = edit.shape(y);
  if (edit.shape(scores).join() !== shape.join()) return null;
  for (const softmax of edit.links.readers.get(y) ?? []) {
    const given = intOf(softmax, 'axis', softmax.opset < 13 ? 1 : -1);
    const axis = given < 0 ? given + shape.length : given;
    if (rowsOf(mask, shape.length, axis).some((row) => row.every((v) => v <= MASK))) return null;
  }
  return nodeLike(node, 'Add', [scores, edit.add(mask, `${y}/mask`)], y);
}

function added(edit: Edit, node: Node): Node | null {
  const k = node.inputs.findIndex((n) => edit.constant(n) !== null);
  const mask = edit.constant(node.inputs[k]);
  if (mask === null || !mask.data.some((v) => v < MASK)) return null;
  return masked(edit, node, node.inputs[1 - k] as string, { ...mask, data: mask.data.map((v) => Math.max(v, MASK)) } as Constant);
}

/** Where(constant, scores, mask) or Where(constant, mask, scores). */
function chosen(edit: Edit, node: Node): Node | null {
  const condition = edit.constants.get(node.inputs[0] ?? '');
  const k = [1, 2].findIndex((i) => edit.constant(node.inputs[i]) !== null) + 1;
  const mask = edit.constant(node.inputs[k]);
  if (!condition?.data || k === 0 || mask === null || mask.data.length !== 1 || !((mask.data[0] as number) <= MASK)) return null;
  const values = Float32Array.from(condition.data as ArrayLike<number>, (c) => ((c !== 0) === (k === 1) ? MASK : 0));
  return masked(edit, node, node.inputs[3 - k] as string, floats('', condition.dims, values));
}

/** The values of a constant that broadcasts into a tensor of `rank`, by row along `axis`; one value a row where it has no such dimension. */
export function rowsOf({ dims, data }: Constant, rank: number, axis: number): number[][] {
  const at = axis - (rank - dims.length);
  const length = at < 0 ? 1 : (dims[at] as number);
  const inner = dims.slice(at + 1).reduce((p, d) => p * d, 1);
  if (at < 0) return Array.from(data, (v) => [v]);
  return Array.from({ length: data.length / length }, (_, r) => {
    const base = Math.floor(r / inner) * inner * length + (r % inner);
    return Array.from({ length }, (_, i) => data[base + i * inner] as number);
  });
}
