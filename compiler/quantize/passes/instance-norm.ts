/**
 * InstanceNormalization and GroupNormalization: a LayerNormalization of each channel, or group, as one row, then a factor and a summand a
 * channel as a Conv of one tap. PyTorch writes a group norm as the first between two reshapes.
 */
import type { Refused } from '../../../protocol/refused.ts';
import { floats, int64s } from '../../onnx/arrays.ts';
import { elements, floatOf, intOf, type Node, refuse } from '../../onnx/graph.ts';
import type { Draft } from '../draft.ts';
import { type Edit, editEach, nodeLike } from '../edit.ts';
import { LAYER_NORM_OPSET, layerNorm } from './layer-norm.ts';

export function rowNorms(draft: Draft, reasons: Refused[]): Draft {
  let found = false;
  const done = editEach(draft, reasons, (edit, node) => {
    if (node.op !== 'InstanceNormalization' && node.op !== 'GroupNormalization') return;
    edit.replace(node, rewritten(edit, node));
    found = true;
  });
  return found ? { ...done, opset: Math.max(LAYER_NORM_OPSET, draft.opset) } : done;
}

function rewritten(edit: Edit, node: Node): readonly Node[] {
  const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
  const shape = edit.shape(x);
  const [batch, channels] = shape as [number, number];
  const groups = node.op === 'GroupNormalization' ? intOf(node, 'num_groups', 1) : channels;
  if (shape.length < 3 || !(groups >= 1) || channels % groups !== 0)
    refuse(node, 'model.invalid-shape', `normalizes [${shape.join(', ')}] in ${groups} groups`);
  const [factor, summand] = [1, 2].map((i) => perChannel(edit, node, i, channels)) as [Float32Array, Float32Array];
  const row = elements(shape) / (batch * groups);
  const made: Node[] = [];
  const step = (n: Node): string => {
    made.push({ ...n, label: `${node.label}/${n.op}${made.length}` });
    return n.outputs[0] as string;
  };
  const reshape = (from: string, dims: readonly number[], wish: string): string =>
    step(nodeLike(node, 'Reshape', [from, edit.add(int64s(`${wish}/shape`, [...dims]))], edit.tensor(wish, dims)));
  const rows = reshape(x, [batch, groups, row], `${y}/rows`);
  const ones = edit.add(floats(`${y}/ones`, [row], new Float32Array(row).fill(1)));
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const normal = step(layerNorm(node, [rows, ones], edit.tensor(`${y}/normal`, [batch, groups, row]), epsilon));
  const plain = factor.every((v) => v === 1) && summand.every((v) => v === 0);
  if (plain) {
    made.push(nodeLike(node, 'Reshape', [normal, edit.add(int64s(`${y}/shape`, [...shape]))], y));
    return made;
  }
  const image = reshape(normal, shape, `${y}/image`);
  const w = edit.add(floats(`${y}/factor`, [channels, 1, ...shape.slice(2).map(() => 1)], factor));
  const b = edit.add(floats(`${y}/summand`, [channels], summand));
  return [...made, nodeLike(node, 'Conv', [image, w, b], y, { group: channels })];
}

/** Operand `i`, one value a channel; before opset 21 GroupNormalization has one a group. */
function perChannel(edit: Edit, node: Node, i: number, channels: number): Float32Array {
  const t = edit.constant(node.inputs[i]);
  if (t === null) refuse(node, 'model.unsupported-dynamic', `operand ${i} ("${node.inputs[i]}") must be a float32 constant`);
  const each = channels / t.data.length;
  if (!Number.isInteger(each)) refuse(node, 'model.invalid-shape', `has ${t.data.length} factors or summands for ${channels} channels`);
  return Float32Array.from({ length: channels }, (_, c) => t.data[Math.floor(c / each)] as number);
}
