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

/** Digests of nodes from the digests of their children, 16 words a node. */
export type HashNodes = (children: Uint32Array) => Uint32Array;

const hashNodes: HashNodes = (children) => {
  const out = new Uint32Array(children.length / 2);
  for (let i = 0; i < out.length; i += 8) hashWords(modes.node, children, 2 * i, 64, out, i);
  return out;
};

/**
 * The root that opened leaves and their siblings lead to. Digest i of `leaves` belongs to `positions[i]` (distinct, ascending); `siblings`
 * come in the order of `siblingOrder`. Digests are 8 words each.
 */
export function rootFrom(
  positions: readonly number[],
  leaves: Uint32Array,
  depth: number,
  siblings: Uint32Array,
  nodes: HashNodes = hashNodes,
): Uint8Array {
  let indices = positions;
  let digests = leaves;
  let next = 0;
  const sibling = (): Uint32Array => siblings.subarray(8 * next, 8 * ++next);
  for (let level = 0; level < depth; level++) {
    const above = [...new Set(indices.map((i) => i >>> 1))];
    const children = new Uint32Array(16 * above.length);
    let k = 0;
    above.forEach((parent, at) => {
      const own = (index: number): boolean => indices[k] === index;
      const digest = (): Uint32Array => digests.subarray(8 * k, 8 * ++k);
      // A child that was neither opened nor computed is a sibling of the proof.
      children.set(own(2 * parent) ? digest() : sibling(), 16 * at);
      children.set(own(2 * parent + 1) ? digest() : sibling(), 16 * at + 8);
    });
    indices = above;
    digests = nodes(children);
  }
  return bytesOf(digests.slice(0, 8));
}
