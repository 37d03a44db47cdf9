/** Domain-separated SHA-256 (settlement §2.4): `H(domain, bytes) = SHA-256(domain ‖ 0x00 ‖ bytes)`; the lists of domains are closed. */
import { sha256 } from '@noble/hashes/sha2.js';
import { ascii, concat } from '../protocol/bytes.ts';

export type SignatureDomain = 'opg/tx/v1' | 'opg/sponsor/v1' | 'opg/order/v1' | 'opg/receipt/v1';
export type HashDomain = 'opg/model/v1' | 'opg/job/v1' | 'opg/solo/v1' | 'opg/tab/v1' | 'opg/stmt/v1' | 'opg/in/v1' | 'opg/out/v1';

const ZERO = Uint8Array.of(0);

export const hashOf = (domain: HashDomain, ...parts: readonly Uint8Array[]): Uint8Array => sha256(concat(ascii(domain), ZERO, ...parts));

/** What an account key signs: `domain ‖ 0x00 ‖ SHA-256(message bytes as received)`. */
export const signedBytes = (domain: SignatureDomain, message: Uint8Array): Uint8Array => concat(ascii(domain), ZERO, sha256(message));

/** What a sponsor signs: whose transaction it pays for, and its body. A body names no sender: without one, anybody could send it again. */
export const sponsoredBytes = (sender: Uint8Array, body: Uint8Array): Uint8Array => concat(sender, body);

/** A u64 inside a hash input: big-endian. */
export function u64(n: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, n);
  return out;
}
