/**
 * The base field F_p, p = 2^31 - 2^24 + 1 (KoalaBear, protocol §2). Elements are JavaScript numbers in [0, p).
 */

export const P = 2130706433;
/** (p - 1) / 2: integers of at most this magnitude are the centred residues. */
export const HALF = 1065353216;
export const TWO_ADICITY = 24;
const GENERATOR = 3;
const INVERSE_OF_P = 1 / P;

export function add(a: number, b: number): number {
  const s = (a + b - P) | 0;
  return s + (P & (s >> 31));
}

export function sub(a: number, b: number): number {
  const s = (a - b) | 0;
  return s + (P & (s >> 31));
}

/**
 * a · b mod p. The quotient comes from a float64 product, whose relative error of 2^-52 moves it by at most one and only when the
 * remainder is within 2^10 of 0 or p; so the low 32 bits of `a·b - q·p` hold the remainder in (-2^10, p + 2^10) exactly.
 */
export function mul(a: number, b: number): number {
  const q = (a * b * INVERSE_OF_P) | 0;
  let r = (Math.imul(a, b) - Math.imul(q, P)) | 0;
  r += P & (r >> 31);
  r = (r - P) | 0;
  return r + (P & (r >> 31));
}

export function pow(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result = mul(result, square);
    square = mul(square, square);
  }
  return result;
}

/** Multiplicative inverse; 0 maps to 0. */
export function inverse(a: number): number {
  return pow(a, P - 2);
}

/** ω_n = 3^((p-1)/n), a primitive n-th root of unity; n a power of two up to 2^24. */
export function rootOfUnity(n: number): number {
  return pow(GENERATOR, (P - 1) / n);
}

/** The residue of a signed integer of magnitude below 2^53. */
export function residue(v: number): number {
  const r = v % P;
  return r < 0 ? r + P : r;
}

/** The centred integer a residue stands for: in [-(p-1)/2, (p-1)/2]. */
export function centred(a: number): number {
  return a > HALF ? a - P : a;
}
