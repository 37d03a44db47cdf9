/**
 * JSON of CometBFT's RPC, both ways (settlement §11.3). Numbers of 64 bits are decimal strings, hashes upper-case hexadecimal, keys,
 * signatures and transactions base64. What is read is untrusted: every reader is total and names the field it refuses.
 */
import { base64 } from '@scure/base';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { parseTime, showTime } from './time.ts';
import type { BlockCommit, BlockHeader, BlockIdentity, CommitVote, Validator } from './types.ts';

/** A field that is missing or not what it should be. */
export class Malformed extends Error {
  readonly field: string;

  constructor(field: string, what: string) {
    super(`${field}: ${what}`);
    this.name = 'Malformed';
    this.field = field;
  }
}

/** An untrusted JSON value with the path to it. */
export class Json {
  readonly #value: unknown;
  readonly path: string;

  constructor(value: unknown, path = 'result') {
    this.#value = value;
    this.path = path;
  }

  refuse(what: string): never {
    throw new Malformed(this.path, what);
  }

  get(name: string): Json {
    const v = this.#value;
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return this.refuse('no object');
    return new Json(Object.hasOwn(v, name) ? (v as Record<string, unknown>)[name] : undefined, `${this.path}.${name}`);
  }

  get missing(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  list(cap: number): Json[] {
    const v = this.#value;
    if (v === null) return [];
    if (!Array.isArray(v)) return this.refuse('no list');
    if (v.length > cap) return this.refuse(`${v.length} entries, at most ${cap} are taken`);
    return v.map((e, i) => new Json(e, `${this.path}[${i}]`));
  }

  /** Names and values of an object. */
  entries(cap: number): [string, Json][] {
    const v = this.#value;
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return this.refuse('no object');
    const all = Object.keys(v);
    if (all.length > cap) return this.refuse(`${all.length} members, at most ${cap} are taken`);
    return all.map((name) => [name, this.get(name)]);
  }

  text(cap = 4096): string {
    const v = this.#value;
    return typeof v === 'string' && v.length <= cap ? v : this.refuse('no text');
  }

  /** A decimal string or a number, as CometBFT writes integers. */
  int(): bigint {
    const v = this.#value;
    if (typeof v === 'number' && Number.isSafeInteger(v)) return BigInt(v);
    const n = typeof v === 'string' && /^(0|-?[1-9][0-9]{0,18})$/.test(v) ? BigInt(v) : this.refuse('no integer');
    return n >= -(2n ** 63n) && n < 2n ** 63n ? n : this.refuse('no 64-bit integer');
  }

  /** An amount of money: a decimal string below 2^128. */
  amount(): bigint {
    const v = this.#value;
    const n = typeof v === 'string' && /^(0|[1-9][0-9]{0,38})$/.test(v) ? BigInt(v) : this.refuse('no amount');
    return n < 2n ** 128n ? n : this.refuse('not below 2^128');
  }

  flag(): boolean {
    const v = this.#value;
    return typeof v === 'boolean' ? v : this.refuse('neither true nor false');
  }

  small(max: number): number {
    const n = this.int();
    return n >= 0n && n <= BigInt(max) ? Number(n) : this.refuse(`not in [0, ${max}]`);
  }

  /** Hexadecimal of `length` bytes, or of none. */
  hash(length: number): Uint8Array {
    const t = this.text(2 * length);
    if (t !== '' && t.length !== 2 * length) return this.refuse(`not ${length} bytes`);
    return fromHex(t.toLowerCase()) ?? this.refuse('no hexadecimal');
  }

  /** Base64 of at most `cap` bytes; null is no bytes. */
  base64(cap: number): Uint8Array {
    if (this.#value === null || this.#value === undefined) return new Uint8Array(0);
    const t = this.text(Math.ceil(cap / 3) * 4 + 4);
    try {
      const bytes = base64.decode(t);
      return bytes.length <= cap ? bytes : this.refuse(`more than ${cap} bytes`);
    } catch {
      return this.refuse('no base64');
    }
  }

  time(): bigint {
    return parseTime(this.text(40)) ?? this.refuse('no time');
  }
}

const HASH = 32;
export const MAX_VALIDATORS = 1000;

function readBlockId(j: Json): BlockIdentity {
  const parts = j.get('parts');
  return { hash: j.get('hash').hash(HASH), parts: { total: parts.get('total').small(2 ** 20), hash: parts.get('hash').hash(HASH) } };
}

export function readHeader(j: Json): BlockHeader {
  const version = j.get('version');
  const app = version.get('app');
  return {
    version: { block: version.get('block').int(), app: app.missing ? 0n : app.int() },
    chainId: j.get('chain_id').text(50),
    height: j.get('height').int(),
    time: j.get('time').time(),
    lastBlockId: readBlockId(j.get('last_block_id')),
    lastCommitHash: j.get('last_commit_hash').hash(HASH),
    dataHash: j.get('data_hash').hash(HASH),
    validatorsHash: j.get('validators_hash').hash(HASH),
    nextValidatorsHash: j.get('next_validators_hash').hash(HASH),
    consensusHash: j.get('consensus_hash').hash(HASH),
    appHash: j.get('app_hash').hash(HASH),
    lastResultsHash: j.get('last_results_hash').hash(HASH),
    evidenceHash: j.get('evidence_hash').hash(HASH),
    proposerAddress: j.get('proposer_address').hash(20),
  };
}

export function readCommit(j: Json): BlockCommit {
  return {
    height: j.get('height').int(),
    round: j.get('round').small(2 ** 31 - 1),
    blockId: readBlockId(j.get('block_id')),
    votes: j
      .get('signatures')
      .list(MAX_VALIDATORS)
      .map(
        (v): CommitVote => ({
          flag: v.get('block_id_flag').small(3),
          address: v.get('validator_address').hash(20),
          time: v.get('timestamp').time(),
          signature: v.get('signature').base64(64),
        }),
      ),
  };
}

export function readValidators(j: Json): Validator[] {
  return j.list(MAX_VALIDATORS).map((v) => {
    const key = v.get('pub_key');
    if (key.get('type').text() !== 'tendermint/PubKeyEd25519') key.refuse('a key of another type than ed25519');
    const pubkey = key.get('value').base64(32);
    const power = v.get('voting_power').int();
    if (pubkey.length !== 32) key.refuse('not 32 bytes');
    if (power < 1n) v.get('voting_power').refuse('not positive');
    return { pubkey, power };
  });
}

export const hexUpper = (bytes: Uint8Array): string => toHex(bytes).toUpperCase();

export const showBlockId = ({ hash, parts }: BlockIdentity): unknown => ({
  hash: hexUpper(hash),
  parts: { total: parts.total, hash: hexUpper(parts.hash) },
});

export const showHeader = (h: BlockHeader): unknown => ({
  version: { block: h.version.block.toString(), ...(h.version.app === 0n ? {} : { app: h.version.app.toString() }) },
  chain_id: h.chainId,
  height: h.height.toString(),
  time: showTime(h.time),
  last_block_id: showBlockId(h.lastBlockId),
  last_commit_hash: hexUpper(h.lastCommitHash),
  data_hash: hexUpper(h.dataHash),
  validators_hash: hexUpper(h.validatorsHash),
  next_validators_hash: hexUpper(h.nextValidatorsHash),
  consensus_hash: hexUpper(h.consensusHash),
  app_hash: hexUpper(h.appHash),
  last_results_hash: hexUpper(h.lastResultsHash),
  evidence_hash: hexUpper(h.evidenceHash),
  proposer_address: hexUpper(h.proposerAddress),
});

export const showCommit = (c: BlockCommit): unknown => ({
  height: c.height.toString(),
  round: c.round,
  block_id: showBlockId(c.blockId),
  signatures: c.votes.map((v) => ({
    block_id_flag: v.flag,
    validator_address: hexUpper(v.address),
    timestamp: showTime(v.time),
    signature: v.signature.length === 0 ? null : base64.encode(v.signature),
  })),
});

export const showKey = (pubkey: Uint8Array): unknown => ({ type: 'tendermint/PubKeyEd25519', value: base64.encode(pubkey) });
