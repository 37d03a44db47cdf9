/**
 * What onnxruntime on x86 does to signed QDQ graphs: a Q -> DQ pair on an int8 tensor with exactly one reader is shifted to uint8. An op whose
 * activations end up with two types is not fused and runs in float32; for Conv, Gemm and MatMul no integer formula can follow that for
 * all inputs, so such nodes are named in notes. (No other platform shifts; there these nodes are fused.)
 */
import { type Graph, type Node, readersOf } from './onnx/graph.ts';

export interface SignedRule {
  /** The type the tensor has inside onnxruntime. */
  typeOf(tensor: string, dtype: string): string;
  /** The QuantizeLinear that is the only reader of this tensor, if there is one. */
  onlyQuantizer(tensor: string): Node | null;
  /** Whether one node reads the tensor, or several that onnxruntime makes one of, and the graph does not give it out. */
  readOnce(tensor: string): boolean;
  /** Whether a QuantizeLinear is among its readers. */
  isQuantized(tensor: string): boolean;
}

export function signedRule(graph: Graph): SignedRule {
  const readers = readersOf(graph.nodes);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const only = (tensor: string, op: string): Node | null => {
    const list = readers.get(tensor) ?? [];
    const [first] = list;
    return list.length === 1 && first?.op === op && first.inputs[0] === tensor && !outputs.has(tensor) ? first : null;
  };
  const shifted = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== 'QuantizeLinear') continue;
    const dq = only(node.outputs[0] ?? '', 'DequantizeLinear');
    if (dq === null) continue;
    // A graph output counts as a reader: onnxruntime gives every reader its own DequantizeLinear first.
    const real = dq.outputs[0] ?? '';
    if ((readers.get(real)?.length ?? 0) + (outputs.has(real) ? 1 : 0) === 1) shifted.add(node.outputs[0] as string);
  }
  return {
    typeOf: (tensor, dtype) => (dtype === 'int8' && shifted.has(tensor) ? 'uint8' : dtype),
    onlyQuantizer: (tensor) => only(tensor, 'QuantizeLinear'),
    isQuantized: (tensor) => (readers.get(tensor) ?? []).some((n) => n.op === 'QuantizeLinear'),
    readOnce: (tensor) => {
      const list = readers.get(tensor) ?? [];
      return !outputs.has(tensor) && list.every((n) => n.op === list[0]?.op && n.inputs.join() === list[0].inputs.join());
    },
  };
}
