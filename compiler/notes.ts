/** Where onnxruntime does not compute integers although the file is quantised: named by `assay check`, because results may differ there. */
import { type Graph, producers, readersOf } from './onnx/graph.ts';
import { signedRule } from './signed.ts';

const FUSED = ['Conv', 'Gemm', 'MatMul'];
/** Moves and maxima that onnxruntime moves a QuantizeLinear past. */
export const PASSED = ['MaxPool', 'Reshape', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze', 'Identity'];
const CLAMPS = ['Relu', 'Clip'];

/** Conv, Gemm and MatMul between DQ and Q that onnxruntime (x86) runs in float32, by node: a sentence. `graph` is the graph after onnxruntime's rewrites. */
export function floatNotes(graph: Graph): Map<string, string> {
  const rule = signedRule(graph);
  const producer = producers(graph);
  const readers = readersOf(graph.nodes);
  const dtypeOf = (zeroPoint: string | undefined) => graph.initializers.get(zeroPoint ?? '')?.dtype ?? 'uint8';
  const notes = new Map<string, string>();
  for (const node of graph.nodes) {
    if (!FUSED.includes(node.op)) continue;
    const [dq, dw] = [producer.get(node.inputs[0] as string), producer.get(node.inputs[1] ?? '')];
    if (dq?.op !== 'DequantizeLinear') continue;
    const inside = rule.typeOf(dq.inputs[0] as string, dtypeOf(dq.inputs[2]));
    let next = node;
    let between = '';
    for (;;) {
      const list = readers.get(next.outputs[0] as string) ?? [];
      const [only] = list;
      if (list.length !== 1 || only === undefined || only.op === 'QuantizeLinear' || ![...PASSED, ...CLAMPS].includes(only.op)) break;
      if (CLAMPS.includes(only.op)) between = only.op;
      next = only;
    }
    const q = rule.onlyQuantizer(next.outputs[0] as string);
    if (q === null) continue; // a float result: onnxruntime scales the integer accumulator
    const second =
      dw?.op === 'DequantizeLinear' && !graph.initializers.has(dw.inputs[0] as string)
        ? rule.typeOf(dw.inputs[0] as string, dtypeOf(dw.inputs[2]))
        : inside;
    const outside = rule.typeOf(q.outputs[0] as string, dtypeOf(q.inputs[2]));
    const weights = dtypeOf(dw?.inputs[2]);
    const why =
      inside !== second
        ? `its operands are ${inside} and ${second} there`
        : inside !== outside
          ? `its input is ${inside} there and its output ${outside}`
          : between !== ''
            ? `${between} lies between it and its QuantizeLinear`
            : inside === 'int8' && weights === 'uint8'
              ? 'signed activations meet unsigned weights'
              : null;
    if (why !== null)
      notes.set(
        node.label,
        `${node.op} "${node.label}": onnxruntime on x86 runs this node in float32 (${why}); proven is its integer meaning, which can differ by one step`,
      );
  }
  return notes;
}
