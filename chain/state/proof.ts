/** A Merkle path as CometBFT's ValueOp: { 1 key, 2 Proof { 1 total, 2 index, 3 leaf_hash, 4 aunts } } (settlement §7.3). */
import { encode } from '../codec.ts';
import { ValueOpSchema } from '../generated/proofs_pb.ts';
import type { Tree } from './tree.ts';

export function encodeProof(key: Uint8Array, tree: Tree, index: number): Uint8Array {
  return encode(ValueOpSchema, {
    key,
    proof: { total: BigInt(tree.size), index: BigInt(index), leafHash: tree.leaf(index), aunts: tree.aunts(index) },
  });
}
