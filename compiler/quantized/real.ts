/** Real values of bytes: what a dequantized tensor is worth at every integer, and the integer that a QuantizeLinear makes of it. */
import { roundHalfEven } from '../../circuits/step.ts';
import { elements } from '../onnx/graph.ts';
import type { Affine, Target } from './form.ts';
import type { Value } from './value.ts';

const f32 = Math.fround;

export type Real = Extract<Value, { kind: 'real' }>;
export type Pair = Extract<Value, { kind: 'pair' }>;

/** Values of a dequantized tensor by raw integer − lo: one list, or one per index of its axis. */
export function valuesOf({ x, from, values }: Pick<Real, 'x' | 'from' | 'values'>): readonly Float32Array[] {
  return values ?? [dequantized(x, from)];
}

export const dequantized = ({ lo, hi }: { readonly lo: number; readonly hi: number }, { scale, zp }: Affine): Float32Array =>
  Float32Array.from({ length: hi - lo + 1 }, (_, i) => f32((lo + i - zp) * scale));

/** Float32 values of a constant, or of a DequantizeLinear of one: int32 is rounded to float32 first. */
export function realsOf(k: Extract<Value, { kind: 'constant' | 'real-constant' }>): Float32Array {
  const { dims, data } = k.tensor;
  if (k.kind === 'constant') return Float32Array.from(data ?? []);
  const inner = elements(dims.slice(k.axis + 1));
  const scaleAt = (i: number): number => k.scales[k.scales.length === 1 ? 0 : Math.floor(i / inner) % k.scales.length] as number;
  return Float32Array.from(data ?? [], (q, i) => f32(f32(q - k.zp) * scaleAt(i)));
}

/** QuantizeLinear of onnxruntime; what is not a number becomes the zero point. */
export function quantized(v: number, { scale, zp, lo, hi }: Target): number {
  const q = f32(v / scale);
  if (Number.isNaN(q)) return Math.min(hi, Math.max(lo, zp));
  return q <= lo - zp ? lo : q >= hi - zp ? hi : Math.min(hi, Math.max(lo, roundHalfEven(q) + zp));
}

/** A function applied to every value. */
export function mapped(value: Real | Pair, f: (v: number) => number): Real | Pair {
  if (value.kind === 'pair') return { ...value, values: value.values.map(f), fusable: null };
  return { ...value, values: valuesOf(value).map((list) => list.map(f)), fusable: null };
}
