/** Identity, Dropout (an inference drops nothing), a Cast of floats to float and a reduction of no dimension: gone. */
import { intOf, type Node } from '../../onnx/graph.ts';
import { reducedAxes } from '../../onnx/slices.ts';
import type { Draft } from '../draft.ts';
import { Edit, nodeLike } from '../edit.ts';

export function dropIdentities(draft: Draft): Draft {
  const edit = new Edit(draft);
  for (const node of draft.nodes) {
    const [x, y] = [edit.nameOf(node.inputs[0] as string), node.outputs[0] as string];
    const mask = node.outputs[1] ?? '';
    const idle =
      node.op === 'Identity' ||
      (node.op === 'Dropout' && !edit.isOutput(mask) && (edit.links.readers.get(mask) ?? []).length === 0) ||
      reducesNothing(edit, node) ||
      (node.op === 'Cast' && intOf(node, 'to', 0) === 1);
    if (!idle) continue;
    if (!edit.isOutput(y)) edit.rename(y, x);
    // The name of an output of the graph stays, so whoever makes x makes y.
    else if (edit.links.producer.has(x) && !edit.isOutput(x)) edit.rename(x, y);
    else {
      // A second name for one tensor.
      edit.replace(node, [nodeLike(node, 'Identity', [node.inputs[0] as string], y)]);
      continue;
    }
    edit.replace(node, []);
  }
  return edit.done();
}

/** ReduceMean and its kin without axes, where that means none. */
const reducesNothing = (edit: Edit, node: Node): boolean =>
  node.op.startsWith('Reduce') &&
  edit.shapes.has(node.outputs[0] as string) &&
  reducedAxes(node, edit.shape(node.inputs[0]).length, edit.lookup(node)).length === 0;
