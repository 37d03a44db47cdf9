/**
 * Ranges from histograms: which part of what a tensor held is worth 256 steps. Values outside saturate; a narrower range has finer steps.
 */

export const BINS = 2048;

export interface Range {
  readonly lo: number;
  readonly hi: number;
}

/**
 * Counts over [lo, hi] in bins of equal width; zeros and the two ends apart. Relu and its kin make many of them, and they are integers of the
 * full range, so they say nothing about how fine its steps must be.
 */
export class Histogram {
  readonly range: Range;
  readonly counts = new Float64Array(BINS);
  zeros = 0;
  atLo = 0;
  atHi = 0;

  constructor(range: Range) {
    this.range = range;
  }

  add(values: Float32Array): void {
    const { lo, hi } = this.range;
    const perUnit = BINS / (hi - lo);
    if (!Number.isFinite(perUnit)) return; // one value alone: its range needs no histogram
    for (const v of values) {
      if (v === 0) {
        this.zeros++;
        continue;
      }
      if (v === lo || v === hi) {
        if (v === lo) this.atLo++;
        else this.atHi++;
        continue;
      }
      const bin = Math.min(BINS - 1, Math.max(0, Math.floor((v - lo) * perUnit)));
      this.counts[bin] = (this.counts[bin] as number) + 1;
    }
  }
}

/** The range that holds the middle `percent` of all values, to the width of a bin. */
export function percentileRange(histogram: Histogram, percent: number): Range {
  const { range } = histogram;
  const counts = histogram.counts.slice();
  const put = (bin: number, n: number): void => {
    const at = Math.min(BINS - 1, Math.max(0, bin));
    counts[at] = (counts[at] as number) + n;
  };
  put(Math.floor((-range.lo * BINS) / (range.hi - range.lo)), histogram.zeros);
  put(0, histogram.atLo);
  put(BINS - 1, histogram.atHi);
  const total = counts.reduce((a, b) => a + b, 0);
  const spare = (total * (1 - percent / 100)) / 2;
  const width = (range.hi - range.lo) / BINS;
  let [below, above] = [0, 0];
  let [first, last] = [0, BINS - 1];
  while (first < last && below + (counts[first] as number) <= spare) below += counts[first++] as number;
  while (last > first && above + (counts[last] as number) <= spare) above += counts[last--] as number;
  return { lo: first === 0 ? range.lo : range.lo + first * width, hi: last === BINS - 1 ? range.hi : range.lo + (last + 1) * width };
}

const STEPS = 255;
const CANDIDATES = 112; // shares 16/128 … 128/128 of the whole range

/**
 * The share of the range whose quantized distribution is nearest to the distribution by Kullback-Leibler divergence (Migacz, "8-bit
 * inference with TensorRT", GTC 2017). Both ends shrink alike, so zero stays inside.
 */
export function entropyRange(histogram: Histogram): Range {
  const { range } = histogram;
  let best: { cost: number; range: Range } = { cost: Number.POSITIVE_INFINITY, range };
  for (let i = 128 - CANDIDATES; i <= 128; i++) {
    const share = i / 128;
    const from = Math.max(0, Math.round((BINS * -range.lo * (1 - share)) / (range.hi - range.lo)) || 0);
    const to = Math.min(BINS, BINS - Math.round((BINS * range.hi * (1 - share)) / (range.hi - range.lo)));
    if (to - from < STEPS) continue;
    const cost = divergence(histogram, from, to);
    if (cost < best.cost) best = { cost, range: { lo: range.lo * share, hi: range.hi * share } };
  }
  return best.range;
}

/** Of the distribution with everything outside [from, to) at its ends, from the same in STEPS levels. */
function divergence({ counts, atLo, atHi }: Histogram, from: number, to: number): number {
  const p = counts.slice(from, to);
  if (from > 0) p[0] = (p[0] as number) + atLo;
  if (to < BINS) p[p.length - 1] = (p[p.length - 1] as number) + atHi;
  for (let i = 0; i < from; i++) p[0] = (p[0] as number) + (counts[i] as number);
  for (let i = to; i < BINS; i++) p[p.length - 1] = (p[p.length - 1] as number) + (counts[i] as number);
  const total = p.reduce((a, b) => a + b, 0);
  const inside = counts.subarray(from, to).reduce((a, b) => a + b, 0);
  if (inside === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    const a = Math.floor((step * p.length) / STEPS);
    const b = Math.floor(((step + 1) * p.length) / STEPS);
    let [mass, filled] = [0, 0];
    for (let i = a; i < b; i++) {
      mass += counts[from + i] as number;
      if ((p[i] as number) > 0) filled++;
    }
    // Within a level the mass is spread over the bins that hold anything.
    const q = filled === 0 ? 0 : mass / filled / inside;
    for (let i = a; i < b; i++) {
      const x = (p[i] as number) / total;
      if (x > 0) sum += x * Math.log(x / (q > 0 ? q : 1e-12));
    }
  }
  return sum;
}
