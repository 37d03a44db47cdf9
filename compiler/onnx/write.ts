/**
 * The graph form to ONNX bytes. Deterministic: constants and nodes in their order, attributes by name, tensors as raw little-endian data;
 * the same graph gives the same bytes on any machine, and `readModel` of them gives the same graph.
 */
import proto, { type onnx } from 'onnx-proto';
import type { Attribute, Graph, Node, Tensor } from './graph.ts';
import { TYPE_CODES } from './tensor.ts';

/** ir_version that came with an opset of the default domain, not below 8, which every onnxruntime since 2021 opens. */
const irVersion = (opset: number): number => (opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8);

/** `shapes`: of the outputs, where they are known. Throws an Error for what the graph form keeps but does not read (a bug of the caller). */
export function writeModel(graph: Graph, shapes: ReadonlyMap<string, readonly number[]> = new Map()): Uint8Array {
  const { ModelProto } = proto.onnx;
  const model: onnx.IModelProto = {
    irVersion: irVersion(graph.opsets.get('') ?? 13),
    producerName: 'assay',
    opsetImport: [...graph.opsets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([domain, version]) => ({ domain, version })),
    graph: {
      name: graph.name || 'graph',
      node: graph.nodes.map(nodeProto),
      initializer: [...graph.initializers.values()].map(tensorProto),
      input: graph.inputs.map(({ name, dtype, shape }) => info(name, dtype, shape)),
      output: graph.outputs.map(({ name, dtype }) => info(name, dtype ?? 'float32', shapes.get(name))),
    },
  };
  return ModelProto.encode(ModelProto.create(model)).finish();
}

function typeCode(dtype: string): number {
  const code = TYPE_CODES.get(dtype);
  if (code === undefined) throw new Error(`no ONNX element type is called ${dtype}`);
  return code;
}

function info(name: string, dtype: string, shape: readonly number[] | undefined): onnx.IValueInfoProto {
  const dims = shape === undefined ? {} : { shape: { dim: shape.map((dimValue) => ({ dimValue })) } };
  return { name, type: { tensorType: { elemType: typeCode(dtype), ...dims } } };
}

function nodeProto(node: Node): onnx.INodeProto {
  const cut = node.op.lastIndexOf('.') + 1;
  const attributes = [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    name: node.label,
    opType: node.op.slice(cut),
    ...(cut > 0 ? { domain: node.op.slice(0, cut - 1) } : {}),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: attributes.map(([name, a]) => ({ name, ...attributeProto(name, a) })),
  };
}

function attributeProto(name: string, a: Attribute): onnx.IAttributeProto {
  const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
  switch (a.kind) {
    case 'float':
      return { type: 1, f: a.value };
    case 'int':
      return { type: 2, i: a.value };
    case 'string':
      return { type: 3, s: bytes(a.value) };
    case 'tensor':
      return { type: 4, t: tensorProto(a.value) };
    case 'floats':
      return { type: 6, floats: [...a.value] };
    case 'ints':
      return { type: 7, ints: [...a.value] };
    case 'strings':
      return { type: 8, strings: a.value.map(bytes) };
    case 'other':
      throw new Error(`attribute ${name} (${a.value}) was not read, so it cannot be written`);
  }
}

const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;

function tensorProto(t: Tensor): onnx.ITensorProto {
  if (t.data === null) throw new Error(`the data of "${t.name}" (${t.dtype}) was not read, so it cannot be written`);
  const size = t.dtype === 'float32' || t.dtype === 'int32' ? 4 : t.dtype === 'int64' ? 8 : 1;
  const rawData = new Uint8Array(size * t.data.length);
  const view = new DataView(rawData.buffer);
  t.data.forEach((v, i) => {
    if (t.dtype === 'float32') view.setFloat32(4 * i, v, true);
    else if (t.dtype === 'int32') view.setInt32(4 * i, v, true);
    else if (t.dtype === 'int64') view.setBigInt64(8 * i, int64(v), true);
    else view.setUint8(i, v);
  });
  return { name: t.name, dataType: typeCode(t.dtype), dims: [...t.dims], rawData };
}

/** The largest int64, which Slice takes for "to the end", is 2^63 once it is a double. */
function int64(v: number): bigint {
  const n = BigInt(v);
  return n < INT64[0] ? INT64[0] : n > INT64[1] ? INT64[1] : n;
}
