/**
 * Cells: a step function as table rows (protocol §5.3, §5.4).
 *
 * A region is a maximal interval [a, b) on which f is constant; a cell (t, y, w) says f = y on [t, t + 2^w) within [-A, A].
 * Every region is covered by cells of the chosen widths, so that one lookup of (w, acc - rem, y) and one range check of rem prove y = f(acc).
 */
import { floorLog2 } from '../protocol/integers.ts';
import { Refused } from '../protocol/refused.ts';
import { appendRegions, RegionColumns } from './regions.ts';
import type { StepDescription, StepFunction } from './step.ts';
import { listRegions } from './step-list.ts';

export interface Region {
  readonly a: number;
  readonly b: number;
  readonly y: number;
  /** f keeps its value down to -A (`below`) or up to A (`above`), so cells may run past that end. */
  readonly open?: 'below' | 'above';
}

export interface Cell {
  readonly t: number;
  readonly y: number;
  readonly w: number;
}

/** An interval of accumulators, both ends included. */
export type Interval = readonly [number, number];

/** The regions of f over an interval, ascending. A described or monotone f is searched, any other is read at every point. */
export function regionsOf(f: StepFunction, interval: Interval): Region[] {
  const [lo, hi] = interval;
  if (f.description !== undefined)
    return describedRegions(f.description, interval, Math.max(-lo, hi)).map(({ a, b, y }) => ({
      a: Math.max(a, lo),
      b: Math.min(b, hi + 1),
      y,
    }));
  if (f.steps !== undefined) return listRegions(f.steps, interval);
  const regions: Region[] = [];
  for (let a = lo; a <= hi; ) {
    const y = f.at(a);
    const b = f.monotone ? endOfStep(f.at, a, hi, y) : endByReading(f, a, hi, y);
    regions.push({ a, b, y });
    a = b;
  }
  return regions;
}

/**
 * The regions that cells must cover when accumulators fill `interval`, within [-bound, bound]. An end region is open if f keeps its value
 * to the bound; else it is completed to where f really changes, so that no cell holds an acc with another value, reachable or not.
 */
export function regionsToCover(f: StepFunction, interval: Interval, bound: number): Region[] {
  if (f.description !== undefined) return describedRegions(f.description, interval, bound);
  if (f.steps !== undefined) return openEnds(listRegions(f.steps, interval));
  const [lo, hi] = interval;
  const regions = regionsOf(f, interval);
  const last = regions[regions.length - 1] as Region;
  const end = endWithin(f, hi, bound);
  const start = startWithin(f, lo, bound);
  const openAbove = end > bound;
  const openBelow = start === -bound;
  regions[regions.length - 1] = openAbove ? { ...last, b: hi + 1, open: 'above' } : { ...last, b: end };
  // A region that is open on both sides is covered upwards from its first reachable acc (§5.3).
  const only = regions.length === 1;
  const now = regions[0] as Region;
  if (!(only && openAbove)) regions[0] = openBelow ? { ...now, a: lo, open: 'below' } : { ...now, a: start };
  return regions;
}

/** The regions of a list over its interval: the end values continue, so the first and the last are open, a single one above. */
function openEnds(regions: readonly Region[]): Region[] {
  return regions.map((r, i) => (i === regions.length - 1 ? { ...r, open: 'above' } : i === 0 ? { ...r, open: 'below' } : r));
}

/** `regionsToCover` of a described step. */
function describedRegions(d: StepDescription, interval: Interval, bound: number): Region[] {
  const columns = new RegionColumns(d.hi - d.lo + 1);
  const { last, start, openBelow, openAbove } = appendRegions(columns, d, interval, bound);
  let a = start;
  return Array.from({ length: last }, (_, i): Region => {
    const [b, y] = [columns.ends[i] as number, columns.ys[i] as number];
    const region = { a, b, y };
    a = b;
    if (openBelow && i === 0) return { ...region, open: 'below' };
    return openAbove && i === last - 1 ? { ...region, open: 'above' } : region;
  });
}

/** The first acc above `a` with another value, or hi + 1, by bisection. */
function endOfStep(at: (acc: number) => number, a: number, hi: number, y: number): number {
  let low = a;
  let high = hi + 1;
  // Invariant: at(low) = y, and high is past the end or at(high) ≠ y.
  while (high - low > 1) {
    const mid = Math.floor((low + high) / 2);
    if (at(mid) === y) low = mid;
    else high = mid;
  }
  return high;
}

function endByReading(f: StepFunction, a: number, hi: number, y: number): number {
  let b = a + 1;
  while (b <= hi && f.at(b) === y) b++;
  return b;
}

/** Where the value at `acc` really ends: the first acc above it with another value, or bound + 1. */
function endWithin(f: StepFunction, acc: number, bound: number): number {
  return f.monotone ? endOfStep(f.at, acc, bound, f.at(acc)) : endByReading(f, acc, bound, f.at(acc));
}

/** Where it really begins: the mirror of `endWithin`, down to −bound. */
function startWithin(f: StepFunction, acc: number, bound: number): number {
  return 1 - endWithin({ monotone: f.monotone, at: (a) => f.at(-a) }, -acc, bound);
}

/** Rows that cover these regions with cells of these widths (ascending); a refusal names `label` if a closed region is too short. */
export function cellsOf(regions: readonly Region[], widths: readonly number[], label: string): Cell[] {
  const cells: Cell[] = [];
  for (const { a, b, y, open } of regions) {
    const length = b - a;
    let w = widths[0] as number;
    for (const v of widths) if (2 ** v <= length) w = v;
    const size = 2 ** w;
    if (open === undefined && size > length)
      throw new Refused('compile.cells', `${label}: a step of length ${length} is shorter than the shortest cell, 2^${widths[0]}`, {
        label,
        length,
      });
    const count = Math.ceil(length / size);
    if (open === 'below') for (let i = count; i >= 1; i--) cells.push({ t: b - size * i, y, w });
    else if (open === 'above') for (let i = 0; i < count; i++) cells.push({ t: a + size * i, y, w });
    else {
      for (let i = 0; i < Math.floor(length / size); i++) cells.push({ t: a + size * i, y, w });
      if (length % size !== 0) cells.push({ t: b - size, y, w });
    }
  }
  return cells;
}

/** True iff every reachable acc lies in a cell and no cell holds a reachable acc with another value (exact; §5.3, Audit 4). */
export function cellsCover(f: StepFunction, [lo, hi]: Interval, cells: readonly Cell[]): boolean {
  const regions = regionsOf(f, [lo, hi]);
  const sorted = [...cells].sort((p, q) => p.t - q.t);
  let k = 0;
  let covered = lo; // every acc below this one lies in a cell
  for (const { t, y, w } of sorted) {
    const from = Math.max(t, lo);
    const to = Math.min(t + 2 ** w, hi + 1);
    if (to <= from) continue;
    if (from > covered) return false;
    while ((regions[k] as Region).b <= from) k++;
    const region = regions[k] as Region;
    if (region.y !== y || to > region.b) return false;
    covered = Math.max(covered, to);
  }
  return covered > hi;
}

/**
 * Widths by the cost model of §5.4: {s} or {s, L}. `omega` holds the widths that have a range table already, `elements` the padded
 * number of outputs.
 */
export function chooseWidths(regions: readonly (readonly Region[])[], omega: ReadonlySet<number>, elements: number): number[] {
  const lengths = regions.flatMap((list) => list.map((r) => r.b - r.a));
  let shortest = Number.POSITIVE_INFINITY;
  for (const list of regions) for (const r of list) if (r.open === undefined) shortest = Math.min(shortest, r.b - r.a);
  const smax = shortest === Number.POSITIVE_INFINITY ? 12 : Math.min(24, floorLog2(shortest));
  let best: { cost: number; widths: number[] } | null = null;
  for (let s = Math.max(0, smax - 3); s <= smax; s++) {
    for (const long of [null, ...Array.from({ length: Math.max(0, Math.min(25, s + 8) - (s + 1)) }, (_, i) => s + 1 + i)]) {
      let rows = 0;
      for (const length of lengths) rows += Math.ceil(length / 2 ** (long !== null && length >= 2 ** long ? long : s));
      const widths = long === null ? [s] : [s, long];
      // Nanoseconds measured for a content row, a range row and a committed width (§5.4).
      let cost = 70 * rows + (long === null ? 0 : 20 * elements);
      for (const w of widths) if (w > 0 && !omega.has(w)) cost += 60 * 2 ** w;
      if (best === null || cost < best.cost) best = { cost, widths };
    }
  }
  return (best as { widths: number[] }).widths;
}
