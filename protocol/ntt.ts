/**
 * Reed–Solomon encoding (protocol §3.2): column c is the polynomial with these coefficients, evaluated at ω_n^j, j = 0..n-1.
 *
 * Iterative decimation in time over a base-field column; a column of extension elements is four base columns (ω is a base element).
 */
import type { F4 } from './extension.ts';
import { add, mul, P, pow, rootOfUnity, sub } from './field.ts';
import { ceilLog2 } from './integers.ts';

/** Twiddles of a transform of size n: ω_n^j for j < n/2, and the float64 quotients ω/p that make a product one rounding cheaper. */
interface Twiddles {
  readonly w: Uint32Array;
  readonly ratio: Float64Array;
}

const cache = new Map<number, Twiddles>();

function twiddles(n: number): Twiddles {
  let t = cache.get(n);
  if (t === undefined) {
    const root = rootOfUnity(n);
    const w = new Uint32Array(n / 2);
    const ratio = new Float64Array(n / 2);
    let x = 1;
    for (let j = 0; j < n / 2; j++) {
      w[j] = x;
      ratio[j] = x / P;
      x = mul(x, root);
    }
    t = { w, ratio };
    cache.set(n, t);
  }
  return t;
}

function bitReverse(i: number, bits: number): number {
  let v = i;
  let r = 0;
  for (let b = 0; b < bits; b++) {
    r = (r << 1) | (v & 1);
    v >>>= 1;
  }
  return r;
}

/**
 * Evaluates the polynomial with coefficients `a[0..m)` at ω_n^j for j < n; m and n powers of two, m ≤ n ≤ 2^24.
 *
 * Writes `out[0..n)`. Coefficients past m are zero, so the first log2(n/m) levels only copy.
 */
export function encode(a: Uint32Array, m: number, out: Uint32Array, n: number): void {
  const bits = ceilLog2(n);
  const copies = n / m;
  const mBits = ceilLog2(m);
  for (let i = 0; i < m; i++) {
    const v = a[i] as number;
    const at = bitReverse(i, mBits) * copies;
    for (let k = 0; k < copies; k++) out[at + k] = v;
  }
  if (n === 1) return;
  const { w, ratio } = twiddles(n);
  for (let level = bits - mBits; level < bits; level++) {
    const half = 1 << level;
    const stride = n >> (level + 1);
    for (let start = 0; start < n; start += 2 * half) {
      for (let j = 0, t = 0; j < half; j++, t += stride) {
        const x = out[start + j] as number;
        const b = out[start + j + half] as number;
        const q = (b * (ratio[t] as number)) | 0;
        // b·w mod p as in field.mul: the quotient is off by at most one, the low 32 bits decide.
        let y = (Math.imul(b, w[t] as number) - Math.imul(q, P)) | 0;
        y += P & (y >> 31);
        y = (y - P) | 0;
        y += P & (y >> 31);
        const s = (x + y - P) | 0;
        out[start + j] = s + (P & (s >> 31));
        const d = (x - y) | 0;
        out[start + j + half] = d + (P & (d >> 31));
      }
    }
  }
}

/** What `encodeExtensionAt` asks of a kernel: polynomials are vectors of extension elements that it keeps where it likes. */
export interface Remainders<V> {
  /** low ± s·high of the two halves of a polynomial of 2·half elements; `depth` says how often it was halved before. */
  halve(v: V, half: number, s: number, depth: number): readonly [V, V];
  /** The value at a base element x of a polynomial of `length` elements. */
  valueAt(v: V, length: number, x: number): F4;
}

/**
 * The polynomial g of m elements at ω_n^j for the given j alone, in their order: m, n powers of two, m ≤ n.
 *
 * The levels of a transform, walked down only where a position waits: for j ≡ r mod n/L, G(ω^j) is its remainder modulo X^L − ω^(rL) there;
 * the two halves of that residue class have the remainders modulo X^(L/2) ∓ ω^(rL/2). A position that is left alone is evaluated at once.
 */
export function encodeExtensionAt<V>(g: V, m: number, n: number, positions: readonly number[], kernel: Remainders<V>): F4[] {
  const root = rootOfUnity(n);
  const out: F4[] = new Array(positions.length);
  const walk = (v: V, length: number, r: number, members: readonly number[], depth: number): void => {
    if (members.length === 1 || length === 1) {
      const x = pow(root, positions[members[0] as number] as number);
      for (const i of members) out[i] = kernel.valueAt(v, length, x);
      return;
    }
    const half = length / 2;
    const step = n / length;
    const sides = kernel.halve(v, half, pow(root, r * half), depth);
    sides.forEach((side, k) => {
      const rest = r + k * step;
      const there = members.filter((i) => (positions[i] as number) % (2 * step) === rest);
      if (there.length > 0) walk(side, half, rest, there, depth + 1);
    });
  };
  const classes = new Map<number, number[]>();
  positions.forEach((j, i) => {
    const r = j % (n / m);
    const there = classes.get(r);
    if (there === undefined) classes.set(r, [i]);
    else there.push(i);
  });
  for (const [r, members] of classes) walk(g, m, r, members, 0);
  return out;
}

/** The definition of `Remainders`, over arrays; a vector of a depth lives until the next one of that depth. */
export function remainders(): Remainders<Uint32Array> {
  const kept: [Uint32Array, Uint32Array][] = [];
  return {
    halve(v, half, s, depth) {
      kept[depth] ??= [new Uint32Array(4 * half), new Uint32Array(4 * half)];
      const [plus, minus] = kept[depth] as [Uint32Array, Uint32Array];
      for (let i = 0; i < 4 * half; i++) {
        const low = v[i] as number;
        const high = mul(s, v[4 * half + i] as number);
        plus[i] = add(low, high);
        minus[i] = sub(low, high);
      }
      return [plus, minus];
    },
    valueAt(v, length, x) {
      const value: [number, number, number, number] = [0, 0, 0, 0];
      for (let i = 4 * length - 4; i >= 0; i -= 4)
        for (let c = 0; c < 4; c++) value[c] = add(mul(value[c] as number, x), v[i + c] as number);
      return value;
    },
  };
}

/** Evaluates the polynomial with these coefficients at ω_n^j, directly; the definition that `encode` is tested against. */
export function evaluateAt(a: readonly number[], n: number, j: number): number {
  const x = pow(rootOfUnity(n), j);
  return a.reduceRight((acc, c) => (mul(acc, x) + c) % P, 0);
}
