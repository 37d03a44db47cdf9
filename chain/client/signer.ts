/** An account's key in use: what it signs, for which domain. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { addressOf } from '../accounts.ts';
import { type SignatureDomain, signedBytes } from '../domains.ts';

export interface Signer {
  readonly pubkey: Uint8Array;
  readonly address: Uint8Array;
  sign(domain: SignatureDomain, message: Uint8Array): Uint8Array;
}

/** From a seed of 32 bytes, which stays inside. */
export function signerOf(seed: Uint8Array): Signer {
  if (seed.length !== 32) throw new TypeError(`a seed has 32 bytes, not ${seed.length}`);
  const secret = seed.slice();
  const pubkey = ed25519.getPublicKey(secret);
  return {
    pubkey,
    address: addressOf(pubkey),
    sign: (domain, message) => ed25519.sign(signedBytes(domain, message), secret),
  };
}
