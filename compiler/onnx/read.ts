/**
 * ONNX bytes to the graph form. Total: any bytes give a graph or a refusal.
 *
 * Codes `onnx.…` mean the file is malformed or breaks a rule of the ONNX specification; `model.unsupported…` mean it is valid but
 * not what we prove. A refusal that stops reading is thrown; those of single inputs are collected in `reasons`.
 */
import proto, { type onnx } from 'onnx-proto';
import { Refused } from '../../protocol/refused.ts';
import { type Attribute, type Graph, type GraphInput, type GraphOutput, type Node, refuse, type Tensor } from './graph.ts';
import { liveNodes, sortNodes } from './sort.ts';
import { elementType, MAX_ELEMENTS, MAX_RANK, readTensor } from './tensor.ts';
import { scanModel } from './wire.ts';

const IR = [3, 13] as const;
/** Opset versions of the default domain whose operators mean what we compute. */
export const OPSETS = [10, 23] as const;

/** The shape to use for an input that the file declares so (null: a dimension without a value), or a refusal; absent, such inputs are refused. */
export type ShapeChoice = (name: string, declared: readonly (number | null)[] | null) => readonly number[];

export function readModel(bytes: Uint8Array, reasons: Refused[] = [], choose?: ShapeChoice): Graph {
  if (bytes.length === 0) throw new Refused('onnx.empty', 'the file is empty');
  scanModel(bytes);
  const model = decode(bytes);
  if (!model.graph) throw new Refused('onnx.no-graph', 'the file holds no graph: not an ONNX model');
  const ir = Number(model.irVersion ?? 0);
  if (ir < 1) throw new Refused('onnx.ir-version', 'the file has no ir_version: not an ONNX model');
  if (ir < IR[0] || ir > IR[1])
    throw new Refused('model.unsupported-ir-version', `ir_version ${ir} is not supported; supported: ${IR[0]} to ${IR[1]}`, {
      irVersion: ir,
    });
  return graphOf(model.graph, opsetsOf(model), reasons, choose);
}

function decode(bytes: Uint8Array): onnx.ModelProto {
  try {
    return proto.onnx.ModelProto.decode(bytes);
  } catch (e) {
    // scanModel leaves little that protobufjs can object to; whatever it is, the bytes are to blame.
    throw new Refused('onnx.malformed', `the file is not an ONNX model: ${e instanceof Error ? e.message : String(e)}`);
  }
}

function opsetsOf(model: onnx.ModelProto): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const o of model.opsetImport ?? []) {
    const domain = o.domain === 'ai.onnx' ? '' : (o.domain ?? '');
    const version = Number(o.version ?? 0);
    if (version < 1) throw new Refused('onnx.opset', `opset ${version} of domain "${domain}" does not exist`, { domain, opset: version });
    if (opsets.has(domain) && opsets.get(domain) !== version)
      throw new Refused('onnx.opset', `domain "${domain}" is imported twice`, { domain });
    opsets.set(domain, version);
  }
  if (opsets.size === 0) throw new Refused('onnx.opset', 'the model imports no opset');
  const version = opsets.get('');
  if (version !== undefined && (version < OPSETS[0] || version > OPSETS[1]))
    throw new Refused('model.unsupported-opset', `opset ${version} is not supported; supported: ${OPSETS[0]} to ${OPSETS[1]}`, {
      opset: version,
    });
  const ms = opsets.get('com.microsoft');
  if (ms !== undefined && ms !== 1)
    throw new Refused('model.unsupported-opset', `opset ${ms} of com.microsoft is not supported; supported: 1`, { opset: ms });
  return opsets;
}

function graphOf(g: onnx.IGraphProto, opsets: Map<string, number>, reasons: Refused[], choose?: ShapeChoice): Graph {
  if ((g.sparseInitializer?.length ?? 0) > 0) throw new Refused('model.unsupported-sparse', 'sparse initializers are not supported');
  const defined = new Set<string>();
  const define = (name: string, what: string) => {
    if (defined.has(name)) throw new Refused('onnx.duplicate-name', `the name "${name}" is defined twice (${what})`, { tensor: name });
    defined.add(name);
  };
  const initializers = new Map<string, Tensor>();
  for (const t of g.initializer ?? []) {
    const name = t.name ?? '';
    if (name === '') throw new Refused('onnx.no-name', 'an initializer has no name');
    define(name, 'initializer');
    initializers.set(name, readTensor(t, `initializer "${name}"`));
  }
  const inputs: GraphInput[] = [];
  const seen = new Set<string>();
  for (const i of g.input ?? []) {
    const name = i.name ?? '';
    if (name === '') throw new Refused('onnx.no-name', 'a graph input has no name');
    if (seen.has(name)) throw new Refused('onnx.duplicate-name', `the name "${name}" is defined twice (graph input)`, { tensor: name });
    seen.add(name);
    if (initializers.has(name)) continue; // IR 3 lists initializers among the inputs
    define(name, 'graph input');
    inputs.push(inputOf(name, i, reasons, choose));
  }
  const nodes = (g.node ?? []).map((n, index) => nodeOf(n, index, opsets));
  const producer = new Map<string, number>();
  for (const node of nodes)
    for (const name of node.outputs) {
      if (name === '') continue;
      define(name, `output of ${node.op} "${node.label}"`);
      producer.set(name, node.index);
    }
  for (const node of nodes)
    for (const name of node.inputs)
      if (name !== '' && !defined.has(name))
        refuse(node, 'onnx.undefined-name', `reads "${name}", which nothing defines`, { tensor: name });
  const outputs = outputsOf(g, defined);
  const sorted = sortNodes(nodes, producer);
  const live = liveNodes(
    sorted,
    outputs.map((o) => o.name),
  );
  return {
    name: g.name ?? '',
    opsets,
    inputs,
    outputs,
    initializers,
    nodes: sorted.filter((n) => live.has(n.index)),
    dead: nodes.filter((n) => !live.has(n.index)),
  };
}

function outputsOf(g: onnx.IGraphProto, defined: ReadonlySet<string>): GraphOutput[] {
  const outputs: GraphOutput[] = [];
  const seen = new Set<string>();
  for (const o of g.output ?? []) {
    const name = o.name ?? '';
    if (seen.has(name)) throw new Refused('onnx.duplicate-name', `the graph output "${name}" is listed twice`, { tensor: name });
    if (!defined.has(name)) throw new Refused('onnx.undefined-name', `nothing produces the graph output "${name}"`, { tensor: name });
    seen.add(name);
    const type = o.type?.tensorType?.elemType;
    outputs.push({ name, dtype: type ? elementType(type, `output "${name}"`) : null });
  }
  if (outputs.length === 0) throw new Refused('onnx.no-output', 'the graph has no output');
  return outputs;
}

function inputOf(name: string, info: onnx.IValueInfoProto, reasons: Refused[], choose?: ShapeChoice): GraphInput {
  const where = `input "${name}"`;
  const type = info.type?.tensorType;
  if (!type) throw new Refused('model.unsupported-type', `${where} is not a tensor`, { tensor: name });
  const dtype = elementType(type.elemType ?? 0, where);
  const dynamic = (about: string) => {
    reasons.push(new Refused('model.unsupported-dynamic-shape', `${where} ${about}; only fixed shapes can be proven`, { tensor: name }));
  };
  if (choose !== undefined) return { name, dtype, shape: choose(name, declaredShape(type.shape)) };
  if (!type.shape) dynamic('has no shape');
  if ((type.shape?.dim?.length ?? 0) > MAX_RANK)
    throw new Refused('onnx.shape', `${where} has more than ${MAX_RANK} dimensions`, { tensor: name });
  let count = 1;
  const shape = (type.shape?.dim ?? []).map((d, axis) => {
    const which = (d as onnx.TensorShapeProto.Dimension).value;
    if (which !== 'dimValue') {
      dynamic(which === 'dimParam' ? `has the symbol "${d.dimParam}" as dimension ${axis}` : `has no value for dimension ${axis}`);
      return 1;
    }
    const n = Number(d.dimValue);
    if (!(n >= 1)) throw new Refused('onnx.shape', `${where} has dimension ${n}; a dimension is at least 1`, { tensor: name });
    count *= n;
    if (count > MAX_ELEMENTS) throw new Refused('onnx.shape', `${where} has more than ${MAX_ELEMENTS} elements`, { tensor: name });
    return n;
  });
  return { name, dtype, shape };
}

/** -1 and 0 are what some exporters write for a dimension that is open. */
function declaredShape(shape: onnx.ITensorShapeProto | null | undefined): (number | null)[] | null {
  if (!shape) return null;
  return (shape.dim ?? []).map((d) => {
    const n = (d as onnx.TensorShapeProto.Dimension).value === 'dimValue' ? Number(d.dimValue) : 0;
    return n >= 1 ? n : null;
  });
}

function nodeOf(n: onnx.INodeProto, index: number, opsets: ReadonlyMap<string, number>): Node {
  const type = n.opType ?? '';
  if (type === '') throw new Refused('onnx.no-name', `node ${index} has no op_type`);
  const domain = n.domain === 'ai.onnx' ? '' : (n.domain ?? '');
  const label = n.name || `${type}#${index}`;
  const attributes = new Map<string, Attribute>();
  const node: Node = {
    index,
    label,
    op: domain === '' ? type : `${domain}.${type}`,
    opset: opsets.get(domain) ?? 0,
    inputs: n.input ?? [],
    outputs: n.output ?? [],
    attributes,
  };
  if (!opsets.has(domain) && domain === '') refuse(node, 'onnx.opset', 'the model imports no opset of the default domain');
  for (const a of n.attribute ?? []) {
    const name = a.name ?? '';
    if (attributes.has(name)) refuse(node, 'onnx.duplicate-name', `attribute ${name} is given twice`, { attribute: name });
    attributes.set(name, attributeOf(a, node));
  }
  return node;
}

const text = new TextDecoder();

function attributeOf(a: onnx.IAttributeProto, node: Node): Attribute {
  const kinds: Readonly<Record<number, () => Attribute>> = {
    1: () => ({ kind: 'float', value: a.f ?? 0 }),
    2: () => ({ kind: 'int', value: Number(a.i ?? 0) }),
    3: () => ({ kind: 'string', value: text.decode(a.s ?? new Uint8Array(0)) }),
    4: () =>
      a.t ? { kind: 'tensor', value: readTensor(a.t, `attribute ${a.name} of "${node.label}"`) } : { kind: 'other', value: 'empty' },
    6: () => ({ kind: 'floats', value: Array.from(a.floats ?? []) }),
    7: () => ({ kind: 'ints', value: Array.from(a.ints ?? [], Number) }),
    8: () => ({ kind: 'strings', value: Array.from(a.strings ?? [], (s) => text.decode(s)) }),
  };
  return kinds[a.type ?? 0]?.() ?? { kind: 'other', value: `attribute type ${a.type ?? 0}` };
}
