/**
 * Cells: a step function as table rows (protocol §5.3, §5.4).
 *
 * A region is a maximal interval [a, b) on which f is constant; a cell (t, y, w) says f = y on [t, t + 2^w) within [-A, A].
 * Every region is covered by cells of the chosen widths, so that one lookup of (w, acc - rem, y) and one range check of rem prove y = f(acc).
 */
import { Refused } from '../protocol/refused.ts';
import type { StepFunction } from './step.ts';

export interface Region {
  readonly a: number;
  readonly b: number;
  readonly y: number;
}

export interface Cell {
  readonly t: number;
  readonly y: number;
  readonly w: number;
}

/** The regions of f over [-A, A], ascending. A monotone f is bisected, any other is read at every point. */
export function regionsOf(f: StepFunction, bound: number): Region[] {
  const regions: Region[] = [];
  let a = -bound;
  while (a <= bound) {
    const y = f.at(a);
    let b: number;
    if (f.monotone) {
      let low = a;
      let high = bound + 1;
      // Invariant: f(low) = y, and high is past the end or f(high) ≠ y.
      while (high - low > 1) {
        const mid = Math.floor((low + high) / 2);
        if (f.at(mid) === y) low = mid;
        else high = mid;
      }
      b = high;
    } else {
      b = a + 1;
      while (b <= bound && f.at(b) === y) b++;
    }
    regions.push({ a, b, y });
    a = b;
  }
  return regions;
}

/** Rows that cover these regions with cells of these widths (ascending); a refusal names `label` if an inner region is too short. */
export function cellsOf(regions: readonly Region[], widths: readonly number[], label: string): Cell[] {
  const cells: Cell[] = [];
  regions.forEach(({ a, b, y }, k) => {
    const first = k === 0;
    const last = k === regions.length - 1;
    const length = b - a;
    let w = widths.filter((v) => 2 ** v <= length).at(-1);
    if (w === undefined) {
      if (!first && !last)
        throw new Refused('compile.cells', `${label}: a step of length ${length} is shorter than the shortest cell, 2^${widths[0]}`, {
          label,
          length,
        });
      w = widths[0] as number;
    }
    const size = 2 ** w;
    const count = Math.ceil(length / size);
    if (first && !last) for (let i = count; i >= 1; i--) cells.push({ t: b - size * i, y, w });
    else if (last) for (let i = 0; i < count; i++) cells.push({ t: a + size * i, y, w });
    else {
      for (let i = 0; i < Math.floor(length / size); i++) cells.push({ t: a + size * i, y, w });
      if (length % size !== 0) cells.push({ t: b - size, y, w });
    }
  });
  return cells;
}

/** True iff every reachable acc lies in a cell and no cell holds a reachable acc with another value (exact; §5.3, Audit 4). */
export function cellsCover(f: StepFunction, bound: number, cells: readonly Cell[]): boolean {
  const regions = regionsOf(f, bound);
  const sorted = [...cells].sort((p, q) => p.t - q.t);
  let k = 0;
  let covered = -bound; // every acc below this one lies in a cell
  for (const { t, y, w } of sorted) {
    const from = Math.max(t, -bound);
    const to = Math.min(t + 2 ** w, bound + 1);
    if (to <= from) continue;
    if (from > covered) return false;
    while ((regions[k] as Region).b <= from) k++;
    const region = regions[k] as Region;
    if (region.y !== y || to > region.b) return false;
    covered = Math.max(covered, to);
  }
  return covered > bound;
}

/**
 * Widths by the cost model of §5.4: {s} or {s, L}. `omega` holds the widths that have a range table already, `elements` the padded
 * number of outputs.
 */
export function chooseWidths(regions: readonly (readonly Region[])[], omega: ReadonlySet<number>, elements: number): number[] {
  const lengths = regions.flatMap((list) => list.map((r) => r.b - r.a));
  let shortest = Number.POSITIVE_INFINITY;
  for (const list of regions)
    for (let i = 1; i < list.length - 1; i++) shortest = Math.min(shortest, (list[i] as Region).b - (list[i] as Region).a);
  const smax = shortest === Number.POSITIVE_INFINITY ? 12 : Math.min(24, Math.floor(Math.log2(shortest)));
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
