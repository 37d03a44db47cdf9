/**
 * Checks of headers by commits (settlement §10.2). Pure: blocks in, a refusal or nothing out; fetching is follow.ts.
 *
 * Only from the checkpoint on is anything trusted: a chain that is consistent in itself proves nothing.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import { headerHash, validatorsHash, voteSignBytes } from '../comet/hashes.ts';
import { type BlockCommit, type BlockHeader, FLAGS, type Validator } from '../comet/types.ts';

export type LightCode =
  | 'chain.id'
  | 'checkpoint'
  | 'header.hash'
  | 'header.height'
  | 'header.time'
  | 'header.future'
  | 'validators.hash'
  | 'validators.next'
  | 'commit.block'
  | 'commit.signature'
  | 'commit.power'
  | 'trust.power'
  | 'trust.expired';

/** A check of a header that failed: its name, and a sentence with what was seen and wanted. */
export class LightRefused extends Error {
  readonly code: LightCode;

  constructor(code: LightCode, sentence: string) {
    super(sentence);
    this.name = 'LightRefused';
    this.code = code;
  }
}

export interface SignedHeader {
  readonly header: BlockHeader;
  readonly commit: BlockCommit;
}

/** A header with its commit and the set that signed it. */
export interface LightBlock extends SignedHeader {
  readonly validators: readonly Validator[];
}

/** A block that was checked from the checkpoint on. */
export interface TrustedBlock extends LightBlock {
  readonly hash: Uint8Array;
}

export interface Period {
  /** Nanoseconds since 1970 by the reader's clock: the only clock in the design. */
  readonly now: bigint;
  /** Nanoseconds that a header stays trustworthy: 14 days unless the caller knows better. */
  readonly trustPeriod: bigint;
}

const SECOND = 1_000_000_000n;
export const TRUST_PERIOD = 14n * 24n * 3600n * SECOND;
const DRIFT = 10n * SECOND;

const powerOf = (set: readonly Validator[]): bigint => set.reduce((n, v) => n + v.power, 0n);

/** (a), (b): header, commit and validator set belong together. Before any signature, so that what is wrong is named. */
export function checkParts({ header, commit, validators }: LightBlock, chainId: string): void {
  if (header.chainId !== chainId)
    throw new LightRefused('chain.id', `the header is of chain ${JSON.stringify(header.chainId)}, not ${chainId}`);
  if (!equalBytes(validatorsHash(validators), header.validatorsHash))
    throw new LightRefused('validators.hash', `the validator set of block ${header.height} is not the one its header names`);
  if (commit.height !== header.height)
    throw new LightRefused('commit.block', `the commit is of height ${commit.height}, the header of ${header.height}`);
  const hash = headerHash(header);
  if (!equalBytes(commit.blockId.hash, hash))
    throw new LightRefused('header.hash', `the header hashes to ${toHex(hash)}, the commit is for ${toHex(commit.blockId.hash)}`);
  if (commit.votes.length !== validators.length)
    throw new LightRefused('commit.block', `the commit has ${commit.votes.length} votes, the set ${validators.length} validators`);
}

/** (c): more than 2/3 of the power of the block's own set signed it. Returns the share that signed, in percent. */
export function checkSigned(block: LightBlock): number {
  const { header, validators } = block;
  const all = powerOf(validators);
  const signed = checkVotes(block, validators, (i) => validators[i]);
  if (3n * signed <= 2n * all)
    throw new LightRefused('commit.power', `${signed} of ${all} power signed block ${header.height}, more than two thirds are needed`);
  return Number((1000n * signed) / all) / 10;
}

/** Power of `set` whose signatures on the block are good. `validatorOf` finds the validator of a vote; one that is not in the set counts nothing. */
function checkVotes(
  { header, commit }: SignedHeader,
  set: readonly Validator[],
  validatorOf: (vote: number) => Validator | undefined,
): bigint {
  const counted = new Set<string>();
  let power = 0n;
  commit.votes.forEach((vote, i) => {
    if (vote.flag !== FLAGS.commit) return;
    const validator = validatorOf(i);
    if (validator === undefined || !set.includes(validator)) return;
    const name = toHex(validator.pubkey);
    if (!equalBytes(vote.address, addressOf(validator.pubkey)))
      throw new LightRefused(
        'commit.signature',
        `vote ${i} names ${toHex(vote.address)}, the validator is ${toHex(addressOf(validator.pubkey))}`,
      );
    if (counted.has(name)) throw new LightRefused('commit.signature', `validator ${toHex(vote.address)} votes twice`);
    if (!goodVote(validator.pubkey, voteSignBytes(header.chainId, commit, vote), vote.signature))
      throw new LightRefused('commit.signature', `the signature of validator ${toHex(vote.address)} on block ${header.height} is wrong`);
    counted.add(name);
    power += validator.power;
  });
  return power;
}

/** Votes are verified as CometBFT verifies them: ZIP-215. */
function goodVote(pubkey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  try {
    return ed25519.verify(signature, message, pubkey, { zip215: true });
  } catch {
    return false;
  }
}

/** (e), (f) of a step from a trusted block to a later one. */
export function checkOrder(trusted: SignedHeader, next: SignedHeader, { now, trustPeriod }: Period): void {
  const [a, b] = [trusted.header, next.header];
  if (b.height <= a.height) throw new LightRefused('header.height', `block ${b.height} does not come after block ${a.height}`);
  if (b.time <= a.time) throw new LightRefused('header.time', `block ${b.height} is not later than block ${a.height}`);
  if (b.time > now + DRIFT)
    throw new LightRefused(
      'header.future',
      `block ${b.height} is ${(b.time - now) / SECOND} s ahead of this machine's clock: one of the two is wrong`,
    );
  checkPeriod(trusted, { now, trustPeriod });
}

export function checkPeriod({ header }: SignedHeader, { now, trustPeriod }: Period): void {
  if (header.time + trustPeriod < now)
    throw new LightRefused(
      'trust.expired',
      `block ${header.height} is older than the trust period of ${trustPeriod / SECOND / 3600n} hours`,
    );
}

/** (b), (d): who vouches for the next block's validators. Adjacent: the trusted header names them. */
export function checkAdjacent(trusted: SignedHeader, next: LightBlock): void {
  if (!equalBytes(next.header.validatorsHash, trusted.header.nextValidatorsHash))
    throw new LightRefused(
      'validators.next',
      `block ${next.header.height} has another validator set than block ${trusted.header.height} announced`,
    );
}

/** More than a third of the power that is trusted (the set announced by the trusted header) signed the next block; else throws trust.power. */
export function checkSkip(announced: readonly Validator[], next: LightBlock): void {
  const byAddress = new Map(announced.map((v) => [toHex(addressOf(v.pubkey)), v]));
  const signed = checkVotes(next, announced, (i) => byAddress.get(toHex(next.commit.votes[i]?.address ?? new Uint8Array(0))));
  const all = powerOf(announced);
  if (3n * signed <= all)
    throw new LightRefused(
      'trust.power',
      `${signed} of ${all} trusted power signed block ${next.header.height}, more than a third is needed`,
    );
}
