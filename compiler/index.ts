/**
 * The compiler: ONNX bytes to the integer network that is proven, and the float borders that are recomputed.
 *
 * Each stage produces a form that prints as stable text. A refusal lists every reason at once in `check`; `lower` throws the first.
 */
import type { Interface } from '../circuits/interface.ts';
import type { Network } from '../circuits/network.ts';
import { Refused } from '../protocol/refused.ts';
import { emitGraph, emitNetwork, emitQuantized } from './emit.ts';
import { accumulatorReasons, type Lowered, type LowerOptions, lowerQuantized, type NamedActivation } from './lower.ts';
import { floatNotes } from './notes.ts';
import type { Graph } from './onnx/graph.ts';
import { readModel } from './onnx/read.ts';
import { fuseLookups } from './passes/fuse-lookups.ts';
import { asOnnxruntime } from './passes/onnxruntime.ts';
import type { QuantizedGraph } from './quantized/form.ts';
import { type NodeReport, type Reading, readQuantized } from './quantized/read.ts';

/** Float models to quantized ones. */
export {
  type CalibrateOptions,
  type CompareOptions,
  type Comparison,
  calibrate,
  compare,
  type Difference,
  type Floats,
  type FloatTensor,
  forProving,
  type InputTensor,
  type Method,
  modelKind,
  type Observed,
  type Prepared,
  type PrepareOptions,
  type ProvingOptions,
  prepare,
  type Quantized,
  type QuantizedTensor,
  type QuantizeOptions,
  quantize,
  type Range,
  type Ranges,
  type Runtime,
  type Sample,
  type Session,
} from './quantize/index.ts';
export type { LowerOptions, NamedActivation, NodeReport };

/** The stages, in order: what each makes, from what, by which passes, and how it prints. */
export const stages = [
  { produces: 'graph', from: 'ONNX bytes', make: readModel, passes: [asOnnxruntime], emit: emitGraph },
  { produces: 'quantized', from: 'graph', make: readQuantized, passes: [fuseLookups], emit: emitQuantized },
  { produces: 'network', from: 'quantized', make: lowerQuantized, passes: [], emit: emitNetwork },
] as const;

export type FormName = (typeof stages)[number]['produces'];

export interface Program {
  readonly network: Network;
  readonly interface: Interface;
  /** Which tensor of the model a tensor of the network holds, by its index there. */
  readonly activations: ReadonlyMap<number, NamedActivation>;
  /** Where onnxruntime computes something else than integers, and what the tail only approximates. */
  readonly notes: readonly string[];
}

export interface Reason {
  readonly code: string;
  readonly sentence: string;
  readonly node?: string;
}

export interface CheckReport {
  readonly supported: boolean;
  readonly reasons: readonly Reason[];
  readonly nodes: readonly NodeReport[];
  readonly notes: readonly string[];
}

interface Compiled {
  readonly graph: Graph | null;
  readonly quantized: QuantizedGraph | null;
  readonly lowered: Lowered | null;
  readonly reading: Reading | null;
  readonly notes: readonly string[];
  readonly reasons: readonly Refused[];
}

function run(model: Uint8Array, options: LowerOptions): Compiled {
  const reasons: Refused[] = [];
  let graph: Graph | null = null;
  let reading: Reading | null = null;
  let quantized: QuantizedGraph | null = null;
  let lowered: Lowered | null = null;
  const notes: string[] = [];
  try {
    graph = readModel(model, reasons);
    const rewritten = asOnnxruntime(graph);
    reading = readQuantized(rewritten, reasons, floatNotes(rewritten));
    notes.push(...reading.notes);
    if (reading.graph !== null) {
      quantized = fuseLookups(reading.graph);
      reasons.push(...accumulatorReasons(quantized));
      if (reasons.length === 0) lowered = lowerQuantized(graph, quantized, options);
    }
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    reasons.push(e);
  }
  return { graph, reading, quantized, lowered, notes, reasons };
}

const plain = (r: Refused): Reason => ({
  code: r.code,
  sentence: r.message,
  ...(typeof r.detail.node === 'string' ? { node: r.detail.node } : {}),
});

/** Compiles a model, or throws the first reason why not; `detail.reasons` of the refusal lists them all. */
export function lower(model: Uint8Array, options: LowerOptions = {}): Program {
  const { graph, quantized, lowered, notes, reasons } = run(model, options);
  const [first] = reasons;
  if (first !== undefined) throw new Refused(first.code, first.message, { ...first.detail, reasons: reasons.map(plain) });
  if (graph === null || quantized === null || lowered === null) throw new Error('a model without reasons did not compile');
  return {
    network: lowered.network,
    interface: lowered.interface,
    activations: lowered.activations,
    notes,
  };
}

/** A form of the model as stable text; a model that is refused later still has the forms before. */
export function emit(model: Uint8Array, form: FormName, options: LowerOptions = {}): string {
  const { graph, quantized, lowered, reasons } = run(model, options);
  if (form === 'graph' && graph !== null) return emitGraph(graph);
  if (form === 'quantized' && quantized !== null) return emitQuantized(quantized);
  if (form === 'network' && lowered !== null) return emitNetwork(lowered.network);
  const [first] = reasons;
  if (first === undefined) throw new Error('a model without reasons did not compile');
  throw new Refused(first.code, first.message, { ...first.detail, reasons: reasons.map(plain) });
}

/** What would become of every node, and all the reasons why the model cannot be proven. Never throws on bytes. */
export function check(model: Uint8Array): CheckReport {
  const { reading, notes, reasons } = run(model, {});
  return { supported: reasons.length === 0, reasons: reasons.map(plain), nodes: reading?.nodes ?? [], notes };
}
