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

/** ys[0] below starts[0], ys[i + 1] from starts[i] on; starts ascend, and there is one value more than starts. */
export interface StepList {
  readonly starts: Int32Array;
  readonly ys: Int16Array;
}

/** A function of an integer accumulator with small integer values; `monotone` (non-decreasing) lets the compiler find its steps by bisection. */
export interface StepFunction {
  readonly monotone: boolean;
  at(acc: number): number;
  readonly description?: StepDescription;
  /** Set if the function is a list of steps (`step-list.ts`). */
  readonly steps?: StepList;
}

/** Beside it a double has room for integers only. */
const ONLY_INTEGERS = 1.5 * 2 ** 52;

/** Round to nearest, ties to even, as doubles themselves round; exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return x + ONLY_INTEGERS - ONLY_INTEGERS;
}

/** rint(f32(f32(acc)·R)) + zp, clipped: the raw value of a described step. Non-decreasing in acc, because each of its operations is. */
export function rawValue({ scale, zp, lo, hi }: Omit<StepDescription, 'map'>, acc: number): number {
  return Math.min(hi, Math.max(lo, roundHalfEven(Math.fround(Math.fround(acc) * scale)) + zp));
}

/**
 * The least acc in [low, high] with rint(f32(f32(acc)·scale)) > q, or high + 1; `scale` a positive float32, q small.
 *
 * In real numbers that is (q + ½)/scale. Rounding to float32 moves it by a few units at most while acc < 2^24, by more above: so it is
 * searched from there in doubling steps, and then by bisection, with the float32 product itself as the judge.
 */
export function firstAbove(scale: number, q: number, low: number, high: number): number {
  const half = q + 0.5; // exact; a tie goes to the even neighbour
  const tieIsAbove = q % 2 !== 0;
  const above = (acc: number): boolean => {
    const x = Math.fround(Math.fround(acc) * scale);
    return x > half || (tieIsAbove && x === half);
  };
  // Invariant of the search: `at` is above or high + 1, `below` is not above or low - 1. (+ 0: a ceiling can be -0.)
  let at = Math.min(high + 1, Math.max(low, Math.ceil(half / scale))) + 0;
  let below = at - 1;
  for (let step = 1; at <= high && !above(at); step *= 2) {
    below = at;
    at = Math.min(high + 1, at + step);
  }
  for (let step = 1; below >= low && above(below); step *= 2) {
    at = below;
    below = Math.max(low - 1, below - step);
  }
  while (at - below > 1) {
    const middle = below + Math.floor((at - below) / 2);
    if (above(middle)) at = middle;
    else below = middle;
  }
  return at;
}

/**
 * onnxruntime's requantisation on the CPU: `clip(rint(f32(f32(acc) * R)) + zp) - zp` (protocol §5.3).
 *
 * `scale` is R, a positive float32; `lo`, `hi` are the raw clip bounds; the result is centred. With `map`, the centred result is
 * `map[clipped - lo]`: what follows on the same tensor (a Relu between two quantisations, say), as a table.
 */
export function requantize(scale: number, zp: number, lo: number, hi: number, map: Int16Array | null = null): StepFunction {
  const description = { scale: Math.fround(scale), zp, lo, hi, map };
  return {
    monotone: description.scale >= 0 && (map === null || map.every((v, i) => i === 0 || v >= (map[i - 1] as number))),
    at: map === null ? (acc) => rawValue(description, acc) - zp : (acc) => map[rawValue(description, acc) - lo] as number,
    description,
  };
}
