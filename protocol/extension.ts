/**
 * The extension field F = F_p[x] / (x^4 - 3), |F| = p^4 (protocol §2).
 *
 * A scalar is a tuple of four limbs (coefficients of 1, x, x², x³). A vector of n elements is a `Uint32Array` of 4n limbs,
 * element i at 4i; functions on vectors take that offset.
 */
import { add as addBase, inverse as inverseBase, mul as mulBase, P, residue, sub as subBase } from './field.ts';

export type F4 = readonly [number, number, number, number];

const INVERSE_OF_P = 1 / P;

export const ZERO: F4 = [0, 0, 0, 0];
export const ONE: F4 = [1, 0, 0, 0];

/** The extension element of a signed integer of magnitude below 2^53. */
export function fromInteger(v: number): F4 {
  return [residue(v), 0, 0, 0];
}

export function equal(a: F4, b: F4): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

export function isZero(a: F4): boolean {
  return (a[0] | a[1] | a[2] | a[3]) === 0;
}

export function add(a: F4, b: F4): F4 {
  return [addBase(a[0], b[0]), addBase(a[1], b[1]), addBase(a[2], b[2]), addBase(a[3], b[3])];
}

export function sub(a: F4, b: F4): F4 {
  return [subBase(a[0], b[0]), subBase(a[1], b[1]), subBase(a[2], b[2]), subBase(a[3], b[3])];
}

/** Product with a signed integer of magnitude below 2^53. */
export function scale(k: number, a: F4): F4 {
  const r = residue(k);
  return [mulBase(r, a[0]), mulBase(r, a[1]), mulBase(r, a[2]), mulBase(r, a[3])];
}

/**
 * (low + 2^16·high) mod p. Both are exact integers below 2^51: sums of products of a 31-bit by a 16-bit number, the wrapped ones
 * times 3, so no coefficient of a product exceeds 10·2^47.
 */
export function reduceSplit(low: number, high: number): number {
  const h = high - Math.floor(high * INVERSE_OF_P) * P;
  const v = h * 65536 + low;
  let r = v - Math.floor(v * INVERSE_OF_P) * P;
  if (r < 0) r += P;
  if (r >= P) r -= P;
  return r;
}

/** out[o..o+4) = a[i..i+4) · b[j..j+4): c_k = Σ_{i+j=k} a_i b_j + 3 Σ_{i+j=k+4} a_i b_j. */
export function mulTo(out: Uint32Array, o: number, a: Uint32Array, i: number, b: Uint32Array, j: number): void {
  const a0 = a[i] as number;
  const a1 = a[i + 1] as number;
  const a2 = a[i + 2] as number;
  const a3 = a[i + 3] as number;
  const b0 = b[j] as number;
  const b1 = b[j + 1] as number;
  const b2 = b[j + 2] as number;
  const b3 = b[j + 3] as number;
  const l0 = b0 & 65535;
  const l1 = b1 & 65535;
  const l2 = b2 & 65535;
  const l3 = b3 & 65535;
  const h0 = b0 >>> 16;
  const h1 = b1 >>> 16;
  const h2 = b2 >>> 16;
  const h3 = b3 >>> 16;
  out[o] = reduceSplit(a0 * l0 + 3 * (a1 * l3 + a2 * l2 + a3 * l1), a0 * h0 + 3 * (a1 * h3 + a2 * h2 + a3 * h1));
  out[o + 1] = reduceSplit(a0 * l1 + a1 * l0 + 3 * (a2 * l3 + a3 * l2), a0 * h1 + a1 * h0 + 3 * (a2 * h3 + a3 * h2));
  out[o + 2] = reduceSplit(a0 * l2 + a1 * l1 + a2 * l0 + 3 * (a3 * l3), a0 * h2 + a1 * h1 + a2 * h0 + 3 * (a3 * h3));
  out[o + 3] = reduceSplit(a0 * l3 + a1 * l2 + a2 * l1 + a3 * l0, a0 * h3 + a1 * h2 + a2 * h1 + a3 * h0);
}

export function mul(a: F4, b: F4): F4 {
  const [a0, a1, a2, a3] = a;
  const [b0, b1, b2, b3] = b;
  const l0 = b0 & 65535;
  const l1 = b1 & 65535;
  const l2 = b2 & 65535;
  const l3 = b3 & 65535;
  const h0 = b0 >>> 16;
  const h1 = b1 >>> 16;
  const h2 = b2 >>> 16;
  const h3 = b3 >>> 16;
  return [
    reduceSplit(a0 * l0 + 3 * (a1 * l3 + a2 * l2 + a3 * l1), a0 * h0 + 3 * (a1 * h3 + a2 * h2 + a3 * h1)),
    reduceSplit(a0 * l1 + a1 * l0 + 3 * (a2 * l3 + a3 * l2), a0 * h1 + a1 * h0 + 3 * (a2 * h3 + a3 * h2)),
    reduceSplit(a0 * l2 + a1 * l1 + a2 * l0 + 3 * (a3 * l3), a0 * h2 + a1 * h1 + a2 * h0 + 3 * (a3 * h3)),
    reduceSplit(a0 * l3 + a1 * l2 + a2 * l1 + a3 * l0, a0 * h3 + a1 * h2 + a2 * h1 + a3 * h0),
  ];
}

/** Inverse through the tower y = x², y² = 3; 0 maps to 0. */
export function inverse(a: F4): F4 {
  const [a0, a1, a2, a3] = a;
  const m = mulBase;
  // (a0 + a2 y)² - y (a1 + a3 y)² = n0 + n1 y
  const n0 = subBase(addBase(m(a0, a0), m(3, m(a2, a2))), m(6, m(a1, a3)));
  const n1 = subBase(m(2, m(a0, a2)), addBase(m(a1, a1), m(3, m(a3, a3))));
  const d = inverseBase(subBase(m(n0, n0), m(3, m(n1, n1))));
  const i0 = m(n0, d);
  const i1 = subBase(0, m(n1, d));
  return [
    addBase(m(a0, i0), m(3, m(a2, i1))),
    subBase(0, addBase(m(a1, i0), m(3, m(a3, i1)))),
    addBase(m(a0, i1), m(a2, i0)),
    subBase(0, addBase(m(a1, i1), m(a3, i0))),
  ];
}

/** 1, x, x², …, x^(n-1). */
export function powers(x: F4, n: number): F4[] {
  const result: F4[] = [];
  let current = ONE;
  for (let i = 0; i < n; i++) {
    result.push(current);
    current = mul(current, x);
  }
  return result;
}

/** Element i of a vector. */
export function get(v: Uint32Array, i: number): F4 {
  return [v[4 * i] as number, v[4 * i + 1] as number, v[4 * i + 2] as number, v[4 * i + 3] as number];
}

/** Writes element i of a vector. */
export function set(v: Uint32Array, i: number, a: F4): void {
  v[4 * i] = a[0];
  v[4 * i + 1] = a[1];
  v[4 * i + 2] = a[2];
  v[4 * i + 3] = a[3];
}

/** A vector of these elements. */
export function vector(elements: readonly F4[]): Uint32Array {
  const v = new Uint32Array(4 * elements.length);
  elements.forEach((a, i) => {
    set(v, i, a);
  });
  return v;
}
