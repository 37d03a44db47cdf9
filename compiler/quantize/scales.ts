/**
 * Scales and zero points of activations: uint8, asymmetric, zero exactly on an integer. float32, and computed with the four operations alone:
 * the same ranges give the same bits on any machine.
 */
import type { Range } from './histogram.ts';

export interface Affine {
  readonly scale: number;
  readonly zp: number;
}

/** From smallest to largest value, zero included. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [lo, hi] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    lo = Math.min(lo, values[i] as number);
    hi = Math.max(hi, values[i] as number);
  }
  return { lo, hi };
}

/** Smallest scale that is chosen: a requantisation must stay a normal float32. */
const LEAST = 2 ** -60;

/** `bits`: of the scale's mantissa, 24 for any float32. Scales with fewer are rounded up, so that no range is cut. */
export function affineOf({ lo, hi }: Range, bits = 24): Affine {
  const width = Math.max(0, hi) - Math.min(0, lo);
  if (!(width / 255 > LEAST)) return { scale: 1, zp: 0 };
  const scale = snapped(Math.fround(width / 255), bits);
  return { scale, zp: Math.min(255, Math.max(0, Math.round(-Math.min(0, lo) / scale))) };
}

/** The smallest number with a mantissa of `bits` bits that is not below the float32 `scale`. */
export function snapped(scale: number, bits: number): number {
  let unit = 1;
  const top = 2 ** (bits - 1);
  while (unit * top > scale) unit /= 2;
  while (unit * top * 2 <= scale) unit *= 2;
  return Math.ceil(scale / unit) * unit;
}

/**
 * Bits of mantissa with which the float32 sums of a window of `count` values are exact: 255·count·M < 2^24 (14 for 2 x 2, 12 for 3 x 3).
 * onnxruntime's average pooling is then a function of the integer sum, which a proof can follow to the bit.
 */
export function exactSumBits(count: number): number {
  let bits = 24;
  while (bits > 2 && 2 ** bits * 255 * count >= 2 ** 24) bits--;
  return bits;
}
