/**
 * KoalaBear, p = 2^31 - 2^24 + 1, one element at a time and four in a SIMD register (protocol/field.ts is the definition).
 *
 * Montgomery: `reduce(t) = t / 2^32 mod p` for t < 4 p². A product of a plain element and one in Montgomery form (x·2^32) is plain.
 */

export const P: u32 = 2130706433;
/** p^-1 mod 2^32. */
const MU: u32 = 0x81000001;
/** 2^32 mod p, the one of Montgomery form, and its square: `mul(x, R2)` takes x into that form. */
export const R: u32 = 33554430;
export const R2: u32 = 402124772;

// @ts-ignore: decorator
@inline
export function add(a: u32, b: u32): u32 {
  const s = a + b;
  return min(s, s - P);
}

// @ts-ignore: decorator
@inline
export function sub(a: u32, b: u32): u32 {
  const d = a - b;
  return min(d, d + P);
}

/** t / 2^32 mod p for t < 4 p². The low halves of t and q p are equal, so the high halves alone are subtracted. */
// @ts-ignore: decorator
@inline
export function reduce(t: u64): u32 {
  const q: u32 = <u32>t * MU;
  const high = <u32>(t >> 32);
  const m = <u32>((<u64>q * P) >> 32);
  const d = min(high, high - P) - m;
  return min(d, d + P);
}

// @ts-ignore: decorator
@inline
export function mul(a: u32, b: u32): u32 {
  return reduce(<u64>a * b);
}

/** The residue of a signed 32-bit integer of magnitude below p. */
// @ts-ignore: decorator
@inline
export function residue(v: i32): u32 {
  return v < 0 ? <u32>v + P : <u32>v;
}

// @ts-ignore: decorator
@inline
export function add4(a: v128, b: v128): v128 {
  const s = i32x4.add(a, b);
  return i32x4.min_u(s, i32x4.sub(s, i32x4.splat(P)));
}

// @ts-ignore: decorator
@inline
export function sub4(a: v128, b: v128): v128 {
  const d = i32x4.sub(a, b);
  return i32x4.min_u(d, i32x4.add(d, i32x4.splat(P)));
}

/** `reduce` of four 64-bit numbers below 4 p²: two in `low` (lanes 0, 1), two in `high` (lanes 2, 3). */
// @ts-ignore: decorator
@inline
export function reduce4(low: v128, high: v128): v128 {
  const q = i32x4.mul(v128.shuffle<u32>(low, high, 0, 2, 4, 6), i32x4.splat(MU));
  const h = v128.shuffle<u32>(low, high, 1, 3, 5, 7);
  const m = v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(q, i32x4.splat(P)), i64x2.extmul_high_i32x4_u(q, i32x4.splat(P)), 1, 3, 5, 7);
  const d = i32x4.sub(i32x4.min_u(h, i32x4.sub(h, i32x4.splat(P))), m);
  return i32x4.min_u(d, i32x4.add(d, i32x4.splat(P)));
}

/** Four products; the sum of the factors' bounds is below 2 p², so the high halves need no correction. */
// @ts-ignore: decorator
@inline
export function mul4(a: v128, b: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(a, b);
  const high = i64x2.extmul_high_i32x4_u(a, b);
  const q = i32x4.mul(v128.shuffle<u32>(low, high, 0, 2, 4, 6), i32x4.splat(MU));
  const m = v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(q, i32x4.splat(P)), i64x2.extmul_high_i32x4_u(q, i32x4.splat(P)), 1, 3, 5, 7);
  const d = i32x4.sub(v128.shuffle<u32>(low, high, 1, 3, 5, 7), m);
  return i32x4.min_u(d, i32x4.add(d, i32x4.splat(P)));
}

/** Residues of four signed integers of magnitude below p. */
// @ts-ignore: decorator
@inline
export function residue4(v: v128): v128 {
  return i32x4.min_u(v, i32x4.add(v, i32x4.splat(P)));
}
