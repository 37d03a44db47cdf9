/** Keys of tests: one a number, always the same. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { addressOf, type SignatureCheck } from '../../../chain/accounts.ts';
import { type SignatureDomain, signedBytes } from '../../../chain/domains.ts';
import { ascii, concat, equalBytes } from '../../../protocol/bytes.ts';

export interface Key {
  readonly secret: Uint8Array;
  readonly pubkey: Uint8Array;
  readonly address: Uint8Array;
}

const made = new Map<number, Key>();

export function keyOf(seed: number): Key {
  let key = made.get(seed);
  if (key === undefined) {
    const secret = sha256(ascii(`key ${seed} of a test`));
    const pubkey = ed25519.getPublicKey(secret);
    key = { secret, pubkey, address: addressOf(pubkey) };
    made.set(seed, key);
  }
  return key;
}

/** Signs what an account key signs for `domain` over `message`. */
export type Sign = (key: Key, domain: SignatureDomain, message: Uint8Array) => Uint8Array;

export const sign: Sign = (key, domain, message) => ed25519.sign(signedBytes(domain, message), key.secret);

/** 64 bytes that anybody can make from a public key: for runs of many transactions, whose subject is not the signature. */
export const cheapSign: Sign = (key, domain, message) => cheap(key.pubkey, signedBytes(domain, message));
export const cheapCheck: SignatureCheck = (pubkey, message, signature) => equalBytes(cheap(pubkey, message), signature);
const cheap = (pubkey: Uint8Array, message: Uint8Array): Uint8Array => sha512(concat(pubkey, message));
