/** Split as one Slice for each of its outputs. */
import { int64s } from '../onnx/arrays.ts';
import { intOf, intsOf, type Node, refuse, type Tensor } from '../onnx/graph.ts';
import { axis, type Lookup, numbersOf } from '../onnx/slices.ts';

/** `settle` takes the constants of the slices. */
export function slicesOf(node: Node, shape: readonly number[], constant: Lookup, settle: (t: Tensor) => void): Node[] {
  const a = axis(node, intOf(node, 'axis', 0), shape.length);
  const size = shape[a] as number;
  const count = node.outputs.length;
  const even = Math.ceil(size / count);
  const sizes =
    (node.opset < 13 ? intsOf(node, 'split') : numbersOf(node, constant, 1)) ?? node.outputs.map((_, i) => Math.min(even, size - i * even));
  if (sizes.length !== count || sizes.some((n) => !(n >= 1)) || sizes.reduce((p, n) => p + n, 0) !== size)
    refuse(node, 'model.invalid-shape', `cannot cut ${size} into ${count} parts [${sizes.join(', ')}]`);
  let start = 0;
  return node.outputs.flatMap((output, i) => {
    const from = start;
    start += sizes[i] as number;
    if (output === '') return [];
    const operand = (what: string, value: number): string => {
      const name = `${output}/${what}`;
      settle(int64s(name, [value]));
      return name;
    };
    const inputs = [node.inputs[0] as string, operand('start', from), operand('end', start), operand('axis', a)];
    return [{ ...node, label: `${node.label}/${i}`, op: 'Slice', inputs, outputs: [output], attributes: new Map() }];
  });
}
