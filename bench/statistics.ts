/** What is said of a list of measurements. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below, above] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle] as number, sorted[middle] as number];
  return { median: (below + above) / 2, min: sorted[0] as number, max: sorted.at(-1) as number, count: sorted.length };
}

export const median = (values: readonly number[]): number => spread(values).median;

/** The median of a/b over rounds: each pair was taken one after the other, so that a busy machine slows both alike. */
export function pairedRatio(a: readonly number[], b: readonly number[]): number {
  return median(Array.from({ length: Math.min(a.length, b.length) }, (_, i) => (a[i] as number) / (b[i] as number)));
}
