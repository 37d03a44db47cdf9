/**
 * Merkle trees over rows of base elements (protocol §4.2): leaf = H_leaf(row as u32le limbs), node = H_node(left ‖ right).
 * Leaves and nodes use different keys, so a node is never a leaf.
 */
import { hashWords } from './blake3.ts';
import { bytesOf } from './bytes.ts';
import { modes } from './hash.ts';

/** All levels, leaves first; level l holds n / 2^l digests of 8 words. */
export type MerkleTree = readonly Uint32Array[];

/** The tree above leaf digests (8 words each); their number is a power of two. */
export function treeOf(leaves: Uint32Array): MerkleTree {
  const levels = [leaves];
  for (let below = leaves; below.length > 8; ) {
    const above = new Uint32Array(below.length / 2);
    for (let i = 0; i < above.length; i += 8) hashWords(modes.node, below, 2 * i, 64, above, i);
    levels.push(above);
    below = above;
  }
  return levels;
}

export function rootOf(tree: MerkleTree): Uint8Array {
  return bytesOf((tree[tree.length - 1] as Uint32Array).slice());
}

/**
 * The siblings a verifier lacks, in canonical order (§9.4): level by level from the leaves, ascending index, exactly those that are
 * neither opened nor computable. `positions` distinct and ascending.
 */
export function siblingOrder(positions: readonly number[], depth: number): { level: number; index: number }[] {
  const out: { level: number; index: number }[] = [];
  let current = positions;
  for (let level = 0; level < depth; level++) {
    const known = new Set(current);
    for (const i of current) if (!known.has(i ^ 1)) out.push({ level, index: i ^ 1 });
    current = [...new Set(current.map((i) => i >>> 1))];
  }
  return out;
}

/** Digest `index` of `level` as bytes. */
export function digestAt(tree: MerkleTree, level: number, index: number): Uint8Array {
  return bytesOf((tree[level] as Uint32Array).slice(8 * index, 8 * index + 8));
}

/** The leaf digest of a row. */
export function leafOf(row: Uint32Array): Uint32Array {
  const out = new Uint32Array(8);
  hashWords(modes.leaf, row, 0, 4 * row.length, out, 0);
  return out;
}

/**
 * The root that opened leaves and their siblings lead to. `leaves[i]` belongs to `positions[i]` (distinct, ascending);
 * `nextSibling` yields digests in the order of `siblingOrder`.
 */
export function rootFrom(
  positions: readonly number[],
  leaves: readonly Uint32Array[],
  depth: number,
  nextSibling: () => Uint32Array,
): Uint8Array {
  let current = new Map<number, Uint32Array>(positions.map((p, i) => [p, leaves[i] as Uint32Array]));
  const pair = new Uint32Array(16);
  for (let level = 0; level < depth; level++) {
    for (const i of [...current.keys()]) if (!current.has(i ^ 1)) current.set(i ^ 1, nextSibling());
    const above = new Map<number, Uint32Array>();
    for (const i of current.keys()) {
      if (above.has(i >>> 1)) continue;
      pair.set(current.get(i & ~1) as Uint32Array);
      pair.set(current.get(i | 1) as Uint32Array, 8);
      const node = new Uint32Array(8);
      hashWords(modes.node, pair, 0, 64, node, 0);
      above.set(i >>> 1, node);
    }
    current = above;
  }
  return bytesOf((current.get(0) as Uint32Array).slice());
}
