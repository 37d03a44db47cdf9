/**
 * The rewrites of a QDQ graph that onnxruntime makes before it fuses: followed here in its order, so that the integers agree.
 *
 *  0. Its own QuantizeLinear and DequantizeLinear are the standard ones, and an Identity between two nodes is nothing.
 *  1. Q -> DQ -> Q -> DQ, each with one reader, becomes Q -> DQ with a scale and zero point recomputed from both (float32).
 *  2. Relu and Clip before a QuantizeLinear whose clip bounds already do the same are dropped. No integer changes, but what was before
 *     them meets its QuantizeLinear and is fused instead of run in float32.
 */
import type { Graph, Node, Tensor } from '../onnx/graph.ts';
import { floatOf } from '../onnx/graph.ts';

interface Rewriting {
  readonly graph: Graph;
  readonly nodes: (Node | null)[];
  readonly constants: Map<string, Tensor>;
  readonly readers: Map<string, number[]>;
  readonly producer: Map<string, number>;
  readonly outputs: ReadonlySet<string>;
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** com.microsoft QuantizeLinear and DequantizeLinear under their standard names. */
const standard = (n: Node): Node => (/^com\.microsoft\.(Q|Deq)uantizeLinear$/.test(n.op) ? { ...n, op: n.op.slice(14) } : n);

function withoutIdentities({ outputs }: Graph, nodes: readonly Node[]): Node[] {
  const same = new Map<string, string>();
  const resolved = nodes.map((n) => {
    const node = { ...n, inputs: n.inputs.map((name) => same.get(name) ?? name) };
    const [output] = n.outputs as [string];
    if (n.op !== 'Identity' || outputs.some((o) => o.name === output)) return node;
    same.set(output, node.inputs[0] as string);
    return null;
  });
  return resolved.filter((n) => n !== null);
}

export function asOnnxruntime(given: Graph): Graph {
  const graph = { ...given, nodes: withoutIdentities(given, given.nodes.map(standard)) };
  if (!graph.nodes.some((n) => n.op === 'QuantizeLinear')) return graph;
  const r: Rewriting = {
    graph,
    nodes: [...graph.nodes],
    constants: new Map(graph.initializers),
    readers: new Map(),
    producer: new Map(),
    outputs: new Set(graph.outputs.map((o) => o.name)),
  };
  for (const node of graph.nodes) {
    const value = node.attributes.get('value');
    if (node.op === 'Constant' && value?.kind === 'tensor') r.constants.set(node.outputs[0] as string, value.value);
  }
  index(r);
  graph.nodes.forEach((_, i) => void mergePairs(r, i));
  graph.nodes.forEach((_, i) => void dropClamp(r, i));
  return { ...graph, nodes: r.nodes.filter((n) => n !== null), initializers: r.constants };
}

function index(r: Rewriting): void {
  r.readers.clear();
  r.producer.clear();
  r.nodes.forEach((node, i) => {
    if (node === null) return;
    for (const name of node.inputs) {
      const list = r.readers.get(name);
      if (list === undefined) r.readers.set(name, [i]);
      else list.push(i);
    }
    for (const name of node.outputs) r.producer.set(name, i);
  });
}

/** The only reader of a tensor that is no graph output. */
function onlyReader(r: Rewriting, tensor: string, op: string): number | null {
  const list = r.readers.get(tensor) ?? [];
  const [first] = list;
  if (list.length !== 1 || first === undefined || r.outputs.has(tensor)) return null;
  const node = r.nodes[first];
  return node?.op === op && node.inputs[0] === tensor ? first : null;
}

/** Scalar scale and zero point of a Q or DQ node, if constant and given. */
function parameters(r: Rewriting, node: Node): { scale: number; zp: number; dtype: string } | null {
  const s = r.constants.get(node.inputs[1] ?? '');
  const z = r.constants.get(node.inputs[2] ?? '');
  if (s?.dtype !== 'float32' || s.data?.length !== 1 || z?.data?.length !== 1 || RANGES[z.dtype] === undefined) return null;
  return { scale: s.data[0] as number, zp: z.data[0] as number, dtype: z.dtype };
}

function dropClamp(r: Rewriting, at: number): void {
  const node = r.nodes[at];
  if (node?.op !== 'Relu' && node?.op !== 'Clip') return;
  const output = node.outputs[0] as string;
  const reader = onlyReader(r, output, 'QuantizeLinear');
  if (reader === null) return;
  const q = r.nodes[reader] as Node;
  const p = parameters(r, q);
  if (p === null) return;
  const [low, high] = RANGES[p.dtype] as readonly [number, number];
  if (node.op === 'Relu' ? p.zp !== low : !redundantClip(r, node, p, low, high)) return;
  r.nodes[at] = null;
  r.nodes[reader] = { ...q, inputs: [node.inputs[0] as string, ...q.inputs.slice(1)] };
}

function redundantClip(r: Rewriting, node: Node, p: { scale: number; zp: number }, low: number, high: number): boolean {
  const bound = (i: number, name: string, otherwise: number): number | null => {
    if (node.opset < 11) return floatOf(node, name, otherwise);
    if ((node.inputs[i] ?? '') === '') return otherwise;
    return r.constants.get(node.inputs[i] as string)?.data?.[0] ?? null;
  };
  const [min, max] = [bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY)];
  if (min === null || max === null) return false;
  const f32 = Math.fround;
  const epsilon = 2 ** -23;
  return !(epsilon < f32(min - f32(p.scale * (low - p.zp))) || epsilon < f32(f32(p.scale * (high - p.zp)) - max));
}

/** `at` is the first DQ of Q -> DQ -> Q -> DQ. */
function mergePairs(r: Rewriting, at: number): void {
  const self = r.nodes[at];
  if (self?.op !== 'DequantizeLinear') return;
  const parentAt = r.producer.get(self.inputs[0] as string);
  const childAt = onlyReader(r, self.outputs[0] as string, 'QuantizeLinear');
  if (parentAt === undefined || childAt === null) return;
  const [parent, child] = [r.nodes[parentAt], r.nodes[childAt]] as [Node, Node];
  if (parent?.op !== 'QuantizeLinear' || onlyReader(r, parent.outputs[0] as string, 'DequantizeLinear') !== at) return;
  const grandAt = onlyReader(r, child.outputs[0] as string, 'DequantizeLinear');
  if (grandAt === null) return;
  const grand = r.nodes[grandAt] as Node;
  const [a, a2, b, b2] = [parent, self, child, grand].map((n) => parameters(r, n));
  if (!a || !a2 || !b || !b2 || !same(a, a2) || !same(b, b2) || a.dtype !== b.dtype) return;
  const parentName = parent.outputs[0] as string;
  r.nodes[at] = null;
  r.nodes[childAt] = null;
  const [first, last] = a.scale === b.scale && a.zp === b.zp ? [parent, grand] : withParameters(r, [parent, grand], merged(a, b), a.dtype);
  r.nodes[parentAt] = first;
  r.nodes[grandAt] = { ...last, inputs: [parentName, ...last.inputs.slice(1)] };
  r.readers.set(parentName, [grandAt]);
}

const same = (a: { scale: number; zp: number; dtype: string }, b: { scale: number; zp: number; dtype: string }) =>
  a.scale === b.scale && a.zp === b.zp && a.dtype === b.dtype;

/** onnxruntime's FindNewZeroPointAndScale, in its float32 arithmetic. */
function merged(a: { scale: number; zp: number; dtype: string }, b: { scale: number; zp: number }): { scale: number; zp: number } {
  const f32 = Math.fround;
  const [low, high] = RANGES[a.dtype] as readonly [number, number];
  const min = Math.max(f32((low - a.zp) * a.scale), f32((low - b.zp) * b.scale));
  const max = Math.min(f32((high - a.zp) * a.scale), f32((high - b.zp) * b.scale));
  const scale = f32(f32(max - min) / (high - low));
  const z = f32(low - f32(min / scale));
  return { scale, zp: Math.sign(z) * Math.floor(Math.abs(z) + 0.5) }; // std::round: half away from zero
}

function withParameters(r: Rewriting, nodes: readonly [Node, Node], p: { scale: number; zp: number }, dtype: string): [Node, Node] {
  const name = `${nodes[0].outputs[0]}/merged`;
  r.constants.set(`${name}/scale`, { name: `${name}/scale`, dtype: 'float32', dims: [], data: Float32Array.of(p.scale) });
  r.constants.set(`${name}/zero_point`, { name: `${name}/zero_point`, dtype, dims: [], data: Int32Array.of(p.zp) });
  const change = (n: Node): Node => ({ ...n, inputs: [n.inputs[0] as string, `${name}/scale`, `${name}/zero_point`] });
  return [change(nodes[0]), change(nodes[1])];
}
