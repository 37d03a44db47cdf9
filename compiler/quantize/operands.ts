/** What each rule wants of a node's operands, checked before any work: constants where constants belong, floats everywhere else. */
import { Refused } from '../../protocol/refused.ts';
import { intOf, type Node, refuse } from '../onnx/graph.ts';
import { type Draft, isIndices, type Links, linksOf } from './draft.ts';
import { ruleOf } from './rules.ts';

export function requireOperands(draft: Draft, reasons: Refused[]): void {
  const links = linksOf(draft);
  const tail = tailOf(draft, links);
  for (const node of draft.nodes) {
    // What hangs on a node that was refused is no reason of its own.
    if (!node.inputs.every((n) => n === '' || draft.shapes.has(n))) continue;
    try {
      requireNode(draft, node, tail.has(node));
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      reasons.push(e);
    }
  }
  for (const { name } of draft.outputs)
    if (!links.producer.has(name))
      reasons.push(
        new Refused('model.unsupported-output', `the output "${name}" is no result of a node: there is nothing to quantize`, {
          tensor: name,
        }),
      );
}

function requireNode(draft: Draft, node: Node, ending: boolean): void {
  const rule = ruleOf(node);
  const constant = (i: number) => draft.constants.get(node.inputs[i] ?? '');
  for (const [i, name] of node.inputs.entries()) {
    const t = constant(i);
    if (t?.data === null)
      refuse(node, 'model.unsupported-type', `its constant "${name}" is ${t.dtype}; supported: float32 (export the model in float32)`, {
        tensor: name,
      });
    if (t?.dtype === 'float32' && t.data?.some((v) => !Number.isFinite(v)) && !['Clip', 'Pad'].includes(node.op))
      refuse(node, 'model.invalid-constant', `its constant "${name}" holds NaN or infinity`, { tensor: name });
  }
  const strange = [...node.attributes].find(([, a]) => a.kind === 'other');
  if (strange !== undefined)
    refuse(node, 'model.unsupported-attribute', `attribute ${strange[0]} holds ${strange[1].value}`, { attribute: strange[0] });
  if (rule === 'rewritten')
    refuse(
      node,
      'model.unsupported-op',
      node.op === 'Where'
        ? 'is supported as the mask of a Softmax: a constant condition, and −1000 or less where it must not look'
        : 'could not be rewritten into operators that can be quantized',
    );
  if (constant(0) !== undefined && rule !== 'join' && rule !== 'gather' && node.op !== 'MatMul')
    refuse(node, 'model.unsupported-operand', `its operand "${node.inputs[0]}" is constant: there is nothing to quantize`);
  if (node.op !== 'TopK' && node.outputs.slice(1).some((o) => o !== ''))
    refuse(node, 'model.unsupported-output', 'has more than one output; supported: the first');
  if (rule === 'tail' && !ending && node.op !== 'Softmax')
    refuse(node, 'model.unsupported-op', 'is supported at the end of the graph alone');
  if (node.op === 'MatMul') {
    if (constant(0) !== undefined)
      refuse(node, 'model.unsupported-operand', 'its left operand is constant; supported: weights on the right');
    const w = constant(1);
    if (w !== undefined && w.dims.length !== 2)
      refuse(node, 'model.unsupported-shape', `its weights have dims [${w.dims.join(', ')}]; supported: two dimensions`);
  }
  if (node.op === 'ConvTranspose' && intOf(node, 'group', 1) !== 1)
    refuse(node, 'model.unsupported-attribute', `attribute group is ${intOf(node, 'group', 1)}; supported: 1`, { attribute: 'group' });
  if (node.op === 'Pow' && constant(1)?.data?.length !== 1)
    refuse(node, 'model.unsupported-operand', 'has more than one exponent, or a computed one; supported: one constant');
  // A quantized divisor can be zero.
  if (node.op === 'Div' && constant(1) === undefined)
    refuse(node, 'model.unsupported-operand', 'divides by a computed tensor; supported: a constant');
  const rest =
    rule === 'linear' && node.op !== 'MatMul' ? [1, 2] : rule === 'same' || rule === 'norm' || node.op === 'Clip' ? [1, 2, 3, 4] : [];
  if (rule === 'gather' && constant(0) === undefined) rest.push(1);
  for (const i of rest)
    if ((node.inputs[i] ?? '') !== '' && constant(i) === undefined)
      refuse(node, 'model.unsupported-dynamic', `operand ${i} ("${node.inputs[i]}") is computed; supported: constants`, {
        tensor: node.inputs[i],
      });
  if (isIndices(draft, node.inputs[0] ?? '')) refuse(node, 'model.unsupported-operand', 'reads indices; supported: floats');
}

/** Softmax, LogSoftmax, ArgMax and TopK that nothing but the outputs and each other depend on: recomputed in float behind the last integers. */
export function tailOf(draft: Draft, links: Links): Set<Node> {
  const tail = new Set<Node>();
  for (const node of [...draft.nodes].reverse()) {
    const readers = node.outputs.flatMap((y) => links.readers.get(y) ?? []);
    if (ruleOf(node) === 'tail' && readers.every((r) => tail.has(r))) tail.add(node);
  }
  return tail;
}
