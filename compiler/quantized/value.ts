/**
 * What a tensor name of the ONNX graph stands for while the graph is read: an integer activation, a float that is one behind a
 * DequantizeLinear, an accumulator that waits for its QuantizeLinear, a constant, or something past the last integer.
 */
import type { OutputType, TailStep } from '../../circuits/interface.ts';
import type { Tensor } from '../onnx/graph.ts';
import type { Activation, Affine, Elementwise, Linear, Window } from './form.ts';
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

/** The one step of a `real` is an addition of these integers: QLinearAdd may be what onnxruntime runs. */
export interface ConstantAdd {
  readonly dtype: string;
  readonly constant: readonly number[];
  readonly other: Affine;
  readonly first: boolean;
  readonly scalar: boolean;
}

/** A move of the quantized result of an accumulator, and the shape it gives. */
export interface Moved {
  readonly shape: readonly number[];
  readonly move: <X>(s: Shown<X>) => Shown<X>;
}

export type Value =
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  /** DequantizeLinear of a constant: integers, scales (one, or one per index of `axis`). Its zero points are zero, or there is one for all. */
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
  /** DequantizeLinear of x, then float32 operations. */
  | {
      readonly kind: 'real';
      readonly x: Activation;
      readonly view: View;
      readonly tensor: string;
      readonly from: Affine;
      readonly steps: readonly Elementwise[];
      readonly axis: number | null;
      readonly add: ConstantAdd | null;
    }
  /** A float accumulator, then clamps and max-pools, all of which commute with quantisation. */
  | {
      readonly kind: 'accumulator';
      readonly acc: Accumulator;
      readonly view: View;
      readonly clamps: readonly Elementwise[];
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

/** What a value is, in words for a refusal. */
export function describe(value: Value): string {
  return {
    constant: 'a constant',
    'real-constant': 'a dequantized constant',
    'float-input': 'a float input that was never quantized',
    indices: 'an input of indices',
    integer: 'a quantized tensor',
    real: 'a dequantized tensor',
    accumulator: 'a float result that was never quantized',
    tail: 'a float result past the last quantized tensor',
    unknown: 'unknown',
  }[value.kind];
}
