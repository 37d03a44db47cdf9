/**
 * The QDQ graph: QuantizeLinear and DequantizeLinear behind every tensor that becomes integers, int8 weights and int32 biases behind a
 * DequantizeLinear each; the pattern that onnxruntime's quantize_static writes and that it fuses into integer kernels. Inputs and outputs
 * stay float32.
 */
import { type Constant, floats } from '../onnx/arrays.ts';
import type { Graph, Node, Tensor } from '../onnx/graph.ts';
import { writeModel } from '../onnx/write.ts';
import { type Draft, freshName, isIndices } from './draft.ts';
import { shiftOf, shifts } from './means.ts';
import { channelAxis } from './passes/affine.ts';
import type { Plan } from './plan.ts';
import { ruleOf } from './rules.ts';
import { type Affine, affineOf, rangeOf } from './scales.ts';
import { quantizeWeights, rint } from './weights.ts';

/** A tensor of the prepared model, and where the quantized model has it. */
export interface QuantizedTensor extends Affine {
  readonly name: string;
  /** Its dequantized value in the quantized model. */
  readonly dequantized: string;
  /** The node that makes it, or `input`. */
  readonly layer: string;
  readonly op: string;
  /** How many scales the weights of its layer have; null where it has none. */
  readonly weightScales: number | null;
}

export interface Quantized {
  readonly graph: Graph;
  readonly model: Uint8Array;
  readonly tensors: readonly QuantizedTensor[];
}

export interface InsertOptions {
  /** Whether the layer that makes this tensor has a weight scale for every channel. */
  readonly perChannel: (tensor: string) => boolean;
  readonly largest: number;
}

export function insert(draft: Draft, plan: Plan, options: InsertOptions): Quantized {
  return new Insertion(draft, plan, options).done();
}

class Insertion {
  readonly #draft: Draft;
  readonly #plan: Plan;
  readonly #options: InsertOptions;
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #tensors: QuantizedTensor[] = [];
  /** Where the float value of a tensor is read. */
  readonly #read = new Map<string, string>();
  /** A Relu that is left out names what the node before it gives. */
  readonly #absorbed = new Map<string, string>();
  readonly #names: { shapes: Map<string, readonly number[]>; constants: ReadonlyMap<string, Tensor> };

  constructor(draft: Draft, plan: Plan, options: InsertOptions) {
    this.#draft = draft;
    this.#plan = plan;
    this.#options = options;
    this.#names = { shapes: new Map(draft.shapes), constants: draft.constants };
    for (const node of plan.absorbed) this.#absorbed.set(node.inputs[0] as string, node.outputs[0] as string);
  }

  done(): Quantized {
    const { name, opset, inputs, outputs, nodes, shapes } = this.#draft;
    const read = new Set(nodes.flatMap((n) => n.inputs));
    for (const input of inputs) if (read.has(input.name)) this.#quantize(input.name, input.name, { label: 'input', op: 'input' }, null);
    for (const node of nodes) if (!this.#plan.absorbed.has(node)) this.#node(node);
    const graph: Graph = {
      name,
      opsets: new Map([['', opset]]),
      inputs,
      outputs: outputs.map((o) => ({ ...o, dtype: o.dtype ?? this.#outputType(o.name) })),
      initializers: this.#constants,
      nodes: this.#nodes.map((n, index) => ({ ...n, index })),
      dead: [],
    };
    return { graph, model: writeModel(graph, shapes), tensors: this.#tensors };
  }

  #outputType(name: string): string {
    return isIndices(this.#draft, name) ? 'int64' : 'float32';
  }

  #node(node: Node): void {
    const { operands, weightScales } = this.#operands(node);
    const own = node.outputs[0] as string;
    const y = this.#absorbed.get(own) ?? own;
    const real = this.#plan.affine.has(y) && this.#isOutput(y) ? this.#fresh(`${y}/float`) : y;
    this.#nodes.push({ ...node, inputs: operands, outputs: [real, ...node.outputs.slice(1)] });
    this.#quantize(y, real, node, weightScales);
  }

  #isOutput(tensor: string): boolean {
    return this.#draft.outputs.some((o) => o.name === tensor);
  }

  /** Q and DQ behind `real`, which holds the float value of `tensor`; readers of `tensor` read the DQ. */
  #quantize(tensor: string, real: string, by: { label: string; op: string }, weightScales: number | null): void {
    const affine = this.#plan.affine.get(tensor);
    if (affine === undefined) return;
    const dequantized = this.#isOutput(tensor) ? tensor : this.#fresh(`${tensor}/dequantized`);
    const parameters = this.#parameters(tensor, affine);
    const quantized = this.#fresh(`${tensor}/quantized`);
    this.#op('QuantizeLinear', [real, ...parameters], quantized);
    this.#op('DequantizeLinear', [quantized, ...parameters], dequantized);
    this.#read.set(tensor, dequantized);
    this.#tensors.push({ name: tensor, dequantized, layer: by.label, op: by.op, weightScales, ...affine });
  }

  #operands(node: Node): { operands: string[]; weightScales: number | null } {
    const constant = (i: number): Constant | null => (this.#draft.constants.get(node.inputs[i] ?? '') as Constant | undefined) ?? null;
    const w = ruleOf(node) === 'linear' ? constant(1) : null;
    if (w !== null) return this.#linear(node, w, constant(2));
    const rule = ruleOf(node);
    const operands = node.inputs.map((name, i) => {
      const t = constant(i);
      if (t === null) return this.#read.get(name) ?? name;
      const own = `${node.outputs[0]}/operand${i}`;
      if (rule === 'join') {
        const lowest = this.#plan.masks.get(node.outputs[0] as string)?.lowest ?? Number.NEGATIVE_INFINITY;
        const kept = { ...t, data: t.data.map((v) => Math.max(v, lowest)) } as Constant;
        return this.#constantOperand(kept, own, affineOf(rangeOf(kept.data)));
      }
      // The rows of a table have the scale of what is gathered from it.
      if (rule === 'gather' && i === 0) return this.#constantOperand(t, own, this.#plan.affine.get(node.outputs[0] as string) as Affine);
      if (rule === 'norm' && i === 1) return this.#factors(t, own);
      this.#constants.set(name, t);
      return name;
    });
    return { operands, weightScales: null };
  }

  #linear(node: Node, w: Constant, bias: Constant | null): { operands: string[]; weightScales: number | null } {
    const axis = node.op === 'MatMul' ? 1 : channelAxis(node);
    const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
    const sx = (this.#plan.affine.get(x) as Affine).scale;
    const perChannel = this.#options.perChannel(this.#absorbed.get(y) ?? y);
    const q = quantizeWeights(w, axis, bias, sx, { perChannel, largest: this.#options.largest }, (errors) => {
      const means = shifts(node) ? this.#plan.means.get(x) : undefined;
      return means ? shiftOf(node, w, errors, means) : null;
    });
    const operands = [this.#read.get(x) ?? x, this.#integers(`${y}/weights`, 'int8', w.dims, q.data, q.scales, axis)];
    const accumulator = q.scales.map((s) => Math.fround(sx * s));
    if (q.bias !== null) operands.push(this.#integers(`${y}/bias`, 'int32', [q.bias.length], q.bias, accumulator, 0));
    return { operands, weightScales: q.scales.length };
  }

  /** The factors of a normalization: int8 with one scale. */
  #factors(t: Constant, name: string): string {
    const row = { ...t, dims: [1, t.data.length] };
    const { data, scales } = quantizeWeights(row, 0, null, 1, { perChannel: false, largest: 127 });
    return this.#integers(name, 'int8', t.dims, data, scales, 0);
  }

  /** A constant that is added, multiplied or gathered from: uint8, as the kernels want both operands of one type. */
  #constantOperand(t: Constant, name: string, affine: Affine): string {
    const data = Int32Array.from(t.data, (v) => Math.min(255, Math.max(0, rint(Math.fround(v / affine.scale)) + affine.zp)));
    const q = this.#constant({ name: `${name}/quantized`, dtype: 'uint8', dims: t.dims, data });
    return this.#op('DequantizeLinear', [q, ...this.#parameters(name, affine)], this.#fresh(`${name}/dequantized`));
  }

  #integers(name: string, dtype: string, dims: readonly number[], data: Int32Array, scales: readonly number[], axis: number): string {
    const many = scales.length > 1;
    const shape = many ? [scales.length] : [];
    const q = this.#constant({ name: `${name}/quantized`, dtype, dims, data });
    const s = this.#constant(floats(`${name}/scale`, shape, scales));
    const z = this.#constant({ name: `${name}/zero_point`, dtype, dims: shape, data: new Int32Array(scales.length) });
    return this.#op('DequantizeLinear', [q, s, z], this.#fresh(`${name}/dequantized`), many ? axis : null);
  }

  #parameters(name: string, { scale, zp }: Affine): [string, string] {
    const z = { name: `${name}/zero_point`, dtype: 'uint8', dims: [], data: Int32Array.of(zp) };
    return [this.#constant(floats(`${name}/scale`, [], [scale])), this.#constant(z)];
  }

  #constant(t: Constant): string {
    const name = this.#fresh(t.name);
    this.#constants.set(name, { ...t, name });
    return name;
  }

  #fresh(wish: string): string {
    const name = freshName(this.#names, wish);
    this.#names.shapes.set(name, []);
    return name;
  }

  #op(op: string, inputs: readonly string[], output: string, axis: number | null = null): string {
    const attributes = new Map(axis === null ? [] : [['axis', { kind: 'int', value: axis } as const]]);
    this.#nodes.push({ index: 0, label: `${output}/${op}`, op, opset: this.#draft.opset, inputs, outputs: [output], attributes });
    return output;
  }
}
