/**
 * Reed–Solomon encoding of sixteen columns at a time (protocol §3.2): f(ω_n^j) for j < n = 2^(h+lr), by one transform of size 2^h for each
 * of the 2^lr cosets. protocol/ntt.ts is the definition.
 *
 * A strip is sixteen columns: row j of a strip is 64 bytes, one limb a column, so one SIMD register holds four columns of one row and every
 * butterfly has one twiddle. A strip with fewer columns has rows of `quads` registers while it is transformed.
 */
import { add4, mul, P, R, sub4 } from './field';

const MU: u32 = 0x81000001;
/** Rows of a block that stays in the nearest cache while it is transformed. */
const BLOCK: u32 = 256;

/** A factor with its product by p^-1 mod 2^32, which saves a step of the reduction. */
// @ts-ignore: decorator
@inline
function put(at: usize, w: u32): void {
  store<u32>(at, w);
  store<u32>(at, w * MU, 4);
}

// @ts-ignore: decorator
@inline
function scaled(a: v128, w: v128, q: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(a, w);
  const high = i64x2.extmul_high_i32x4_u(a, w);
  const k = i32x4.mul(a, q);
  const m = v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(k, i32x4.splat(P)), i64x2.extmul_high_i32x4_u(k, i32x4.splat(P)), 1, 3, 5, 7);
  const d = i32x4.sub(v128.shuffle<u32>(low, high, 1, 3, 5, 7), m);
  return i32x4.min_u(d, i32x4.add(d, i32x4.splat(P)));
}

// @ts-ignore: decorator
@inline
function reversed(i: u32, bits: u32): u32 {
  let r: u32 = 0;
  for (let b: u32 = 0; b < bits; b++) r |= ((i >> b) & 1) << (bits - 1 - b);
  return r;
}

/** twiddles[L + j] = w_{2L}^j for the powers of two L ≤ 2^h / 2, from w_{2^h} in Montgomery form; eight bytes each, 2^h of them. */
export function twiddleTable(h: u32, root: u32, twiddles: usize): void {
  let w = root;
  for (let level = h; level > 0; level--) {
    const half: u32 = (<u32>1 << level) >> 1;
    let x: u32 = R;
    for (let j: u32 = 0; j < half; j++) {
      put(twiddles + ((half + j) << 3), x);
      x = mul(x, w);
    }
    w = mul(w, w);
  }
}

/** scales[i'] = s^i for i' the bits of i reversed, from s in Montgomery form; eight bytes each, 2^h of them. */
export function scaleTable(h: u32, s: u32, scales: usize): void {
  let x: u32 = R;
  for (let i: u32 = 0; i < (<u32>1) << h; i++) {
    put(scales + (reversed(i, h) << 3), x);
    x = mul(x, s);
  }
}

// @ts-ignore: decorator
@inline
function column(stack: usize, c: u32, columns: u32, h: u32, row: u32): v128 {
  if (c >= columns) return i32x4.splat(0);
  const v = v128.load(stack + (((<usize>c << h) + row) << 2));
  return i32x4.min_u(v, i32x4.add(v, i32x4.splat(P)));
}

/** Residues of the strip's columns as rows, row i where its bits reversed say; the columns are 2^h centred integers each. */
export function strip(thread: u32, stack: usize, h: u32, columns: u32, first: u32, quads: u32, out: usize): void {
  const rows: u32 = <u32>1 << h;
  const row: usize = quads << 4;
  // Sixteen rows of four columns at a time: whole cache lines are read once.
  for (let block: u32 = 0; block < rows; block += 16)
    for (let q: u32 = 0; q < quads; q++)
      for (let i = block; i < min(rows, block + 16); i += 4) {
        const c = first + (q << 2);
        const a = column(stack, c, columns, h, i);
        const b = column(stack, c + 1, columns, h, i);
        const d = column(stack, c + 2, columns, h, i);
        const e = column(stack, c + 3, columns, h, i);
        const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
        const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
        const de = v128.shuffle<u32>(d, e, 0, 4, 1, 5);
        const DE = v128.shuffle<u32>(d, e, 2, 6, 3, 7);
        const at = out + (q << 4);
        v128.store(at + reversed(i, h) * row, v128.shuffle<u64>(ab, de, 0, 2));
        if (i + 1 < rows) v128.store(at + reversed(i + 1, h) * row, v128.shuffle<u64>(ab, de, 1, 3));
        if (i + 2 < rows) {
          v128.store(at + reversed(i + 2, h) * row, v128.shuffle<u64>(AB, DE, 0, 2));
          v128.store(at + reversed(i + 3, h) * row, v128.shuffle<u64>(AB, DE, 1, 3));
        }
      }
}

// @ts-ignore: decorator
@inline
function start(from: usize, i: u32, row: usize, q: usize, scales: usize): v128 {
  const v = v128.load(from + i * row + q);
  return scales === 0 ? v : scaled(v, v128.load32_splat(scales + (i << 3)), v128.load32_splat(scales + (i << 3), 4));
}

/** The first level or two of rows [begin, end): scaled into the coset, then transforms of size 2 (h odd) or 4. */
function firstStage(from: usize, row: usize, begin: u32, end: u32, scales: usize, size: u32, i4: usize, to: usize, toRow: usize): void {
  if (size === 1) {
    for (let q: usize = 0; q < row; q += 16) v128.store(to + q, start(from, 0, row, q, scales));
    return;
  }
  for (let i = begin; i < end; i += size)
    for (let q: usize = 0; q < row; q += 16) {
      const a = start(from, i, row, q, scales);
      const b = start(from, i + 1, row, q, scales);
      const at = to + i * toRow + q;
      if (size === 2) {
        v128.store(at, add4(a, b));
        v128.store(at + toRow, sub4(a, b));
        continue;
      }
      const c = start(from, i + 2, row, q, scales);
      const d = start(from, i + 3, row, q, scales);
      const s = add4(a, b);
      const t = sub4(a, b);
      const u = add4(c, d);
      const v = scaled(sub4(c, d), v128.load32_splat(i4), v128.load32_splat(i4, 4));
      v128.store(at, add4(s, u));
      v128.store(at + toRow, add4(t, v));
      v128.store(at + 2 * toRow, sub4(s, u));
      v128.store(at + 3 * toRow, sub4(t, v));
    }
}

/** Two levels of rows [begin, end): transforms of size L become transforms of size 4L. */
function stage(from: usize, row: usize, begin: u32, end: u32, L: u32, twiddles: usize, to: usize, toRow: usize): void {
  for (let base = begin; base < end; base += 4 * L)
    for (let j: u32 = 0; j < L; j++) {
      const t1 = twiddles + ((L + j) << 3);
      const t2 = twiddles + ((2 * L + j) << 3);
      const t3 = twiddles + ((3 * L + j) << 3);
      const w1 = v128.load32_splat(t1);
      const q1 = v128.load32_splat(t1, 4);
      const w2 = v128.load32_splat(t2);
      const q2 = v128.load32_splat(t2, 4);
      const w3 = v128.load32_splat(t3);
      const q3 = v128.load32_splat(t3, 4);
      const x = from + (base + j) * row;
      const y = to + (base + j) * toRow;
      for (let q: usize = 0; q < row; q += 16) {
        const a = v128.load(x + q);
        const b = scaled(v128.load(x + L * row + q), w1, q1);
        const c = v128.load(x + 2 * L * row + q);
        const d = scaled(v128.load(x + 3 * L * row + q), w1, q1);
        const s = add4(a, b);
        const t = sub4(a, b);
        const u = scaled(add4(c, d), w2, q2);
        const v = scaled(sub4(c, d), w3, q3);
        v128.store(y + q, add4(s, u));
        v128.store(y + L * toRow + q, add4(t, v));
        v128.store(y + 2 * L * toRow + q, sub4(s, u));
        v128.store(y + 3 * L * toRow + q, sub4(t, v));
      }
    }
}

/**
 * One coset of one strip: row j of the transform goes to `to + j·toRow`. `rows` is what `strip` made; `scales` is 0 for the first coset;
 * `buffers` has 2^h rows for every thread.
 */
export function encode(
  thread: u32,
  rows: usize,
  quads: u32,
  h: u32,
  scales: usize,
  twiddles: usize,
  buffers: usize,
  to: usize,
  toRow: usize,
): void {
  const size: u32 = <u32>1 << h;
  const row: usize = quads << 4;
  const buffer = buffers + thread * (<usize>size << 6);
  const first: u32 = h === 0 ? 1 : h & 1 ? 2 : 4;
  const i4 = twiddles + (3 << 3);
  if (first === size) {
    firstStage(rows, row, 0, size, scales, first, i4, to, toRow);
    return;
  }
  let block: u32 = first;
  while (block < size && block < BLOCK) block <<= 2;
  const whole = block === size;
  for (let begin: u32 = 0; begin < size; begin += block) {
    const end = begin + block;
    firstStage(rows, row, begin, end, scales, first, i4, buffer, row);
    let L: u32 = first;
    for (; L << 2 < block; L <<= 2) stage(buffer, row, begin, end, L, twiddles, buffer, row);
    if (whole) stage(buffer, row, begin, end, L, twiddles, to, toRow);
    else stage(buffer, row, begin, end, L, twiddles, buffer, row);
  }
  if (whole) return;
  let L: u32 = block;
  for (; L << 2 < size; L <<= 2) stage(buffer, row, 0, size, L, twiddles, buffer, row);
  stage(buffer, row, 0, size, L, twiddles, to, toRow);
}
