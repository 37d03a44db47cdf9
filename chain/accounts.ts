/** Accounts: ed25519 keys, addresses, and the one signature rule of the ledger (settlement §1.5, §2.5a). Votes of CometBFT have another. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { bech32 } from '@scure/base';
import { concat, equalBytes } from '../protocol/bytes.ts';

export const HRP = 'opg';
const { Point } = ed25519;
const L = Point.Fn.ORDER;

/** First 20 bytes of SHA-256(public key): CometBFT's own rule. */
export const addressOf = (pubkey: Uint8Array): Uint8Array => sha256(pubkey).slice(0, 20);

/** `opg1…`. Throws a TypeError unless `address` has 20 bytes. */
export function showAddress(address: Uint8Array): string {
  if (address.length !== 20) throw new TypeError(`an address has 20 bytes, not ${address.length}`);
  return bech32.encode(HRP, bech32.toWords(address));
}

/** The 20 bytes behind `opg1…`, or null. */
export function parseAddress(text: string): Uint8Array | null {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, 90);
    const bytes = bech32.fromWords(words);
    return prefix === HRP && bytes.length === 20 ? Uint8Array.from(bytes) : null;
  } catch {
    return null;
  }
}

/** A key that may sign: a canonical encoding of a point that is not of small order. */
export function isGoodKey(pubkey: Uint8Array): boolean {
  return pointOf(pubkey) !== null;
}

/** S·B − k·A = R byte for byte, S below L, k reduced mod L: cofactor-less, equal to `node:crypto` behind `isGoodKey`. */
export function verifySignature(pubkey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const a = pointOf(pubkey);
  if (a === null || signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= L) return false;
  const k = littleEndian(sha512(concat(r, pubkey, message))) % L;
  const left = s === 0n ? Point.ZERO : Point.BASE.multiply(s);
  return equalBytes(left.subtract(k === 0n ? Point.ZERO : a.multiplyUnsafe(k)).toBytes(), r);
}

/** How a ledger checks signatures: `verifySignature`, or something faster that answers the same for a good key. */
export type SignatureCheck = typeof verifySignature;

function pointOf(pubkey: Uint8Array): InstanceType<typeof Point> | null {
  if (pubkey.length !== 32) return null;
  try {
    const p = Point.fromBytes(pubkey, false);
    return p.isSmallOrder() ? null : p;
  } catch {
    return null;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let n = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(bytes[i] as number);
  return n;
}
