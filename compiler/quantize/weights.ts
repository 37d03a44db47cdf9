/**
 * Weights as int8 with zero point 0 and biases as int32 at the scale of the accumulator.
 *
 * A scale a channel is the most exact. A proof has a table for each distinct requantisation, so few scales a layer make it smaller: channels
 * are then put into classes, each with the scale of its largest member, so that no weight is cut.
 */
import { elements } from '../onnx/graph.ts';
import type { Constant } from './arrays.ts';

/** How many scales a layer may have: one, one a channel, or the fewest of at most `classes` that cost little. */
export type Granularity = 'tensor' | 'channel' | { readonly classes: number };

export interface QuantizedWeights {
  readonly data: Int32Array;
  /** One, or one a channel. */
  readonly scales: readonly number[];
  readonly bias: Int32Array | null;
  /** Distinct scales. */
  readonly distinct: number;
}

/** A quantized bias of at most this leaves room in the accumulator, whose bound is some 2^30. */
const LARGEST_BIAS = 2 ** 27;
/** The mean noise that classes may add to what one scale a channel has: 1 dB. */
const TOLERATED = 1.26;

export interface WeightOptions {
  readonly granularity: Granularity;
  /** Largest integer: 127; 64 for CPUs whose kernels saturate sums of two products. */
  readonly largest: number;
}

/** `axis`: the output channels of `w`. `sx`: the scale of the operand. */
export function quantizeWeights(w: Constant, axis: number, bias: Constant | null, sx: number, options: WeightOptions): QuantizedWeights {
  const channels = w.dims[axis] as number;
  const inner = elements(w.dims.slice(axis + 1));
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const own = ownScales(w, channels, channelOf, bias, sx, options.largest);
  const scales = classified(own, options.granularity);
  const data = Int32Array.from(w.data, (v, i) => clamp(rint(v / (scales[channelOf(i)] as number)), options.largest));
  const distinct = new Set(scales).size;
  return {
    data,
    scales: distinct === 1 ? scales.slice(0, 1) : scales,
    bias:
      bias === null ? null : Int32Array.from(bias.data, (b, c) => clamp(rint(b / Math.fround(sx * (scales[c] as number))), 2 ** 31 - 1)),
    distinct,
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

function classified(own: readonly number[], granularity: Granularity): number[] {
  if (granularity === 'channel') return [...own];
  const sorted = [...new Set(own)].sort((a, b) => a - b);
  if (granularity === 'tensor') return own.map(() => sorted.at(-1) as number);
  const counts = sorted.map((s) => own.filter((o) => o === s).length);
  for (let k = 1; ; k++) {
    const { tops, cost } = partition(sorted, counts, Math.min(k, sorted.length));
    if (k < Math.min(granularity.classes, sorted.length) && cost > TOLERATED) continue;
    return own.map((s) => tops.find((t) => t >= s) as number);
  }
}

/**
 * The k classes of ascending scales that add the least noise. Rounding noise grows with the square of the scale, so the cost of giving a
 * channel of scale s the scale S is (S/s)²; the mean over all channels is minimised exactly, by dynamic programming.
 */
function partition(sorted: readonly number[], counts: readonly number[], k: number): { tops: number[]; cost: number } {
  const n = sorted.length;
  const total = counts.reduce((a, b) => a + b, 0);
  // Σ counts/s² up to i
  const sums = [0];
  for (const [i, s] of sorted.entries()) sums.push((sums[i] as number) + (counts[i] as number) / (s * s));
  const cost = (from: number, to: number): number => ((sums[to] as number) - (sums[from] as number)) * (sorted[to - 1] as number) ** 2;
  let best = Array.from({ length: n + 1 }, (_, to) => (to === 0 ? 0 : cost(0, to)));
  const cuts: number[][] = [];
  for (let used = 1; used < k; used++) {
    const cut = new Array<number>(n + 1).fill(0);
    best = best.map((old, to) => {
      let least = old;
      for (let from = 1; from < to; from++) {
        const c = (best[from] as number) + cost(from, to);
        if (c < least) [least, cut[to]] = [c, from];
      }
      return least;
    });
    cuts.push(cut);
  }
  const tops: number[] = [];
  let to = n;
  for (const cut of cuts.reverse()) {
    if ((cut[to] as number) === 0) continue;
    tops.push(sorted[to - 1] as number);
    to = cut[to] as number;
  }
  tops.push(sorted[to - 1] as number);
  return { tops: tops.reverse(), cost: (best[n] as number) / total };
}
