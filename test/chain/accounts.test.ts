/**
 * Keys, addresses and the signature rule (settlement §1.5, §2.5a). The rule must be the same in a page (noble) and on a server (`node:crypto`
 * behind the key check), also where libraries are known to differ: small order, torsion, S at and above L.
 */
import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, isGoodKey, parseAddress, showAddress, verifySignature } from '../../chain/accounts.ts';
import { serverSignatures } from '../../chain/app/signatures.ts';
import { ascii, concat, fromHex, toHex } from '../../protocol/bytes.ts';
import { keyOf } from './helpers/keys.ts';

const { Point } = ed25519;
type P = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;

const le = (n: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));
const leInt = (b: Uint8Array): bigint => b.reduceRight((n, v) => (n << 8n) | BigInt(v), 0n);

/** What a server runs: OpenSSL behind the key check. */
function serverVerify(pubkey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isGoodKey(pubkey) || signature.length !== 64) return false;
  const spki = concat(fromHex('302a300506032b6570032100') as Uint8Array, pubkey);
  return nodeVerify(null, message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature);
}

/** The eight points whose order divides 8. */
const T8 = ((): P => {
  for (let y = 2n; ; y++) {
    let p: P;
    try {
      p = Point.fromBytes(le(y));
    } catch {
      continue;
    }
    const t = p.multiplyUnsafe(L - 1n).add(p);
    if (!t.double().double().is0()) return t;
  }
})();
const SMALL: readonly P[] = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : T8.multiplyUnsafe(BigInt(i))));

/** A signature by a scalar and a nonce, with torsion added to the key and to R. */
function signWith(
  a: bigint,
  r: bigint,
  message: Uint8Array,
  torsionA: P,
  torsionR: P,
): { readonly pubkey: Uint8Array; readonly sig: Uint8Array } {
  const pubkey = Point.BASE.multiply(a).add(torsionA).toBytes();
  const R = Point.BASE.multiply(r).add(torsionR).toBytes();
  const k = leInt(sha512(concat(R, pubkey, message))) % L;
  return { pubkey, sig: concat(R, le((r + k * a) % L)) };
}

describe('keys', () => {
  test('of small order may not sign', () => {
    expect(new Set(SMALL.map((p) => toHex(p.toBytes()))).size).toBe(8);
    for (const p of SMALL) expect(isGoodKey(p.toBytes())).toBe(false);
  });

  test('have one encoding: y at or above p is none', () => {
    const p = 2n ** 255n - 19n;
    for (let y = p; y < 2n ** 255n; y++) {
      expect(isGoodKey(le(y))).toBe(false);
      expect(isGoodKey(le(y | (1n << 255n)))).toBe(false);
    }
  });

  test('are points, of 32 bytes', () => {
    expect(isGoodKey(new Uint8Array(32).fill(2))).toBe(false);
    expect(isGoodKey(keyOf(1).pubkey.subarray(0, 31))).toBe(false);
    expect(isGoodKey(concat(keyOf(1).pubkey, Uint8Array.of(0)))).toBe(false);
    expect(isGoodKey(keyOf(1).pubkey)).toBe(true);
  });

  test('with a part of small order, and one that is not, may sign', () => {
    for (const t of SMALL) expect(isGoodKey(Point.BASE.multiply(5n).add(t).toBytes())).toBe(true);
  });
});

describe('signatures: page and server agree', () => {
  const message = ascii('a message');
  const scalar = fc.bigInt({ min: 1n, max: L - 1n });

  test('on honest ones, and on ones with a bit turned', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.uint8Array({ maxLength: 80 }), fc.nat(511), (seed, m, bit) => {
        const { secret, pubkey } = keyOf(seed);
        const sig = ed25519.sign(m, secret);
        expect(verifySignature(pubkey, m, sig)).toBe(true);
        expect(serverVerify(pubkey, m, sig)).toBe(true);
        const turned = sig.with(bit >> 3, (sig[bit >> 3] as number) ^ (1 << (bit & 7)));
        expect(verifySignature(pubkey, m, turned)).toBe(false);
        expect(serverVerify(pubkey, m, turned)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('on every torsion of key and R', () => {
    fc.assert(
      fc.property(scalar, scalar, (a, r) => {
        for (const tA of SMALL)
          for (const tR of SMALL) {
            const { pubkey, sig } = signWith(a, r, message, tA, tR);
            const answer = verifySignature(pubkey, message, sig);
            expect(serverVerify(pubkey, message, sig)).toBe(answer);
            if (tA.is0()) expect(answer).toBe(tR.is0());
          }
      }),
      { numRuns: 3 },
    );
  });

  test('on keys of small order, for which many signatures verify elsewhere', () => {
    for (const p of SMALL)
      for (let s = 0n; s < 4n; s++) {
        const sig = concat(s === 0n ? Point.ZERO.toBytes() : Point.BASE.multiply(s).toBytes(), le(s));
        expect(verifySignature(p.toBytes(), message, sig)).toBe(false);
        expect(serverVerify(p.toBytes(), message, sig)).toBe(false);
      }
  });

  test('on S at and above L', () => {
    const { secret, pubkey } = keyOf(3);
    const sig = ed25519.sign(message, secret);
    const s = leInt(sig.subarray(32));
    for (const other of [s + L, s + 2n * L, L, 2n ** 256n - 1n]) {
      const changed = concat(sig.subarray(0, 32), le(other % 2n ** 256n));
      expect(verifySignature(pubkey, message, changed)).toBe(false);
      expect(serverVerify(pubkey, message, changed)).toBe(false);
    }
  });

  test('on S = 0 and R of small order, made to fit', () => {
    // R = -k·A has no known way for a good key: with S = 0 nothing verifies.
    const { pubkey } = keyOf(4);
    for (const p of SMALL) {
      const sig = concat(p.toBytes(), le(0n));
      expect(verifySignature(pubkey, message, sig)).toBe(false);
      expect(serverVerify(pubkey, message, sig)).toBe(false);
    }
  });

  test.each([0, 63, 65])('on a signature of %d bytes', (n) =>
    expect(verifySignature(keyOf(1).pubkey, message, new Uint8Array(n))).toBe(false),
  );
});

describe('addresses', () => {
  const address = addressOf(keyOf(0).pubkey);

  test('are shown and read', () => {
    expect(address).toHaveLength(20);
    expect(showAddress(address)).toMatch(/^opg1[0-9a-z]{38}$/);
    expect(toHex(parseAddress(showAddress(address)) as Uint8Array)).toBe(toHex(address));
  });

  test.each([
    ['a letter turned', (t: string) => `${t.slice(0, -1)}${t.endsWith('q') ? 'p' : 'q'}`],
    ['another prefix', (t: string) => t.replace('opg', 'cosmos')],
    ['mixed case', (t: string) => t.replace('opg', 'OPG')],
    ['cut short', (t: string) => t.slice(0, -1)],
    ['nothing', () => ''],
    ['hexadecimal', () => toHex(address)],
  ])('%s is none', (_, change) => expect(parseAddress(change(showAddress(address)))).toBeNull());

  test('of another length are not shown', () => expect(() => showAddress(new Uint8Array(21))).toThrow(TypeError));
});

test('an answer that a server keeps is for one key, signature and message', () => {
  const secret = new Uint8Array(32).fill(5);
  const [pubkey, message] = [ed25519.getPublicKey(secret), ascii('a message')];
  const sig = ed25519.sign(message, secret);
  const check = serverSignatures();
  expect(check(pubkey, message, sig)).toBe(true);
  // The same bytes one after the other, cut elsewhere.
  const all = concat(pubkey, sig, message);
  for (const cut of [31, 33, 40]) expect(check(all.slice(0, cut), all.slice(cut + 64), all.slice(cut, cut + 64))).toBe(false);
  expect(check(pubkey, message, sig)).toBe(true);
});
