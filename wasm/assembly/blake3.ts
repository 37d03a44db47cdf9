/**
 * Keyed BLAKE3 of four messages at once, one a SIMD lane (protocol/blake3.ts is the definition; BLAKE3 specification §2).
 *
 * Message j is row j of a table: its 64-byte block b lies at `blocks + b·blockStride + j·rowStride`, the last one filled with zeros. All
 * rows have one length; above 1024 bytes they are trees of chunks.
 */

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

/** A thread's scratch: sixteen registers of the message, eight of a chaining value, then a stack of chaining values. */
const VALUE: usize = 256;
const STACK: usize = 384;
/** 384 bytes and 29 chaining values: rows of up to 64 GiB. */
const SCRATCH: usize = 4096;

// @ts-ignore: decorator
@inline
function rotate16(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

// @ts-ignore: decorator
@inline
function rotate8(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

// @ts-ignore: decorator
@inline
function rotate(v: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(v, n), i32x4.shl(v, 32 - n));
}

/** One compression in four lanes: the chaining value at `value` is replaced, the message at `m` used up. */
function compress(value: usize, m: usize, counter: u32, length: u32, flags: u32): void {
  let v0 = v128.load(value, 0);
  let v1 = v128.load(value, 16);
  let v2 = v128.load(value, 32);
  let v3 = v128.load(value, 48);
  let v4 = v128.load(value, 64);
  let v5 = v128.load(value, 80);
  let v6 = v128.load(value, 96);
  let v7 = v128.load(value, 112);
  let v8 = i32x4.splat(0x6a09e667);
  let v9 = i32x4.splat(0xbb67ae85);
  let v10 = i32x4.splat(0x3c6ef372);
  let v11 = i32x4.splat(0xa54ff53a);
  let v12 = i32x4.splat(counter);
  let v13 = i32x4.splat(0);
  let v14 = i32x4.splat(length);
  let v15 = i32x4.splat(flags);
  for (let r: u32 = 0; ; r++) {
    v0 = i32x4.add(i32x4.add(v0, v4), v128.load(m, 0));
    v12 = rotate16(v128.xor(v12, v0));
    v8 = i32x4.add(v8, v12);
    v4 = rotate(v128.xor(v4, v8), 12);
    v0 = i32x4.add(i32x4.add(v0, v4), v128.load(m, 16));
    v12 = rotate8(v128.xor(v12, v0));
    v8 = i32x4.add(v8, v12);
    v4 = rotate(v128.xor(v4, v8), 7);
    v1 = i32x4.add(i32x4.add(v1, v5), v128.load(m, 32));
    v13 = rotate16(v128.xor(v13, v1));
    v9 = i32x4.add(v9, v13);
    v5 = rotate(v128.xor(v5, v9), 12);
    v1 = i32x4.add(i32x4.add(v1, v5), v128.load(m, 48));
    v13 = rotate8(v128.xor(v13, v1));
    v9 = i32x4.add(v9, v13);
    v5 = rotate(v128.xor(v5, v9), 7);
    v2 = i32x4.add(i32x4.add(v2, v6), v128.load(m, 64));
    v14 = rotate16(v128.xor(v14, v2));
    v10 = i32x4.add(v10, v14);
    v6 = rotate(v128.xor(v6, v10), 12);
    v2 = i32x4.add(i32x4.add(v2, v6), v128.load(m, 80));
    v14 = rotate8(v128.xor(v14, v2));
    v10 = i32x4.add(v10, v14);
    v6 = rotate(v128.xor(v6, v10), 7);
    v3 = i32x4.add(i32x4.add(v3, v7), v128.load(m, 96));
    v15 = rotate16(v128.xor(v15, v3));
    v11 = i32x4.add(v11, v15);
    v7 = rotate(v128.xor(v7, v11), 12);
    v3 = i32x4.add(i32x4.add(v3, v7), v128.load(m, 112));
    v15 = rotate8(v128.xor(v15, v3));
    v11 = i32x4.add(v11, v15);
    v7 = rotate(v128.xor(v7, v11), 7);
    v0 = i32x4.add(i32x4.add(v0, v5), v128.load(m, 128));
    v15 = rotate16(v128.xor(v15, v0));
    v10 = i32x4.add(v10, v15);
    v5 = rotate(v128.xor(v5, v10), 12);
    v0 = i32x4.add(i32x4.add(v0, v5), v128.load(m, 144));
    v15 = rotate8(v128.xor(v15, v0));
    v10 = i32x4.add(v10, v15);
    v5 = rotate(v128.xor(v5, v10), 7);
    v1 = i32x4.add(i32x4.add(v1, v6), v128.load(m, 160));
    v12 = rotate16(v128.xor(v12, v1));
    v11 = i32x4.add(v11, v12);
    v6 = rotate(v128.xor(v6, v11), 12);
    v1 = i32x4.add(i32x4.add(v1, v6), v128.load(m, 176));
    v12 = rotate8(v128.xor(v12, v1));
    v11 = i32x4.add(v11, v12);
    v6 = rotate(v128.xor(v6, v11), 7);
    v2 = i32x4.add(i32x4.add(v2, v7), v128.load(m, 192));
    v13 = rotate16(v128.xor(v13, v2));
    v8 = i32x4.add(v8, v13);
    v7 = rotate(v128.xor(v7, v8), 12);
    v2 = i32x4.add(i32x4.add(v2, v7), v128.load(m, 208));
    v13 = rotate8(v128.xor(v13, v2));
    v8 = i32x4.add(v8, v13);
    v7 = rotate(v128.xor(v7, v8), 7);
    v3 = i32x4.add(i32x4.add(v3, v4), v128.load(m, 224));
    v14 = rotate16(v128.xor(v14, v3));
    v9 = i32x4.add(v9, v14);
    v4 = rotate(v128.xor(v4, v9), 12);
    v3 = i32x4.add(i32x4.add(v3, v4), v128.load(m, 240));
    v14 = rotate8(v128.xor(v14, v3));
    v9 = i32x4.add(v9, v14);
    v4 = rotate(v128.xor(v4, v9), 7);
    if (r === 6) break;
    // The permutation of the message words between rounds.
    const m0 = v128.load(m, 0);
    const m1 = v128.load(m, 16);
    const m2 = v128.load(m, 32);
    const m3 = v128.load(m, 48);
    const m4 = v128.load(m, 64);
    const m5 = v128.load(m, 80);
    const m6 = v128.load(m, 96);
    const m7 = v128.load(m, 112);
    const m8 = v128.load(m, 128);
    const m9 = v128.load(m, 144);
    const m10 = v128.load(m, 160);
    const m11 = v128.load(m, 176);
    const m12 = v128.load(m, 192);
    const m13 = v128.load(m, 208);
    const m14 = v128.load(m, 224);
    const m15 = v128.load(m, 240);
    v128.store(m, m2, 0);
    v128.store(m, m6, 16);
    v128.store(m, m3, 32);
    v128.store(m, m10, 48);
    v128.store(m, m7, 64);
    v128.store(m, m0, 80);
    v128.store(m, m4, 96);
    v128.store(m, m13, 112);
    v128.store(m, m1, 128);
    v128.store(m, m11, 144);
    v128.store(m, m12, 160);
    v128.store(m, m5, 176);
    v128.store(m, m9, 192);
    v128.store(m, m14, 208);
    v128.store(m, m15, 224);
    v128.store(m, m8, 240);
  }
  v128.store(value, v128.xor(v0, v8), 0);
  v128.store(value, v128.xor(v1, v9), 16);
  v128.store(value, v128.xor(v2, v10), 32);
  v128.store(value, v128.xor(v3, v11), 48);
  v128.store(value, v128.xor(v4, v12), 64);
  v128.store(value, v128.xor(v5, v13), 80);
  v128.store(value, v128.xor(v6, v14), 96);
  v128.store(value, v128.xor(v7, v15), 112);
}

/** The key in every lane. */
// @ts-ignore: decorator
@inline
function begin(value: usize, key: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(value + (i << 4), v128.load32_splat(key + (i << 2)));
}

/** Four consecutive words of four rows into four message registers. */
// @ts-ignore: decorator
@inline
function transpose(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(ab, cd, 0, 2));
  v128.store(to, v128.shuffle<u64>(ab, cd, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(AB, CD, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(AB, CD, 1, 3), 48);
}

/** The parent of the chaining values at `left` and `value`, at `value`. */
function parent(left: usize, value: usize, m: usize, key: usize, flags: u32): void {
  memory.copy(m, left, 128);
  memory.copy(m + 128, value, 128);
  begin(value, key);
  compress(value, m, 0, 64, flags | PARENT);
}

/** Digests of rows [from, to), 32 bytes each from `out` on; row j's at out + 32 j. `scratch` has 4096 bytes for every thread. */
export function hashRows(
  thread: u32,
  from: u32,
  to: u32,
  blocks: usize,
  blockStride: usize,
  rowStride: usize,
  byteLength: u32,
  key: usize,
  flags: u32,
  out: usize,
  scratch: usize,
): void {
  const m = scratch + thread * SCRATCH;
  const value = m + VALUE;
  const bottom = m + STACK;
  const last: u32 = byteLength === 0 ? 0 : (byteLength - 1) >> 6;
  for (let j = from; j < to; j += 4) {
    // Lanes past the end repeat the last row.
    const a = blocks + j * rowStride;
    const b = blocks + min(j + 1, to - 1) * rowStride;
    const c = blocks + min(j + 2, to - 1) * rowStride;
    const d = blocks + min(j + 3, to - 1) * rowStride;
    let top = bottom;
    for (let block: u32 = 0; block <= last; block++) {
      const position = block & 15;
      if (position === 0) begin(value, key);
      const at = block * blockStride;
      for (let k: usize = 0; k < 64; k += 16)
        transpose(v128.load(a + at + k), v128.load(b + at + k), v128.load(c + at + k), v128.load(d + at + k), m + (k << 2));
      let f = flags;
      if (position === 0) f |= CHUNK_START;
      if (position === 15 || block === last) f |= CHUNK_END;
      if (block === last && last < 16) f |= ROOT;
      const chunk = block >> 4;
      compress(value, m, chunk, block === last ? byteLength - (last << 6) : 64, f);
      if (position === 15 && block < last) {
        // As many parents as the number of whole chunks so far has low zero bits.
        for (let total = chunk + 1; (total & 1) === 0; total >>= 1) {
          top -= 128;
          parent(top, value, m, key, flags);
        }
        memory.copy(top, value, 128);
        top += 128;
      }
    }
    while (top > bottom) {
      top -= 128;
      parent(top, value, m, key, top === bottom ? flags | ROOT : flags);
    }
    const lanes = min(<u32>4, to - j);
    for (let lane: u32 = 0; lane < lanes; lane++)
      for (let i: usize = 0; i < 8; i++)
        store<u32>(out + (<usize>(j + lane) << 5) + (i << 2), load<u32>(value + (i << 4) + (lane << 2)));
  }
}

/**
 * The least nonce from `start` on, among `count` (a multiple of four), whose digest has `bits` low zero bits, or 0xffffffff: the message is
 * the state of 32 bytes, 4, `bits`, the nonce in eight bytes (protocol §4.3).
 */
export function grind(state: usize, bits: u32, start: u32, count: u32, key: usize, flags: u32, scratch: usize): u32 {
  const m = scratch;
  const value = scratch + VALUE;
  const head = i32x4.splat(4 | (bits << 8));
  const mask: u32 = bits >= 32 ? 0xffffffff : (<u32>1 << bits) - 1;
  for (let k: u32 = 0; k < count; k += 4) {
    for (let i: usize = 0; i < 16; i++) v128.store(m + (i << 4), i < 8 ? v128.load32_splat(state + (i << 2)) : i32x4.splat(0));
    const nonce = i32x4.add(i32x4.splat(start + k), i32x4(0, 1, 2, 3));
    v128.store(m, v128.or(head, i32x4.shl(nonce, 16)), 128);
    v128.store(m, i32x4.shr_u(nonce, 16), 144);
    begin(value, key);
    compress(value, m, 0, 42, flags | CHUNK_START | CHUNK_END | ROOT);
    const zero = i32x4.eq(v128.and(v128.load(value), i32x4.splat(mask)), i32x4.splat(0));
    if (v128.any_true(zero)) {
      const lanes = i32x4.bitmask(zero);
      return start + k + ctz(lanes);
    }
  }
  return 0xffffffff;
}
