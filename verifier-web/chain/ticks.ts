/** Three or four round values from zero or below the least to above the most. */
export function ticksOf(low: number, high: number): readonly number[] {
  // Below 10^-300 a tenth of it could be no number any more.
  const span = Math.max(high - low || Math.abs(high) || 1, 1e-300);
  const raw = span / 2;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  const first = Math.floor(low / step) * step;
  const ticks = [first, first + step, first + 2 * step];
  return high > (ticks[2] as number) ? [...ticks, first + 3 * step] : ticks;
}
