/** Rewriting a draft in place of its nodes: one node becomes none, one or several, and the order stays topological. */
import { Refused } from '../../protocol/refused.ts';
import type { Constant } from '../onnx/arrays.ts';
import { type Attribute, elements, type Node, type Tensor } from '../onnx/graph.ts';
import { type Draft, freshName, type Links, linksOf, tidy } from './draft.ts';

export class Edit {
  readonly constants: Map<string, Tensor>;
  readonly shapes: Map<string, readonly number[]>;
  readonly links: Links;
  readonly #draft: Draft;
  readonly #become = new Map<Node, readonly Node[]>();
  readonly #renamed = new Map<string, string>();

  constructor(draft: Draft) {
    this.#draft = draft;
    this.constants = new Map(draft.constants);
    this.shapes = new Map(draft.shapes);
    this.links = linksOf(draft);
  }

  get opset(): number {
    return this.#draft.opset;
  }

  /** True once the node was replaced: a pattern may not take it a second time. */
  gone(node: Node): boolean {
    return this.#become.has(node);
  }

  replace(node: Node, by: readonly Node[]): void {
    this.#become.set(node, by);
  }

  /** Whoever reads `from` reads `to`. */
  rename(from: string, to: string): void {
    this.#renamed.set(from, to);
  }

  /** What a tensor is called after the renamings so far. */
  nameOf(tensor: string): string {
    let at = tensor;
    for (let to = this.#renamed.get(at); to !== undefined; to = this.#renamed.get(at)) at = to;
    return at;
  }

  isOutput(tensor: string): boolean {
    return this.#draft.outputs.some((o) => o.name === tensor);
  }

  /** The float32 constant behind a name. */
  constant(name: string | undefined): Constant | null {
    const t = this.constants.get(name ?? '');
    return t !== undefined && t.dtype === 'float32' && t.data !== null ? (t as Constant) : null;
  }

  /** The constants among the operands of a node. */
  lookup(node: Node): (i: number) => Tensor | undefined {
    return (i) => this.constants.get(node.inputs[i] ?? '');
  }

  /** Adds a constant, under a name like `wish`. */
  add(t: Constant, wish = t.name): string {
    const name = freshName(this, wish);
    this.constants.set(name, { ...t, name });
    this.shapes.set(name, t.dims);
    return name;
  }

  /** A new tensor of this shape, named like `wish`. */
  tensor(wish: string, shape: readonly number[]): string {
    const name = freshName(this, wish);
    this.shapes.set(name, shape);
    return name;
  }

  shape(name: string | undefined): readonly number[] {
    return this.shapes.get(name ?? '') ?? [];
  }

  done(): Draft {
    const name = (n: string): string => this.nameOf(n);
    const nodes = this.#draft.nodes
      .flatMap((n) => this.#become.get(n) ?? [n])
      .map((n) => (this.#renamed.size === 0 ? n : { ...n, inputs: n.inputs.map(name), outputs: n.outputs.map(name) }));
    return tidy({ ...this.#draft, nodes, constants: this.constants, shapes: this.shapes });
  }
}

/** Visits every node whose operands are understood; what a visit refuses is a reason, and the node stays. */
export function editEach(draft: Draft, reasons: Refused[], visit: (edit: Edit, node: Node) => void): Draft {
  const edit = new Edit(draft);
  for (const node of draft.nodes) {
    if (!node.inputs.every((n) => n === '' || edit.shapes.has(n))) continue;
    try {
      visit(edit, node);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      reasons.push(e);
    }
  }
  return edit.done();
}

/** A node in the place of `old`: its label and position, another meaning. */
export function nodeLike(
  old: Node,
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Node {
  const entries = Object.entries(attributes).map(([name, value]): [string, Attribute] => [
    name,
    typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value },
  ]);
  return { ...old, op, inputs, outputs: [output], attributes: new Map(entries) };
}

/**
 * A constant as one value for each of the channels on `axis` of `shape`, or null if it varies elsewhere or does not broadcast into
 * `shape`.
 */
export function perChannel(t: Constant, shape: readonly number[], axis: number): Float32Array | null {
  const skip = shape.length - t.dims.length;
  if (skip < 0 || !t.dims.every((d, i) => d === 1 || (i + skip === axis && d === shape[axis]))) return null;
  const channels = shape[axis] as number;
  return elements(t.dims) === 1 ? new Float32Array(channels).fill(t.data[0] as number) : Float32Array.from(t.data);
}
