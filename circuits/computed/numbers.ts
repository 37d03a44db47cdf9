/** Conditions that the descriptions of computed ops share. */
import type { Tensor } from '../types.ts';

/** float32 bits of a positive, normal, finite number. */
export const isNormalScale = (bits: number): boolean => bits >= 0x00800000 && bits < 0x7f800000;

/** float32 bits of a finite number. */
export const isFinite32 = (bits: number): boolean => (bits & 0x7f800000) !== 0x7f800000;

export function within({ lo, hi }: Tensor, values: Iterable<number>): boolean {
  for (const v of values) if (!(lo !== null && hi !== null && v >= lo && v <= hi)) return false;
  return true;
}

/** An integer that a window may have: at least 0, with room for sums. */
export const isCount = (v: number): boolean => Number.isInteger(v) && v >= 0 && v <= 2 ** 20;

export const sameDims = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
