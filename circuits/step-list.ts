/**
 * A step function as a list: the first value holds from −∞ on, value i from `starts[i − 1]` on (protocol §6.8 `steps`). Any function of an
 * accumulator over an interval is one, whatever arithmetic it came from, so every cell table has a description.
 */
import type { Interval, Region } from './cells.ts';
import type { StepFunction, StepList } from './step.ts';

/** The function of a list of steps. */
export function listed(steps: StepList): StepFunction {
  const { starts, ys } = steps;
  return {
    monotone: ys.every((y, i) => i === 0 || y >= (ys[i - 1] as number)),
    at: (acc) => ys[stepAt(starts, acc)] as number,
    steps,
  };
}

/** How many of the ascending `starts` are at most `acc`. */
function stepAt(starts: Int32Array, acc: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= acc) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The regions of a list that meet an interval, cut to it. */
export function listRegions({ starts, ys }: StepList, [lo, hi]: Interval): Region[] {
  const regions: Region[] = [];
  for (let i = stepAt(starts, lo), a = lo; a <= hi; i++) {
    const b = Math.min(hi + 1, starts[i] ?? hi + 1);
    regions.push({ a, b, y: ys[i] as number });
    a = b;
  }
  return regions;
}
