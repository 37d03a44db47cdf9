/**
 * One factor and one summand a channel after a Conv or Gemm go into its weights and bias. tf2onnx writes a bias as an Add behind the Conv,
 * and a batch normalization it has folded itself as Mul and Add.
 */
import { type Constant, floats } from '../../onnx/arrays.ts';
import { elements, intOf, type Node } from '../../onnx/graph.ts';
import type { Draft } from '../draft.ts';
import { Edit, perChannel } from '../edit.ts';

/** The dimension of the weights that counts output channels. */
export const channelAxis = (node: Node): 0 | 1 => (node.op === 'Conv' || intOf(node, 'transB', 0) === 1 ? 0 : 1);

/** w with channel c of `axis` times factor[c]; rounded once. */
export function scaledChannels(w: Constant, axis: number, factor: ArrayLike<number>): Constant {
  const inner = elements(w.dims.slice(axis + 1));
  return { ...w, data: Float32Array.from(w.data, (v, i) => v * (factor[Math.floor(i / inner) % (w.dims[axis] as number)] as number)) };
}

/** Makes `linear` give what `node` gave, if its weights and bias are constants; `node` goes. */
export function foldAffine(edit: Edit, linear: Node, node: Node, factor: ArrayLike<number>, summand: ArrayLike<number>): boolean {
  if ((linear.op !== 'Conv' && linear.op !== 'Gemm') || edit.gone(linear)) return false;
  const w = edit.constant(linear.inputs[1]);
  const given = linear.inputs[2] ?? '';
  const y = node.outputs[0] as string;
  const axis = channelAxis(linear);
  const channels = w?.dims[axis];
  if (w === null || channels !== factor.length) return false;
  const bias = given === '' ? floats('', [channels], new Float32Array(channels)) : edit.constant(given);
  if (bias === null || bias.data.length !== channels) return false;
  const weights = edit.add(scaledChannels(w, axis, factor), `${y}/weights`);
  const sum = bias.data.map((b, c) => b * (factor[c] as number) + (summand[c] as number));
  const b = edit.add(floats(`${y}/bias`, [channels], sum));
  edit.replace(linear, [{ ...linear, inputs: [linear.inputs[0] as string, weights, b], outputs: [y] }]);
  edit.replace(node, []);
  return true;
}

/** Add and Mul of a constant per channel behind Conv and Gemm, until none is left. */
export function foldAffines(draft: Draft): Draft {
  let current = draft;
  for (;;) {
    const edit = new Edit(current);
    let changed = false;
    for (const node of current.nodes) {
      if (node.op !== 'Add' && node.op !== 'Mul') continue;
      const k = node.inputs.findIndex((n) => edit.constant(n) !== null);
      const x = node.inputs[1 - k] as string;
      const linear = k < 0 ? null : edit.links.only(x);
      if (linear === null || edit.gone(linear)) continue;
      const shape = edit.shape(x);
      const values = perChannel(edit.constant(node.inputs[k]) as Constant, shape, linear.op === 'Conv' ? 1 : shape.length - 1);
      if (values === null) continue;
      const [factor, summand] = node.op === 'Mul' ? [values, values.map(() => 0)] : [values.map(() => 1), values];
      changed = foldAffine(edit, linear, node, factor, summand) || changed;
    }
    if (!changed) return current;
    current = edit.done();
  }
}
