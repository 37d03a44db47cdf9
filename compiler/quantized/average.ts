/**
 * Averages of bytes as onnxruntime computes them in float32, as functions of the exact sum (transformers §3): its rounded sums are a function of the
 * integer sum for most scales, and then the function here is the kernel's; where two orders of one sum round to two results, the meaning is the exact
 * rational rule, and the compiler says so.
 */

import { roundHalfEven } from '../../circuits/step.ts';
import { floatToBits } from '../../protocol/float32.ts';
import type { Target } from './form.ts';

const f32 = Math.fround;

export interface AverageRule {
  /** Scale of the elements, and how many are averaged. */
  readonly scale: number;
  readonly count: number;
  readonly to: Target;
  /** The zero point is added before the rounding (QLinearAveragePool), or after (a float average that is quantized). */
  readonly zeroPointFirst: boolean;
  /** What onnxruntime adds to signed integers to make them unsigned: 128, or 0. It rounds with the zero point that this gives. */
  readonly shift: number;
}

/** y of a float32 sum. */
function ofSum({ count, to, zeroPointFirst, shift }: AverageRule, sum: number): number {
  const q = f32(f32(sum / count) / to.scale);
  const y = zeroPointFirst ? roundHalfEven(f32(q + (to.zp + shift))) - shift : roundHalfEven(q) + to.zp;
  return Math.min(to.hi, Math.max(to.lo, y));
}

/** A float32 as an integer and a power of two. */
function parts(v: number): { m: bigint; e: number } {
  const bits = floatToBits(v);
  const exponent = (bits >>> 23) & 255;
  const mantissa = bits & 0x7fffff;
  return exponent === 0 ? { m: BigInt(mantissa), e: -149 } : { m: BigInt(mantissa | 0x800000), e: exponent - 150 };
}

/** clip(rint(n·scale/(sy·count) + zp)), exactly; halves go to the even neighbour, of the sum with the zero point or without it. */
function exact({ scale, count, to, zeroPointFirst }: AverageRule, n: number): number {
  const [s, t] = [parts(scale), parts(to.scale)];
  const shift = s.e - t.e;
  let numerator = BigInt(n) * s.m * (shift > 0 ? 1n << BigInt(shift) : 1n);
  const denominator = t.m * BigInt(count) * (shift < 0 ? 1n << BigInt(-shift) : 1n);
  if (zeroPointFirst) numerator += BigInt(to.zp) * denominator;
  let q = numerator / denominator;
  let rest = numerator % denominator;
  if (rest < 0n) {
    rest += denominator;
    q -= 1n;
  }
  const twice = 2n * rest;
  if (twice > denominator || (twice === denominator && (q & 1n) !== 0n)) q += 1n;
  const y = Number(q) + (zeroPointFirst ? 0 : to.zp);
  return Math.min(to.hi, Math.max(to.lo, y));
}

export interface AverageFunction {
  /** y (raw) of every sum of centred elements from `low` on. */
  readonly low: number;
  readonly ys: Int16Array;
  /** Sums for which the kernel's result depends on the order of its rounded additions. */
  readonly ambiguous: number;
}

/** The function over all sums of `count` elements in [lo, hi], centred. */
export function averageFunction(rule: AverageRule, [lo, hi]: readonly [number, number]): AverageFunction {
  const low = rule.count * lo;
  const error = errorBound(rule, Math.max(Math.abs(lo), Math.abs(hi)));
  let ambiguous = 0;
  const ys = Int16Array.from({ length: rule.count * (hi - lo) + 1 }, (_, i) => {
    const n = low + i;
    const real = n * rule.scale; // exact in float64: 24 + 20 bits
    const [below, above] = [ofSum(rule, f32(real - error)), ofSum(rule, f32(real + error))];
    if (below === above) return below;
    const known = reachable(rule, [lo, hi])?.get(n);
    if (known !== undefined && known !== null) return known;
    if (known === undefined && reachable(rule, [lo, hi]) !== null) return exact(rule, n); // no elements have this sum
    ambiguous++;
    return exact(rule, n);
  });
  return { low, ys, ambiguous };
}

/** How far the kernel's sum can be from the exact one: every product and every addition rounds once. */
function errorBound({ scale, count }: AverageRule, most: number): number {
  const half = 2 ** -24;
  let total = 0;
  for (let k = 1; k <= count; k++) total += (k + 1) * most * scale * half * 1.01;
  // The last rounding of the bound itself, and that of `real ± error` to float32.
  return total + count * most * scale * half * 1.01;
}

const MOST_COUNT = 4;
let last: { key: string; sums: ReadonlyMap<number, number | null> } | null = null;

/** By sum: the result of every order of the kernel's additions, null where there are two; null where that is too much to try. */
function reachable(rule: AverageRule, [lo, hi]: readonly [number, number]): ReadonlyMap<number, number | null> | null {
  if (rule.count > MOST_COUNT) return null;
  const key = JSON.stringify([rule, lo, hi]);
  if (last?.key === key) return last.sums;
  const values = Array.from({ length: hi - lo + 1 }, (_, i) => f32((lo + i) * rule.scale));
  // Per sum the float32 sums that lead to it.
  let level = new Map<number, Set<number>>([[0, new Set([0])]]);
  for (let k = 0; k < rule.count; k++) {
    const next = new Map<number, Set<number>>();
    for (const [n, sums] of level)
      for (let i = 0; i < values.length; i++) {
        const set = next.get(n + lo + i) ?? new Set<number>();
        next.set(n + lo + i, set);
        for (const s of sums) set.add(f32(s + (values[i] as number)));
      }
    level = next;
  }
  const sums = new Map<number, number | null>();
  for (const [n, set] of level) {
    const results = new Set([...set].map((s) => ofSum(rule, s)));
    sums.set(n, results.size === 1 ? ([...results][0] as number) : null);
  }
  last = { key, sums };
  return sums;
}
