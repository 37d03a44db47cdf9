/**
 * Weight scales for small proofs. A layer with one scale has one table of cells, a layer with a scale a channel has one for every channel
 * (protocol §5.3: ids id … id + channels − 1), and tables are most of a small network's proof. So every layer gets one scale, but for
 * those that need more to keep the outputs within `loss` dB of what a scale a channel gives.
 *
 * Fewer distinct scales than channels would save nothing: equal tables of two channels are two tables.
 */

import { Pace, type PaceOptions } from '../../protocol/pace.ts';
import type { Ranges } from './calibrate.ts';
import { type Comparison, compare } from './compare.ts';
import type { Quantized } from './insert.ts';
import type { Prepared } from './prepare.ts';
import { type QuantizeOptions, quantize } from './quantize.ts';
import type { Runtime, Sample } from './runtime.ts';

export interface ProvingOptions extends PaceOptions, Pick<QuantizeOptions, 'reduceRange'> {
  /** SQNR that may be lost, in dB (of a model whose outputs are classes, percent of them). Default 1. */
  readonly loss?: number | undefined;
}

/** dB of the noisiest output; of a model that gives classes alone, percent of inputs with the same. */
const qualityOf = ({ outputs, classes }: Comparison): number =>
  outputs.length > 0 ? outputs.reduce((least, o) => Math.min(least, o.sqnr), Number.POSITIVE_INFINITY) : 100 * (classes?.agreement ?? 1);

/** The quantized model, and the tensors whose layers kept a scale a channel. `model`: the float model as it was given. Throws as `compare`. */
export async function forProving(
  model: Uint8Array,
  prepared: Prepared,
  ranges: Ranges,
  samples: readonly Sample[],
  runtime: Runtime,
  options: ProvingOptions = {},
): Promise<{ quantized: Quantized; perChannel: readonly string[] }> {
  const { loss = 1, reduceRange, signal } = options;
  const pace = new Pace(options);
  let steps = 0;
  const measure = async (quantized: Quantized): Promise<number> => {
    await pace.at('choose weight scales', steps / (steps + 3));
    steps++;
    return qualityOf(await compare(model, prepared, quantized, samples, runtime, { signal }));
  };
  const exact = quantize(prepared, ranges, { reduceRange });
  const least = (await measure(exact)) - loss;
  // Most spread first: those lose most by one scale.
  const layers = exact.tensors
    .filter((t) => (t.weights?.scales ?? 1) > 1)
    .sort((a, b) => (b.weights?.spread ?? 0) - (a.weights?.spread ?? 0));
  const keeping = (count: number): Quantized =>
    quantize(prepared, ranges, { reduceRange, weights: new Set(layers.slice(0, count).map((t) => t.name)) });
  // Bisection for the fewest layers that must keep theirs.
  let [low, high] = [0, layers.length];
  while (low < high) {
    const middle = low === 0 && steps === 1 ? 0 : Math.floor((low + high) / 2);
    if ((await measure(keeping(middle))) >= least) high = middle;
    else low = middle + 1;
  }
  return { quantized: keeping(high), perChannel: layers.slice(0, high).map((t) => t.name) };
}
