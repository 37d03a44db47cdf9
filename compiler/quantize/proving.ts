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
import type { Quantized, QuantizedTensor } from './insert.ts';
import type { Prepared } from './prepare.ts';
import { type QuantizeOptions, quantize } from './quantize.ts';
import type { Runtime, Sample } from './runtime.ts';

export interface ProvingOptions extends PaceOptions, Pick<QuantizeOptions, 'reduceRange'> {
  /** SQNR that may be lost, in dB (of a model whose outputs are classes, percent of them). Default 1. */
  readonly loss?: number | undefined;
}

/** Samples that a choice is measured on: one measurement a layer. */
const MEASURED = 32;

/** dB of the noisiest output; of a model that gives classes alone, percent of inputs with the same. */
const quality = ({ outputs, classes }: Comparison): number =>
  outputs.length > 0 ? outputs.reduce((least, o) => Math.min(least, o.sqnr), Number.POSITIVE_INFINITY) : 100 * (classes?.agreement ?? 1);

const scalesOf = ({ weightScales }: QuantizedTensor): number => weightScales ?? 0;

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
  const measured = samples.slice(0, MEASURED);
  const qualityOf = async (quantized: Quantized): Promise<number> =>
    quality(await compare(model, prepared, quantized, measured, runtime, { signal }));
  const exact = quantize(prepared, ranges, { reduceRange });
  await pace.at('choose weight scales', 0);
  const least = (await qualityOf(exact)) - loss;
  const one = quantize(prepared, ranges, { reduceRange, weights: 'tensor' });
  if ((await qualityOf(one)) >= least) return { quantized: one, perChannel: [] };
  // The layers that save most tables first; each keeps its scales if the loss becomes too large without them.
  const layers = exact.tensors.filter((t) => scalesOf(t) > 1).sort((a, b) => scalesOf(b) - scalesOf(a));
  const kept = new Set(layers.map((t) => t.name));
  let best = exact;
  for (const [i, { name }] of layers.entries()) {
    await pace.at('choose weight scales', (i + 2) / (layers.length + 2));
    kept.delete(name);
    const tried = quantize(prepared, ranges, { reduceRange, weights: new Set(kept) });
    if ((await qualityOf(tried)) >= least) best = tried;
    else kept.add(name);
  }
  return { quantized: best, perChannel: [...kept] };
}
