/**
 * Signatures on a server: `node:crypto`, which answers as `verifySignature` does for a key that may sign (settlement §2.5a), and some ten
 * times faster. A transaction is looked at up to five times on its way into a block, so answers are kept.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex } from '../../protocol/bytes.ts';
import { isGoodKey, type SignatureCheck } from '../accounts.ts';

const KEPT = 16_384;
/** SubjectPublicKeyInfo of an ed25519 key, up to its 32 bytes. */
const SPKI = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

/** A check with a memory of its own. */
export function serverSignatures(): SignatureCheck {
  const keys = new Map<string, KeyObject | null>();
  const answers = new Map<string, boolean>();
  const keyOf = (pubkey: Uint8Array): KeyObject | null => {
    const name = toHex(pubkey);
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = isGoodKey(pubkey) ? createPublicKey({ key: Buffer.from(concat(SPKI, pubkey)), format: 'der', type: 'spki' }) : null;
    return keep(keys, name, key);
  };
  return (pubkey, message, signature) => {
    // Of fixed lengths: the name below is what both and the message say one after the other.
    if (pubkey.length !== 32 || signature.length !== 64) return false;
    const name = toHex(sha256(concat(pubkey, signature, message)));
    const known = answers.get(name);
    if (known !== undefined) return known;
    const key = keyOf(pubkey);
    return keep(answers, name, key !== null && verify(null, message, key, signature));
  };
}

function keep<T>(map: Map<string, T>, name: string, value: T): T {
  map.set(name, value);
  const oldest = map.size > KEPT ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
  return value;
}
