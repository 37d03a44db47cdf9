/**
 * The quantized graph: one integer meaning for QOperator and QDQ models. Plain data; no op of it knows where it came from but by name.
 *
 * Every activation holds integers `q`; the network below holds them centred, `q - zp`. Layouts are already resolved: `dims` are the
 * dims the network has, weights are permuted to match.
 */
import type { TableDescription } from '../../circuits/descriptions.ts';
import type { OutputType, TailStep, ViewStep } from '../../circuits/interface.ts';
import type { StepList } from '../../circuits/step.ts';
import type { ChainStep } from './chain.ts';
import type { PairForm } from './pair.ts';
import type { Shown } from './shown.ts';

export type IntegerType = 'uint8' | 'int8';

/** real = (q - zp) · scale */
export interface Affine {
  readonly scale: number;
  readonly zp: number;
}

/** What a QuantizeLinear or a requantisation produces; lo, hi are the raw clip bounds (those of the type, or narrower after a Clip). */
export interface Target extends Affine {
  readonly dtype: IntegerType;
  readonly lo: number;
  readonly hi: number;
}

/** A zero point shared by activations that hold the same integers (through max-pools); null until some node names it. */
export interface ZeroPoint {
  value: number | null;
}

export interface Activation {
  readonly id: number;
  /** The model's tensor name. */
  readonly name: string;
  readonly dtype: IntegerType | 'int32';
  readonly zp: ZeroPoint;
  /** Raw bounds. */
  readonly lo: number;
  readonly hi: number;
  /** Null for an input no op has read yet: its first reader decides how it is laid out. */
  dims: readonly number[] | null;
  /** Is a graph input. */
  readonly input: boolean;
  /** What it shows instead of being computed (§7.8); null: it is computed, or an input. */
  readonly shows: Shown<Activation> | null;
  /** Rows by index: shown too, but by no list of elements. */
  readonly gathered: boolean;
}

/** A clamp of an accumulator in float32, before it is quantized. */
export type Clamp = { readonly op: 'relu' } | { readonly op: 'clip'; readonly min: number; readonly max: number };

/** A function from integers to integers, elementwise; `axis` is the axis of `dims` along which it varies, null if it does not. */
export interface Stage {
  readonly node: string;
  readonly axis: number | null;
  readonly from: Affine;
  readonly to: Target;
  /** The least raw operand. */
  readonly lo: number;
  /** Raw result by raw operand − lo: one list, or one per index of the axis. */
  readonly ys: readonly Int16Array[];
}

export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** top, left, bottom, right */
  readonly pad: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

/** What an accumulator becomes: by R = scales (one, or one per channel), or by float32 arithmetic and a QuantizeLinear. */
export type Requant = { readonly to: Target } & ({ readonly scales: readonly number[] } | { readonly chain: readonly ChainStep[] });

/** Conv and dense: an exact integer accumulator, requantised and then through `stages`. */
export interface Linear {
  readonly kind: 'linear';
  readonly node: string;
  readonly x: Activation;
  readonly form: ({ readonly kind: 'conv'; readonly groups: number } & Window) | { readonly kind: 'dense'; readonly sp: number };
  readonly wDims: readonly number[];
  readonly weights: Int32Array;
  readonly bias: Int32Array;
  readonly y: Activation;
  /** Null: the accumulator itself is the (int32) result. */
  readonly requant: Requant | null;
  readonly stages: readonly Stage[];
}

export interface Lookup {
  readonly kind: 'lookup';
  readonly node: string;
  readonly x: Activation;
  readonly y: Activation;
  readonly stages: readonly Stage[];
}

export interface MaxPool extends Window {
  readonly kind: 'maxpool';
  readonly node: string;
  readonly x: Activation;
  readonly y: Activation;
}

/** y shows other activations: `y.shows` says which elements. */
export interface Show {
  readonly kind: 'show';
  readonly node: string;
  readonly y: Activation;
}

/** y is a constant of the model that ops read as they read computed tensors. */
export interface Constant {
  readonly kind: 'constant';
  readonly node: string;
  readonly y: Activation;
  /** Raw values, row-major over the dims of y. */
  readonly values: Int32Array;
}

/** A batched product of two activations, requantised and then through `stages`. */
export interface Product {
  readonly kind: 'product';
  readonly node: string;
  readonly a: Activation;
  readonly b: Activation;
  readonly y: Activation;
  readonly requant: { readonly scales: readonly number[]; readonly to: Target };
  readonly stages: readonly Stage[];
}

/** Computed by the verifier, on x in the clear. */
export interface Computed {
  readonly kind: 'softmax' | 'layernorm';
  readonly node: string;
  readonly x: Activation;
  readonly y: Activation;
  readonly description: Extract<TableDescription, { kind: 'softmax' | 'layernorm' }>;
}

/** y[t.., e..] = x[ids[t..], e..]. */
export interface Gather {
  readonly kind: 'gather';
  readonly node: string;
  readonly x: Activation;
  readonly ids: Activation;
  readonly y: Activation;
}

/** The sum of a window (weighted by what it meets of the image, if `average`), then a requantisation or a list of steps from sum to centred y. */
export interface Pool extends Window {
  readonly kind: 'pool';
  readonly node: string;
  readonly x: Activation;
  readonly y: Activation;
  readonly average: boolean;
  readonly requant: { readonly scales: readonly number[]; readonly to: Target } | null;
  readonly steps: StepList | null;
  /** Where the meaning is our own: why; null: it is onnxruntime's. */
  readonly exact: string | null;
}

/** A function of two activations, elementwise. */
export interface Combine {
  readonly kind: 'combine';
  readonly node: string;
  readonly a: Activation;
  readonly b: Activation;
  readonly y: Activation;
  readonly form: PairForm;
}

export type QuantizedOp = Linear | Lookup | MaxPool | Show | Constant | Product | Computed | Gather | Combine | Pool;

/** The activations an op reads. */
export function operandsOf(op: QuantizedOp): readonly Activation[] {
  if (op.kind === 'constant') return [];
  if (op.kind === 'product' || op.kind === 'combine') return [op.a, op.b];
  if (op.kind === 'gather') return [op.x, op.ids];
  return op.kind === 'show' ? (op.y.shows?.parts ?? []).map((p) => p.x) : [op.x];
}

export interface QuantizedInput {
  readonly activation: Activation;
  /** Index of the graph input. */
  readonly input: number;
  readonly quantize: Affine | null;
  /** How the graph input is laid out as the activation; set when its first reader decides. */
  steps: readonly ViewStep[];
}

export interface QuantizedOutput {
  readonly name: string;
  readonly dtype: OutputType;
  readonly shape: readonly number[];
  readonly source: Activation;
  readonly steps: readonly TailStep[];
}

export interface QuantizedGraph {
  readonly inputs: readonly QuantizedInput[];
  readonly ops: readonly QuantizedOp[];
  readonly outputs: readonly QuantizedOutput[];
}

export const RANGE: Readonly<Record<IntegerType, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };
