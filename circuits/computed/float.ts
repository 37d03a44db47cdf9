/** float32 arithmetic that every machine computes alike: one rounding an operation. */

const view = new DataView(new ArrayBuffer(8));

/** fma(a, b, c) of float32 operands: one rounding. The float64 sum is rounded to odd first, so that the second rounding is harmless. */
export function fma(a: number, b: number, c: number): number {
  const p = a * b; // exact: 24 + 24 bits
  const s = p + c;
  const t = s - p;
  const error = p - (s - t) + (c - t); // Knuth's two-sum: p + c = s + error exactly
  if (error === 0 || !Number.isFinite(s)) return Math.fround(s);
  view.setFloat64(0, s);
  const bits = view.getBigInt64(0);
  if ((bits & 1n) === 1n) return Math.fround(s);
  // s is even, the exact sum lies towards `error`: the odd neighbour on that side stands for everything between.
  view.setBigInt64(0, error > 0 === s > 0 ? bits + 1n : bits - 1n);
  return Math.fround(view.getFloat64(0));
}
