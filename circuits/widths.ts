/**
 * Widths for small proofs: which cell widths each requantisation uses (the rules of §5.3 allow any; the cost model of §5.4 minimises
 * proving time and is `chooseWidths`).
 *
 * What costs proof bytes is committed elements: one multiplicity a table row, padded to a power of two, and one width an output if an op
 * has several widths. Inner steps of a table have nearly equal lengths, so they take the widths just below them; the two saturated ends
 * can be long, and share one long width over the whole network.
 */

import { ceilLog2, floorLog2 } from '../protocol/integers.ts';
import type { Region } from './cells.ts';

/** How many regions have each length, and the widths that fit just below the inner ones. */
export interface LengthProfile {
  readonly counts: ReadonlyMap<number, number>;
  readonly inner: readonly number[];
}

const LONGEST = 20;

export function profileOf(regions: readonly (readonly Region[])[]): LengthProfile {
  const counts = new Map<number, number>();
  const inner = new Set<number>();
  for (const list of regions)
    list.forEach(({ a, b, open }) => {
      counts.set(b - a, (counts.get(b - a) ?? 0) + 1);
      if (open === undefined) inner.add(Math.min(24, floorLog2(b - a)));
    });
  return { counts, inner: inner.size === 0 ? [12] : [...inner].sort((x, y) => x - y) };
}

/** Rows of the table and the widths of `ws` (ascending) that it uses. */
function cover({ counts }: LengthProfile, ws: readonly number[]): { rows: number; used: number[] } {
  let rows = 0;
  const used = new Set<number>();
  for (const [length, count] of counts) {
    let w = ws[0] as number;
    for (const v of ws) if (2 ** v <= length) w = v;
    used.add(w);
    rows += count * Math.ceil(length / 2 ** w);
  }
  return { rows, used: [...used].sort((x, y) => x - y) };
}

const rangeRows = (widths: Iterable<number>): number => [...widths].reduce((s, w) => s + (w > 0 ? 2 ** w : 0), 0);

/**
 * The one width of an op, if committing a width column for `elements` outputs would cost more than the extra rows; else null.
 */
export function singleWidth(profile: LengthProfile, omega: ReadonlySet<number>, elements: number): number | null {
  const fresh = (ws: readonly number[]): number => rangeRows(ws.filter((w) => !omega.has(w)));
  const smallest = profile.inner[0] as number;
  let single = { cost: Number.POSITIVE_INFINITY, w: smallest };
  for (let s = Math.max(0, smallest - 3); s <= smallest; s++) {
    const cost = cover(profile, [s]).rows + fresh([s]);
    if (cost < single.cost) single = { cost, w: s };
  }
  let several = Number.POSITIVE_INFINITY;
  for (let long = smallest + 1; long <= LONGEST; long++) {
    const { rows, used } = cover(profile, union(profile.inner, long));
    several = Math.min(several, rows + fresh(used) + elements);
  }
  return single.cost <= several ? single.w : null;
}

function union(inner: readonly number[], long: number | null): number[] {
  return [...new Set(long === null ? inner : [...inner, long])].sort((x, y) => x - y);
}

/**
 * Widths of the ops that have several, chosen together: every inner width or the shortest alone, and one long width for all, so that
 * the padded content and the range tables are least. `fixedRows`: content rows that are there anyway.
 */
export function sharedWidths(profiles: readonly LengthProfile[], omega: ReadonlySet<number>, fixedRows: number): number[][] {
  let best: { cost: number; widths: number[][] } | null = null;
  for (const all of [true, false])
    for (let long: number | null = null; long === null || long <= LONGEST; long = long === null ? 8 : long + 1) {
      const widths = profiles.map((p) => cover(p, union(all ? p.inner : p.inner.slice(0, 1), long)).used);
      const rows = profiles.reduce((s, p, i) => s + cover(p, widths[i] as number[]).rows, fixedRows + 2);
      const cost = 2 ** ceilLog2(rows) + rangeRows(new Set([...omega, ...widths.flat()]));
      if (best === null || cost < best.cost) best = { cost, widths };
    }
  // An op with a width column needs two widths; width 0 costs no range table.
  return (best as { widths: number[][] }).widths.map((ws) => (ws.length > 1 ? ws : ws[0] === 0 ? [0, 1] : [0, ws[0] as number]));
}
