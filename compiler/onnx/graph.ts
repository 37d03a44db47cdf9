/**
 * The graph form: an ONNX graph as plain data, nodes in topological order, every name resolved. Nothing of protobuf remains.
 */
import { Refused } from '../../protocol/refused.ts';

export type ElementType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'bool';

/** A constant. `data` is row-major: Float32Array for float32, Float64Array for int64, Int32Array else; null when `dtype` is one we do not compute with. */
export interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | Float64Array | null;
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'other'; readonly value: string };

export interface Node {
  /** Position in the model's node list. */
  readonly index: number;
  /** The model's name of the node, or `op#index`. */
  readonly label: string;
  /** `Conv`, `com.microsoft.QGemm`, … */
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface GraphInput {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface GraphOutput {
  readonly name: string;
  readonly dtype: string | null;
}

export interface Graph {
  readonly name: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Topologically sorted, in the model's order where that is topological; without dead nodes. */
  readonly nodes: readonly Node[];
  /** Nodes no output depends on. */
  readonly dead: readonly Node[];
}

/** The nodes that read each tensor, once per operand. */
export function readersOf(nodes: Iterable<Node>): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes)
    for (const name of node.inputs) {
      const list = readers.get(name);
      if (list === undefined) readers.set(name, [node]);
      else list.push(node);
    }
  return readers;
}

/** The node that makes each tensor. */
export function producers(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n] as const)));
}

export const elements = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);

/** A refusal that names the node; `about` says what is wrong and what is supported. */
export function refuse(node: Node, code: string, about: string, more: Readonly<Record<string, unknown>> = {}): never {
  throw new Refused(code, `${node.op} "${node.label}": ${about}`, { node: node.label, op: node.op, opset: node.opset, ...more });
}

function attribute(node: Node, name: string, kind: Attribute['kind']): unknown {
  const a = node.attributes.get(name);
  if (a === undefined) return undefined;
  if (a.kind !== kind) refuse(node, 'model.invalid-attribute', `attribute ${name} is of kind ${a.kind}, not ${kind}`, { attribute: name });
  return a.value;
}

export const intOf = (node: Node, name: string, otherwise: number): number =>
  (attribute(node, name, 'int') as number | undefined) ?? otherwise;
export const floatOf = (node: Node, name: string, otherwise: number): number =>
  (attribute(node, name, 'float') as number | undefined) ?? otherwise;
export const stringOf = (node: Node, name: string, otherwise: string): string =>
  (attribute(node, name, 'string') as string | undefined) ?? otherwise;
export const intsOf = (node: Node, name: string): readonly number[] | undefined =>
  attribute(node, name, 'ints') as readonly number[] | undefined;

/** Refuses attributes outside `known`: an attribute we do not read could change the meaning. */
export function onlyAttributes(node: Node, known: readonly string[]): void {
  for (const name of node.attributes.keys())
    if (!known.includes(name))
      refuse(node, 'model.unsupported-attribute', `attribute ${name} is not supported; supported: ${known.join(', ') || 'none'}`, {
        attribute: name,
      });
}
