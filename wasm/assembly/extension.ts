/**
 * F4 = F_p[x]/(x^4 - 3) in structure of arrays: an extension vector is four planes of `stride` elements each, in Montgomery form
 * (protocol/extension.ts is the definition). c_k = Σ_{i+j=k} a_i b_j + 3 Σ_{i+j=k+4} a_i b_j: four products a limb, reduced once.
 */
import { add, add4, reduce, reduce4 } from './field';

/** Where plane k of a vector starts. */
// @ts-ignore: decorator
@inline
export function plane(vector: usize, stride: usize, k: usize): usize {
  return vector + ((k * stride) << 2);
}

// @ts-ignore: decorator
@inline
export function triple(a: u32): u32 {
  return add(add(a, a), a);
}

// @ts-ignore: decorator
@inline
export function triple4(a: v128): v128 {
  return add4(add4(a, a), a);
}

// @ts-ignore: decorator
@inline
export function dot(a0: u32, b0: u32, a1: u32, b1: u32, a2: u32, b2: u32, a3: u32, b3: u32): u32 {
  return reduce(<u64>a0 * b0 + <u64>a1 * b1 + <u64>a2 * b2 + <u64>a3 * b3);
}

/** a0 b0 + a1 b1 + a2 b2 + a3 b3 in four lanes. */
// @ts-ignore: decorator
@inline
export function dot4(a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128): v128 {
  let low = i64x2.extmul_low_i32x4_u(a0, b0);
  let high = i64x2.extmul_high_i32x4_u(a0, b0);
  low = i64x2.add(low, i64x2.extmul_low_i32x4_u(a1, b1));
  high = i64x2.add(high, i64x2.extmul_high_i32x4_u(a1, b1));
  low = i64x2.add(low, i64x2.extmul_low_i32x4_u(a2, b2));
  high = i64x2.add(high, i64x2.extmul_high_i32x4_u(a2, b2));
  low = i64x2.add(low, i64x2.extmul_low_i32x4_u(a3, b3));
  high = i64x2.add(high, i64x2.extmul_high_i32x4_u(a3, b3));
  return reduce4(low, high);
}
