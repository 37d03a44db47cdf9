/**
 * Regions of described steps in closed form, as columns of numbers: a key can describe a million of them (protocol §5.3, §6.8).
 *
 * Value v of a step is taken on [firstAbove(v - 1), firstAbove(v)), so regions are found value by value, whatever their lengths.
 */
import type { Interval } from './cells.ts';
import { firstAbove, rawValue, type StepDescription, type StepList } from './step.ts';

/** Regions of any number of channels, one after the other. */
export class RegionColumns {
  /** First acc after the region: the regions of a channel follow each other without gaps. */
  readonly ends: Float64Array;
  readonly ys: Int32Array;
  length = 0;

  /** `capacity`: a channel has at most as many regions as its step has raw values. */
  constructor(capacity: number) {
    this.ends = new Float64Array(capacity);
    this.ys = new Int32Array(capacity);
  }
}

/** Where the regions of one channel are: rows [first, last) of the columns, the first region from acc `start` on. */
export interface ChannelRegions {
  readonly first: number;
  readonly last: number;
  readonly start: number;
  /** The first region keeps its value down to -A: its cells may run below `start`. */
  readonly openBelow: boolean;
  /** The last region keeps its value up to A: its cells may run past its end. */
  readonly openAbove: boolean;
}

/**
 * Appends the regions that cells must cover when accumulators fill [from, to] within [-bound, bound], ascending: those that meet the
 * interval. Neighbours that the map makes equal are one region. An end region that keeps its value to the bound is open and is cut to the
 * interval (open on both sides, it counts as open above); any other is taken in full, so that no cell holds an acc with another value.
 */
export function appendRegions(out: RegionColumns, d: StepDescription, [from, to]: Interval, bound: number): ChannelRegions {
  const { scale, zp, lo, hi, map } = d;
  const centred = (raw: number): number => (map === null ? raw - zp : (map[raw - lo] as number));
  const first = out.length;
  let raw = rawValue(d, from);
  const start = startOf(d, raw, from, bound);
  let at = from;
  for (; at <= bound; raw++) {
    const end = raw === hi ? bound + 1 : firstAbove(scale, raw - zp, at, bound);
    if (end === at) continue; // no acc has this raw value
    const y = centred(raw);
    if (out.length > first && out.ys[out.length - 1] === y) out.ends[out.length - 1] = end;
    else if (at > to) break;
    else {
      out.ends[out.length] = end;
      out.ys[out.length++] = y;
    }
    at = end;
  }
  const last = out.length;
  const openAbove = (out.ends[last - 1] as number) > bound;
  if (openAbove) out.ends[last - 1] = to + 1;
  const bothEnds = openAbove && last - first === 1;
  const openBelow = start === -bound && !bothEnds;
  return { first, last, start: openBelow || bothEnds ? from : start, openBelow, openAbove };
}

/**
 * Appends the steps of a list over [from, to]. Its ends hold to −∞ and ∞, so the first and the last region are open; the starts between
 * lie in (from, to].
 */
export function appendSteps(out: RegionColumns, { starts, ys }: StepList, [from, to]: Interval): ChannelRegions {
  const first = out.length;
  ys.forEach((y, i) => {
    out.ends[out.length] = starts[i] ?? to + 1;
    out.ys[out.length++] = y;
  });
  return { first, last: out.length, start: from, openBelow: ys.length > 1, openAbove: true };
}

/** Where the region of `acc`, which has this raw value, begins: the least acc ≥ -bound from which on f has the value of `acc`. */
function startOf({ scale, zp, lo, map }: StepDescription, raw: number, acc: number, bound: number): number {
  const beginOf = (value: number, high: number): number => (value === lo ? -bound : firstAbove(scale, value - 1 - zp, -bound, high));
  let start = beginOf(raw, acc);
  if (map === null) return start;
  for (let value = raw - 1; value >= lo && start > -bound; value--) {
    const begin = beginOf(value, start - 1);
    if (begin === start) continue; // no acc has this raw value
    if (map[value - lo] !== map[raw - lo]) return start;
    start = begin;
  }
  return start;
}
