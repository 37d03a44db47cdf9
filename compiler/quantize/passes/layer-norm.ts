/**
 * LayerNormalization as it was written before opset 17 had it: the mean of the last dimension taken off, the root of the mean square divided
 * by, then a factor and a summand a position. It becomes the one node that the kernels and the proof know.
 */
import { type Constant, floats } from '../../onnx/arrays.ts';
import { elements, intOf, type Node } from '../../onnx/graph.ts';
import { reducedAxes } from '../../onnx/slices.ts';
import type { Draft } from '../draft.ts';
import { Edit } from '../edit.ts';

/** The first opset with LayerNormalization. */
export const LAYER_NORM_OPSET = 17;

export function fuseLayerNorm(draft: Draft): Draft {
  const edit = new Edit(draft);
  let found = false;
  for (const node of draft.nodes) {
    const normal = node.op === 'Div' ? normalOf(edit, node) : null;
    if (normal === null) continue;
    found = true;
    const n = edit.shape(normal.x).at(-1) as number;
    const scaled = onlyReader(edit, node, 'Mul', n);
    const moved = onlyReader(edit, scaled?.node ?? node, 'Add', n);
    const last = moved?.node ?? scaled?.node ?? node;
    const y = last.outputs[0] as string;
    const gamma = edit.add(floats(`${y}/factor`, [n], scaled?.values ?? new Float32Array(n).fill(1)));
    const beta = moved === null ? [] : [edit.add(floats(`${y}/summand`, [n], moved.values))];
    edit.replace(last, [layerNorm(node, [normal.x, gamma, ...beta], y, normal.epsilon)]);
  }
  return found ? { ...edit.done(), opset: Math.max(LAYER_NORM_OPSET, draft.opset) } : draft;
}

/** LayerNormalization over the last dimension in the place of `old`. */
export function layerNorm(old: Node, inputs: readonly string[], output: string, epsilon: number): Node {
  return {
    ...old,
    op: 'LayerNormalization',
    opset: Math.max(LAYER_NORM_OPSET, old.opset),
    inputs,
    outputs: [output],
    attributes: new Map([
      ['axis', { kind: 'int', value: -1 }],
      ['epsilon', { kind: 'float', value: epsilon }],
    ]),
  };
}

/** x and ε if the node is (x − mean) / √(mean((x − mean)²) + ε) over the last dimension. */
function normalOf(edit: Edit, div: Node): { x: string; epsilon: number } | null {
  const maker = (name: string | undefined, op: string): Node | null => {
    const node = edit.links.producer.get(name ?? '');
    return node?.op === op ? node : null;
  };
  const centred = maker(div.inputs[0], 'Sub');
  const sum = maker(maker(div.inputs[1], 'Sqrt')?.inputs[0], 'Add');
  if (centred === null || sum === null) return null;
  const k = sum.inputs.findIndex((n) => edit.constant(n) !== null);
  const epsilon = k < 0 ? null : (edit.constant(sum.inputs[k]) as Constant);
  const square = meanOf(edit, maker(sum.inputs[1 - k], 'ReduceMean'));
  const x = centred.inputs[0] as string;
  if (epsilon === null || epsilon.data.length !== 1 || square === null) return null;
  if (meanOf(edit, maker(centred.inputs[1], 'ReduceMean')) !== x) return null;
  /** The same difference; some exporters write it twice. */
  const isCentred = (name: string | undefined): boolean => {
    const node = maker(name, 'Sub');
    return node !== null && node.inputs[0] === x && meanOf(edit, maker(node.inputs[1], 'ReduceMean')) === x;
  };
  const power = maker(square, 'Pow');
  const exponent = edit.constant(power?.inputs[1]);
  const product = maker(square, 'Mul');
  const squared =
    (power !== null && exponent?.data.length === 1 && exponent.data[0] === 2 && isCentred(power.inputs[0])) ||
    product?.inputs.every(isCentred) === true;
  // An epsilon or exponent of higher rank would raise that of the result.
  const same = edit.shape(div.outputs[0]).length === edit.shape(x).length;
  return squared && same ? { x, epsilon: epsilon.data[0] as number } : null;
}

/** What a node takes the mean of, if it is over the last dimension alone and keeps it. */
function meanOf(edit: Edit, node: Node | null): string | null {
  if (node === null || !edit.shapes.has(node.outputs[0] as string) || intOf(node, 'keepdims', 1) !== 1) return null;
  const x = node.inputs[0] as string;
  const rank = edit.shape(x).length;
  const [axis, ...more] = reducedAxes(node, rank, edit.lookup(node));
  return axis === rank - 1 && more.length === 0 ? x : null;
}

/** The one reader of what a node makes, if it is such an operation with a constant that varies along the last dimension alone. */
function onlyReader(edit: Edit, node: Node, op: string, n: number): { node: Node; values: Float32Array } | null {
  const y = node.outputs[0] as string;
  const [reader, ...others] = edit.links.readers.get(y) ?? [];
  if (reader === undefined || others.length > 0 || reader.op !== op || edit.isOutput(y)) return null;
  const t = edit.constant(reader.inputs.find((i) => i !== y));
  if (t === null || t.dims.length > edit.shape(y).length || (t.data.length !== 1 && (t.data.length !== n || t.dims.at(-1) !== n)))
    return null;
  return { node: reader, values: elements(t.dims) === 1 ? new Float32Array(n).fill(t.data[0] as number) : Float32Array.from(t.data) };
}
