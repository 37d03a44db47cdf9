/** The functions of one table as a key can describe them (protocol §6.8). */
import { type Interval, regionsOf } from './cells.ts';
import type { StepFunction } from './step.ts';
import { listed } from './step-list.ts';

/** Longer lists stay undescribed: their rows are committed instead (record version 1). */
const MOST_STEPS = 2 ** 16;

/** Requantisations that differ in nothing but R stay what they are, all others become lists of their steps. */
export function describable(functions: readonly StepFunction[], intervals: readonly Interval[]): readonly StepFunction[] {
  const first = functions[0]?.description;
  const alike = functions.every(({ description: d }) => {
    if (d === undefined || first === undefined) return false;
    return d.zp === first.zp && d.lo === first.lo && d.hi === first.hi && sameMap(d.map, first.map);
  });
  if (alike) return functions;
  const lists = functions.map((f, c) => stepsOver(f, intervals[c] as Interval));
  return lists.every((f) => f !== null) ? lists : functions;
}

function sameMap(a: Int16Array | null, b: Int16Array | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((v, i) => v === b[i]);
}

/** f as a list of its steps over an interval; beyond it the end values continue. Null if there are too many. */
export function stepsOver(f: StepFunction, interval: Interval): StepFunction | null {
  const regions = regionsOf(f, interval);
  if (regions.length > MOST_STEPS) return null;
  return listed({ starts: Int32Array.from(regions.slice(1), (r) => r.a), ys: Int16Array.from(regions, (r) => r.y) });
}
