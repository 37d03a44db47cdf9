/**
 * Quantized graph to network: one builder call an op, in order (protocol §6.6). What the network cannot hold is refused with the node and
 * the numbers.
 */
import type { HeadTensor, InputType, Interface, TailTensor } from '../circuits/interface.ts';
import { type Network, NetworkBuilder } from '../circuits/network.ts';
import type { StepFunction } from '../circuits/step.ts';
import { listed } from '../circuits/step-list.ts';
import type { Form, IoTensor } from '../circuits/types.ts';
import { floatToBits } from '../protocol/float32.ts';
import { Refused } from '../protocol/refused.ts';
import { elements, type Graph } from './onnx/graph.ts';
import { channelAxis } from './passes/fuse-lookups.ts';
import { viewParts } from './quantized/digits.ts';
import {
  type Activation,
  type Combine,
  type Linear,
  type Lookup,
  type MaxPool,
  operandsOf,
  type QuantizedGraph,
  type QuantizedOp,
  type Show,
} from './quantized/form.ts';
import { channelsOf, isMonotone, stagesAt, stepFunctions } from './quantized/functions.ts';
import { cheapest } from './reveal.ts';

/** A tensor of the network that holds a tensor of the model: raw = centred + zp. */
export interface NamedActivation {
  readonly name: string;
  readonly dtype: Activation['dtype'];
  readonly zp: number;
}

export interface Lowered {
  readonly network: Network;
  /** By tensor index of the network. */
  readonly activations: ReadonlyMap<number, NamedActivation>;
  readonly interface: Interface;
  /** Of every requantisation that is proven or shown: the steps of its tables, an element. */
  readonly stepsPerElement: readonly number[];
}

export interface LowerOptions {
  /** The one integer input is committed (home X) and range-checked instead of public. */
  readonly committedInput?: boolean;
  /** The proof shows accumulators where that is cheaper than proving their tables (native system, §7.7). */
  readonly reveal?: boolean;
}

const MAX_CHANNELS = 65536;

/** Reasons, all of them, why accumulators of this graph leave int32 or the field. */
export function accumulatorReasons(graph: QuantizedGraph): Refused[] {
  const reasons: Refused[] = [];
  for (const op of graph.ops) {
    if (op.kind !== 'linear') continue;
    if (op.bias.length > MAX_CHANNELS)
      reasons.push(
        new Refused('model.unsupported-shape', `"${op.node}": ${op.bias.length} output channels; supported: ${MAX_CHANNELS}`, {
          node: op.node,
        }),
      );
    const bound = accumulatorBound(op);
    const detail = { node: op.node, bound };
    if (bound > 2 ** 31 - 1)
      reasons.push(
        new Refused(
          'model.invalid-accumulator',
          `"${op.node}": the accumulator can reach ${bound}, outside int32, where onnxruntime wraps around`,
          detail,
        ),
      );
    else if (bound > 1065353216)
      reasons.push(
        new Refused(
          'model.unsupported-accumulator',
          `"${op.node}": the accumulator can reach ${bound}; supported: at most (p-1)/2 = 1065353216`,
          detail,
        ),
      );
  }
  return reasons;
}

/** max over channels of Σ|W|·Xmax + |b| (S2). */
export function accumulatorBound(op: Linear): number {
  const xmax = Math.max(...bounds(op.x).map(Math.abs));
  const row = op.weights.length / op.bias.length;
  let most = 0;
  for (let c = 0; c < op.bias.length; c++) {
    let s = 0;
    for (let i = c * row; i < (c + 1) * row; i++) s += Math.abs(op.weights[i] as number);
    most = Math.max(most, s * xmax + Math.abs(op.bias[c] as number));
  }
  return most;
}

const zpOf = (a: Activation): number => a.zp.value ?? 0;
const bounds = (a: Activation): [number, number] => [a.lo - zpOf(a), a.hi - zpOf(a)];

export function lowerQuantized(graph: Graph, quantized: QuantizedGraph, options: LowerOptions = {}): Lowered {
  const make = (reveal: number): Lowered => lowerShowing(graph, quantized, options, reveal);
  return options.reveal === true ? cheapest(make) : make(Number.POSITIVE_INFINITY);
}

function lowerShowing(graph: Graph, quantized: QuantizedGraph, options: LowerOptions, reveal: number): Lowered {
  const builder = new NetworkBuilder({ reveal });
  const tensor = new Map<Activation, number>();
  const at = (a: Activation): number => tensor.get(a) as number;
  if (options.committedInput === true && quantized.inputs.length !== 1)
    throw new Refused(
      'model.unsupported-committed-input',
      `the graph has ${quantized.inputs.length} integer inputs; one of them can be committed only if it is the only one`,
    );
  const home = options.committedInput === true ? 'X' : 'PUB';
  for (const { activation: a } of quantized.inputs) tensor.set(a, builder.input(a.dims as readonly number[], ...bounds(a), home));
  if (home === 'X') builder.range(at((quantized.inputs[0] as QuantizedGraph['inputs'][number]).activation));
  const exported = new Set(quantized.outputs.map((o) => o.source));
  const read = new Set([...quantized.ops.filter((op) => op.kind !== 'show').flatMap(operandsOf), ...exported]);
  for (const op of quantized.ops) {
    // Moves compose, so a view that only other views show is none.
    if (op.kind === 'show' && !read.has(op.y)) continue;
    tensor.set(
      op.y,
      named(op, () => build(builder, op, at, exported.has(op.y) ? 'PUB' : 'A')),
    );
  }
  const io = (a: Activation): IoTensor => ({ tensor: at(a), dtype: a.dtype, zp: zpOf(a) });
  const sources = [...exported];
  return {
    network: builder.finish(
      quantized.inputs.map((i) => io(i.activation)),
      sources.map(io),
    ),
    activations: new Map([...tensor].map(([a, t]) => [t, { name: a.name, dtype: a.dtype, zp: zpOf(a) }])),
    interface: interfaceOf(graph, quantized, sources),
    stepsPerElement: builder.stepsPerElement,
  };
}

/** Turns a refusal of the network into one that names the node. */
function named<T>(op: QuantizedOp, act: () => T): T {
  try {
    return act();
  } catch (e) {
    if (e instanceof Refused && e.code.startsWith('compile.'))
      throw new Refused(`model.unsupported-${e.code.slice(8)}`, `"${op.node}": ${e.message}`, { ...e.detail, node: op.node });
    throw e;
  }
}

/** A view of tensors that are there already. */
function show(builder: NetworkBuilder, { node, y }: Show, at: (a: Activation) => number): number {
  const { dims, parts, fill } = y.shows as NonNullable<Activation['shows']>;
  const list = parts.flatMap((p) => viewParts(p, p.x.dims as readonly number[], at(p.x)));
  return builder.view(list, dims, fill === null ? 0 : fill - zpOf(y), node);
}

function build(builder: NetworkBuilder, op: QuantizedOp, at: (a: Activation) => number, home: 'A' | 'PUB'): number {
  const options = { home, label: op.node };
  const [low, high] = bounds(op.y);
  switch (op.kind) {
    case 'show':
      return show(builder, op, at);
    case 'constant':
      return builder.constant(
        op.y.dims as readonly number[],
        op.values.map((v) => v - zpOf(op.y)),
      );
    case 'gather':
      return builder.gather(at(op.x), at(op.ids), op.node);
    case 'softmax':
    case 'layernorm':
      return op.description.kind === 'softmax'
        ? builder.softmax(at(op.x), op.description, low, high, options)
        : builder.layernorm(at(op.x), op.description, low, high, options);
    case 'product': {
      const [f] = stepFunctions(op, 1);
      return builder.req({ kind: 'bmm', a: at(op.a), b: at(op.b) }, f as StepFunction, low, high, options);
    }
    case 'pool': {
      const [kh, kw] = op.kernel;
      const geometry = { x: at(op.x), kh, kw, stride: [...op.stride], pad: [...op.pad], dilation: [...op.dilation] } as const;
      const form = { kind: op.average ? 'average' : 'pool', ...geometry } as unknown as Form;
      const f = op.steps === null ? stepFunctions({ requant: op.requant, stages: [] }, 1)[0] : listed(op.steps);
      return builder.req(form, f as StepFunction, low, high, options);
    }
    case 'combine':
      return combine(builder, op, at(op.a), at(op.b), low, high, options);
    default:
      return buildFrom(builder, op, at(op.x), options);
  }
}

/** A function of two tensors in the form that was found for it. */
function combine(
  builder: NetworkBuilder,
  { form }: Combine,
  a: number,
  b: number,
  lo: number,
  hi: number,
  options: { home: 'A' | 'PUB'; label: string },
): number {
  switch (form.kind) {
    case 'max':
      return builder.pairmax(a, b, options);
    case 'table': {
      const { b: range, a: rows, ys } = form.table;
      const width = range[1] - range[0] + 1;
      return builder.bin(a, b, (u, v) => ys[(u - rows[0]) * width + v - range[0]] as number, lo, hi, options);
    }
    case 'mul':
      return builder.req({ kind: 'mul', a, b }, listed(form.steps), lo, hi, options);
    case 'lin': {
      const [p, q] = form.terms;
      const terms: [number, number][] = [
        [p, a],
        [q, b],
      ];
      return builder.req({ kind: 'lin', terms, constant: 0 }, listed(form.steps), lo, hi, options);
    }
  }
}

function buildFrom(
  builder: NetworkBuilder,
  op: Linear | Lookup | MaxPool,
  x: number,
  options: { home: 'A' | 'PUB'; label: string },
): number {
  if (op.kind === 'maxpool') {
    const dims = op.x.dims as readonly number[];
    if (elements([dims[0] as number, dims[1] as number, (op.y.dims as readonly number[])[2] as number]) < 2)
      throw new Refused('compile.shape', 'pools to a single element; supported: at least two');
    return builder.maxPool(x, op.kernel, op.stride, op.pad, op.dilation, options);
  }
  const [lo, hi] = bounds(op.y);
  if (op.kind === 'lookup') return lookup(builder, op, x, lo, hi, options);
  const w = builder.weight(op.wDims, op.weights);
  const b = builder.weight([op.bias.length], op.bias);
  const form: Form =
    op.form.kind === 'dense'
      ? { kind: 'dense', x, w, b, sp: op.form.sp }
      : {
          kind: 'conv',
          x,
          w,
          b,
          kh: op.form.kernel[0],
          kw: op.form.kernel[1],
          stride: [...op.form.stride],
          pad: [...op.form.pad],
          dilation: [...op.form.dilation],
          groups: op.form.groups,
        };
  if (op.requant === null) return builder.out(form, op.node);
  const channels = (op.y.dims as readonly number[])[channelAxis(op)] as number;
  const functions = stepFunctions(op, channels);
  const [first] = functions;
  return builder.req(form, functions.length === 1 && first !== undefined ? first : functions, lo, hi, options);
}

/** One table if all elements share a function; else a requantisation of x itself with one function per index of axis 0. */
function lookup(
  builder: NetworkBuilder,
  op: Lookup,
  x: number,
  lo: number,
  hi: number,
  options: { home: 'A' | 'PUB'; label: string },
): number {
  const dims = op.y.dims as readonly number[];
  const channels = Math.max(1, ...op.stages.map(channelsOf));
  const identity: Form = { kind: 'lin', terms: [[1, x]], constant: 0 };
  const monotone = isMonotone(op.stages);
  const at = (c: number) => ({ monotone, at: stagesAt(op.stages, c) });
  if (channels > 1) {
    const axis = op.stages.find((s) => s.axis !== null)?.axis;
    if (axis !== 0)
      throw new Refused(
        'compile.broadcast',
        `adds constants along dimension ${axis} of a tensor [${dims.join(', ')}]; supported: along the channels`,
      );
    return builder.req(
      identity,
      Array.from({ length: channels }, (_, c) => at(c)),
      lo,
      hi,
      options,
    );
  }
  // A lookup needs two elements; a requantisation of one element has two (its range key and its cells key).
  if (elements(dims) < 2) return builder.req(identity, at(0), lo, hi, options);
  const f = at(0).at;
  const [from, to] = bounds(op.x);
  return builder.unary(x, new Map(Array.from({ length: to - from + 1 }, (_, i) => [from + i, f(from + i)])), lo, hi, options);
}

function interfaceOf(graph: Graph, quantized: QuantizedGraph, sources: readonly Activation[]): Interface {
  return {
    inputs: graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype: dtype as InputType, shape })),
    head: quantized.inputs.map(
      ({ activation, input, quantize, steps }): HeadTensor => ({
        input,
        steps,
        quantize:
          quantize === null ? null : { scale: floatToBits(quantize.scale), zp: quantize.zp, dtype: activation.dtype as 'uint8' | 'int8' },
      }),
    ),
    outputs: quantized.outputs.map(
      ({ name, dtype, shape, source, steps }): TailTensor => ({
        name,
        dtype,
        shape,
        source: sources.indexOf(source),
        dims: source.dims as readonly number[],
        steps,
      }),
    ),
  };
}
