/**
 * BLAKE3 in keyed mode (BLAKE3 specification, 2021, §2), over 32-bit words: the one hash of the protocol (§4.1), for bytes, for rows of
 * field elements (already words) and for the hot loops of Merkle trees and grinding.
 *
 * Words are read in the machine's order, which is little-endian wherever JavaScript runs today.
 */

const IV = new Uint32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
const KEYED = 16;
const CHUNK_WORDS = 256;

/** Message word order of the seven rounds. */
const schedule: Uint8Array = (() => {
  const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
  const table = new Uint8Array(112);
  for (let i = 0; i < 16; i++) table[i] = i;
  for (let r = 1; r < 7; r++) for (let i = 0; i < 16; i++) table[16 * r + i] = table[16 * (r - 1) + (permutation[i] as number)] as number;
  return table;
})();

/**
 * The compression function. Chaining value at `cv[cvAt..+8)`, message block at `m[from..+16)`; writes 8 words of output to
 * `out[o..+8)`, or 16 when `wide`.
 */
function compress(
  cv: Uint32Array,
  cvAt: number,
  m: Uint32Array,
  from: number,
  counter: number,
  blockLength: number,
  flags: number,
  out: Uint32Array,
  o: number,
  wide: boolean,
): void {
  let v0 = cv[cvAt] as number;
  let v1 = cv[cvAt + 1] as number;
  let v2 = cv[cvAt + 2] as number;
  let v3 = cv[cvAt + 3] as number;
  let v4 = cv[cvAt + 4] as number;
  let v5 = cv[cvAt + 5] as number;
  let v6 = cv[cvAt + 6] as number;
  let v7 = cv[cvAt + 7] as number;
  let v8 = 0x6a09e667;
  let v9 = 0xbb67ae85 | 0;
  let v10 = 0x3c6ef372;
  let v11 = 0xa54ff53a | 0;
  let v12 = counter | 0;
  let v13 = Math.floor(counter / 4294967296) | 0;
  let v14 = blockLength;
  let v15 = flags;
  for (let at = 0; at < 112; at += 16) {
    v0 = (v0 + v4 + (m[from + (schedule[at + 0] as number)] as number)) | 0;
    v12 ^= v0;
    v12 = (v12 >>> 16) | (v12 << 16);
    v8 = (v8 + v12) | 0;
    v4 ^= v8;
    v4 = (v4 >>> 12) | (v4 << 20);
    v0 = (v0 + v4 + (m[from + (schedule[at + 1] as number)] as number)) | 0;
    v12 ^= v0;
    v12 = (v12 >>> 8) | (v12 << 24);
    v8 = (v8 + v12) | 0;
    v4 ^= v8;
    v4 = (v4 >>> 7) | (v4 << 25);
    v1 = (v1 + v5 + (m[from + (schedule[at + 2] as number)] as number)) | 0;
    v13 ^= v1;
    v13 = (v13 >>> 16) | (v13 << 16);
    v9 = (v9 + v13) | 0;
    v5 ^= v9;
    v5 = (v5 >>> 12) | (v5 << 20);
    v1 = (v1 + v5 + (m[from + (schedule[at + 3] as number)] as number)) | 0;
    v13 ^= v1;
    v13 = (v13 >>> 8) | (v13 << 24);
    v9 = (v9 + v13) | 0;
    v5 ^= v9;
    v5 = (v5 >>> 7) | (v5 << 25);
    v2 = (v2 + v6 + (m[from + (schedule[at + 4] as number)] as number)) | 0;
    v14 ^= v2;
    v14 = (v14 >>> 16) | (v14 << 16);
    v10 = (v10 + v14) | 0;
    v6 ^= v10;
    v6 = (v6 >>> 12) | (v6 << 20);
    v2 = (v2 + v6 + (m[from + (schedule[at + 5] as number)] as number)) | 0;
    v14 ^= v2;
    v14 = (v14 >>> 8) | (v14 << 24);
    v10 = (v10 + v14) | 0;
    v6 ^= v10;
    v6 = (v6 >>> 7) | (v6 << 25);
    v3 = (v3 + v7 + (m[from + (schedule[at + 6] as number)] as number)) | 0;
    v15 ^= v3;
    v15 = (v15 >>> 16) | (v15 << 16);
    v11 = (v11 + v15) | 0;
    v7 ^= v11;
    v7 = (v7 >>> 12) | (v7 << 20);
    v3 = (v3 + v7 + (m[from + (schedule[at + 7] as number)] as number)) | 0;
    v15 ^= v3;
    v15 = (v15 >>> 8) | (v15 << 24);
    v11 = (v11 + v15) | 0;
    v7 ^= v11;
    v7 = (v7 >>> 7) | (v7 << 25);
    v0 = (v0 + v5 + (m[from + (schedule[at + 8] as number)] as number)) | 0;
    v15 ^= v0;
    v15 = (v15 >>> 16) | (v15 << 16);
    v10 = (v10 + v15) | 0;
    v5 ^= v10;
    v5 = (v5 >>> 12) | (v5 << 20);
    v0 = (v0 + v5 + (m[from + (schedule[at + 9] as number)] as number)) | 0;
    v15 ^= v0;
    v15 = (v15 >>> 8) | (v15 << 24);
    v10 = (v10 + v15) | 0;
    v5 ^= v10;
    v5 = (v5 >>> 7) | (v5 << 25);
    v1 = (v1 + v6 + (m[from + (schedule[at + 10] as number)] as number)) | 0;
    v12 ^= v1;
    v12 = (v12 >>> 16) | (v12 << 16);
    v11 = (v11 + v12) | 0;
    v6 ^= v11;
    v6 = (v6 >>> 12) | (v6 << 20);
    v1 = (v1 + v6 + (m[from + (schedule[at + 11] as number)] as number)) | 0;
    v12 ^= v1;
    v12 = (v12 >>> 8) | (v12 << 24);
    v11 = (v11 + v12) | 0;
    v6 ^= v11;
    v6 = (v6 >>> 7) | (v6 << 25);
    v2 = (v2 + v7 + (m[from + (schedule[at + 12] as number)] as number)) | 0;
    v13 ^= v2;
    v13 = (v13 >>> 16) | (v13 << 16);
    v8 = (v8 + v13) | 0;
    v7 ^= v8;
    v7 = (v7 >>> 12) | (v7 << 20);
    v2 = (v2 + v7 + (m[from + (schedule[at + 13] as number)] as number)) | 0;
    v13 ^= v2;
    v13 = (v13 >>> 8) | (v13 << 24);
    v8 = (v8 + v13) | 0;
    v7 ^= v8;
    v7 = (v7 >>> 7) | (v7 << 25);
    v3 = (v3 + v4 + (m[from + (schedule[at + 14] as number)] as number)) | 0;
    v14 ^= v3;
    v14 = (v14 >>> 16) | (v14 << 16);
    v9 = (v9 + v14) | 0;
    v4 ^= v9;
    v4 = (v4 >>> 12) | (v4 << 20);
    v3 = (v3 + v4 + (m[from + (schedule[at + 15] as number)] as number)) | 0;
    v14 ^= v3;
    v14 = (v14 >>> 8) | (v14 << 24);
    v9 = (v9 + v14) | 0;
    v4 ^= v9;
    v4 = (v4 >>> 7) | (v4 << 25);
  }
  if (wide) {
    out[o + 8] = v8 ^ (cv[cvAt] as number);
    out[o + 9] = v9 ^ (cv[cvAt + 1] as number);
    out[o + 10] = v10 ^ (cv[cvAt + 2] as number);
    out[o + 11] = v11 ^ (cv[cvAt + 3] as number);
    out[o + 12] = v12 ^ (cv[cvAt + 4] as number);
    out[o + 13] = v13 ^ (cv[cvAt + 5] as number);
    out[o + 14] = v14 ^ (cv[cvAt + 6] as number);
    out[o + 15] = v15 ^ (cv[cvAt + 7] as number);
  }
  out[o] = v0 ^ v8;
  out[o + 1] = v1 ^ v9;
  out[o + 2] = v2 ^ v10;
  out[o + 3] = v3 ^ v11;
  out[o + 4] = v4 ^ v12;
  out[o + 5] = v5 ^ v13;
  out[o + 6] = v6 ^ v14;
  out[o + 7] = v7 ^ v15;
}

/** A hashing mode: the key words and the flag every compression carries. */
export interface Mode {
  readonly key: Uint32Array;
  readonly flags: number;
}

const PLAIN: Mode = { key: IV, flags: 0 };

/** Keyed mode with a 32-byte key. */
export function keyed(key: Uint8Array): Mode {
  return { key: toWords(key), flags: KEYED };
}

/** The words of some bytes, the last one filled with zeros: perhaps the same memory, so they are only read. */
export function toWords(bytes: Uint8Array): Uint32Array {
  // A whole buffer of whole words, as `slice` makes it, is read as it is.
  if (bytes.byteLength === bytes.buffer.byteLength && bytes.length % 4 === 0) return new Uint32Array(bytes.buffer as ArrayBuffer);
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** What remains before the root compression: it is repeated with a counter for each 64 bytes of output. */
interface Pending {
  readonly cv: Uint32Array;
  readonly block: Uint32Array;
  readonly blockLength: number;
  readonly flags: number;
}

/** All blocks of one chunk but the last; the last is pending. Words past the end of the input are zero. */
function chunk(mode: Mode, words: Uint32Array, from: number, byteLength: number, index: number): Pending {
  const blocks = Math.max(1, Math.ceil(byteLength / 64));
  let cv = mode.key;
  const scratch = new Uint32Array(8);
  for (let b = 0; b < blocks - 1; b++) {
    compress(cv, 0, words, from + 16 * b, index, 64, mode.flags | (b === 0 ? CHUNK_START : 0), scratch, 0, false);
    cv = scratch;
  }
  const rest = byteLength - 64 * (blocks - 1);
  const block = new Uint32Array(16);
  const first = from + 16 * (blocks - 1);
  block.set(words.subarray(first, first + Math.ceil(rest / 4)));
  return { cv, block, blockLength: rest, flags: mode.flags | CHUNK_END | (blocks === 1 ? CHUNK_START : 0) };
}

function chainingValue(p: Pending, index: number): Uint32Array {
  const out = new Uint32Array(8);
  compress(p.cv, 0, p.block, 0, index, p.blockLength, p.flags, out, 0, false);
  return out;
}

function parent(mode: Mode, left: Uint32Array, right: Uint32Array): Pending {
  const block = new Uint32Array(16);
  block.set(left);
  block.set(right, 8);
  return { cv: mode.key, block, blockLength: 64, flags: mode.flags | PARENT };
}

function pendingRoot(mode: Mode, words: Uint32Array, from: number, byteLength: number): Pending {
  const chunks = Math.max(1, Math.ceil(byteLength / 1024));
  const stack: Uint32Array[] = [];
  for (let c = 0; c < chunks - 1; c++) {
    let cv = chainingValue(chunk(mode, words, from + c * CHUNK_WORDS, 1024, c), c);
    // After c + 1 chunks, merge one completed subtree for every trailing zero bit.
    for (let total = c + 1; total % 2 === 0; total /= 2) cv = chainingValue(parent(mode, stack.pop() as Uint32Array, cv), 0);
    stack.push(cv);
  }
  const last = chunk(mode, words, from + (chunks - 1) * CHUNK_WORDS, byteLength - 1024 * (chunks - 1), chunks - 1);
  if (chunks === 1) return last;
  let node = parent(mode, stack.pop() as Uint32Array, chainingValue(last, chunks - 1));
  while (stack.length > 0) node = parent(mode, stack.pop() as Uint32Array, chainingValue(node, 0));
  return node;
}

/** 32-byte hash of `byteLength` bytes that start at word `from`; bytes past the end within the last word must be zero. */
export function hashWords(mode: Mode, words: Uint32Array, from: number, byteLength: number, out: Uint32Array, outAt: number): void {
  if (byteLength > 1024) {
    const p = pendingRoot(mode, words, from, byteLength);
    compress(p.cv, 0, p.block, 0, 0, p.blockLength, p.flags | ROOT, out, outAt, false);
    return;
  }
  // One chunk of whole rows: the hot path of leaves and nodes, without a copy while full blocks remain.
  const blocks = Math.max(1, Math.ceil(byteLength / 64));
  for (let b = 0; b < blocks - 1; b++) {
    const flags = mode.flags | (b === 0 ? CHUNK_START : 0);
    if (b === 0) compress(mode.key, 0, words, from, 0, 64, flags, out, outAt, false);
    else compress(out, outAt, words, from + 16 * b, 0, 64, flags, out, outAt, false);
  }
  const rest = byteLength - 64 * (blocks - 1);
  const first = from + 16 * (blocks - 1);
  const flags = mode.flags | CHUNK_END | ROOT | (blocks === 1 ? CHUNK_START : 0);
  let block = words;
  let at = first;
  if (rest < 64) {
    tail.fill(0);
    for (let i = 0; i < Math.ceil(rest / 4); i++) tail[i] = words[first + i] as number;
    block = tail;
    at = 0;
  }
  if (blocks === 1) compress(mode.key, 0, block, at, 0, rest, flags, out, outAt, false);
  else compress(out, outAt, block, at, 0, rest, flags, out, outAt, false);
}

const tail = new Uint32Array(16);

/** The extendable output of BLAKE3: `read(n)` gives the next n bytes. */
export class Xof {
  readonly #pending: Pending;
  readonly #block = new Uint32Array(16);
  #blocks = 0;
  #used = 64;

  constructor(mode: Mode, message: Uint8Array) {
    this.#pending = pendingRoot(mode, toWords(message), 0, message.length);
  }

  read(n: number): Uint8Array {
    const out = new Uint8Array(n);
    const bytes = new Uint8Array(this.#block.buffer);
    for (let at = 0; at < n; ) {
      if (this.#used === 64) {
        const p = this.#pending;
        compress(p.cv, 0, p.block, 0, this.#blocks++, p.blockLength, p.flags | ROOT, this.#block, 0, true);
        this.#used = 0;
      }
      const take = Math.min(n - at, 64 - this.#used);
      out.set(bytes.subarray(this.#used, this.#used + take), at);
      this.#used += take;
      at += take;
    }
    return out;
  }
}

/** 32-byte keyed hash of bytes. */
export function hash(mode: Mode, message: Uint8Array): Uint8Array {
  const out = new Uint32Array(8);
  hashWords(mode, toWords(message), 0, message.length, out, 0);
  return new Uint8Array(out.buffer);
}

/** 32-byte hash without a key. */
export function blake3(message: Uint8Array): Uint8Array {
  return hash(PLAIN, message);
}
