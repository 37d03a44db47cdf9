/**
 * The interface of a model inside a key file, in the canonical encoding of protocol §6.5. `decodeInterface` is total on bytes: what it
 * returns fits the key, so applying it cannot go wrong.
 */
import { decodeValue, encodeValue, type Value } from '../protocol/encoding.ts';
import { Refused } from '../protocol/refused.ts';
import type { HeadTensor, Interface, TailStep, TailTensor, ViewStep } from './interface.ts';
import type { KeyFields } from './key.ts';
import type { Tensor } from './types.ts';

const viewValue = (s: ViewStep): Value => (s.op === 'reshape' ? ['reshape', s.shape] : ['transpose', s.perm]);

function stepValue(s: TailStep): Value {
  if (s.op === 'dequantize') return ['dequantize', s.scales, s.axis, s.zp];
  if (s.op === 'softmax' || s.op === 'logsoftmax') return [s.op, s.axis];
  if (s.op === 'argmax') return ['argmax', s.axis, s.keepdims ? 1 : 0, s.last ? 1 : 0];
  if (s.op === 'topk') return ['topk', s.axis, s.k, s.largest ? 1 : 0, s.indices ? 1 : 0];
  return viewValue(s);
}

/** Names are UTF-8 bytes, because model authors choose them. */
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export function encodeInterface(face: Interface): Uint8Array {
  return encodeValue([
    face.inputs.map((i) => [utf8(i.name), i.dtype, i.shape]),
    face.head.map((h) => [
      h.input,
      h.steps.map(viewValue),
      h.quantize === null ? null : [h.quantize.scale, h.quantize.zp, h.quantize.dtype],
    ]),
    face.outputs.map((o) => [utf8(o.name), o.dtype, o.shape, o.source, o.dims, o.steps.map(stepValue)]),
  ]);
}

const MAX_ELEMENTS = 2 ** 31;
const MAX_STEPS = 64;
/** Elements that all steps of all outputs may visit, an element to be sorted as often as sorting compares it: some seconds. */
const MAX_VISITS = 2 ** 27;
/** Bit patterns of positive float32 numbers: the smallest normal one, the largest finite one. */
const SMALLEST_NORMAL = 0x00800000;
const LARGEST_FLOAT = 0x7f7fffff;
const size = (shape: readonly number[]): number => shape.reduce((p, d) => p * d, 1);
const equalShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((v, i) => v === b[i]);

function ok(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Refused('key.interface', `the interface of the key: ${sentence}`);
}

function list(v: Value | undefined, what: string): readonly Value[] {
  ok(Array.isArray(v), `${what} is no list`);
  return v;
}

function int(v: Value | undefined, lo: number, hi: number, what: string): number {
  ok(typeof v === 'number' && v >= lo && v <= hi, `${what} is no integer in [${lo}, ${hi}]`);
  return v;
}

function oneOf<T extends string>(v: Value | undefined, options: readonly T[], what: string): T {
  ok(typeof v === 'string' && (options as readonly string[]).includes(v), `${what} is none of ${options.join(', ')}`);
  return v as T;
}

function name(v: Value | undefined, what: string): string {
  ok(v instanceof Uint8Array && v.length <= 65535, `${what} is no name`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(v);
  } catch {
    throw new Refused('key.interface', `the interface of the key: ${what} is not UTF-8`);
  }
}

function shape(v: Value | undefined, what: string): number[] {
  const dims = list(v, what).map((d) => int(d, 1, MAX_ELEMENTS, what));
  ok(dims.length <= 32 && size(dims) <= MAX_ELEMENTS, `${what} is too large`);
  return dims;
}

/** A view of a tensor of shape `at`, and the shape after it. */
function view(v: Value, at: readonly number[]): { step: ViewStep; shape: number[] } {
  const [op, argument] = list(v, 'a step');
  if (oneOf(op, ['reshape', 'transpose'], 'a step') === 'reshape') {
    const to = shape(argument, 'a reshape');
    ok(size(to) === size(at), 'a reshape changes the number of elements');
    return { step: { op: 'reshape', shape: to }, shape: to };
  }
  const perm = list(argument, 'a permutation').map((p) => int(p, 0, at.length - 1, 'a permutation'));
  ok(perm.length === at.length && new Set(perm).size === at.length, 'a permutation has another rank or repeats');
  return { step: { op: 'transpose', perm }, shape: perm.map((p) => at[p] as number) };
}

/** The type of a tensor after these steps, from the type of the integers they begin with. */
function typeAfter(steps: readonly TailStep[], start: string): string {
  return steps.reduce((t, s) => {
    if (s.op === 'argmax' || (s.op === 'topk' && s.indices)) return 'int64';
    return s.op === 'dequantize' || s.op === 'softmax' || s.op === 'logsoftmax' ? 'float32' : t;
  }, start);
}

function tailStep(v: Value, at: readonly number[]): { step: TailStep; shape: readonly number[] } {
  const items = list(v, 'a step');
  const op = oneOf(items[0], ['reshape', 'transpose', 'dequantize', 'softmax', 'logsoftmax', 'argmax', 'topk'], 'a step');
  if (op === 'reshape' || op === 'transpose') return view(v, at);
  if (op === 'dequantize') {
    const scales = list(items[1], 'scales').map((s) => int(s, 1, LARGEST_FLOAT, 'a scale'));
    const axis = int(items[2], 0, Math.max(0, at.length - 1), 'an axis');
    ok(scales.length === 1 || scales.length === at[axis], 'the number of scales is not that of the axis');
    return { step: { op, scales, axis, zp: int(items[3], -255, 255, 'a zero point') }, shape: at };
  }
  const axis = int(items[1], 0, at.length - 1, 'an axis');
  if (op === 'softmax' || op === 'logsoftmax') return { step: { op, axis }, shape: at };
  if (op === 'topk') {
    const k = int(items[2], 1, at[axis] as number, 'k');
    const [largest, indices] = [int(items[3], 0, 1, 'largest') === 1, int(items[4], 0, 1, 'indices') === 1];
    return { step: { op, axis, k, largest, indices }, shape: at.map((d, i) => (i === axis ? k : d)) };
  }
  const keepdims = int(items[2], 0, 1, 'keepdims') === 1;
  return {
    step: { op, axis, keepdims, last: int(items[3], 0, 1, 'select_last_index') === 1 },
    shape: at.flatMap((d, i) => (i === axis ? (keepdims ? [1] : []) : [d])),
  };
}

/** The interface these bytes hold, or a refusal `key.interface`. */
export function decodeInterface(bytes: Uint8Array, key: Pick<KeyFields, 'inputs' | 'outputs' | 'tensors'>): Interface {
  const [rawInputs, rawHead, rawOutputs] = list(decodeValue(bytes, 'key.interface', 'the interface of the key'), 'it');
  const inputs = list(rawInputs, 'inputs').map((v) => {
    const [n, dtype, s] = list(v, 'an input');
    return {
      name: name(n, 'an input name'),
      dtype: oneOf(dtype, ['float32', 'uint8', 'int8', 'int32', 'int64'], 'an input dtype'),
      shape: shape(s, 'an input shape'),
    };
  });
  ok(new Set(inputs.map((i) => i.name)).size === inputs.length, 'two inputs have one name');
  const head = list(rawHead, 'head').map((v, i): HeadTensor => {
    const [index, steps, q] = list(v, 'a head');
    const input = int(index, 0, inputs.length - 1, 'an input index');
    const declared = inputs[input] as (typeof inputs)[number];
    let at: number[] = declared.shape;
    const views = list(steps, 'steps').map((s) => {
      const r = view(s, at);
      at = r.shape;
      return r.step;
    });
    const io = key.inputs[i];
    ok(
      io !== undefined && size(at) === size((key.tensors[io.tensor] as Tensor).dims),
      `head ${i} does not give the elements of its key input`,
    );
    if (q === null) {
      ok(
        declared.dtype === io.dtype || (declared.dtype === 'int64' && io.dtype === 'int32'),
        `head ${i}: the model's dtype is not the key's`,
      );
      return { input, steps: views, quantize: null };
    }
    const [scale, zp, dtype] = list(q, 'a quantisation');
    const quantize = {
      scale: int(scale, SMALLEST_NORMAL, LARGEST_FLOAT, 'a scale'),
      zp: int(zp, -128, 255, 'a zero point'),
      dtype: oneOf(dtype, ['uint8', 'int8'], 'a dtype'),
    };
    ok(
      declared.dtype === 'float32' && quantize.dtype === io.dtype && quantize.zp === io.zp,
      `head ${i} quantises to another type than the key's`,
    );
    return { input, steps: views, quantize };
  });
  ok(new Set(head.map((h) => h.input)).size === head.length, 'two key inputs come from one input of the model');
  ok(head.length === key.inputs.length, `${head.length} heads for ${key.inputs.length} inputs`);
  let visits = 0;
  const outputs = list(rawOutputs, 'outputs').map((v): TailTensor => {
    const [n, dtype, s, index, d, steps] = list(v, 'an output');
    const source = int(index, 0, key.outputs.length - 1, 'an output index');
    const dims = shape(d, 'dims of an output');
    const io = key.outputs[source];
    ok(io !== undefined && equalShape(dims, (key.tensors[io.tensor] as Tensor).dims), 'an output has other dims than its key output');
    let at: readonly number[] = dims;
    const tail = list(steps, 'steps').map((t) => {
      const r = tailStep(t, at);
      visits += size(at) * (r.step.op === 'topk' && r.step.k > 1 ? 1 + Math.log2(at[r.step.axis] as number) : 1);
      ok(visits <= MAX_VISITS, 'its steps visit too many elements');
      at = r.shape;
      return r.step;
    });
    const declared = shape(s, 'the shape of an output');
    ok(tail.length <= MAX_STEPS && dtype === typeAfter(tail, io.dtype), 'the dtype of an output is not that of its steps');
    ok(equalShape(at, declared), 'the steps of an output do not lead to its shape');
    return {
      name: name(n, 'an output name'),
      dtype: oneOf(dtype, ['float32', 'uint8', 'int8', 'int32', 'int64'], 'an output dtype'),
      shape: declared,
      source,
      dims,
      steps: tail,
    };
  });
  ok(new Set(outputs.map((o) => o.name)).size === outputs.length, 'two outputs have one name');
  const face: Interface = { inputs, head, outputs };
  ok(encodeInterface(face).length === bytes.length, 'a record has fields too many');
  return face;
}
