/**
 * How a function of an accumulator becomes constraints: the cheapest of a line, a table over the whole interval, and the steps one by one
 * (circuits/circom). Each is the function itself at every accumulator that can be reached.
 */
import { type Interval, regionsOf } from '../../circuits/cells.ts';
import type { StepDescription, StepFunction } from '../../circuits/step.ts';
import { ceilLog2 } from '../../protocol/integers.ts';
import { Refused } from '../../protocol/refused.ts';
import { bitLength, findLine, type Line, lineCost } from './line.ts';

export type Relation =
  | { readonly kind: 'line'; readonly line: Line; readonly offset: number; readonly map: readonly number[] | null }
  /** y = values[acc − from]. */
  | { readonly kind: 'table'; readonly from: number; readonly values: readonly number[] }
  /** y = y[i] for the i with from[i] ≤ acc < to[i]. */
  | { readonly kind: 'steps'; readonly steps: readonly { readonly a: number; readonly b: number; readonly y: number }[] }
  | { readonly kind: 'constant'; readonly y: number };

/** Accumulators that one table may hold, and steps. */
const LARGEST_TABLE = 2 ** 12;
const MOST_STEPS = 2 ** 12;

/** Products that `Indicators(n)` makes. */
const indicatorCost = (n: number): number => {
  if (n < 2) return 0;
  const l = n >> 1;
  const h = n - l;
  return indicatorCost(l) + indicatorCost(h) + (2 ** h - 1) * (2 ** l - 1);
};

/** Constraints of `Tables(n, t, …)`, without the bits. */
export const tablesCost = (n: number, t: number): number => {
  const l = n >> 1;
  const h = n - l;
  return indicatorCost(l) + indicatorCost(h) + t * (2 ** h - 1);
};

/** Constraints of `Unary(n, …)`. */
export const unaryCost = (n: number): number => n + tablesCost(n, 1);

const longest = (steps: readonly { readonly a: number; readonly b: number }[]): number => steps.reduce((n, r) => Math.max(n, r.b - r.a), 0);

export function relationCost(r: Relation): number {
  if (r.kind === 'constant') return 0;
  if (r.kind === 'table') return unaryCost(ceilLog2(r.values.length));
  if (r.kind === 'line') return lineCost(r.line) + (r.map === null ? 0 : unaryCost(bitLength(r.line.top)));
  const n = ceilLog2(r.steps.length);
  return n + tablesCost(n, 3) + 2 * ceilLog2(longest(r.steps));
}

/** A map that only clips, as that of a Relu does, is a narrower clip. */
function withoutMap(d: StepDescription): { description: StepDescription; offset: number; map: readonly number[] | null } {
  if (d.map === null) return { description: d, offset: d.lo - d.zp, map: null };
  const map = Array.from(d.map);
  const from = map.lastIndexOf(map[0] as number);
  const to = map.indexOf(map[map.length - 1] as number);
  const clips = to >= from && map.every((y, i) => y === (map[from] as number) + Math.min(to, Math.max(from, i)) - from);
  if (!clips) return { description: d, offset: 0, map };
  return { description: { ...d, lo: d.lo + from, hi: d.lo + to, map: null }, offset: map[from] as number, map: null };
}

/** The cheapest relation of `f` over `interval`. Refused `groth16.steps` where none is within bounds; `label` names the node. */
export function relationOf(f: StepFunction, interval: Interval, label: string): Relation {
  const [lo, hi] = interval;
  if (f.monotone && f.at(lo) === f.at(hi)) return { kind: 'constant', y: f.at(lo) };
  const found: Relation[] = [];
  if (f.description !== undefined) {
    const { description, offset, map } = withoutMap(f.description);
    const line = findLine(description, lo, hi);
    if (line !== null) found.push({ kind: 'line', line, offset, map });
  }
  if (hi - lo < LARGEST_TABLE) found.push({ kind: 'table', from: lo, values: Array.from({ length: hi - lo + 1 }, (_, i) => f.at(lo + i)) });
  if (found.length === 0) {
    const steps = regionsOf(f, interval);
    if (steps.length <= MOST_STEPS) found.push({ kind: 'steps', steps });
  }
  const best = found.sort((p, q) => relationCost(p) - relationCost(q))[0];
  if (best === undefined)
    throw new Refused('groth16.steps', `"${label}": its function takes more than ${MOST_STEPS} steps over [${lo}, ${hi}]`, { node: label });
  return best;
}

/** What the constraints of a relation allow: the one y of an accumulator. For tests and audits. */
export function stepWidth(steps: readonly { readonly a: number; readonly b: number }[]): number {
  return ceilLog2(longest(steps));
}
