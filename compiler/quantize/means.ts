/**
 * Bias correction (Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019, §4.2): rounding the
 * weights of a layer shifts what it gives on average, by the weights' errors times the mean of the operand. The bias takes that shift back,
 * which costs nothing.
 */
import type { Constant } from '../onnx/arrays.ts';
import { intOf, type Node } from '../onnx/graph.ts';
import type { Draft } from './draft.ts';
import { channelAxis } from './passes/affine.ts';
import { ruleOf } from './rules.ts';

/** The tensors whose means are wanted, with how far apart the elements of a channel lie: Conv counts channels in dimension 1, others last. */
export function contracted(draft: Draft): Map<string, { readonly channels: number; readonly inner: number }> {
  const wanted = new Map<string, { channels: number; inner: number }>();
  for (const node of draft.nodes) {
    if (ruleOf(node) !== 'linear' || !draft.constants.has(node.inputs[1] ?? '')) continue;
    const shape = draft.shapes.get(node.inputs[0] as string) ?? [];
    const at = node.op === 'Conv' || node.op === 'ConvTranspose' ? 1 : shape.length - 1;
    wanted.set(node.inputs[0] as string, { channels: shape[at] as number, inner: shape.slice(at + 1).reduce((p, d) => p * d, 1) });
  }
  return wanted;
}

/** Adds the values of one sample to the sums of their channels. */
export function addChannels(sums: Float64Array, values: Float32Array, inner: number): void {
  for (let i = 0; i < values.length; i++) {
    const c = Math.floor(i / inner) % sums.length;
    sums[c] = (sums[c] as number) + (values[i] as number);
  }
}

/** Whether every output meets all weights of its channel; a ConvTranspose meets some, and the operand of a MatMul has no fixed mean. */
export const shifts = (node: Node): boolean => node.op !== 'MatMul' && node.op !== 'ConvTranspose';

/** What the errors of the weights add to each output channel on average. `means`: of the operand's channels. */
export function shiftOf(node: Node, w: Constant, errors: ArrayLike<number>, means: ArrayLike<number>): Float64Array {
  const axis = node.op === 'MatMul' ? 1 : channelAxis(node);
  const outputs = w.dims[axis] as number;
  const shift = new Float64Array(outputs);
  // [outputs, inputs a group, taps…] or [inputs, outputs]
  const perRow = axis === 0 ? w.data.length / outputs : 1;
  const inputs = axis === 0 ? (w.dims[1] as number) : (w.dims[0] as number);
  const taps = axis === 0 ? perRow / inputs : 1;
  const perGroup = outputs / (node.op === 'Conv' ? intOf(node, 'group', 1) : 1);
  for (let i = 0; i < errors.length; i++) {
    const c = axis === 0 ? Math.floor(i / perRow) : i % outputs;
    const k = axis === 0 ? Math.floor((i % perRow) / taps) + Math.floor(c / perGroup) * inputs : Math.floor(i / outputs);
    shift[c] = (shift[c] as number) + (errors[i] as number) * (means[k] ?? 0);
  }
  return shift;
}
