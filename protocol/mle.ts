/**
 * Multilinear extensions (protocol §3.1, §3.3): f̃(r) = Σ_i f[i] · eq(bits of i, r), the first coordinate of r being the most
 * significant bit of i.
 */
import { dotBase } from './accumulator.ts';
import { add, type F4, fromInteger, get, mul, mulTo, ONE, scale, set, sub, ZERO } from './extension.ts';
import { add as addBase, inverse as inverseBase, sub as subBase } from './field.ts';

export type Point = readonly F4[];

/** The vector of eq(b, r) over b in {0,1}^n, times `factor`. */
export function eqTable(r: Point, factor: F4 = ONE): Uint32Array {
  const n = r.length;
  const table = new Uint32Array(4 << n);
  set(table, 0, factor);
  const x = new Uint32Array(4);
  for (let k = 0; k < n; k++) {
    set(x, 0, r[k] as F4);
    // Element i splits into (2i, 2i + 1); from the last, so that nothing is overwritten before it is read.
    for (let i = (1 << k) - 1; i >= 0; i--) {
      const at = 8 * i;
      const t0 = table[4 * i] as number;
      const t1 = table[4 * i + 1] as number;
      const t2 = table[4 * i + 2] as number;
      const t3 = table[4 * i + 3] as number;
      mulTo(table, at + 4, table, 4 * i, x, 0);
      table[at] = subBase(t0, table[at + 4] as number);
      table[at + 1] = subBase(t1, table[at + 5] as number);
      table[at + 2] = subBase(t2, table[at + 6] as number);
      table[at + 3] = subBase(t3, table[at + 7] as number);
    }
  }
  return table;
}

/** eq(a, b) = Π (a_i b_i + (1 - a_i)(1 - b_i)). */
export function eqPoints(a: Point, b: Point): F4 {
  let result = ONE;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as F4, b[i] as F4];
    const xy = mul(x, y);
    result = mul(result, add(sub(sub(ONE, x), y), add(xy, xy)));
  }
  return result;
}

/** The n-bit point of an integer, most significant bit first. */
export function bitsPoint(v: number, n: number): F4[] {
  return Array.from({ length: n }, (_, i) => (Math.floor(v / 2 ** (n - 1 - i)) % 2 === 1 ? ONE : ZERO));
}

/** MLE of [index < d] on r.length bits (§3.3). */
export function lessThan(r: Point, d: number): F4 {
  const n = r.length;
  if (d >= 2 ** n) return ONE;
  let acc = ZERO;
  let prefix = ONE;
  for (let k = 0; k < n; k++) {
    const x = r[k] as F4;
    const high = mul(prefix, x);
    const low = sub(prefix, high);
    if (Math.floor(d / 2 ** (n - 1 - k)) % 2 === 1) {
      acc = add(acc, low);
      prefix = high;
    } else prefix = low;
  }
  return acc;
}

/** Splits a point into consecutive pieces of these lengths. */
export function splitPoint(r: Point, bits: readonly number[]): F4[][] {
  let at = 0;
  return bits.map((b) => {
    at += b;
    return r.slice(at - b, at);
  });
}

/** I(r): the MLE of the indicator of the valid positions of a tensor (§3.3). */
export function indicator(dims: readonly number[], bits: readonly number[], r: Point): F4 {
  return splitPoint(r, bits).reduce((acc, piece, k) => mul(acc, lessThan(piece, dims[k] as number)), ONE);
}

/** Variables of the low factor of eq: its 2^10 elements stay near while the vector passes. */
const LOW = 10;

/** f̃(r) of a vector of residues or signed integers, f.length = 2^r.length. eq is the product of a table for the high and one for the low bits. */
export function evaluateBase(f: Int32Array | Uint32Array, r: Point): F4 {
  const low = Math.min(LOW, r.length);
  const eqLow = eqTable(r.slice(r.length - low));
  const eqHigh = eqTable(r.slice(0, r.length - low));
  let sum = ZERO;
  for (let k = 0; k < eqHigh.length / 4; k++) sum = add(sum, mul(get(eqHigh, k), dotBase(f, k << low, 1, eqLow, 0, 1 << low)));
  return sum;
}

/** Σ a_i b_i of two extension vectors. */
export function dot(a: Uint32Array, b: Uint32Array): F4 {
  const t = new Uint32Array(4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < a.length; i += 4) {
    mulTo(t, 0, a, i, b, i);
    s0 = addBase(s0, t[0] as number);
    s1 = addBase(s1, t[1] as number);
    s2 = addBase(s2, t[2] as number);
    s3 = addBase(s3, t[3] as number);
  }
  return [s0, s1, s2, s3];
}

/** f̃(r) of an extension vector. */
export function evaluateExtension(f: Uint32Array, r: Point): F4 {
  return dot(f, eqTable(r));
}

/** The value at x of the polynomial of degree `values.length - 1` with these values at 0, 1, 2, … (at most 4 of them). */
export function interpolate(values: readonly F4[], x: F4): F4 {
  const n = values.length;
  let result = ZERO;
  for (let i = 0; i < n; i++) {
    let term = values[i] as F4;
    let denominator = 1;
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      term = mul(term, sub(x, fromInteger(j)));
      denominator *= i - j;
    }
    result = add(result, mul(term, INVERSES.get(denominator) as F4));
  }
  return result;
}

/** Inverses of the denominators i!·(n-1-i)!·± that interpolation on 0..3 needs. */
const INVERSES: ReadonlyMap<number, F4> = new Map(
  [-6, -2, -1, 1, 2, 6].map((k) => {
    const v = fromInteger(inverseBase(Math.abs(k)));
    return [k, k < 0 ? scale(-1, v) : v];
  }),
);

/** Folds the top variable of an extension vector: out[i] = v[i] + x (v[i + half] - v[i]). */
export function foldTop(v: Uint32Array, x: F4): Uint32Array {
  const half = v.length / 2;
  const out = new Uint32Array(half);
  const t = new Uint32Array(8);
  set(t, 1, x);
  for (let i = 0; i < half; i += 4) {
    t[0] = subBase(v[i + half] as number, v[i] as number);
    t[1] = subBase(v[i + half + 1] as number, v[i + 1] as number);
    t[2] = subBase(v[i + half + 2] as number, v[i + 2] as number);
    t[3] = subBase(v[i + half + 3] as number, v[i + 3] as number);
    mulTo(t, 0, t, 0, t, 4);
    out[i] = addBase(v[i] as number, t[0] as number);
    out[i + 1] = addBase(v[i + 1] as number, t[1] as number);
    out[i + 2] = addBase(v[i + 2] as number, t[2] as number);
    out[i + 3] = addBase(v[i + 3] as number, t[3] as number);
  }
  return out;
}

/** The elements of a vector as tuples. */
export function elements(v: Uint32Array): F4[] {
  return Array.from({ length: v.length / 4 }, (_, i) => get(v, i));
}
