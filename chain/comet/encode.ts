/** Blocks and commits as CometBFT's protobuf, both ways. What is decoded here was written by ourselves: a fault is a damaged store. */
import { create, fromBinary } from '@bufbuild/protobuf';
import { encode } from '../codec.ts';
import {
  type BlockId,
  BlockIdSchema,
  BlockSchema,
  type Commit,
  CommitSchema,
  type CommitSig,
  CommitSigSchema,
  type Header,
  HeaderSchema,
  type Timestamp,
  TimestampSchema,
} from '../generated/comet_pb.ts';
import { timestampOf } from './time.ts';
import type { BlockCommit, BlockHeader, BlockIdentity, CommitVote } from './types.ts';

export const blockIdMessage = ({ hash, parts }: BlockIdentity): BlockId =>
  create(BlockIdSchema, { hash, partSetHeader: { total: parts.total, hash: parts.hash } });

export const timestampMessage = (nanos: bigint): Timestamp => create(TimestampSchema, timestampOf(nanos));

export const commitSigMessage = (v: CommitVote): CommitSig =>
  create(CommitSigSchema, {
    blockIdFlag: v.flag,
    validatorAddress: v.address,
    timestamp: timestampMessage(v.time),
    signature: v.signature,
  });

const commitMessage = (c: BlockCommit): Commit =>
  create(CommitSchema, {
    height: c.height,
    round: c.round,
    blockId: blockIdMessage(c.blockId),
    signatures: c.votes.map(commitSigMessage),
  });

const headerMessage = (h: BlockHeader): Header =>
  create(HeaderSchema, { ...h, time: timestampMessage(h.time), lastBlockId: blockIdMessage(h.lastBlockId) });

export const encodeBlock = (header: BlockHeader, txs: readonly Uint8Array[], lastCommit: BlockCommit): Uint8Array =>
  encode(BlockSchema, { header: headerMessage(header), data: { txs: [...txs] }, evidence: {}, lastCommit: commitMessage(lastCommit) });

export const encodeCommit = (c: BlockCommit): Uint8Array => encode(CommitSchema, commitMessage(c));

const nanosOf = (t: Timestamp | undefined): bigint => needed(t).seconds * 1_000_000_000n + BigInt(needed(t).nanos);

function needed<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('a stored block lacks a part');
  return part;
}

const blockIdOf = (b: BlockId | undefined): BlockIdentity => {
  const { hash, partSetHeader } = needed(b);
  const { total, hash: parts } = needed(partSetHeader);
  return { hash, parts: { total, hash: parts } };
};

const commitOf = ({ height, round, blockId, signatures }: Commit): BlockCommit => ({
  height,
  round,
  blockId: blockIdOf(blockId),
  votes: signatures.map((s) => ({
    flag: s.blockIdFlag,
    address: s.validatorAddress,
    time: nanosOf(s.timestamp),
    signature: s.signature,
  })),
});

export const decodeCommit = (bytes: Uint8Array): BlockCommit => commitOf(fromBinary(CommitSchema, bytes));

export function decodeBlock(bytes: Uint8Array): {
  readonly header: BlockHeader;
  readonly txs: readonly Uint8Array[];
  readonly lastCommit: BlockCommit;
} {
  const block = fromBinary(BlockSchema, bytes);
  const { $typeName: _, $unknown: __, ...h } = needed(block.header);
  const { block: blockVersion, app } = needed(h.version);
  return {
    header: { ...h, version: { block: blockVersion, app }, time: nanosOf(h.time), lastBlockId: blockIdOf(h.lastBlockId) },
    txs: needed(block.data).txs,
    lastCommit: commitOf(needed(block.lastCommit)),
  };
}
