/**
 * A float model as exporters write it to the form that is quantized: shapes fixed, shape chains folded, normalizations and scattered biases
 * inside the layers before them. The prepared model computes the same function, up to the rounding of folded weights.
 */
import { Refused } from '../../protocol/refused.ts';
import { elements, type Graph, type GraphOutput } from '../onnx/graph.ts';
import { readModel, type ShapeChoice } from '../onnx/read.ts';
import { MAX_ELEMENTS } from '../onnx/tensor.ts';
import { writeModel } from '../onnx/write.ts';
import { type Draft, draftOf, isIndices, linksOf } from './draft.ts';
import { requireOperands } from './operands.ts';
import { foldAffines } from './passes/affine.ts';
import { foldBatchNorm } from './passes/batch-norm.ts';
import { hoistClamps } from './passes/clamps.ts';
import { matMulBias, normalGemm } from './passes/dense.ts';
import { dropIdentities } from './passes/identities.ts';
import { rowNorms } from './passes/instance-norm.ts';
import { fuseLayerNorm } from './passes/layer-norm.ts';
import { finiteMasks } from './passes/masks.ts';
import { modernise } from './passes/modern.ts';
import { fewerWords } from './passes/words.ts';

type Pass = (draft: Draft, reasons: Refused[]) => Draft;

/** In order: each sees the graph as those before it leave it. */
const PASSES: readonly Pass[] = [
  dropIdentities,
  fewerWords,
  finiteMasks,
  fuseLayerNorm,
  rowNorms,
  normalGemm,
  matMulBias,
  foldBatchNorm,
  foldAffines,
  modernise,
  hoistClamps,
];

export interface PrepareOptions {
  /** Input shapes by name, where the file leaves dimensions open. An open first dimension that is not named here becomes 1. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
}

export interface Prepared {
  readonly draft: Draft;
  /** Operators that are quantized, in order. */
  readonly ops: readonly string[];
}

/** Throws `Refused`; `detail.reasons` lists everything that keeps the model from being quantized, each with its node. */
export function prepare(model: Uint8Array, options: PrepareOptions = {}): Prepared {
  const reasons: Refused[] = [];
  const graph = readModel(model, reasons, chooseShape(options.shapes ?? {}));
  requireNames(graph, options.shapes ?? {});
  let draft = draftOf(graph, reasons);
  for (const pass of PASSES) draft = pass(draft, reasons);
  requireInputs(draft, reasons);
  requireOperands(draft, reasons);
  refuseAll(reasons);
  if (draft.nodes.length === 0) throw new Refused('model.unsupported-float', 'the graph computes nothing: there is nothing to quantize');
  return { draft, ops: draft.nodes.map((n) => n.op) };
}

/** One refusal with all reasons; of several about one node the first. */
function refuseAll(reasons: readonly Refused[]): void {
  const seen = new Set<unknown>();
  const once = reasons.filter(({ detail, message }) => {
    const about = detail.node ?? message;
    return !seen.has(about) && seen.add(about);
  });
  const [first] = once;
  if (first === undefined) return;
  const list = once.map((r) => ({
    code: r.code,
    sentence: r.message,
    ...(typeof r.detail.node === 'string' ? { node: r.detail.node } : {}),
  }));
  throw new Refused(first.code, first.message, { ...first.detail, reasons: list });
}

function chooseShape(shapes: Readonly<Record<string, readonly number[]>>): ShapeChoice {
  return (name, declared) => {
    const fail = (about: string): never => {
      throw new Refused('model.unsupported-dynamic-shape', `input "${name}" ${about}`, { tensor: name, declared });
    };
    const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    const text = `[${(declared ?? []).map((d) => d ?? '?').join(', ')}]`;
    if (given === undefined && declared === null) return fail(`has no shape; give one with --shape ${name}=…`);
    if (given === undefined && declared?.slice(1).includes(null))
      return fail(`has open dimensions, ${text}; fix them with --shape ${name}=… (a first dimension alone becomes 1)`);
    const shape = given ?? (declared ?? []).map((d) => d ?? 1);
    if (declared !== null && (shape.length !== declared.length || shape.some((d, i) => declared[i] !== null && declared[i] !== d)))
      return fail(`has the shape ${text}, which [${shape.join(', ')}] does not fit`);
    if (elements(shape) > MAX_ELEMENTS || shape.length > 32) return fail(`would have more than ${MAX_ELEMENTS} elements`);
    return shape;
  };
}

/** Floats, or int64 indices into constant tables. */
function requireInputs(draft: Draft, reasons: Refused[]): void {
  const { readers } = linksOf(draft);
  for (const { name, dtype } of draft.inputs) {
    const indices = (readers.get(name) ?? []).every(
      (n) => n.op === 'Gather' && n.inputs[1] === name && draft.constants.has(n.inputs[0] ?? ''),
    );
    if (dtype === 'float32' || (dtype === 'int64' && indices)) continue;
    reasons.push(
      new Refused(
        'model.unsupported-type',
        `the input "${name}" is ${dtype}; supported: float32, and int64 indices of a constant table (Gather)`,
        {
          tensor: name,
        },
      ),
    );
  }
}

function requireNames(graph: Graph, shapes: Readonly<Record<string, readonly number[]>>): void {
  const names = graph.inputs.map((i) => i.name);
  const stranger = Object.keys(shapes).find((name) => !names.includes(name));
  if (stranger !== undefined)
    throw new Refused('input.unknown', `--shape names "${stranger}", but the model's inputs are ${names.map((n) => `"${n}"`).join(', ')}`);
}

/** The tensors of a draft that are computed floats. */
export function floatTensors(draft: Draft): string[] {
  return draft.nodes.map((n) => n.outputs[0] as string).filter((y) => !isIndices(draft, y));
}

/** A draft as ONNX bytes; `also` become outputs besides its own. */
export function draftBytes(draft: Draft, also: readonly string[] = []): Uint8Array {
  const own = new Set(draft.outputs.map((o) => o.name));
  const outputs: GraphOutput[] = [...draft.outputs, ...also.filter((t) => !own.has(t)).map((name) => ({ name, dtype: 'float32' }))];
  const typed = outputs.map((o) => ({ ...o, dtype: o.dtype ?? (isIndices(draft, o.name) ? 'int64' : 'float32') }));
  const graph: Graph = {
    name: draft.name,
    opsets: new Map([['', draft.opset]]),
    inputs: draft.inputs,
    outputs: typed,
    initializers: draft.constants,
    nodes: draft.nodes,
    dead: [],
  };
  return writeModel(graph, draft.shapes);
}
