/**
 * The fraction forest of LogUp (protocol §8.2), one tree at a time: leaves, the levels above them, and the rounds of a level. The reference
 * set's forest.ts is the definition.
 *
 * A level of 2h fractions is two vectors of 2h elements, numerators and denominators, of planes `plane` bytes apart; the halves of a vector
 * are n0, n1 and d0, d1. A round wants Σ eq [λ(n0 d1 + n1 d0) + d0 d1], which is Σ eq [(A + d0) d1 + B d0] for A = λ n0 and B = λ n1:
 * `weigh` puts A, B in the numerators' place. With unit numerators it is Σ eq [(d0 + λ)(d1 + λ) − λ²], and `shift` adds λ to the denominators.
 *
 * Most rows of a table are looked up by nobody, so most numerators are zero, and stay so for some folds: four that are zero cost no product.
 */
import { foldAt, lanes, limb0, limb1, limb2, limb3, scaleAt, triple4 } from './extension';
import { add4, mul4, P, R2, reduce4, sub4 } from './field';

/** Three signed products below 2^61 each become positive and stay below 4p²; a multiple of p. */
const OFFSET: i64 = <i64>P << 32;

/**
 * Denominators α − (k0 + β k1 + β² k2) of leaves [from, to) from centred integers. `constants`: α in Montgomery form, then β·2^64 and
 * β²·2^64, four words each.
 */
export function denominators(
  thread: u32,
  from: u32,
  to: u32,
  k0: usize,
  k1: usize,
  k2: usize,
  constants: usize,
  den: usize,
  plane: usize,
): void {
  const offset = i64x2.splat(OFFSET);
  const one = i32x4.splat(R2);
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const a = v128.load(k0 + i);
    const b = v128.load(k1 + i);
    const c = v128.load(k2 + i);
    for (let k: u32 = 0; k < 4; k++) {
      const beta = v128.load32_splat(constants + (k << 2), 16);
      const square = v128.load32_splat(constants + (k << 2), 32);
      let low = i64x2.add(offset, i64x2.extmul_low_i32x4_s(b, beta));
      let high = i64x2.add(offset, i64x2.extmul_high_i32x4_s(b, beta));
      low = i64x2.add(low, i64x2.extmul_low_i32x4_s(c, square));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_s(c, square));
      if (k === 0) {
        low = i64x2.add(low, i64x2.extmul_low_i32x4_s(a, one));
        high = i64x2.add(high, i64x2.extmul_high_i32x4_s(a, one));
      }
      v128.store(den + k * plane + i, sub4(v128.load32_splat(constants + (k << 2)), reduce4(low, high)));
    }
  }
}

/** Base-field elements in Montgomery form from centred integers. */
export function montgomery(thread: u32, from: u32, to: u32, values: usize, out: usize): void {
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const v = v128.load(values + i);
    v128.store(out + i, mul4(i32x4.min_u(v, i32x4.add(v, i32x4.splat(P))), i32x4.splat(R2)));
  }
}

/** What the numerators of a level are. */
const UNIT: u32 = 0;
const BASE: u32 = 1;

/** Fractions [from, to) of the level above one of 2h: d = d0 d1, n = n0 d1 + n1 d0. Numerators all one, of the base field, or elements. */
export function above(
  thread: u32,
  from: u32,
  to: u32,
  kind: u32,
  num: usize,
  den: usize,
  plane: usize,
  h: u32,
  aboveNum: usize,
  aboveDen: usize,
  abovePlane: usize,
): void {
  const second: usize = h << 2;
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const d = den + i;
    const a0 = v128.load(d);
    const a1 = v128.load(d + plane);
    const a2 = v128.load(d + 2 * plane);
    const a3 = v128.load(d + 3 * plane);
    const b0 = v128.load(d + second);
    const b1 = v128.load(d + second + plane);
    const b2 = v128.load(d + second + 2 * plane);
    const b3 = v128.load(d + second + 3 * plane);
    const t1 = triple4(b1);
    const t2 = triple4(b2);
    const t3 = triple4(b3);
    const o = aboveDen + i;
    v128.store(o, limb0(a0, a1, a2, a3, b0, t1, t2, t3));
    v128.store(o + abovePlane, limb1(a0, a1, a2, a3, b0, b1, t2, t3));
    v128.store(o + 2 * abovePlane, limb2(a0, a1, a2, a3, b0, b1, b2, t3));
    v128.store(o + 3 * abovePlane, limb3(a0, a1, a2, a3, b0, b1, b2, b3));
    const s = aboveNum + i;
    if (kind === UNIT) {
      v128.store(s, add4(a0, b0));
      v128.store(s + abovePlane, add4(a1, b1));
      v128.store(s + 2 * abovePlane, add4(a2, b2));
      v128.store(s + 3 * abovePlane, add4(a3, b3));
      continue;
    }
    const n = num + i;
    if (kind === BASE ? isZero(n, n + second) : isZeroElement(n, plane) && isZeroElement(n + second, plane)) {
      const zero = i32x4.splat(0);
      for (let k: u32 = 0; k < 4; k++) v128.store(s + k * abovePlane, zero);
      continue;
    }
    if (kind === BASE) {
      const x = v128.load(n);
      const y = v128.load(n + second);
      v128.store(s, pair4(x, b0, y, a0));
      v128.store(s + abovePlane, pair4(x, b1, y, a1));
      v128.store(s + 2 * abovePlane, pair4(x, b2, y, a2));
      v128.store(s + 3 * abovePlane, pair4(x, b3, y, a3));
      continue;
    }
    const u1 = triple4(a1);
    const u2 = triple4(a2);
    const u3 = triple4(a3);
    const x0 = v128.load(n);
    const x1 = v128.load(n + plane);
    const x2 = v128.load(n + 2 * plane);
    const x3 = v128.load(n + 3 * plane);
    const y0 = v128.load(n + second);
    const y1 = v128.load(n + second + plane);
    const y2 = v128.load(n + second + 2 * plane);
    const y3 = v128.load(n + second + 3 * plane);
    v128.store(s, add4(limb0(x0, x1, x2, x3, b0, t1, t2, t3), limb0(y0, y1, y2, y3, a0, u1, u2, u3)));
    v128.store(s + abovePlane, add4(limb1(x0, x1, x2, x3, b0, b1, t2, t3), limb1(y0, y1, y2, y3, a0, a1, u2, u3)));
    v128.store(s + 2 * abovePlane, add4(limb2(x0, x1, x2, x3, b0, b1, b2, t3), limb2(y0, y1, y2, y3, a0, a1, a2, u3)));
    v128.store(s + 3 * abovePlane, add4(limb3(x0, x1, x2, x3, b0, b1, b2, b3), limb3(y0, y1, y2, y3, a0, a1, a2, a3)));
  }
}

/** Whether the four lanes at both places are zero. */
// @ts-ignore: decorator
@inline
function isZero(a: usize, b: usize): bool {
  return !v128.any_true(v128.or(v128.load(a), v128.load(b)));
}

/** Whether the four elements at v are zero. */
// @ts-ignore: decorator
@inline
function isZeroElement(v: usize, plane: usize): bool {
  return !v128.any_true(
    v128.or(v128.or(v128.load(v), v128.load(v + plane)), v128.or(v128.load(v + 2 * plane), v128.load(v + 3 * plane))),
  );
}

/** a b + c d in four lanes. */
// @ts-ignore: decorator
@inline
function pair4(a: v128, b: v128, c: v128, d: v128): v128 {
  return reduce4(
    i64x2.add(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_low_i32x4_u(c, d)),
    i64x2.add(i64x2.extmul_high_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(c, d)),
  );
}

/**
 * Elements [from, to) of a level's numerators times λ. Base-field numerators at `num` become elements at `out`. λ is a `spread` scalar.
 */
export function weigh(thread: u32, from: u32, to: u32, kind: u32, num: usize, plane: usize, lambda: usize, out: usize): void {
  const b0 = v128.load32_splat(lambda);
  const b1 = v128.load32_splat(lambda, 4);
  const b2 = v128.load32_splat(lambda, 8);
  const b3 = v128.load32_splat(lambda, 12);
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const o = out + i;
    if (kind !== BASE) {
      if (!isZeroElement(num + i, plane)) scaleAt(o, plane, num + i, plane, lambda);
      else if (num !== out) for (let k: u32 = 0; k < 4; k++) v128.store(o + k * plane, i32x4.splat(0));
      continue;
    }
    const a = v128.load(num + i);
    v128.store(o, mul4(a, b0));
    v128.store(o + plane, mul4(a, b1));
    v128.store(o + 2 * plane, mul4(a, b2));
    v128.store(o + 3 * plane, mul4(a, b3));
  }
}

/** Adds the element at `lambda` to elements [from, to) of a vector. */
export function shift(thread: u32, from: u32, to: u32, den: usize, plane: usize, lambda: usize): void {
  for (let k: u32 = 0; k < 4; k++) {
    const l = v128.load32_splat(lambda + (k << 2));
    for (let i = den + k * plane + (<usize>from << 2); i < den + k * plane + (<usize>to << 2); i += 16)
      v128.store(i, add4(v128.load(i), l));
  }
}

/**
 * sums += eq · (d0 d1 [+ A d1 + B d0]) at four points: at X = 0 the vectors' lower halves, at ∞ the differences. Eight registers at `sums`.
 * `num` is 0 where A and B are absent or zero here.
 */
function pointsAt(num: usize, den: usize, plane: usize, second: usize, distance: usize, eq: usize, eqPlane: usize, sums: usize): void {
  const e0 = v128.load(eq);
  const e1 = v128.load(eq + eqPlane);
  const e2 = v128.load(eq + 2 * eqPlane);
  const e3 = v128.load(eq + 3 * eqPlane);
  const f1 = triple4(e1);
  const f2 = triple4(e2);
  const f3 = triple4(e3);
  for (let infinity: u32 = 0; infinity < 2; infinity++) {
    // d1, times A + d0.
    let d = den + second;
    let b0 = v128.load(d);
    let b1 = v128.load(d + plane);
    let b2 = v128.load(d + 2 * plane);
    let b3 = v128.load(d + 3 * plane);
    d = den;
    let a0 = v128.load(d);
    let a1 = v128.load(d + plane);
    let a2 = v128.load(d + 2 * plane);
    let a3 = v128.load(d + 3 * plane);
    if (infinity) {
      a0 = sub4(v128.load(d + distance), a0);
      a1 = sub4(v128.load(d + distance + plane), a1);
      a2 = sub4(v128.load(d + distance + 2 * plane), a2);
      a3 = sub4(v128.load(d + distance + 3 * plane), a3);
      d = den + second;
      b0 = sub4(v128.load(d + distance), b0);
      b1 = sub4(v128.load(d + distance + plane), b1);
      b2 = sub4(v128.load(d + distance + 2 * plane), b2);
      b3 = sub4(v128.load(d + distance + 3 * plane), b3);
    }
    let t1 = triple4(b1);
    let t2 = triple4(b2);
    let t3 = triple4(b3);
    let c0: v128;
    let c1: v128;
    let c2: v128;
    let c3: v128;
    if (num === 0) {
      c0 = limb0(a0, a1, a2, a3, b0, t1, t2, t3);
      c1 = limb1(a0, a1, a2, a3, b0, b1, t2, t3);
      c2 = limb2(a0, a1, a2, a3, b0, b1, b2, t3);
      c3 = limb3(a0, a1, a2, a3, b0, b1, b2, b3);
    } else {
      let n0 = v128.load(num);
      let n1 = v128.load(num + plane);
      let n2 = v128.load(num + 2 * plane);
      let n3 = v128.load(num + 3 * plane);
      if (infinity) {
        n0 = sub4(v128.load(num + distance), n0);
        n1 = sub4(v128.load(num + distance + plane), n1);
        n2 = sub4(v128.load(num + distance + 2 * plane), n2);
        n3 = sub4(v128.load(num + distance + 3 * plane), n3);
      }
      n0 = add4(n0, a0);
      n1 = add4(n1, a1);
      n2 = add4(n2, a2);
      n3 = add4(n3, a3);
      c0 = limb0(n0, n1, n2, n3, b0, t1, t2, t3);
      c1 = limb1(n0, n1, n2, n3, b0, b1, t2, t3);
      c2 = limb2(n0, n1, n2, n3, b0, b1, b2, t3);
      c3 = limb3(n0, n1, n2, n3, b0, b1, b2, b3);
      // d0, times B.
      const n = num + second;
      b0 = v128.load(n);
      b1 = v128.load(n + plane);
      b2 = v128.load(n + 2 * plane);
      b3 = v128.load(n + 3 * plane);
      if (infinity) {
        b0 = sub4(v128.load(n + distance), b0);
        b1 = sub4(v128.load(n + distance + plane), b1);
        b2 = sub4(v128.load(n + distance + 2 * plane), b2);
        b3 = sub4(v128.load(n + distance + 3 * plane), b3);
      }
      t1 = triple4(b1);
      t2 = triple4(b2);
      t3 = triple4(b3);
      c0 = add4(c0, limb0(a0, a1, a2, a3, b0, t1, t2, t3));
      c1 = add4(c1, limb1(a0, a1, a2, a3, b0, b1, t2, t3));
      c2 = add4(c2, limb2(a0, a1, a2, a3, b0, b1, b2, t3));
      c3 = add4(c3, limb3(a0, a1, a2, a3, b0, b1, b2, b3));
    }
    const s = sums + (infinity << 6);
    v128.store(s, add4(v128.load(s), limb0(c0, c1, c2, c3, e0, f1, f2, f3)));
    v128.store(s, add4(v128.load(s, 16), limb1(c0, c1, c2, c3, e0, e1, f2, f3)), 16);
    v128.store(s, add4(v128.load(s, 32), limb2(c0, c1, c2, c3, e0, e1, e2, f3)), 32);
    v128.store(s, add4(v128.load(s, 48), limb3(c0, c1, c2, c3, e0, e1, e2, e3)), 48);
  }
}

/** `foldAt`, or nothing if x is 0; whether what stands at v now is surely zero. */
// @ts-ignore: decorator
@inline
function foldUnlessZero(v: usize, plane: usize, distance: usize, x: usize): bool {
  if (x === 0) return isZeroElement(v, plane);
  if (isZeroElement(v, plane) && isZeroElement(v + distance, plane)) return true;
  foldAt(v, plane, distance, x);
  return false;
}

/**
 * A round over points [from, to): the vectors have 2·length elements now if `x` is 0; else 4·length, and x (a `spread` scalar) binds their
 * top variable first. `num` is 0 for unit numerators. t(0) and t(∞) come at `sums`, which has 128 bytes: eight words.
 */
export function forestRound(
  thread: u32,
  from: u32,
  to: u32,
  num: usize,
  den: usize,
  plane: usize,
  second: usize,
  length: u32,
  eq: usize,
  eqPlane: usize,
  x: usize,
  sums: usize,
): void {
  memory.fill(sums, 0, 128);
  const distance: usize = <usize>length << 2;
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    // A vector of up to four elements is one register.
    const last: usize = length < 4 ? 0 : distance;
    let zero = true;
    for (let part: usize = 0; part <= last; part += max(distance, 4)) {
      const at = i + part;
      if (x !== 0) {
        foldAt(den + at, plane, 2 * distance, x);
        foldAt(den + second + at, plane, 2 * distance, x);
      }
      if (num === 0) continue;
      const zeroA = foldUnlessZero(num + at, plane, 2 * distance, x);
      const zeroB = foldUnlessZero(num + second + at, plane, 2 * distance, x);
      zero = zero && zeroA && zeroB;
    }
    pointsAt(zero ? 0 : num + i, den + i, plane, second, distance, eq + i, eqPlane, sums);
  }
  for (let k: usize = 0; k < 8; k++) store<u32>(sums + (k << 2), lanes(v128.load(sums + (k << 4))));
}
