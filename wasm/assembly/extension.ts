/**
 * F4 = F_p[x]/(x^4 - 3) in structure of arrays: an extension vector is four planes, `plane` bytes apart, in Montgomery form
 * (protocol/extension.ts is the definition). c_k = Σ_{i+j=k} a_i b_j + 3 Σ_{i+j=k+4} a_i b_j: four products a limb, reduced once.
 */
import { add, add4, mul, R2, reduce, reduce4, sub, sub4 } from './field';

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

// The limbs of a product in four lanes; t_i = 3 b_i.

// @ts-ignore: decorator
@inline
export function limb0(a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, t1: v128, t2: v128, t3: v128): v128 {
  return dot4(a0, b0, a1, t3, a2, t2, a3, t1);
}

// @ts-ignore: decorator
@inline
export function limb1(a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, b1: v128, t2: v128, t3: v128): v128 {
  return dot4(a0, b1, a1, b0, a2, t3, a3, t2);
}

// @ts-ignore: decorator
@inline
export function limb2(a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, b1: v128, b2: v128, t3: v128): v128 {
  return dot4(a0, b2, a1, b1, a2, b0, a3, t3);
}

// @ts-ignore: decorator
@inline
export function limb3(a0: v128, a1: v128, a2: v128, a3: v128, b0: v128, b1: v128, b2: v128, b3: v128): v128 {
  return dot4(a0, b3, a1, b2, a2, b1, a3, b0);
}

/** A scalar operand: an element of four words followed by 3b_1, 3b_2, 3b_3; seven words. */
export function spread(b: usize): void {
  store<u32>(b, triple(load<u32>(b, 4)), 16);
  store<u32>(b, triple(load<u32>(b, 8)), 20);
  store<u32>(b, triple(load<u32>(b, 12)), 24);
}

/** out = v · b for the four elements at v and out (planes apart), b a `spread` scalar. */
export function scaleAt(out: usize, outPlane: usize, v: usize, plane: usize, b: usize): void {
  const a0 = v128.load(v);
  const a1 = v128.load(v + plane);
  const a2 = v128.load(v + 2 * plane);
  const a3 = v128.load(v + 3 * plane);
  const b0 = v128.load32_splat(b);
  const b1 = v128.load32_splat(b, 4);
  const b2 = v128.load32_splat(b, 8);
  const b3 = v128.load32_splat(b, 12);
  const t1 = v128.load32_splat(b, 16);
  const t2 = v128.load32_splat(b, 20);
  const t3 = v128.load32_splat(b, 24);
  v128.store(out, limb0(a0, a1, a2, a3, b0, t1, t2, t3));
  v128.store(out + outPlane, limb1(a0, a1, a2, a3, b0, b1, t2, t3));
  v128.store(out + 2 * outPlane, limb2(a0, a1, a2, a3, b0, b1, b2, t3));
  v128.store(out + 3 * outPlane, limb3(a0, a1, a2, a3, b0, b1, b2, b3));
}

/** v += x (v' − v) for the four elements at v, v' the ones `distance` bytes on, x a `spread` scalar: binds the top variable. */
export function foldAt(v: usize, plane: usize, distance: usize, x: usize): void {
  const l0 = v128.load(v);
  const l1 = v128.load(v + plane);
  const l2 = v128.load(v + 2 * plane);
  const l3 = v128.load(v + 3 * plane);
  const a0 = sub4(v128.load(v + distance), l0);
  const a1 = sub4(v128.load(v + distance + plane), l1);
  const a2 = sub4(v128.load(v + distance + 2 * plane), l2);
  const a3 = sub4(v128.load(v + distance + 3 * plane), l3);
  const b0 = v128.load32_splat(x);
  const b1 = v128.load32_splat(x, 4);
  const b2 = v128.load32_splat(x, 8);
  const b3 = v128.load32_splat(x, 12);
  const t1 = v128.load32_splat(x, 16);
  const t2 = v128.load32_splat(x, 20);
  const t3 = v128.load32_splat(x, 24);
  v128.store(v, add4(l0, limb0(a0, a1, a2, a3, b0, t1, t2, t3)));
  v128.store(v + plane, add4(l1, limb1(a0, a1, a2, a3, b0, b1, t2, t3)));
  v128.store(v + 2 * plane, add4(l2, limb2(a0, a1, a2, a3, b0, b1, b2, t3)));
  v128.store(v + 3 * plane, add4(l3, limb3(a0, a1, a2, a3, b0, b1, b2, b3)));
}

/** The sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function lanes(v: v128): u32 {
  return add(add(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)), add(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)));
}

/** sum += a · b for single elements of four words each. */
export function multiplyAdd(sum: usize, a: usize, b: usize): void {
  const a0 = load<u32>(a);
  const a1 = load<u32>(a, 4);
  const a2 = load<u32>(a, 8);
  const a3 = load<u32>(a, 12);
  const b0 = load<u32>(b);
  const b1 = load<u32>(b, 4);
  const b2 = load<u32>(b, 8);
  const b3 = load<u32>(b, 12);
  const t1 = triple(b1);
  const t2 = triple(b2);
  const t3 = triple(b3);
  store<u32>(sum, add(load<u32>(sum), dot(a0, b0, a1, t3, a2, t2, a3, t1)));
  store<u32>(sum, add(load<u32>(sum, 4), dot(a0, b1, a1, b0, a2, t3, a3, t2)), 4);
  store<u32>(sum, add(load<u32>(sum, 8), dot(a0, b2, a1, b1, a2, b0, a3, t3)), 8);
  store<u32>(sum, add(load<u32>(sum, 12), dot(a0, b3, a1, b2, a2, b1, a3, b0)), 12);
}

/** Plain elements, limbs together, into planes in Montgomery form: elements [from, to) of both. */
export function toPlanes(thread: u32, from: u32, to: u32, elements: usize, vector: usize, plane: usize): void {
  for (let i = from; i < to; i++)
    for (let k: u32 = 0; k < 4; k++) store<u32>(vector + k * plane + (i << 2), mul(load<u32>(elements + (i << 4) + (k << 2)), R2));
}

/** Planes in Montgomery form into plain elements, limbs together. */
export function fromPlanes(thread: u32, from: u32, to: u32, vector: usize, plane: usize, elements: usize): void {
  for (let i = from; i < to; i++)
    for (let k: u32 = 0; k < 4; k++) store<u32>(elements + (i << 4) + (k << 2), reduce(<u64>load<u32>(vector + k * plane + (i << 2))));
}

/**
 * eq(b, r) over b in {0,1}^n times a factor (protocol §3.1), into planes; `point` holds n elements and then the factor, limbs together in
 * Montgomery form, with room for three words behind. From the last coordinate, the low bit, so that every doubling appends. Lanes past a
 * table of one or two elements are zero.
 */
export function eqTable(point: usize, n: u32, table: usize, plane: usize): void {
  const factor = point + (n << 4);
  for (let k: u32 = 0; k < 4; k++) {
    v128.store(table + k * plane, i32x4.splat(0));
    store<u32>(table + k * plane, load<u32>(factor + (k << 2)));
  }
  // The coordinate with its triples, where the factor was.
  for (let j: u32 = 0; j < n; j++) {
    memory.copy(factor, point + ((n - 1 - j) << 4), 16);
    spread(factor);
    const size: usize = <usize>4 << j;
    if (j < 2) {
      for (let i: usize = 0; i < size; i += 4) {
        const from = table + i;
        const high = from + size;
        const a0 = load<u32>(from);
        const a1 = load<u32>(from + plane);
        const a2 = load<u32>(from + 2 * plane);
        const a3 = load<u32>(from + 3 * plane);
        const b0 = load<u32>(factor);
        const b1 = load<u32>(factor, 4);
        const b2 = load<u32>(factor, 8);
        const b3 = load<u32>(factor, 12);
        const t1 = load<u32>(factor, 16);
        const t2 = load<u32>(factor, 20);
        const t3 = load<u32>(factor, 24);
        const c0 = dot(a0, b0, a1, t3, a2, t2, a3, t1);
        const c1 = dot(a0, b1, a1, b0, a2, t3, a3, t2);
        const c2 = dot(a0, b2, a1, b1, a2, b0, a3, t3);
        const c3 = dot(a0, b3, a1, b2, a2, b1, a3, b0);
        store<u32>(high, c0);
        store<u32>(high + plane, c1);
        store<u32>(high + 2 * plane, c2);
        store<u32>(high + 3 * plane, c3);
        store<u32>(from, sub(a0, c0));
        store<u32>(from + plane, sub(a1, c1));
        store<u32>(from + 2 * plane, sub(a2, c2));
        store<u32>(from + 3 * plane, sub(a3, c3));
      }
      continue;
    }
    for (let i: usize = 0; i < size; i += 16) {
      scaleAt(table + size + i, plane, table + i, plane, factor);
      for (let k: u32 = 0; k < 4; k++) {
        const at = table + i + k * plane;
        v128.store(at, sub4(v128.load(at), v128.load(at + size)));
      }
    }
  }
}

/** Sums the top variable out of a table of 2·half elements: what remains is the table of the other variables. */
export function sumOut(table: usize, plane: usize, half: u32): void {
  const distance: usize = half << 2;
  for (let k: u32 = 0; k < 4; k++) {
    const v = table + k * plane;
    if (half < 4) {
      for (let i: usize = 0; i < distance; i += 4) {
        store<u32>(v + i, add(load<u32>(v + i), load<u32>(v + i + distance)));
      }
      for (let i: usize = distance; i < 16; i += 4) store<u32>(v + i, 0);
    } else for (let i: usize = 0; i < distance; i += 16) v128.store(v + i, add4(v128.load(v + i), v128.load(v + i + distance)));
  }
}
