/** Which tensors people can see: images as pictures, class scores as bars; the rest is a table of numbers. */

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Whether channels come first. */
  readonly planar: boolean;
}

const MAX_SIDE = 1024;

/** A tensor of one or three channels, or a square of at least 64 values on a line; else null. */
export function pictureOf(shape: readonly number[]): Picture | null {
  const dims = shape.filter((d, i) => d !== 1 || i >= shape.length - 2);
  while (dims.length > 3 && dims[0] === 1) dims.shift();
  const of = (height: number, width: number, channels: 1 | 3, planar: boolean): Picture | null =>
    height >= 4 && width >= 4 && height <= MAX_SIDE && width <= MAX_SIDE ? { width, height, channels, planar } : null;
  const [a = 0, b = 0, c = 0] = dims;
  if (dims.length === 3) return a === 3 ? of(b, c, 3, true) : c === 3 ? of(a, b, 3, false) : null;
  if (dims.length === 2 && a > 1 && b > 1) return of(a, b, 1, true);
  const flat = shape.filter((d) => d !== 1);
  const side = Math.sqrt(flat[0] ?? 0);
  return flat.length === 1 && side >= 8 && Number.isInteger(side) ? of(side, side, 1, true) : null;
}

/** Brightness 0..255: integers of 8 bits by the range of their type, anything else by the range of its values. */
export function shades(data: ArrayLike<number | bigint>, dtype: string): Uint8ClampedArray {
  const numbers = Array.from(data, Number);
  let [lo, hi] = dtype === 'uint8' ? [0, 255] : dtype === 'int8' ? [-128, 127] : [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (lo > hi)
    for (const v of numbers) {
      lo = Math.min(lo, v);
      hi = Math.max(hi, v);
    }
  return Uint8ClampedArray.from(numbers, (v) => (hi > lo ? Math.round((255 * (v - lo)) / (hi - lo)) : 0));
}

/** Class scores: 2 to 1000 values along one dimension. */
export const isScores = (shape: readonly number[], length: number): boolean =>
  shape.filter((d) => d !== 1).length === 1 && length >= 2 && length <= 1000;
