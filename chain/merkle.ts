/**
 * Merkle trees of RFC 6962 over SHA-256, as CometBFT hashes everything and as our stores do:
 *
 *     leaf = SHA-256(00 ‖ bytes)     inner = SHA-256(01 ‖ l ‖ r)     empty = SHA-256()
 *
 * A tree over n leaves splits at the largest power of two below n; pairing level by level, with an odd last node moved up as it is, gives
 * the same tree.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat } from '../protocol/bytes.ts';

const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);

export const innerHash = (l: Uint8Array, r: Uint8Array): Uint8Array => sha256(concat(INNER, l, r));
export const listLeaf = (bytes: Uint8Array): Uint8Array => sha256(concat(LEAF, bytes));

/** The leaf of a key and its value, as CometBFT's `simple:v` has it: SHA-256(00 ‖ lp(key) ‖ lp(SHA-256(value))). */
export const recordLeaf = (key: Uint8Array, value: Uint8Array): Uint8Array => sha256(concat(LEAF, lp(key), lp(sha256(value))));

/** uvarint length, then the bytes. */
export function lp(bytes: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let n = bytes.length;
  for (; n > 127; n >>>= 7) prefix.push((n & 127) | 128);
  return concat(Uint8Array.of(...prefix, n), bytes);
}

/** The root over a list of byte strings. */
export function listRoot(items: readonly Uint8Array[]): Uint8Array {
  if (items.length === 0) return sha256(new Uint8Array(0));
  let level = items.map(listLeaf);
  while (level.length > 1) {
    const up: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [l, r] = [level[i] as Uint8Array, level[i + 1]];
      up.push(r === undefined ? l : innerHash(l, r));
    }
    level = up;
  }
  return level[0] as Uint8Array;
}

/** The root that a leaf and its siblings (from the leaf up) give, or null where `total`, `index` and their number do not fit. */
export function rootOfPath(leaf: Uint8Array, index: bigint, total: bigint, aunts: readonly Uint8Array[]): Uint8Array | null {
  if (total < 1n || total > 2n ** 44n || index < 0n || index >= total || aunts.some((a) => a.length !== 32)) return null;
  let node = leaf;
  let at = 0;
  for (let i = index, width = total; width > 1n; i >>= 1n, width = (width + 1n) >> 1n) {
    if ((i ^ 1n) >= width) continue;
    const aunt = aunts[at++];
    if (aunt === undefined) return null;
    node = (i & 1n) === 0n ? innerHash(node, aunt) : innerHash(aunt, node);
  }
  return at === aunts.length ? node : null;
}
