/**
 * A requantisation as a line: the step function clip(rint(f32(f32(acc)·R)) + zp) as floor((m·acc + b) / 2^s), clipped.
 *
 * A step function of this kind is fixed by its thresholds T_q, the least accumulators with an index of at least q. A line (m, b, s) has the
 * threshold T_q exactly if q·2^s − m·T_q ≤ b < q·2^s − m·(T_q − 1): an interval of b for every q, and a line through all of them is the
 * function itself. float32 rounds its products and breaks ties to even, so a threshold may miss every line: the accumulators between it and
 * the line's are then corrected one by one. Everything is an integer below 2^52, so doubles are exact.
 */
import { firstAbove, rawValue, type StepDescription } from '../../circuits/step.ts';

export interface Line {
  readonly m: number;
  readonly b: number;
  readonly s: number;
  /** Bits of the quotient without its sign, and whether it can be negative. */
  readonly k: number;
  readonly sign: 0 | 1;
  /** The greatest index. */
  readonly top: number;
  /** Accumulators where the line is wrong, and what is added there. */
  readonly at: readonly number[];
  readonly by: readonly number[];
}

/** Bits of a non-negative integer; of 0, none. */
export const bitLength = (v: number): number => (v === 0 ? 0 : Math.floor(Math.log2(v)) + 1);

const EXACT = 2 ** 52;
/** Corrections of one function, beyond which another relation is cheaper. */
const MOST_CORRECTIONS = 40;

/** T_q for q = 1 … top that lie within (lo, hi]; `first` is the least such q. */
function thresholds(d: StepDescription, lo: number, hi: number): { first: number; at: number[] } {
  const top = d.hi - d.lo;
  const at: number[] = [];
  let first = 1;
  for (let q = 1; q <= top; q++) {
    const t = firstAbove(d.scale, q - 1 + d.lo - d.zp, lo, hi);
    if (t === lo) first = q + 1;
    else if (t <= hi) at.push(t);
    else break;
  }
  return { first, at };
}

/** What `Line` of requantize.circom computes. */
export function lineAt({ m, b, s, top, at, by }: Line, acc: number): number {
  const index = Math.min(top, Math.max(0, Math.floor((m * acc + b) / 2 ** s)));
  const i = at.indexOf(acc);
  return i < 0 ? index : index + (by[i] as number);
}

/** The constraints of `Line`. */
export function lineCost({ s, k, sign, top, at }: Line): number {
  const n = bitLength(top);
  const above = k > n ? (k === n + 1 ? 1 : 3) : 0;
  const odd = top === 2 ** n - 1 ? 0 : n + 2;
  return s + k + sign + above + odd + sign + 2 * at.length;
}

/** The cheapest line that is this function at every accumulator in [lo, hi], or null if none was found. */
export function findLine(d: StepDescription, lo: number, hi: number): Line | null {
  const top = d.hi - d.lo;
  const t = thresholds(d, lo, hi);
  let best: Line | null = null;
  for (let s = 0; s <= 44; s++) {
    const slope = d.scale * 2 ** s;
    if (best !== null && s + bitLength(slope * (hi - lo)) - s > lineCost(best)) break;
    for (const m of new Set([Math.floor(slope), Math.ceil(slope), Math.floor(slope) - 1, Math.ceil(slope) + 1])) {
      if (m < 1 || m * Math.max(hi, -lo) + (top + 2) * 2 ** s > EXACT / 2) continue;
      const b = intercept(t, m, s);
      const line = b === null ? constant(d, lo, m, s) : { m, b, s };
      const whole = completed(line, top, t, lo, hi);
      if (whole !== null && (best === null || lineCost(whole) < lineCost(best))) best = whole;
    }
  }
  return best;
}

/** Without thresholds the function is constant over [lo, hi]: any b that puts it there. */
function constant(d: StepDescription, lo: number, m: number, s: number): { m: number; b: number; s: number } {
  return { m, b: (rawValue(d, lo) - d.lo) * 2 ** s - m * lo, s };
}

/** The b that gives the most thresholds their place: a sweep over the ends of their intervals. */
function intercept({ first, at }: { first: number; at: readonly number[] }, m: number, s: number): number | null {
  if (at.length === 0) return null;
  const starts = Float64Array.from(at, (t, i) => (first + i) * 2 ** s - m * t).sort();
  // Every interval is m long.
  let most = 0;
  let best = 0;
  for (let from = 0, to = 0; to < starts.length; to++) {
    while ((starts[to] as number) >= (starts[from] as number) + m) from++;
    if (to - from + 1 > most) {
      most = to - from + 1;
      best = starts[to] as number;
    }
  }
  return best;
}

/** The line with its corrections and sizes, or null where it needs too many. */
function completed(
  { m, b, s }: { m: number; b: number; s: number },
  top: number,
  { first, at: steps }: { first: number; at: readonly number[] },
  lo: number,
  hi: number,
): Line | null {
  const quotient = (acc: number): number => Math.floor((m * acc + b) / 2 ** s);
  const least = quotient(lo);
  const greatest = quotient(hi);
  const k = Math.max(bitLength(Math.max(0, greatest)), bitLength(Math.max(0, -least - 1)));
  const at: number[] = [];
  const by: number[] = [];
  // Where the function and the line have their thresholds, for every q that either reaches.
  for (let q = 1; q <= top; q++) {
    const mine = Math.max(lo, Math.min(hi + 1, Math.ceil((q * 2 ** s - b) / m)));
    const place = q - first;
    const theirs = place < 0 ? lo : place < steps.length ? (steps[place] as number) : hi + 1;
    for (let acc = Math.min(mine, theirs); acc < Math.max(mine, theirs); acc++) {
      const known = at.indexOf(acc);
      const change = theirs < mine ? 1 : -1;
      if (known >= 0) by[known] = (by[known] as number) + change;
      else {
        at.push(acc);
        by.push(change);
      }
      if (at.length > MOST_CORRECTIONS) return null;
    }
  }
  return { m, b, s, k, sign: least < 0 ? 1 : 0, top, at, by };
}
