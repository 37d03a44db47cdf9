/** Names that are hashes (settlement §3): a client computes them before it sends anything, a page recomputes them from what it reads. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { ascii, concat } from '../protocol/bytes.ts';
import { encode } from './codec.ts';
import { hashOf, u64 } from './domains.ts';
import { type ModelCommitment, ModelCommitmentSchema, type Statement, StatementSchema } from './generated/messages_pb.ts';

/** A message's fields without what protobuf adds to them. */
export type Fields<T> = Omit<T, '$typeName' | '$unknown'>;

/** First 4 bytes of keccak256(lower-case name): the rule of ERC-7992. */
export const proofSystemId = (name: string): Uint8Array => keccak_256(ascii(name.toLowerCase())).slice(0, 4);

export const modelIdOf = (owner: Uint8Array, commitment: Fields<ModelCommitment>): Uint8Array =>
  hashOf('opg/model/v1', owner, encode(ModelCommitmentSchema, commitment));

/** From the order's canonical bytes. */
export const jobIdOf = (order: Uint8Array): Uint8Array => hashOf('opg/job/v1', order);

/** The job of a `verifyInference`. */
export const soloIdOf = (sender: Uint8Array, salt: Uint8Array): Uint8Array => hashOf('opg/solo/v1', sender, salt);

/** The tab that `owner` opens with the transaction of this nonce. */
export const tabIdOf = (owner: Uint8Array, nonce: bigint): Uint8Array => hashOf('opg/tab/v1', owner, u64(nonce));

/** The context a proof is made for: 32 bytes. */
export const statementDigestOf = (s: Fields<Statement>): Uint8Array => hashOf('opg/stmt/v1', encode(StatementSchema, s));

/** keccak256(uint256 modelId ‖ inputCommitment ‖ canonicalTensors(output)): the name in ERC-7992's storage extension. */
export const inferenceIdOf = (modelId: Uint8Array, input: Uint8Array, output: Uint8Array): Uint8Array =>
  keccak_256(concat(modelId, input, output));
