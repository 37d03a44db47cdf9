/**
 * The float borders of a proven network: the head takes a model's named inputs to the raw integers the statement holds, the tail
 * takes proven raw integers to the model's named outputs. Both are data, kept in the key, and recomputed by whoever verifies.
 *
 * Nothing here is proven; it is arithmetic anyone can redo. Exact: QuantizeLinear `clip(rint(f32(x/s)) + z)` (true division),
 * DequantizeLinear `f32((q-z)*s)`, `f32(f32(acc)*s)` for an accumulator that leaves as float, ArgMax, TopK, views. Softmax and LogSoftmax
 * are computed in float64 and rounded once to float32: they agree with onnxruntime to about 1e-6, not to the bit.
 */
import { bitsToFloat } from '../protocol/float32.ts';
import { Refused } from '../protocol/refused.ts';
import { roundHalfEven } from './step.ts';

/** A view of a row-major tensor. */
export type ViewStep =
  | { readonly op: 'reshape'; readonly shape: readonly number[] }
  /** ONNX Transpose: dimension i of the result is dimension perm[i] of the operand. */
  | { readonly op: 'transpose'; readonly perm: readonly number[] };

export type TailStep =
  | ViewStep
  /** `f32((q-zp)*scale)`; scales are float32 bit patterns, one or one per index of `axis`. */
  | { readonly op: 'dequantize'; readonly scales: readonly number[]; readonly axis: number; readonly zp: number }
  | { readonly op: 'softmax'; readonly axis: number }
  | { readonly op: 'logsoftmax'; readonly axis: number }
  | { readonly op: 'argmax'; readonly axis: number; readonly keepdims: boolean; readonly last: boolean }
  /** The k greatest (or least) along the axis in order, or where they are; of equal ones the first. */
  | { readonly op: 'topk'; readonly axis: number; readonly k: number; readonly largest: boolean; readonly indices: boolean };

/** One key input: which graph input it comes from, how it is laid out, and its quantisation (null: the graph input is integers). */
export interface HeadTensor {
  readonly input: number;
  readonly steps: readonly ViewStep[];
  readonly quantize: { readonly scale: number; readonly zp: number; readonly dtype: 'uint8' | 'int8' } | null;
}

/** One graph output: which key output it comes from, the dims of that, and the steps to the output. */
export interface TailTensor {
  readonly name: string;
  readonly dtype: OutputType;
  readonly shape: readonly number[];
  readonly source: number;
  readonly dims: readonly number[];
  readonly steps: readonly TailStep[];
}

/** int64 and int32 inputs are indices: int32 in the statement. */
export type InputType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';
export type OutputType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';

export interface Interface {
  readonly inputs: readonly { readonly name: string; readonly dtype: InputType; readonly shape: readonly number[] }[];
  /** In the order of the key's inputs. */
  readonly head: readonly HeadTensor[];
  /** In the order of the graph's outputs. */
  readonly outputs: readonly TailTensor[];
}

export interface NamedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface NamedOutput {
  readonly name: string;
  readonly dtype: OutputType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

const INT32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const RANGE: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127], int32: INT32, int64: INT32 };
const size = (shape: readonly number[]): number => shape.reduce((p, d) => p * d, 1);

/** Applies views to row-major data of the given shape. */
export function applyViews<T extends Float32Array | Int32Array>(data: T, shape: readonly number[], steps: readonly ViewStep[]): T {
  let current = data;
  let dims = shape;
  for (const step of steps) {
    if (step.op === 'reshape') dims = step.shape;
    else [current, dims] = transpose(current, dims, step.perm);
  }
  return current;
}

function transpose<T extends Float32Array | Int32Array>(data: T, shape: readonly number[], perm: readonly number[]): [T, number[]] {
  const strides = shape.map((_, i) => size(shape.slice(i + 1)));
  const dims = perm.map((p) => shape[p] as number);
  const steps = perm.map((p) => strides[p] as number);
  const out = data.slice() as T;
  const index = dims.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from] as number;
    for (let d = dims.length - 1; d >= 0; d--) {
      from += steps[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (dims[d] as number)) break;
      from -= (steps[d] as number) * (dims[d] as number);
      index[d] = 0;
    }
  }
  return [out, dims];
}

/**
 * The raw integers of every key input (row-major over its true dims) from the model's named inputs.
 *
 * Refuses `input.name` (missing or unknown), `input.dtype`, `input.shape`, `input.length`, `input.value` (NaN, or no integer of the type).
 */
export function applyHead(face: Interface, named: Readonly<Record<string, NamedTensor>>): Int32Array[] {
  const known = face.inputs.map((i) => i.name);
  for (const name of Object.keys(named))
    if (!known.includes(name))
      throw new Refused('input.name', `the model has no input "${name}"; its inputs: ${known.join(', ')}`, { input: name });
  const values = face.inputs.map((declared) => {
    const given = Object.hasOwn(named, declared.name) ? named[declared.name] : undefined;
    if (given === undefined) throw new Refused('input.name', `the input "${declared.name}" is missing`, { input: declared.name });
    return checkedInput(declared, given);
  });
  return face.head.map((h) => {
    const declared = face.inputs[h.input] as Interface['inputs'][number];
    const value = values[h.input] as Float32Array | Int32Array;
    const raw =
      h.quantize === null ? Int32Array.from(value) : quantize(value, bitsToFloat(h.quantize.scale), h.quantize.zp, h.quantize.dtype);
    return applyViews(raw, declared.shape, h.steps);
  });
}

function checkedInput(declared: Interface['inputs'][number], given: NamedTensor): Float32Array | Int32Array {
  const where = `the input "${declared.name}"`;
  const detail = { input: declared.name };
  if (given.dtype !== declared.dtype)
    throw new Refused('input.dtype', `${where} is ${given.dtype}; the model takes ${declared.dtype}`, detail);
  if (given.shape.length !== declared.shape.length || given.shape.some((d, i) => d !== declared.shape[i]))
    throw new Refused(
      'input.shape',
      `${where} has shape [${given.shape.join(', ')}]; the model takes [${declared.shape.join(', ')}]`,
      detail,
    );
  const count = size(declared.shape);
  if (given.data.length !== count)
    throw new Refused('input.length', `${where} has ${given.data.length} elements; its shape has ${count}`, detail);
  const out = declared.dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
  const [lo, hi] = RANGE[declared.dtype] ?? [0, 0];
  for (let i = 0; i < count; i++) {
    const v = given.data[i] as number;
    const good = declared.dtype === 'float32' ? typeof v === 'number' && !Number.isNaN(v) : Number.isInteger(v) && v >= lo && v <= hi;
    if (!good)
      throw new Refused('input.value', `${where} holds ${String(v)} at position ${i}, which is no ${declared.dtype} value`, {
        ...detail,
        position: i,
      });
    out[i] = v;
  }
  return out;
}

/** QuantizeLinear of onnxruntime: `clip(rint(f32(x/s)) + zp)`. */
export function quantize(x: ArrayLike<number>, scale: number, zp: number, dtype: 'uint8' | 'int8'): Int32Array {
  const [lo, hi] = RANGE[dtype] as readonly [number, number];
  const out = new Int32Array(x.length);
  for (let i = 0; i < out.length; i++) {
    const q = Math.fround((x[i] as number) / scale);
    out[i] = q <= lo - zp ? lo : q >= hi - zp ? hi : roundHalfEven(q) + zp;
  }
  return out;
}

/** The model's outputs from the raw values of the key outputs (row-major over true dims, in the key's order). */
export function applyTail(face: Interface, raw: readonly (Int32Array | readonly number[])[]): NamedOutput[] {
  return face.outputs.map(({ name, dtype, shape, source, dims, steps }) => {
    const values = raw[source];
    if (values === undefined || values.length !== size(dims))
      throw new Refused('output.length', `the output "${name}" needs ${size(dims)} integers, ${values?.length ?? 0} were given`, {
        output: name,
      });
    let data: Float32Array | Int32Array = Int32Array.from(values);
    let at: readonly number[] = dims;
    for (const step of steps) [data, at] = tailStep(step, data, at);
    return { name, dtype, shape, data };
  });
}

function tailStep(
  step: TailStep,
  data: Float32Array | Int32Array,
  shape: readonly number[],
): [Float32Array | Int32Array, readonly number[]] {
  if (step.op === 'reshape') return [data, step.shape];
  if (step.op === 'transpose') return transpose(data, shape, step.perm);
  const inner = size(shape.slice(step.axis + 1));
  const n = shape[step.axis] ?? 1;
  if (step.op === 'dequantize') {
    const scales = step.scales.map(bitsToFloat);
    // f32(acc) first: an accumulator above 2^24 is rounded before the product, as onnxruntime does.
    return [
      Float32Array.from(data, (q, i) => Math.fround(q - step.zp) * (scales[scales.length === 1 ? 0 : Math.floor(i / inner) % n] as number)),
      shape,
    ];
  }
  if (step.op === 'softmax' || step.op === 'logsoftmax') return [softmax(data, n, inner, step.op === 'logsoftmax'), shape];
  if (step.op === 'topk') return topK(step, data, shape);
  const out = new Int32Array(data.length / n);
  for (let o = 0; o < out.length; o++) {
    const at = rowOf(data, n, inner, o);
    out[o] = first(n, (p, q) => at(q) - at(p) || (step.last ? q - p : p - q));
  }
  return [out, shape.flatMap((d, i) => (i === step.axis ? (step.keepdims ? [1] : []) : [d]))];
}

function topK(
  { axis, k, largest, indices }: Extract<TailStep, { op: 'topk' }>,
  data: Float32Array | Int32Array,
  shape: readonly number[],
): [Float32Array | Int32Array, readonly number[]] {
  const [inner, n] = [size(shape.slice(axis + 1)), shape[axis] as number];
  const sign = largest ? -1 : 1;
  const order = new Uint32Array(n);
  const count = (data.length / n) * k;
  const out = indices || data instanceof Int32Array ? new Int32Array(count) : new Float32Array(count);
  for (let o = 0; o < data.length / n; o++) {
    const [block, rest] = [Math.floor(o / inner), o % inner];
    const at = rowOf(data, n, inner, o);
    const before = (p: number, q: number): number => sign * (at(p) - at(q)) || p - q;
    if (k === 1) order[0] = first(n, before);
    else {
      for (let i = 0; i < n; i++) order[i] = i;
      order.sort(before);
    }
    for (let i = 0; i < k; i++) out[(block * k + i) * inner + rest] = indices ? (order[i] as number) : at(order[i] as number);
  }
  return [out, shape.map((d, i) => (i === axis ? k : d))];
}

/** The elements of row `o` along an axis of n, `inner` apart. */
function rowOf(data: Float32Array | Int32Array, n: number, inner: number, o: number): (i: number) => number {
  const base = Math.floor(o / inner) * inner * n + (o % inner);
  return (i) => data[base + i * inner] as number;
}

/** The index below n that comes before all others. */
function first(n: number, compare: (p: number, q: number) => number): number {
  let best = 0;
  for (let i = 1; i < n; i++) if (compare(i, best) < 0) best = i;
  return best;
}

function softmax(data: Float32Array | Int32Array, n: number, inner: number, log: boolean): Float32Array {
  const out = new Float32Array(data.length);
  for (let o = 0; o < data.length / n; o++) {
    const base = Math.floor(o / inner) * inner * n + (o % inner);
    let top = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < n; k++) top = Math.max(top, data[base + k * inner] as number);
    let sum = 0;
    for (let k = 0; k < n; k++) sum += Math.exp((data[base + k * inner] as number) - top);
    for (let k = 0; k < n; k++) {
      const below = (data[base + k * inner] as number) - top;
      out[base + k * inner] = log ? below - Math.log(sum) : Math.exp(below) / sum;
    }
  }
  return out;
}
