/** Logarithms of integers by counting, because `Math.log2` may round differently from one engine to the next. */

/** ceil(log2 n) for an integer n ≥ 1. */
export function ceilLog2(n: number): number {
  let bits = 0;
  while (2 ** bits < n) bits++;
  return bits;
}

/** floor(log2 n) for an integer n ≥ 1. */
export function floorLog2(n: number): number {
  let bits = 0;
  while (2 ** (bits + 1) <= n) bits++;
  return bits;
}

export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && 2 ** ceilLog2(n) === n;
}
