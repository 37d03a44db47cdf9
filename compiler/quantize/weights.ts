/**
 * Weights as int8 with zero point 0, by one scale or one an output channel, and biases as int32 at the scale of the accumulator.
 */
import type { Constant } from '../onnx/arrays.ts';
import { elements } from '../onnx/graph.ts';

export interface QuantizedWeights {
  readonly data: Int32Array;
  /** One, or one a channel. */
  readonly scales: readonly number[];
  readonly bias: Int32Array | null;
}

/** A quantized bias of at most this leaves room in the accumulator, whose bound is some 2^30. */
const LARGEST_BIAS = 2 ** 27;

export interface WeightOptions {
  readonly perChannel: boolean;
  /** Largest integer: 127; 64 for CPUs whose kernels saturate sums of two products. */
  readonly largest: number;
}

/** `axis`: the output channels of `w`. `sx`: the scale of the operand. `shift`: what rounding errors of the weights add to each channel. */
export function quantizeWeights(
  w: Constant,
  axis: number,
  bias: Constant | null,
  sx: number,
  options: WeightOptions,
  shift: (errors: Float64Array) => Float64Array | null = () => null,
): QuantizedWeights {
  const channels = w.dims[axis] as number;
  const inner = elements(w.dims.slice(axis + 1));
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const own = ownScales(w, channels, channelOf, bias, sx, options.largest);
  const top = own.reduce((a, b) => Math.max(a, b));
  const scales = options.perChannel ? own : own.map(() => top);
  const data = Int32Array.from(w.data, (v, i) => clamp(rint(v / (scales[channelOf(i)] as number)), options.largest));
  const errors = Float64Array.from(data, (q, i) => q * (scales[channelOf(i)] as number) - (w.data[i] as number));
  const excess = shift(errors);
  const wanted = bias === null && excess === null ? null : scales.map((_, c) => (bias?.data[c] ?? 0) - (excess?.[c] ?? 0));
  return {
    data,
    scales: scales.every((v) => v === scales[0]) ? scales.slice(0, 1) : scales,
    bias: wanted && Int32Array.from(wanted, (b, c) => clamp(rint(b / Math.fround(sx * (scales[c] as number))), 2 ** 31 - 1)),
  };
}

const clamp = (v: number, largest: number): number => Math.min(largest, Math.max(-largest, v)) + 0;

/** To nearest, ties to even, as onnxruntime rounds. */
export function rint(v: number): number {
  const down = Math.floor(v);
  const rest = v - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** The finest scale each channel can have: its largest weight fits, and so does its bias. */
function ownScales(
  w: Constant,
  channels: number,
  channelOf: (i: number) => number,
  bias: Constant | null,
  sx: number,
  largest: number,
): number[] {
  const most = new Array<number>(channels).fill(0);
  w.data.forEach((v, i) => {
    const c = channelOf(i);
    most[c] = Math.max(most[c] as number, Math.abs(v));
  });
  const needed = most.map((m, c) => Math.fround(Math.max(m / largest, Math.abs(bias?.data[c] ?? 0) / (sx * LARGEST_BIAS))));
  // A channel without weights takes any scale; the smallest one there is keeps its bias exact.
  const some = needed.filter((s) => s > 2 ** -60);
  const spare = some.length === 0 ? 1 : some.reduce((a, b) => Math.min(a, b));
  return needed.map((s) => (s > 2 ** -60 ? s : spare));
}
