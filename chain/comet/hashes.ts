/** What CometBFT hashes and signs (facts of 0.38, checked against a node): headers, validator sets, commits, data, results, votes. */

import { toBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { encode } from '../codec.ts';
import {
  BlockIdSchema,
  BytesValueSchema,
  CanonicalVoteSchema,
  CommitSigSchema,
  HashedParamsSchema,
  Int64ValueSchema,
  SimpleValidatorSchema,
  StringValueSchema,
  TimestampSchema,
  TxResultSchema,
  VersionSchema,
} from '../generated/comet_pb.ts';
import { listRoot, lp } from '../merkle.ts';
import { blockIdMessage, commitSigMessage, timestampMessage } from './encode.ts';
import type { BlockCommit, BlockHeader, BlockIdentity, CommitVote, Validator } from './types.ts';

/** Bytes of a block's part. */
const PART = 65_536;
/** A precommit, in CanonicalVote. */
const PRECOMMIT = 2;

const bytesValue = (value: Uint8Array): Uint8Array => encode(BytesValueSchema, { value });
/** The block's name: the root over the fourteen fields of its header. */
export function headerHash(h: BlockHeader): Uint8Array {
  return listRoot([
    encode(VersionSchema, h.version),
    encode(StringValueSchema, { value: h.chainId }),
    encode(Int64ValueSchema, { value: h.height }),
    toBinary(TimestampSchema, timestampMessage(h.time)),
    toBinary(BlockIdSchema, blockIdMessage(h.lastBlockId)),
    bytesValue(h.lastCommitHash),
    bytesValue(h.dataHash),
    bytesValue(h.validatorsHash),
    bytesValue(h.nextValidatorsHash),
    bytesValue(h.consensusHash),
    bytesValue(h.appHash),
    bytesValue(h.lastResultsHash),
    bytesValue(h.evidenceHash),
    bytesValue(h.proposerAddress),
  ]);
}

export const validatorsHash = (set: readonly Validator[]): Uint8Array =>
  listRoot(set.map(({ pubkey, power }) => encode(SimpleValidatorSchema, { pubKey: { ed25519: pubkey }, votingPower: power })));

export const commitHash = (votes: readonly CommitVote[]): Uint8Array =>
  listRoot(votes.map((v) => toBinary(CommitSigSchema, commitSigMessage(v))));

export const dataHash = (txs: readonly Uint8Array[]): Uint8Array => listRoot(txs.map((tx) => sha256(tx)));

export const resultsHash = (
  results: readonly { readonly code: number; readonly data: Uint8Array; readonly gasWanted: bigint; readonly gasUsed: bigint }[],
): Uint8Array => listRoot(results.map(({ code, data, gasWanted, gasUsed }) => encode(TxResultSchema, { code, data, gasWanted, gasUsed })));

export const consensusHash = (maxBytes: bigint, maxGas: bigint): Uint8Array =>
  sha256(encode(HashedParamsSchema, { blockMaxBytes: maxBytes, blockMaxGas: maxGas }));

/** What one precommit of a commit signs: each vote has its own time. */
export function voteSignBytes(chainId: string, commit: Omit<BlockCommit, 'votes'>, vote: Pick<CommitVote, 'flag' | 'time'>): Uint8Array {
  return lp(
    encode(CanonicalVoteSchema, {
      type: PRECOMMIT,
      height: commit.height,
      round: BigInt(commit.round),
      ...(vote.flag === 2 ? { blockId: blockIdMessage(commit.blockId) } : {}),
      timestamp: timestampMessage(vote.time),
      chainId,
    }),
  );
}

/** The name of a block's parts: a block's encoding is gossiped in pieces of 64 KiB. */
export function partsOf(block: Uint8Array): BlockIdentity['parts'] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < block.length; at += PART) parts.push(block.subarray(at, at + PART));
  return { total: parts.length, hash: listRoot(parts) };
}
