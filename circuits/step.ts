/**
 * Step functions: the integer meaning of a requantisation, from accumulator to centred output (protocol §5.3).
 */

/** A function of an integer accumulator with small integer values; `monotone` (non-decreasing) lets the compiler find its steps by bisection. */
export interface StepFunction {
  readonly monotone: boolean;
  at(acc: number): number;
}

/** Round to nearest, ties to even; exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/**
 * onnxruntime's requantisation on the CPU: `clip(rint(f32(f32(acc) * R)) + zp) - zp` (protocol §5.3).
 *
 * `scale` is R, a positive float32; `lo`, `hi` are the raw clip bounds; the result is centred.
 */
export function requantize(scale: number, zp: number, lo: number, hi: number): StepFunction {
  const r = Math.fround(scale);
  return {
    monotone: r >= 0,
    at: (acc) => Math.min(hi, Math.max(lo, roundHalfEven(Math.fround(Math.fround(acc) * r)) + zp)) - zp,
  };
}
