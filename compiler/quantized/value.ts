/**
 * What a tensor name of the ONNX graph stands for while the graph is read: an integer activation, a float that is one behind a
 * DequantizeLinear, an accumulator that waits for its QuantizeLinear, a constant, or something past the last integer.
 */
import type { OutputType, TailStep } from '../../circuits/interface.ts';
import type { Tensor } from '../onnx/graph.ts';
import type { ChainStep } from './chain.ts';
import type { Activation, Affine, Clamp, Linear, Window } from './form.ts';
import type { Shown } from './shown.ts';
import type { View } from './view.ts';

/** A conv or dense before anyone said what its accumulator becomes. */
export interface Accumulator {
  readonly linear: Omit<Linear, 'y' | 'requant' | 'stages' | 'kind'>;
  /** Dims of the accumulator. */
  readonly dims: readonly number[];
  /** f32(sx·sw), one or one per channel. */
  readonly scales: readonly number[];
}

export interface Pool extends Window {
  readonly node: string;
  /** Dims of the result. */
  readonly dims: readonly number[];
}

/** What a `real` or a `pair` is one plain operation of: onnxruntime may run a fused kernel. */
export interface Fusable {
  readonly op: string;
  /** The operands in the node's order: parameters, type inside onnxruntime, and whether its inner loop sees one element of it. */
  readonly operands: readonly { readonly from: Affine; readonly dtype: string; readonly scalar: boolean }[];
}

/** A move of the quantized result of an accumulator, and the shape it gives. */
export interface Moved {
  readonly shape: readonly number[];
  readonly move: <X>(s: Shown<X>) => Shown<X>;
}

export type Value =
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  /** DequantizeLinear of a constant: integers, scales (one, or one per index of `axis`), one zero point. */
  | {
      readonly kind: 'real-constant';
      readonly tensor: Tensor;
      readonly scales: readonly number[];
      readonly axis: number;
      readonly zp: number;
    }
  | { readonly kind: 'float-input'; readonly input: number; readonly view: View }
  /** An input of integers that only index. */
  | { readonly kind: 'indices'; readonly input: number; readonly shape: readonly number[] }
  | { readonly kind: 'integer'; readonly x: Activation; readonly view: View }
  /** DequantizeLinear of x, then any function of it. */
  | {
      readonly kind: 'real';
      readonly x: Activation;
      readonly view: View;
      readonly tensor: string;
      readonly from: Affine;
      /** Its value by raw operand − x.lo, float32: one list, or one per index of `axis`; null: just dequantized. */
      readonly values: readonly Float32Array[] | null;
      readonly axis: number | null;
      /** For a constant operand: the raw integers of it, by index of the axis, and the operation. */
      readonly fusable: (Fusable & { readonly constant: readonly number[]; readonly at: 0 | 1 }) | null;
    }
  /** A function of two dequantized tensors of one layout, float32: by (raw a − a.lo)·(b.hi − b.lo + 1) + raw b − b.lo. */
  | {
      readonly kind: 'pair';
      readonly a: Activation;
      readonly b: Activation;
      readonly view: View;
      readonly values: Float32Array;
      /** a + slope·b is what it depends on, if it is a sum. */
      readonly slope: number | null;
      readonly fusable: Fusable | null;
    }
  /** An int32 result that waits for its Cast, or leaves. */
  | { readonly kind: 'int32'; readonly acc: Accumulator; readonly view: View; readonly moved: Moved | null }
  /** A float accumulator, then clamps and max-pools, all of which commute with quantisation. */
  | {
      readonly kind: 'accumulator';
      readonly acc: Accumulator;
      readonly view: View;
      /** Float32 arithmetic on the int32 accumulator, before the clamps; null: a kernel scales it by acc.scales. */
      readonly chain: readonly ChainStep[] | null;
      readonly clamps: readonly Clamp[];
      readonly pools: readonly Pool[];
      /** What is seen of the quantized result, when it is not all of it under `view`. */
      readonly moved: Moved | null;
    }
  | {
      readonly kind: 'tail';
      readonly source: Activation;
      readonly shape: readonly number[];
      readonly dtype: OutputType;
      readonly steps: readonly TailStep[];
    }
  /** The producer was refused; whoever reads this says nothing more. */
  | { readonly kind: 'unknown' };

export const UNKNOWN: Value = { kind: 'unknown' };

/** The shape of what a value stands for, where it has one. */
export function shapeOf(value: Value): readonly number[] | undefined {
  if (value.kind === 'constant' || value.kind === 'real-constant') return value.tensor.dims;
  if (value.kind === 'tail' || value.kind === 'indices') return value.shape;
  if ((value.kind === 'accumulator' || value.kind === 'int32') && value.moved !== null) return value.moved.shape;
  return value.kind === 'unknown' ? undefined : value.view.shape;
}

/** What a value is, in words for a refusal. */
export function describe(value: Value): string {
  return {
    constant: 'a constant',
    'real-constant': 'a dequantized constant',
    'float-input': 'a float input that was never quantized',
    indices: 'an input of indices',
    integer: 'a quantized tensor',
    real: 'a dequantized tensor',
    pair: 'a function of two dequantized tensors',
    int32: 'an int32 result',
    accumulator: 'a float result that was never quantized',
    tail: 'a float result past the last quantized tensor',
    unknown: 'unknown',
  }[value.kind];
}
