/**
 * Calibration: the range of every tensor of a prepared model over the samples. One pass for smallest and largest values; percentile and
 * entropy take a second one, which counts.
 */
import { Pace, type PaceOptions } from '../../protocol/pace.ts';
import { Refused } from '../../protocol/refused.ts';
import { entropyRange, Histogram, percentileRange, type Range } from './histogram.ts';
import { addChannels, contracted } from './means.ts';
import { draftBytes, floatTensors, type Prepared } from './prepare.ts';
import { type Runtime, type Sample, withModel } from './runtime.ts';

export type Method = 'minmax' | 'percentile' | 'entropy';

export interface CalibrateOptions extends PaceOptions {
  /** Default minmax. */
  readonly method?: Method | undefined;
  /** Of percentile: the share of values inside, in percent. Default 99.99. */
  readonly percentile?: number | undefined;
}

/** What the samples showed of a tensor. */
export interface Observed extends Range {
  /** Of each channel of a tensor that a layer with weights reads; without them biases are not corrected. */
  readonly means?: Float64Array | undefined;
}

/** By tensor name; each range holds zero, so that padding is exact. */
export type Ranges = ReadonlyMap<string, Observed>;

/** Throws `Refused` `calibration.empty` or `calibration.not-finite`, an AbortError, or what the runtime throws. */
export async function calibrate(
  { draft }: Prepared,
  samples: readonly Sample[],
  runtime: Runtime,
  options: CalibrateOptions = {},
): Promise<Ranges> {
  if (samples.length === 0) throw new Refused('calibration.empty', 'there are no inputs to calibrate with');
  const { method = 'minmax', percentile = 99.99 } = options;
  const pace = new Pace(options);
  const tensors = floatTensors(draft);
  const names = [...draft.inputs.flatMap((i) => (i.dtype === 'float32' ? [i.name] : [])), ...tensors];
  return withModel(runtime, draftBytes(draft, tensors), async (session) => {
    const passes = method === 'minmax' ? 1 : 2;
    const each = async (pass: number, visit: (name: string, values: Float32Array, sample: number) => void): Promise<void> => {
      for (const [i, sample] of samples.entries()) {
        await pace.at(pass === 0 ? 'find ranges' : 'count values', (pass + i / samples.length) / passes);
        const made = await session.run(sample);
        for (const name of names) {
          const data = sample[name]?.data ?? made[name]?.data;
          if (!(data instanceof Float32Array)) throw new Error(`the runtime gave no floats for "${name}"`);
          visit(name, data, i);
        }
      }
    };
    const ranges = new Map<string, Range>();
    const channels = contracted(draft);
    const sums = new Map([...channels].map(([name, c]) => [name, new Float64Array(c.channels)]));
    const counts = new Map<string, number>();
    await each(0, (name, values, i) => {
      ranges.set(name, widened(ranges.get(name) ?? { lo: 0, hi: 0 }, values, name, i));
      const sum = sums.get(name);
      if (sum === undefined) return;
      addChannels(sum, values, channels.get(name)?.inner ?? 1);
      counts.set(name, (counts.get(name) ?? 0) + values.length / sum.length);
    });
    const observed = (name: string, range: Range): [string, Observed] => {
      const means = sums.get(name)?.map((s) => s / (counts.get(name) ?? 1));
      return [name, { lo: range.lo, hi: range.hi, ...(means && { means }) }];
    };
    if (method === 'minmax') return new Map([...ranges].map(([name, range]) => observed(name, range)));
    const histograms = new Map(names.map((name) => [name, new Histogram(ranges.get(name) as Range)]));
    await each(1, (name, values) => histograms.get(name)?.add(values));
    const narrow = (h: Histogram): Range => (method === 'percentile' ? percentileRange(h, percentile) : entropyRange(h));
    return new Map([...histograms].map(([name, h]) => observed(name, withZero(h.range.lo === h.range.hi ? h.range : narrow(h)))));
  });
}

const withZero = ({ lo, hi }: Range): Range => ({ lo: Math.min(0, lo), hi: Math.max(0, hi) });

function widened(range: Range, values: Float32Array, name: string, sample: number): Range {
  let { lo, hi } = range;
  for (const v of values) {
    if (!Number.isFinite(v))
      throw new Refused('calibration.not-finite', `input ${sample} makes the model compute ${v} in the tensor "${name}"`, {
        tensor: name,
        sample,
      });
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  return { lo, hi };
}
