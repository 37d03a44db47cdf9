/** Rounds of a sumcheck of products (protocol §8.5, §9.1) and the vectors its recipes name. The reference set's sumcheck.ts and recipes.ts define them. */
import { foldAt, lanes, limb0, limb1, limb2, limb3, scaleAt, spread, triple4 } from './extension';
import { add4, mul4, P, R2, sub4 } from './field';

/** Limb k of f(X) at four points: lower + X (upper − lower), X = 0, 2 or 3. */
// @ts-ignore: decorator
@inline
function at(f: usize, distance: usize, x: u32): v128 {
  const low = v128.load(f);
  if (x === 0) return low;
  const d = sub4(v128.load(f + distance), low);
  return add4(low, x === 2 ? add4(d, d) : triple4(d));
}

/** sums += f g [h] at X for four points, lanes outside the mask left out. */
function productAt(f: usize, g: usize, h: usize, plane: usize, distance: usize, x: u32, mask: v128, sums: usize): void {
  const a0 = at(f, distance, x);
  const a1 = at(f + plane, distance, x);
  const a2 = at(f + 2 * plane, distance, x);
  const a3 = at(f + 3 * plane, distance, x);
  let b0 = at(g, distance, x);
  let b1 = at(g + plane, distance, x);
  let b2 = at(g + 2 * plane, distance, x);
  let b3 = at(g + 3 * plane, distance, x);
  let t1 = triple4(b1);
  let t2 = triple4(b2);
  let t3 = triple4(b3);
  let c0 = limb0(a0, a1, a2, a3, b0, t1, t2, t3);
  let c1 = limb1(a0, a1, a2, a3, b0, b1, t2, t3);
  let c2 = limb2(a0, a1, a2, a3, b0, b1, b2, t3);
  let c3 = limb3(a0, a1, a2, a3, b0, b1, b2, b3);
  if (h !== 0) {
    b0 = at(h, distance, x);
    b1 = at(h + plane, distance, x);
    b2 = at(h + 2 * plane, distance, x);
    b3 = at(h + 3 * plane, distance, x);
    t1 = triple4(b1);
    t2 = triple4(b2);
    t3 = triple4(b3);
    const d0 = limb0(c0, c1, c2, c3, b0, t1, t2, t3);
    const d1 = limb1(c0, c1, c2, c3, b0, b1, t2, t3);
    const d2 = limb2(c0, c1, c2, c3, b0, b1, b2, t3);
    c3 = limb3(c0, c1, c2, c3, b0, b1, b2, b3);
    c0 = d0;
    c1 = d1;
    c2 = d2;
  }
  v128.store(sums, add4(v128.load(sums), v128.and(mask, c0)));
  v128.store(sums, add4(v128.load(sums, 16), v128.and(mask, c1)), 16);
  v128.store(sums, add4(v128.load(sums, 32), v128.and(mask, c2)), 32);
  v128.store(sums, add4(v128.load(sums, 48), v128.and(mask, c3)), 48);
}

// @ts-ignore: decorator
@inline
function fold(f: usize, i: usize, plane: usize, distance: usize, x: usize): void {
  foldAt(f + i, plane, 2 * distance, x);
  if (distance >= 16) foldAt(f + i + distance, plane, 2 * distance, x);
}

/**
 * A round over points [from, to): the factors (h is 0 where there are two) have 2·length elements now if `x` is 0; else 4·length, and x (a
 * `spread` scalar) binds their top variable first. Values at X = 0, 2, …, degree come at `sums`, which has 64·degree bytes: four words each.
 */
export function productRound(
  thread: u32,
  from: u32,
  to: u32,
  f: usize,
  g: usize,
  h: usize,
  plane: usize,
  length: u32,
  degree: u32,
  x: usize,
  sums: usize,
): void {
  memory.fill(sums, 0, degree << 6);
  const distance: usize = <usize>length << 2;
  const mask = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(min(length, 4)));
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    if (x !== 0) {
      fold(f, i, plane, distance, x);
      fold(g, i, plane, distance, x);
      if (h !== 0) fold(h, i, plane, distance, x);
    }
    for (let d: u32 = 0; d < degree; d++)
      productAt(f + i, g + i, h === 0 ? 0 : h + i, plane, distance, d === 0 ? 0 : d + 1, mask, sums + (d << 6));
  }
  for (let k: usize = 0; k < degree << 2; k++) store<u32>(sums + (k << 2), lanes(v128.load(sums + (k << 4))));
}

/** Integers [from, to) as elements: limb 0; the other planes are zero already. */
export function lift(thread: u32, from: u32, to: u32, values: usize, out: usize): void {
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const v = v128.load(values + i);
    v128.store(out + i, mul4(i32x4.min_u(v, i32x4.add(v, i32x4.splat(P))), i32x4.splat(R2)));
  }
}

/** Every element [from, to) of a table `times` times. */
export function repeat(thread: u32, from: u32, to: u32, table: usize, plane: usize, times: u32, out: usize, outPlane: usize): void {
  for (let k: u32 = 0; k < 4; k++)
    for (let i = from; i < to; i++) {
      const v = load<u32>(table + k * plane + (i << 2));
      for (let t: u32 = 0; t < times; t++) store<u32>(out + k * outPlane + ((i * times + t) << 2), v);
    }
}

/** out[i, j] += a[i] b[j] for rows [from, to); lanes past a shorter b are zero. Every thread has 32 bytes at `scratch`. */
export function outer(
  thread: u32,
  from: u32,
  to: u32,
  a: usize,
  aPlane: usize,
  b: usize,
  bPlane: usize,
  width: u32,
  out: usize,
  outPlane: usize,
  scratch: usize,
): void {
  const x = scratch + (thread << 7);
  const product = x + 32;
  for (let i = from; i < to; i++) {
    let any: u32 = 0;
    for (let k: u32 = 0; k < 4; k++) {
      const limb = load<u32>(a + k * aPlane + (i << 2));
      any |= limb;
      store<u32>(x + (k << 2), limb);
    }
    if (any === 0) continue;
    spread(x);
    for (let j: u32 = 0; j < width; j += 4) {
      scaleAt(product, 16, b + (j << 2), bPlane, x);
      for (let k: u32 = 0; k < 4; k++) {
        const o = out + k * outPlane + ((i * width + j) << 2);
        v128.store(o, add4(v128.load(o), v128.load(product + (k << 4))));
      }
    }
  }
}

/** v[i] += x (v[half + i] − v[i]) for i in [from, to): binds the top variable of a vector of 2·half elements; x a `spread` scalar. */
export function foldTop(thread: u32, from: u32, to: u32, v: usize, plane: usize, half: u32, x: usize): void {
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) foldAt(v + i, plane, <usize>half << 2, x);
}

/** Σ e[i] f[i] and Σ e[i] g[i] for i in [from, to), elements in planes; lanes of e past its end are zero. 128 bytes at `sums`: eight words. */
export function innerProducts(thread: u32, from: u32, to: u32, e: usize, ePlane: usize, f: usize, g: usize, plane: usize, sums: usize): void {
  memory.fill(sums, 0, 128);
  for (let i: usize = <usize>from << 2; i < <usize>to << 2; i += 16) {
    const b0 = v128.load(e + i);
    const b1 = v128.load(e + i + ePlane);
    const b2 = v128.load(e + i + 2 * ePlane);
    const b3 = v128.load(e + i + 3 * ePlane);
    const t1 = triple4(b1);
    const t2 = triple4(b2);
    const t3 = triple4(b3);
    for (let side: u32 = 0; side < 2; side++) {
      const v = (side === 0 ? f : g) + i;
      const a0 = v128.load(v);
      const a1 = v128.load(v + plane);
      const a2 = v128.load(v + 2 * plane);
      const a3 = v128.load(v + 3 * plane);
      const s = sums + (side << 6);
      v128.store(s, add4(v128.load(s), limb0(a0, a1, a2, a3, b0, t1, t2, t3)));
      v128.store(s, add4(v128.load(s, 16), limb1(a0, a1, a2, a3, b0, b1, t2, t3)), 16);
      v128.store(s, add4(v128.load(s, 32), limb2(a0, a1, a2, a3, b0, b1, b2, t3)), 32);
      v128.store(s, add4(v128.load(s, 48), limb3(a0, a1, a2, a3, b0, b1, b2, b3)), 48);
    }
  }
  for (let k: usize = 0; k < 8; k++) store<u32>(sums + (k << 2), lanes(v128.load(sums + (k << 4))));
}
