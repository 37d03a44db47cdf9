/**
 * Graph to quantized graph: every node in order through its op file. Refusals are collected, so that one pass finds them all; a node
 * whose operand was refused is `blocked` and adds nothing.
 */
import type { OutputType } from '../../circuits/interface.ts';
import { Refused } from '../../protocol/refused.ts';
import { FOLDABLE, folded } from '../onnx/evaluate.ts';
import { type Graph, type Node, onlyAttributes, producers, refuse, type Tensor } from '../onnx/graph.ts';
import { signedRule } from '../signed.ts';
import { adviceFor } from './advice.ts';
import { Blocked, type Context, quantizedInput } from './context.ts';
import type { IntegerType, QuantizedGraph, QuantizedOutput } from './form.ts';
import { ops } from './ops/index.ts';
import { result } from './ops/op.ts';
import { tailOf } from './output.ts';
import { describe, shapeOf, UNKNOWN, type Value } from './value.ts';

export type NodeStatus = 'proven' | 'recomputed' | 'folded' | 'unsupported' | 'blocked' | 'dead';

export interface NodeReport {
  readonly name: string;
  readonly op: string;
  readonly status: NodeStatus;
  readonly note?: string;
  /** Of a proven node: whether its integers are onnxruntime's to the bit, or our own meaning of it. */
  readonly meaning?: 'exact' | 'own meaning';
}

export interface Reading {
  /** Null when anything was refused. */
  readonly graph: QuantizedGraph | null;
  readonly nodes: readonly NodeReport[];
  readonly notes: readonly string[];
}

export function readQuantized(graph: Graph, reasons: Refused[], own: ReadonlyMap<string, string> = new Map()): Reading {
  const ctx: Context = {
    graph,
    values: new Map(),
    inputs: [],
    ops: [],
    activations: [],
    signed: signedRule(graph),
    producer: producers(graph),
    notes: [...own.values()],
    own: new Map(own),
    copies: new Map(),
  };
  const attempt = (act: () => void): boolean | null => {
    try {
      act();
      return true;
    } catch (e) {
      if (e instanceof Blocked) return null;
      if (!(e instanceof Refused)) throw e;
      reasons.push(e);
      return false;
    }
  };
  for (const [name, tensor] of graph.initializers) ctx.values.set(name, { kind: 'constant', tensor });
  graph.inputs.forEach((input, i) => {
    ctx.values.set(input.name, UNKNOWN);
    attempt(() => ctx.values.set(input.name, inputValue(ctx, i)));
  });
  const failed = new Map<number, NodeStatus>();
  for (const node of graph.nodes) {
    const done = attempt(() => readNode(node, ctx));
    if (done !== true) for (const name of node.outputs) ctx.values.set(name, UNKNOWN);
    if (done !== true) failed.set(node.index, done === null ? 'blocked' : 'unsupported');
  }
  const outputs: QuantizedOutput[] = [];
  for (const { name, dtype } of graph.outputs) attempt(() => void outputs.push(outputOf(ctx, name, dtype)));
  if (reasons.length === 0 && ctx.ops.length === 0)
    reasons.push(new Refused('model.unsupported-float', 'the graph has no quantized operation: there is nothing to prove'));
  for (const a of ctx.activations) a.zp.value ??= 0;
  const report = reports(graph, ctx, failed);
  const nodes = [
    ...graph.nodes.map((n) => report.get(n.index) as NodeReport),
    ...graph.dead.map((n): NodeReport => ({ name: n.label, op: n.op, status: 'dead', note: 'no output depends on it' })),
  ];
  const inputs = ctx.inputs.filter((i) => i.activation.dims !== null).sort((a, b) => a.input - b.input);
  return { graph: reasons.length > 0 ? null : { inputs, ops: ctx.ops, outputs }, nodes, notes: ctx.notes };
}

function readNode(node: Node, ctx: Context): void {
  if ((node.outputs[0] ?? '') === '') refuse(node, 'model.invalid-outputs', 'has no output');
  const values = (name: string): Value => ctx.values.get(name) ?? UNKNOWN;
  const constant = folded(
    node,
    (name) => constantIn(values(name)),
    (name) => shapeOf(values(name)),
  );
  if (constant !== null) {
    result(ctx, node, { kind: 'constant', tensor: constant });
    return;
  }
  const op = (Object.hasOwn(ops, node.op) && ops[node.op]) || notRead(node, values);
  onlyAttributes(node, op.attributes);
  op.read(node, ctx);
}

/** Refuses an operator that has no file, or one of the shape chains on a tensor that is computed. */
function notRead(node: Node, values: (name: string) => Value): never {
  if (!FOLDABLE.includes(node.op))
    refuse(node, 'model.unsupported-op', `this operator (opset ${node.opset}) is not supported: ${adviceFor(node.op)}`);
  if (node.inputs.some((name) => name !== '' && values(name).kind === 'unknown')) throw new Blocked();
  refuse(node, 'model.unsupported-dynamic', 'reads a computed tensor; supported: constants and shapes');
}

/** Every operator that is read. */
export const SUPPORTED: readonly string[] = [...new Set([...Object.keys(ops), ...FOLDABLE])];

const constantIn = (value: Value): Tensor | undefined => (value.kind === 'constant' ? value.tensor : undefined);

function inputValue(ctx: Context, index: number): Value {
  const { name, dtype, shape } = ctx.graph.inputs[index] as Graph['inputs'][number];
  const view = { shape, layout: null, steps: [] };
  if (dtype === 'float32') return { kind: 'float-input', input: index, view };
  if (dtype === 'uint8' || dtype === 'int8') return quantizedInput(ctx, index, name, dtype as IntegerType, null, view);
  if (dtype === 'int64' || dtype === 'int32') return { kind: 'indices', input: index, shape };
  throw new Refused(
    'model.unsupported-type',
    `the input "${name}" is ${dtype}; supported: float32, uint8, int8, and int64 or int32 for indices`,
    {
      tensor: name,
    },
  );
}

function outputOf(ctx: Context, name: string, declared: string | null): QuantizedOutput {
  const value = ctx.values.get(name);
  if (value === undefined || value.kind === 'unknown') throw new Blocked();
  const tail = tailOf(ctx, name, value, name);
  if (tail === null)
    throw new Refused(
      'model.unsupported-float',
      `the output "${name}" is ${describe(value)}; supported: quantized tensors, DequantizeLinear, Softmax, LogSoftmax, ArgMax, ArgMin and TopK of them, int32 results, and float results of QGemm, Gemm and MatMul`,
      {
        tensor: name,
      },
    );
  if (declared !== null && declared !== tail.dtype)
    throw new Refused('model.invalid-type', `the output "${name}" is declared ${declared}, the graph gives ${tail.dtype}`, {
      tensor: name,
    });
  return { name, dtype: tail.dtype as OutputType, shape: tail.shape, source: tail.source, steps: tail.steps };
}

/**
 * What became of a node that was read: a constant, arithmetic the verifier redoes before the first or after the last integer, or proof.
 * `ending`: everything that reads its output is redone too.
 */
function statusOf(node: Node, ctx: Context, ending: boolean): NodeStatus {
  const value = ctx.values.get(node.outputs[0] as string);
  if (value?.kind === 'constant' || value?.kind === 'real-constant') return 'folded';
  if (value?.kind === 'tail' || value?.kind === 'float-input') return 'recomputed';
  if (value?.kind === 'integer' && value.x.input) return 'recomputed';
  if (value?.kind === 'real' && value.values === null && (value.x.input || ending)) return 'recomputed';
  return 'proven';
}

/** Reports by node index; from the last node back, so that each knows its readers. */
function reports(graph: Graph, ctx: Context, failed: ReadonlyMap<number, NodeStatus>): Map<number, NodeReport> {
  const proven = new Set<string>(); // tensors that some proven node reads
  const out = new Map<number, NodeReport>();
  for (const node of [...graph.nodes].reverse()) {
    const status = failed.get(node.index) ?? statusOf(node, ctx, !node.outputs.some((o) => proven.has(o)));
    if (status !== 'recomputed' && status !== 'folded') for (const name of node.inputs) proven.add(name);
    const meaning = ctx.own.has(node.label) ? 'own meaning' : 'exact';
    out.set(node.index, { name: node.label, op: node.op, status, ...(status === 'proven' ? { meaning } : {}) });
  }
  return out;
}
