/**
 * Merkle tree of RFC 6962 over SHA-256, insertion-ordered: a leaf keeps its index for life (settlement §7.2).
 *
 *     leaf(k, v) = SHA-256(00 ‖ lp(k) ‖ lp(SHA-256(v)))     inner = SHA-256(01 ‖ l ‖ r)     empty = SHA-256()
 *
 * Pairing level by level and moving an odd last node up unpaired gives the tree that splits at the largest power of two below the number
 * of leaves. Changing or adding a leaf costs one path. A child tree reads through to its parent and keeps its own nodes until `merge`.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { innerHash, recordLeaf } from '../merkle.ts';

export const leafHash = recordLeaf;

/** Levels and indexes in one number: indexes stay below 2^44. */
const at = (level: number, index: number): number => level * 2 ** 44 + index;

export class Tree {
  readonly #parent: Tree | null;
  #nodes = new Map<number, Uint8Array>();
  #size: number;

  constructor(parent: Tree | null = null) {
    this.#parent = parent;
    this.#size = parent?.size ?? 0;
  }

  get size(): number {
    return this.#size;
  }

  #node(level: number, index: number): Uint8Array {
    const n = this.#nodes.get(at(level, index)) ?? (this.#parent === null ? undefined : this.#parent.#node(level, index));
    if (n === undefined) throw new Error(`tree: no node ${index} at level ${level}`);
    return n;
  }

  /** Sets the hash of leaf `index`, at most one past the last. */
  set(index: number, hash: Uint8Array): void {
    if (index > this.#size) throw new RangeError(`tree: leaf ${index} of ${this.#size}`);
    if (index === this.#size) this.#size++;
    let i = index;
    let node = hash;
    this.#nodes.set(at(0, i), node);
    for (let level = 0, width = this.#size; width > 1; level++, width = (width + 1) >> 1) {
      const mate = i ^ 1;
      // An odd last node moves up as it is.
      if (mate < width) node = i < mate ? innerHash(node, this.#node(level, mate)) : innerHash(this.#node(level, mate), node);
      i >>= 1;
      this.#nodes.set(at(level + 1, i), node);
    }
  }

  root(): Uint8Array {
    if (this.#size === 0) return sha256(new Uint8Array(0));
    let level = 0;
    for (let width = this.#size; width > 1; width = (width + 1) >> 1) level++;
    return this.#node(level, 0);
  }

  /** The siblings of leaf `index`, from the leaf to the root. */
  aunts(index: number): Uint8Array[] {
    const aunts: Uint8Array[] = [];
    for (let level = 0, i = index, width = this.#size; width > 1; level++, i >>= 1, width = (width + 1) >> 1)
      if ((i ^ 1) < width) aunts.push(this.#node(level, i ^ 1));
    return aunts;
  }

  leaf(index: number): Uint8Array {
    return this.#node(0, index);
  }

  /** Gives what this child changed to its parent, which must not have changed meanwhile. */
  merge(): void {
    const parent = this.#parent;
    if (parent === null) return;
    for (const [key, node] of this.#nodes) parent.#nodes.set(key, node);
    parent.#size = this.#size;
    this.#nodes = new Map();
  }
}
