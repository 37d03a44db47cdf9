/**
 * Every node as opset 13 or later writes it, the first whose DequantizeLinear has an axis; Squeeze and Unsqueeze become Reshape, a mean over
 * all pixels GlobalAveragePool.
 */
import type { Refused } from '../../../protocol/refused.ts';
import { floats, int64s } from '../../onnx/arrays.ts';
import { elements, floatOf, intOf, intsOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { axis, reducedAxes } from '../../onnx/slices.ts';
import type { Draft } from '../draft.ts';
import { type Edit, editEach, nodeLike } from '../edit.ts';

const LEAST = 13;

export function modernise(draft: Draft, reasons: Refused[]): Draft {
  const done = editEach(draft, reasons, (edit, node) => {
    const rewrite = Object.hasOwn(REWRITES, node.op) ? REWRITES[node.op] : undefined;
    const made = rewrite?.(edit, node) ?? null;
    if (made !== null) edit.replace(node, made);
  });
  const opset = Math.max(LEAST, draft.opset);
  return { ...done, opset, nodes: done.nodes.map((n) => (n.op.includes('.') ? n : { ...n, opset })) };
}

type Rewrite = (edit: Edit, node: Node) => readonly Node[] | null;

/** The view with its shape written out. */
const plainReshape: Rewrite = (edit, node) => {
  const y = node.outputs[0] as string;
  const shape = edit.add(int64s(`${y}/shape`, [...edit.shape(y)]));
  return [nodeLike(node, 'Reshape', [node.inputs[0] as string, shape], y)];
};

const clip: Rewrite = (edit, node) => {
  if (node.opset >= 11) return null;
  const y = node.outputs[0] as string;
  const bound = (name: string): string => (node.attributes.has(name) ? edit.add(floats(`${y}/${name}`, [], [floatOf(node, name, 0)])) : '');
  return [nodeLike(node, 'Clip', [node.inputs[0] as string, bound('min'), bound('max')], y)];
};

const pad: Rewrite = (edit, node) => {
  if (stringOf(node, 'mode', 'constant') !== 'constant')
    refuse(node, 'model.unsupported-attribute', `attribute mode is "${stringOf(node, 'mode', '')}"; supported: constant`, {
      attribute: 'mode',
    });
  if (node.opset >= 11) return null;
  const y = node.outputs[0] as string;
  const pads = edit.add(int64s(`${y}/pads`, [...(intsOf(node, 'pads') ?? [])]));
  const value = edit.add(floats(`${y}/value`, [], [floatOf(node, 'value', 0)]));
  return [nodeLike(node, 'Pad', [node.inputs[0] as string, pads, value], y)];
};

/** Before opset 13 all dimensions from the axis on were one; that is the same if only the axis is larger than 1. */
const softmax: Rewrite = (edit, node) => {
  const shape = edit.shape(node.inputs[0]);
  const old = node.opset < LEAST;
  const a = axis(node, intOf(node, 'axis', old ? 1 : -1), shape.length);
  if (old && elements(shape.slice(a + 1)) !== 1)
    refuse(
      node,
      'model.unsupported-attribute',
      `axis ${a} of [${shape.join(', ')}] means several dimensions before opset 13; supported: the last`,
    );
  return [nodeLike(node, node.op, node.inputs, node.outputs[0] as string, { axis: a })];
};

/** Where the order is left open, in order. */
const topK: Rewrite = (_, node) => [{ ...node, attributes: new Map([...node.attributes, ['sorted', { kind: 'int', value: 1 }]]) }];

const resize: Rewrite = (_, node) => {
  if (node.opset < 11) refuse(node, 'model.unsupported-opset', `opset ${node.opset} is not supported; supported: 11 and later`);
  const mode = stringOf(node, 'mode', 'nearest');
  if (mode !== 'nearest')
    refuse(node, 'model.unsupported-attribute', `attribute mode is "${mode}"; supported: nearest`, { attribute: 'mode' });
  return null;
};

const mean: Rewrite = (edit, node) => {
  const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
  const shape = edit.shape(x);
  const axes = reducedAxes(node, shape.length, edit.lookup(node));
  const pixels = shape.map((_, i) => i).slice(2);
  if (shape.length < 3 || shape.length > 4 || axes.join() !== pixels.join()) return null;
  if (intOf(node, 'keepdims', 1) === 1) return [nodeLike(node, 'GlobalAveragePool', [x], y)];
  const pooled = edit.tensor(`${y}/pooled`, [shape[0] as number, shape[1] as number, ...axes.map(() => 1)]);
  const target = edit.add(int64s(`${y}/shape`, [...edit.shape(y)]));
  return [
    { ...nodeLike(node, 'GlobalAveragePool', [x], pooled), label: `${node.label}/pooled` },
    nodeLike(node, 'Reshape', [pooled, target], y),
  ];
};

const sum: Rewrite = (edit, node) => {
  const given = intsOf(node, 'axes');
  if (node.opset >= 13 || given === undefined) return null;
  const y = node.outputs[0] as string;
  const axes = edit.add(int64s(`${y}/axes`, [...given]));
  return [nodeLike(node, 'ReduceSum', [node.inputs[0] as string, axes], y, { keepdims: intOf(node, 'keepdims', 1) })];
};

const REWRITES: Readonly<Record<string, Rewrite>> = {
  Squeeze: plainReshape,
  Unsqueeze: plainReshape,
  Reshape: plainReshape,
  Clip: clip,
  Pad: pad,
  Softmax: softmax,
  LogSoftmax: softmax,
  TopK: topK,
  Resize: resize,
  ReduceMean: mean,
  ReduceSum: sum,
};
