/**
 * A float graph that is being rewritten: constants folded, every shape known. Passes take a draft and give a new one.
 */
import { Refused } from '../../protocol/refused.ts';
import { foldable, folded } from '../onnx/evaluate.ts';
import { type Graph, type GraphInput, type GraphOutput, type Node, producers, readersOf, type Tensor } from '../onnx/graph.ts';
import { requireArity } from '../onnx/slices.ts';
import { liveNodes } from '../onnx/sort.ts';
import { requireQuantizable } from './rules.ts';
import { shapeOf } from './shapes.ts';
import { slicesOf } from './split.ts';

export interface Draft {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Of every tensor whose node is understood. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Folds what depends on constants and shapes alone. A node that cannot be understood is a reason, and what reads it has no shape. */
export function draftOf(graph: Graph, reasons: Refused[]): Draft {
  const constants = new Map(graph.initializers);
  const shapes = new Map<string, readonly number[]>(graph.inputs.map((i) => [i.name, i.shape]));
  for (const [name, t] of constants) shapes.set(name, t.dims);
  const nodes: Node[] = [];
  const settle = (t: Tensor): void => {
    constants.set(t.name, t);
    shapes.set(t.name, t.dims);
  };
  const visit = (node: Node): void => {
    try {
      requireArity(node);
      if (node.op === 'Split' && shapes.has(node.inputs[0] as string)) {
        for (const part of slicesOf(node, shapes.get(node.inputs[0] as string) ?? [], (i) => constants.get(node.inputs[i] ?? ''), settle))
          visit(part);
        return;
      }
      const value = folded(
        node,
        (name) => constants.get(name),
        (name) => shapes.get(name),
      );
      if (value !== null) {
        settle(value);
        return;
      }
      nodes.push(node);
      const given = node.inputs.filter((n) => n !== '').map((n) => shapes.get(n));
      const known = given.every((s) => s !== undefined);
      // Part of a shape chain behind a node that was refused: not another reason.
      if (!known && foldable(node)) return;
      requireQuantizable(node);
      if (!known) return;
      const shape = shapeOf(node, given, (i) => constants.get(node.inputs[i] ?? ''));
      for (const y of node.op === 'TopK' ? node.outputs : node.outputs.slice(0, 1)) if (y !== '') shapes.set(y, shape);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      reasons.push(e);
      if (!nodes.includes(node)) nodes.push(node);
    }
  };
  for (const node of graph.nodes) visit(node);
  return tidy({
    name: graph.name,
    opset: graph.opsets.get('') ?? 13,
    inputs: graph.inputs,
    outputs: graph.outputs,
    nodes,
    constants,
    shapes,
  });
}

/** Without nodes and constants that nothing reads. */
export function tidy(draft: Draft): Draft {
  const live = liveNodes(
    draft.nodes.map((n, index) => ({ ...n, index })),
    draft.outputs.map((o) => o.name),
  );
  const nodes = draft.nodes.filter((_, i) => live.has(i));
  const read = new Set([...nodes.flatMap((n) => n.inputs), ...draft.outputs.map((o) => o.name)]);
  return { ...draft, nodes, constants: new Map([...draft.constants].filter(([name]) => read.has(name))) };
}

/** What reads and makes each tensor of a draft. */
export interface Links {
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  readonly producer: ReadonlyMap<string, Node>;
  /** The node that makes `tensor`, if `reader` alone reads it and it is no output of the graph. */
  only(tensor: string): Node | null;
}

export function linksOf(draft: Draft): Links {
  const readers = readersOf(draft.nodes);
  const producer = producers({ nodes: draft.nodes } as Graph);
  const outputs = new Set(draft.outputs.map((o) => o.name));
  return {
    readers,
    producer,
    only: (tensor) => (outputs.has(tensor) || (readers.get(tensor) ?? []).length !== 1 ? null : (producer.get(tensor) ?? null)),
  };
}

/** Whether a tensor holds indices: of ArgMax, or the second of TopK. */
export const isIndices = (draft: Pick<Draft, 'nodes'>, tensor: string): boolean =>
  draft.nodes.some((n) => (n.op === 'ArgMax' && n.outputs[0] === tensor) || (n.op === 'TopK' && n.outputs[1] === tensor));

/** A name that nothing in the draft has. */
export function freshName(draft: Pick<Draft, 'shapes' | 'constants'>, wish: string): string {
  let name = wish;
  while (draft.shapes.has(name) || draft.constants.has(name)) name += '_';
  return name;
}
