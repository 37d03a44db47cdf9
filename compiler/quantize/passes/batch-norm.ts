/**
 * BatchNormalization of an inference is one factor and one summand a channel: y = k·x + (β − k·μ), k = γ / √(σ² + ε).
 *
 * After a Conv or Gemm that nothing else reads it goes into weights and bias. Elsewhere it becomes a Conv of one tap with as many groups as
 * channels, which has weights per channel and an int32 bias, so it is requantised once; on [N, C] it becomes Mul and Add.
 */
import type { Refused } from '../../../protocol/refused.ts';
import { floats } from '../../onnx/arrays.ts';
import { floatOf, intOf, type Node, refuse } from '../../onnx/graph.ts';
import type { Draft } from '../draft.ts';
import { type Edit, editEach, nodeLike } from '../edit.ts';
import { foldAffine } from './affine.ts';

export function foldBatchNorm(draft: Draft, reasons: Refused[]): Draft {
  return editEach(draft, reasons, (edit, node) => {
    if (node.op !== 'BatchNormalization') return;
    const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
    const { factor, summand } = parameters(edit, node);
    const shape = edit.shape(x);
    const channels = factor.length;
    if (shape[1] !== channels) refuse(node, 'model.invalid-shape', `has ${channels} channels, its operand has shape [${shape.join(', ')}]`);
    const before = edit.links.only(x);
    if (before !== null && foldAffine(edit, before, node, factor, summand)) return;
    if (shape.length === 2) {
      const k = edit.add(floats(`${y}/factor`, [channels], factor));
      const b = edit.add(floats(`${y}/summand`, [channels], summand));
      const scaled = edit.tensor(`${y}/scaled`, shape);
      edit.replace(node, [
        { ...nodeLike(node, 'Mul', [x, k], scaled), label: `${node.label}/factor` },
        nodeLike(node, 'Add', [scaled, b], y),
      ]);
      return;
    }
    const w = edit.add(floats(`${y}/factor`, [channels, 1, ...shape.slice(2).map(() => 1)], factor));
    const b = edit.add(floats(`${y}/summand`, [channels], summand));
    edit.replace(node, [nodeLike(node, 'Conv', [x, w, b], y, { group: channels })]);
  });
}

function parameters(edit: Edit, node: Node): { factor: Float32Array; summand: Float32Array } {
  if (intOf(node, 'training_mode', 0) !== 0)
    refuse(node, 'model.unsupported-attribute', 'attribute training_mode is 1; supported: a model exported for inference');
  if (node.outputs.slice(1).some((o) => o !== '' && ((edit.links.readers.get(o) ?? []).length > 0 || edit.isOutput(o))))
    refuse(node, 'model.unsupported-output', 'its running statistics are read; supported: the first output');
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map(
    (i) =>
      edit.constant(node.inputs[i])?.data ??
      refuse(node, 'model.unsupported-dynamic', `operand ${i} ("${node.inputs[i]}") must be a float32 constant`),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const factor = gamma.map((g, c) => g / Math.sqrt((variance[c] as number) + epsilon));
  return { factor, summand: beta.map((b, c) => b - (factor[c] as number) * (mean[c] as number)) };
}
