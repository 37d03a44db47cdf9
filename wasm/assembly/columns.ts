/**
 * Sums of small integers times extension elements: values of columns at a point, combinations of columns (protocol §9.1–§9.3). The products
 * of a signed integer below 2^23 and a limb gather in 64 bits and are reduced once a burst. A longer integer goes in two parts: the caller
 * asks for (v >> shift) & mask with (0, 0xffff) and (16, −1).
 */
import { multiplyAdd } from './extension';
import { add, add4, mul, P, reduce, reduce4 } from './field';

/** Below 2^61 in magnitude before, positive and below 4p² after; a multiple of p. */
const OFFSET: i64 = <i64>P << 31;
/** Rows of a dot product, columns of a combination, before a reduction. */
const BURST: u32 = 128;
/** Rows of a combination that are summed together. */
const TILE: u32 = 64;

/** The bits in use, v or its complement, of every column of `rows` integers. */
export function magnitudes(thread: u32, from: u32, to: u32, stack: usize, rows: u32, out: usize): void {
  for (let c = from; c < to; c++) {
    let bits = i32x4.splat(0);
    const end = stack + (((<usize>c + 1) * rows) << 2);
    let at = stack + ((<usize>c * rows) << 2);
    for (; at + 16 <= end; at += 16) {
      const v = v128.load(at);
      bits = v128.or(bits, v128.xor(v, i32x4.shr_s(v, 31)));
    }
    let all: u32 = i32x4.extract_lane(bits, 0) | i32x4.extract_lane(bits, 1) | i32x4.extract_lane(bits, 2) | i32x4.extract_lane(bits, 3);
    for (; at < end; at += 4) {
      const v = load<i32>(at);
      all |= v ^ (v >> 31);
    }
    store<u32>(out + (<usize>c << 2), all);
  }
}

// @ts-ignore: decorator
@inline
function total(low: v128, high: v128): u32 {
  const s = i64x2.add(low, high);
  return reduce(<u64>(i64x2.extract_lane(s, 0) + i64x2.extract_lane(s, 1) + OFFSET));
}

/** sum += scale · Σ v[i] e[i] over at most BURST integers; lanes of e past the last are zero. Four words at `sum`. */
// @ts-ignore: decorator
@inline
function dot(v: usize, count: u32, shift: i32, mask: i32, e: usize, plane: usize, scale: u32, sum: usize): void {
  let l0 = i64x2.splat(0);
  let l1 = i64x2.splat(0);
  let l2 = i64x2.splat(0);
  let l3 = i64x2.splat(0);
  let h0 = i64x2.splat(0);
  let h1 = i64x2.splat(0);
  let h2 = i64x2.splat(0);
  let h3 = i64x2.splat(0);
  const m = i32x4.splat(mask);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const x = v128.and(i32x4.shr_s(v128.load(v + i), shift), m);
    const e0 = v128.load(e + i);
    l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_s(x, e0));
    h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_s(x, e0));
    const e1 = v128.load(e + i + plane);
    l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_s(x, e1));
    h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_s(x, e1));
    const e2 = v128.load(e + i + 2 * plane);
    l2 = i64x2.add(l2, i64x2.extmul_low_i32x4_s(x, e2));
    h2 = i64x2.add(h2, i64x2.extmul_high_i32x4_s(x, e2));
    const e3 = v128.load(e + i + 3 * plane);
    l3 = i64x2.add(l3, i64x2.extmul_low_i32x4_s(x, e3));
    h3 = i64x2.add(h3, i64x2.extmul_high_i32x4_s(x, e3));
  }
  store<u32>(sum, add(load<u32>(sum), mul(total(l0, h0), scale)));
  store<u32>(sum, add(load<u32>(sum, 4), mul(total(l1, h1), scale)), 4);
  store<u32>(sum, add(load<u32>(sum, 8), mul(total(l2, h2), scale)), 8);
  store<u32>(sum, add(load<u32>(sum, 12), mul(total(l3, h3), scale)), 12);
}

/**
 * out[c] += scale · Σ_i v[c, i] e[i] for columns [from, to) of `rows` integers each, `stride` bytes apart; e in planes, out plain elements
 * `outStride` bytes apart.
 */
export function dots(
  thread: u32,
  from: u32,
  to: u32,
  stack: usize,
  stride: usize,
  rows: u32,
  shift: i32,
  mask: i32,
  e: usize,
  plane: usize,
  scale: u32,
  out: usize,
  outStride: usize,
): void {
  // Burst by burst, so that this part of e stays near while the columns pass.
  for (let i: u32 = 0; i < rows; i += BURST) {
    const count = min(BURST, rows - i);
    for (let c = from; c < to; c++)
      dot(stack + c * stride + (i << 2), count, shift, mask, e + (i << 2), plane, scale, out + c * outStride);
  }
}

/** out += scale · Σ_k eqHigh[k] Σ_i v[k, i] eqLow[i] for k in [from, to): a vector at a point, eq in two factors. Plain, four words. */
export function evaluate(
  thread: u32,
  from: u32,
  to: u32,
  v: usize,
  low: u32,
  shift: i32,
  mask: i32,
  eqLow: usize,
  plane: usize,
  eqHigh: usize,
  scale: u32,
  out: usize,
): void {
  for (let k = from; k < to; k++) {
    // The partial sum lies behind the result.
    const part = out + 16;
    v128.store(part, i32x4.splat(0));
    const base = v + ((<usize>k * low) << 2);
    for (let i: u32 = 0; i < low; i += BURST)
      dot(base + (i << 2), min(BURST, low - i), shift, mask, eqLow + (i << 2), plane, scale, part);
    multiplyAdd(out, part, eqHigh + (<usize>k << 4));
  }
}

// @ts-ignore: decorator
@inline
function gather(acc: usize, x: v128, w: usize): void {
  const w0 = v128.load32_splat(w);
  const w1 = v128.load32_splat(w, 4);
  const w2 = v128.load32_splat(w, 8);
  const w3 = v128.load32_splat(w, 12);
  v128.store(acc, i64x2.add(v128.load(acc), i64x2.extmul_low_i32x4_s(x, w0)));
  v128.store(acc, i64x2.add(v128.load(acc, 16), i64x2.extmul_high_i32x4_s(x, w0)), 16);
  v128.store(acc, i64x2.add(v128.load(acc, 32), i64x2.extmul_low_i32x4_s(x, w1)), 32);
  v128.store(acc, i64x2.add(v128.load(acc, 48), i64x2.extmul_high_i32x4_s(x, w1)), 48);
  v128.store(acc, i64x2.add(v128.load(acc, 64), i64x2.extmul_low_i32x4_s(x, w2)), 64);
  v128.store(acc, i64x2.add(v128.load(acc, 80), i64x2.extmul_high_i32x4_s(x, w2)), 80);
  v128.store(acc, i64x2.add(v128.load(acc, 96), i64x2.extmul_low_i32x4_s(x, w3)), 96);
  v128.store(acc, i64x2.add(v128.load(acc, 112), i64x2.extmul_high_i32x4_s(x, w3)), 112);
}

// @ts-ignore: decorator
@inline
function gather2(acc: usize, at: u32, x: v128, y: v128, w: usize, u: usize): void {
  const a = v128.load32_splat(w);
  const b = v128.load32_splat(u);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(x, a), i64x2.extmul_low_i32x4_s(y, b));
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(x, a), i64x2.extmul_high_i32x4_s(y, b));
  v128.store(acc + at, i64x2.add(v128.load(acc + at), low));
  v128.store(acc + at, i64x2.add(v128.load(acc + at, 16), high), 16);
}

/**
 * out[i] += Σ_c v[c, i] w[c] for rows [from, to) (from a multiple of four) of `count` columns, `stride` bytes apart. The weights hold
 * limbs together times 2^64, the sums come in planes in Montgomery form. `tiles` has 64·64 bytes for every thread.
 */
export function combine(
  thread: u32,
  from: u32,
  to: u32,
  stack: usize,
  stride: usize,
  count: u32,
  shift: i32,
  mask: i32,
  weights: usize,
  out: usize,
  plane: usize,
  tiles: usize,
): void {
  const tile = tiles + thread * (TILE << 5);
  const m = i32x4.splat(mask);
  for (let i = from; i < to; i += TILE) {
    const quads = (min(TILE, to - i) + 3) >> 2;
    for (let first: u32 = 0; first < count; first += BURST) {
      const last = min(count, first + BURST);
      memory.fill(tile, 0, quads << 7);
      let c = first;
      for (; c + 2 <= last; c += 2) {
        const v = stack + c * stride + (i << 2);
        const w = weights + (<usize>c << 4);
        for (let q: u32 = 0; q < quads; q++) {
          const x = v128.and(i32x4.shr_s(v128.load(v + (q << 4)), shift), m);
          const y = v128.and(i32x4.shr_s(v128.load(v + stride + (q << 4)), shift), m);
          const acc = tile + (q << 7);
          gather2(acc, 0, x, y, w, w + 16);
          gather2(acc, 32, x, y, w + 4, w + 20);
          gather2(acc, 64, x, y, w + 8, w + 24);
          gather2(acc, 96, x, y, w + 12, w + 28);
        }
      }
      if (c < last) {
        const v = stack + c * stride + (i << 2);
        for (let q: u32 = 0; q < quads; q++)
          gather(tile + (q << 7), v128.and(i32x4.shr_s(v128.load(v + (q << 4)), shift), m), weights + (<usize>c << 4));
      }
      const offset = i64x2.splat(OFFSET);
      for (let q: u32 = 0; q < quads; q++)
        for (let k: u32 = 0; k < 4; k++) {
          const acc = tile + (q << 7) + (k << 5);
          const at = out + k * plane + ((i + (q << 2)) << 2);
          const sum = reduce4(i64x2.add(v128.load(acc), offset), i64x2.add(v128.load(acc, 16), offset));
          v128.store(at, add4(v128.load(at), sum));
        }
    }
  }
}
