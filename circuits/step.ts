/**
 * Step functions: the integer meaning of a requantisation, from accumulator to centred output (protocol §5.3).
 */

/** A step function as data, so that a key can carry it instead of a commitment to its table (protocol §6.8). */
export interface StepDescription {
  /** R, a positive normal float32. */
  readonly scale: number;
  readonly zp: number;
  /** Raw clip bounds. */
  readonly lo: number;
  readonly hi: number;
  /** Centred y by raw requantised value, from `lo` to `hi`; null: y = value − zp. */
  readonly map: Int16Array | null;
}

/** A function of an integer accumulator with small integer values; `monotone` (non-decreasing) lets the compiler find its steps by bisection. */
export interface StepFunction {
  readonly monotone: boolean;
  at(acc: number): number;
  readonly description?: StepDescription;
}

/** Round to nearest, ties to even; exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/**
 * onnxruntime's requantisation on the CPU: `clip(rint(f32(f32(acc) * R)) + zp) - zp` (protocol §5.3).
 *
 * `scale` is R, a positive float32; `lo`, `hi` are the raw clip bounds; the result is centred. With `map`, the centred result is
 * `map[clipped - lo]`: what follows on the same tensor (a Relu between two quantisations, say), as a table.
 */
export function requantize(scale: number, zp: number, lo: number, hi: number, map: Int16Array | null = null): StepFunction {
  const r = Math.fround(scale);
  const raw = (acc: number): number => Math.min(hi, Math.max(lo, roundHalfEven(Math.fround(Math.fround(acc) * r)) + zp));
  return {
    monotone: r >= 0 && (map === null || map.every((v, i) => i === 0 || v >= (map[i - 1] as number))),
    at: map === null ? (acc) => raw(acc) - zp : (acc) => map[raw(acc) - lo] as number,
    description: { scale: r, zp, lo, hi, map },
  };
}
