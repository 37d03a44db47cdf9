/** What CometBFT hashes and signs (facts of 0.38, checked against a node): headers, validator sets, commits, data, results, votes. */

import { create, toBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { encode } from '../codec.ts';
import {
  BlockIdSchema,
  BlockSchema,
  BytesValueSchema,
  CanonicalVoteSchema,
  CommitSchema,
  CommitSigSchema,
  HashedParamsSchema,
  HeaderSchema,
  Int64ValueSchema,
  SimpleValidatorSchema,
  StringValueSchema,
  TimestampSchema,
  TxResultSchema,
  VersionSchema,
} from '../generated/comet_pb.ts';
import { listRoot, lp } from '../merkle.ts';
import { timestampOf } from './time.ts';
import type { BlockCommit, BlockHeader, BlockIdentity, CommitVote, Validator } from './types.ts';

/** Bytes of a block's part. */
const PART = 65_536;
/** A precommit, in CanonicalVote. */
const PRECOMMIT = 2;

const bytesValue = (value: Uint8Array): Uint8Array => encode(BytesValueSchema, { value });
const blockId = ({ hash, parts }: BlockIdentity) =>
  create(BlockIdSchema, { hash, partSetHeader: { total: parts.total, hash: parts.hash } });
const timestamp = (nanos: bigint) => create(TimestampSchema, timestampOf(nanos));

/** The block's name: the root over the fourteen fields of its header. */
export function headerHash(h: BlockHeader): Uint8Array {
  return listRoot([
    encode(VersionSchema, h.version),
    encode(StringValueSchema, { value: h.chainId }),
    encode(Int64ValueSchema, { value: h.height }),
    toBinary(TimestampSchema, timestamp(h.time)),
    toBinary(BlockIdSchema, blockId(h.lastBlockId)),
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

const commitSig = (v: CommitVote) =>
  create(CommitSigSchema, {
    blockIdFlag: v.flag,
    validatorAddress: v.address,
    timestamp: timestamp(v.time),
    signature: v.signature,
  });

export const commitHash = (votes: readonly CommitVote[]): Uint8Array => listRoot(votes.map((v) => toBinary(CommitSigSchema, commitSig(v))));

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
      ...(vote.flag === 2 ? { blockId: blockId(commit.blockId) } : {}),
      timestamp: timestamp(vote.time),
      chainId,
    }),
  );
}

/** The encoding of a whole block, and the name of its parts. */
export function blockParts(
  header: BlockHeader,
  txs: readonly Uint8Array[],
  lastCommit: BlockCommit,
): { readonly size: number; readonly parts: BlockIdentity['parts'] } {
  const bytes = encode(BlockSchema, {
    header: create(HeaderSchema, {
      version: header.version,
      chainId: header.chainId,
      height: header.height,
      time: timestamp(header.time),
      lastBlockId: blockId(header.lastBlockId),
      lastCommitHash: header.lastCommitHash,
      dataHash: header.dataHash,
      validatorsHash: header.validatorsHash,
      nextValidatorsHash: header.nextValidatorsHash,
      consensusHash: header.consensusHash,
      appHash: header.appHash,
      lastResultsHash: header.lastResultsHash,
      evidenceHash: header.evidenceHash,
      proposerAddress: header.proposerAddress,
    }),
    data: { txs: [...txs] },
    evidence: {},
    lastCommit: create(CommitSchema, {
      height: lastCommit.height,
      round: lastCommit.round,
      blockId: blockId(lastCommit.blockId),
      signatures: lastCommit.votes.map(commitSig),
    }),
  });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PART) parts.push(bytes.subarray(at, at + PART));
  return { size: bytes.length, parts: { total: parts.length, hash: listRoot(parts) } };
}
