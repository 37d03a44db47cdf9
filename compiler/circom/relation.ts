/**
 * How a function of an accumulator becomes constraints: the cheapest of a line, a table over the whole interval, and the steps one by one
 * (circuits/circom). Each is the function itself at every accumulator that can be reached.
 */
import { type Interval, regionsOf } from '../../circuits/cells.ts';
import type { StepDescription, StepFunction } from '../../circuits/step.ts';
import { ceilLog2 } from '../../protocol/integers.ts';
import { Refused } from '../../protocol/refused.ts';
import { findLine, type Line, lineCost } from './line.ts';

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

/** Constraints of `Tables` of 2^n values each, without the bits: a row that differs from the last one by a constant needs no product. */
export function tablesCost(n: number, tables: readonly (readonly number[])[]): number {
  const l = n >> 1;
  const width = 2 ** l;
  const last = 2 ** n - width;
  const indicators = indicatorCost(l) + indicatorCost(n - l);
  return tables.reduce((products, table) => {
    const apart = (i: number): number => (table[i] as number) - (table[last + (i % width)] as number);
    for (let row = 0; row < last; row += width)
      if (Array.from({ length: width }, (_, i) => apart(row + i)).some((d) => d !== apart(row))) products++;
    return products;
  }, indicators);
}

/** Values of a table and as many more as its bits can name. */
export const filled = (values: readonly number[], by = 0): number[] =>
  Array.from({ length: 2 ** ceilLog2(values.length) }, (_, i) => (i < values.length ? (values[i] as number) : by));

/** Constraints of `Unary` of these values. */
export const unaryCost = (values: readonly number[]): number =>
  ceilLog2(values.length) + tablesCost(ceilLog2(values.length), [filled(values)]);

/** The tables of the steps: where each begins, where it ends, its value. */
export function stepTables(steps: readonly { readonly a: number; readonly b: number; readonly y: number }[]): number[][] {
  const last = steps[steps.length - 1]?.b as number;
  return [
    filled(
      steps.map((s) => s.a),
      last,
    ),
    filled(
      steps.map((s) => s.b),
      last,
    ),
    filled(steps.map((s) => s.y)),
  ];
}

const longest = (steps: readonly { readonly a: number; readonly b: number }[]): number => steps.reduce((n, r) => Math.max(n, r.b - r.a), 0);

export function relationCost(r: Relation): number {
  if (r.kind === 'constant') return 0;
  if (r.kind === 'table') return unaryCost(r.values);
  if (r.kind === 'line') return lineCost(r.line) + (r.map === null ? 0 : unaryCost(r.map));
  const n = ceilLog2(r.steps.length);
  return n + tablesCost(n, stepTables(r.steps)) + 2 * ceilLog2(longest(r.steps));
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
