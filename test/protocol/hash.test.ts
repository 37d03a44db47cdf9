/** BLAKE3, Merkle trees and the transcript (protocol §4). */
import { blake3 as noble } from '@noble/hashes/blake3.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blake3, hash, hashWords, keyed, toWords, Xof } from '../../protocol/blake3.ts';
import { ascii, bytesOf, concat, equalBytes, fromHex, lengthPrefixed, toHex, u32, u64 } from '../../protocol/bytes.ts';
import type { F4 } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';
import { HASH_NAMES, hash as hashAs, keyOf, modes } from '../../protocol/hash.ts';
import { digestAt, leafOf, rootFrom, rootOf, siblingOrder, treeOf } from '../../protocol/merkle.ts';
import { Refused } from '../../protocol/refused.ts';
import { ProverTranscript, Transcript, VerifierTranscript } from '../../protocol/transcript.ts';
import { reference } from '../../prover/kernels/reference/index.ts';
import { refusalOf, seeded } from '../lies.ts';

const message = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 7)) % 251);
// Around blocks of 64, chunks of 1,024 and trees of 2, 3, 4, 5, 7, 8 and 16 chunks.
const lengths = [
  0, 1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 4096, 4097, 5121, 7168, 8192, 8193, 16385,
  31744,
];

describe('BLAKE3 against @noble/hashes', () => {
  it.each(lengths)('hash of %i bytes', (n) => {
    expect(toHex(blake3(message(n)))).toBe(toHex(noble(message(n))));
  });

  it.each(lengths)('keyed hash of %i bytes', (n) => {
    const key = message(32).reverse();
    expect(toHex(hash(keyed(key), message(n)))).toBe(toHex(noble(message(n), { key })));
  });

  it('of random lengths and keys', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (m, key) => {
        expect(toHex(hash(keyed(key), m))).toBe(toHex(noble(m, { key })));
      }),
      { numRuns: 60 },
    );
  });

  it('extendable output in any pieces', () => {
    for (const n of [0, 64, 1024, 1025, 4097]) {
      const key = message(32);
      const wanted = noble(message(n), { key, dkLen: 1000 });
      const xof = new Xof(keyed(key), message(n));
      const pieces = [1, 63, 64, 65, 4, 4, 4, 795].map((k) => xof.read(k));
      expect(toHex(concat(...pieces))).toBe(toHex(wanted));
    }
  });

  it('hashWords reads and writes at offsets, in place too', () => {
    for (const n of [4, 64, 68, 1024, 1028, 4096]) {
      const words = concat(message(12), message(n));
      const out = new Uint32Array(12);
      hashWords(modes.leaf, toWords(words), 3, n, out, 2);
      expect(toHex(bytesOf(out.slice(2, 10)))).toBe(toHex(noble(message(n), { key: keyOf('leaf') })));
    }
  });

  it('every use has a key of its own', () => {
    expect(new Set(HASH_NAMES.map((n) => toHex(keyOf(n)))).size).toBe(HASH_NAMES.length);
    expect(toHex(hashAs('vk', ascii('x')))).toBe(toHex(noble(ascii('x'), { key: noble(ascii('xt-v1/vk')) })));
  });
});

describe('Merkle trees', () => {
  const rows = (n: number, width: number): Uint32Array[] =>
    Array.from({ length: n }, (_, j) => Uint32Array.from({ length: width }, (_, c) => (j * 1000003 + c * 77) % P));
  const build = (list: readonly Uint32Array[]) => {
    const leaves = new Uint32Array(8 * list.length);
    list.forEach((r, j) => {
      leaves.set(leafOf(r), 8 * j);
    });
    return treeOf(leaves);
  };

  it('equal the definition with another hash library', () => {
    const list = rows(8, 5);
    const level = list.map((r) => noble(bytesOf(r), { key: keyOf('leaf') }));
    let above = level;
    while (above.length > 1)
      above = Array.from({ length: above.length / 2 }, (_, i) =>
        noble(concat(above[2 * i] as Uint8Array, above[2 * i + 1] as Uint8Array), { key: keyOf('node') }),
      );
    expect(toHex(rootOf(build(list)))).toBe(toHex(above[0] as Uint8Array));
  });

  it('are opened at any set of positions with exactly the siblings of the canonical order', () => {
    const list = rows(64, 3);
    const tree = build(list);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 64 }), (set) => {
        const positions = [...set].sort((a, b) => a - b);
        const order = siblingOrder(positions, 6);
        const path = joined(order.map(({ level, index }) => toWords(digestAt(tree, level, index))));
        const leaves = joined(positions.map((j) => leafOf(list[j] as Uint32Array)));
        expect(equalBytes(rootFrom(positions, leaves, 6, path), rootOf(tree))).toBe(true);
        // The last sibling is used, and with it all before.
        if (order.length > 0) expect(equalBytes(rootFrom(positions, leaves, 6, path.subarray(0, -8)), rootOf(tree))).toBe(false);
        // No sibling is opened or computable.
        const known = new Set(positions.map((j) => `0 ${j}`));
        for (const { level, index } of order) expect(known.has(`${level} ${index}`)).toBe(false);
        if (positions.length === 64) expect(order).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('give another root for any changed leaf or sibling', () => {
    const list = rows(16, 2);
    const tree = build(list);
    const positions = [3, 4, 11];
    const order = siblingOrder(positions, 4);
    for (let k = 0; k < order.length; k++) {
      const path = order.map(({ level, index }, i) =>
        toWords(digestAt(tree, level, index)).map((v, w) => (i === k && w === 7 ? v ^ 1 : v)),
      );
      const root = rootFrom(positions, joined(positions.map((j) => leafOf(list[j] as Uint32Array))), 4, joined(path));
      expect(equalBytes(root, rootOf(tree))).toBe(false);
    }
  });
});

/** Digests one after the other. */
function joined(digests: readonly Uint32Array[]): Uint32Array {
  return Uint32Array.from(digests.flatMap((d) => [...d]));
}

describe('transcript', () => {
  const element: F4 = [1, 2, 3, P - 1];

  /** Everything a prover can send, and everything both draw. */
  async function speak(): Promise<{ proof: Uint8Array; drawn: unknown[]; log: unknown }> {
    const t = new ProverTranscript('toy', true);
    t.sendDigest('root', new Uint8Array(32).fill(3));
    t.absorb('bytes', 'context', ascii('abc'));
    await t.sendNonce('grind', 5, (state, bits) => reference.grind(state, bits));
    t.sendElements('x', [element, element]);
    t.delay(3);
    t.sendElements('empty', []);
    const drawn = [t.challenge('a'), t.challenges('b', 3), t.challenges('none', 0), t.positions('pos', 5, 7)];
    return { proof: t.proof(), drawn, log: t.log };
  }

  function listen(proof: Uint8Array) {
    const t = new VerifierTranscript('toy', proof, true);
    const root = t.receiveDigest('root');
    t.absorb('bytes', 'context', ascii('abc'));
    t.receiveNonce('grind', 5);
    const x = t.receiveElements('x', 2);
    t.delay(3);
    t.receiveElements('empty', 0);
    const drawn = [t.challenge('a'), t.challenges('b', 3), t.challenges('none', 0), t.positions('pos', 5, 7)];
    t.end();
    return { root, x, drawn, log: t.log };
  }

  it('gives both ends the same messages, challenges and log', async () => {
    const said = await speak();
    const heard = listen(said.proof);
    expect(heard.x).toEqual([element, element]);
    expect(heard.drawn).toEqual(said.drawn);
    expect(heard.log).toEqual(said.log);
  });

  it('refuses limbs past p, missing and trailing bytes, and a nonce without its bits', async () => {
    const { proof } = await speak();
    const view = (at: number, v: number): Uint8Array => {
      const out = proof.slice();
      new DataView(out.buffer).setUint32(at, v, true);
      return out;
    };
    expect(refusalOf(() => listen(view(40, P)))).toMatchObject({ code: 'C2' });
    expect(refusalOf(() => listen(view(40, 2 ** 32 - 1)))).toMatchObject({ code: 'C2' });
    expect(refusalOf(() => listen(proof.slice(0, -1)))).toMatchObject({ code: 'C1' });
    expect(refusalOf(() => listen(new Uint8Array(0)))).toMatchObject({ code: 'C1' });
    expect(refusalOf(() => listen(concat(proof, Uint8Array.of(0))))).toMatchObject({ code: 'C4' });
    const least = new DataView(proof.buffer, proof.byteOffset).getUint32(32, true);
    expect(least).toBeGreaterThan(0);
    expect(refusalOf(() => listen(view(32, least - 1)))).toMatchObject({ code: 'C3' });
  });

  it('separates kinds, labels, lengths and profiles', () => {
    const states = (
      [
        (t) => t.absorb('digest', 'a', new Uint8Array(32)),
        (t) => t.absorb('field', 'a', new Uint8Array(32)),
        (t) => t.absorb('digest', 'b', new Uint8Array(32)),
        (t) => t.absorb('digest', 'a', new Uint8Array(33)),
        (t) => t.absorb('digest', 'ab', new Uint8Array(31)),
        (t) => t.challenges('a', 0),
        (t) => t.positions('a', 0, 4),
        (t) => t.delay(1),
        (t) => t.delay(2),
        () => {},
      ] as ((t: Transcript) => void)[]
    ).map((act) => {
      const t = new Transcript('toy');
      act(t);
      return toHex(t.state);
    });
    // A squeeze of nothing moves the state as any squeeze does; the label decides what is drawn.
    expect(new Set(states).size).toBe(states.length - 1);
    expect(toHex(new Transcript('toy').state)).not.toBe(toHex(new Transcript('S100').state));
  });

  it('draws other challenges under another label and after any other message', () => {
    const draw = (label: string, bytes: Uint8Array): F4[] => {
      const t = new Transcript('toy');
      t.absorb('field', 'm', bytes);
      return t.challenges(label, 2);
    };
    const all = [draw('a', Uint8Array.of(1)), draw('b', Uint8Array.of(1)), draw('a', Uint8Array.of(2)), draw('a', Uint8Array.of(1, 0))];
    expect(new Set(all.map((c) => c.join())).size).toBe(4);
    expect(draw('a', Uint8Array.of(1))).toEqual(all[0]);
  });

  it('draws limbs below p, as the rejection rule of §4.3 says', () => {
    const t = new Transcript('toy');
    const before = t.state.slice();
    const drawn = t.challenges('c', 600).flat();
    const stream = noble(concat(before, Uint8Array.of(2, 1), ascii('c')), { key: keyOf('transcript'), dkLen: 4 * 2600 });
    const view = new DataView(stream.buffer, stream.byteOffset);
    const words = Array.from({ length: 2600 }, (_, i) => view.getUint32(4 * i, true) & 0x7fffffff).filter((w) => w < P);
    expect(drawn).toEqual(words.slice(0, 2400));
    expect(drawn.every((w) => w < P)).toBe(true);
  });

  it('delays by as many dependent compressions as asked', () => {
    const t = new Transcript('toy');
    let state: Uint8Array = t.state;
    for (let k = 0; k < 7; k++) state = noble(concat(state, Uint8Array.of(5)), { key: keyOf('transcript') });
    t.delay(7);
    expect(toHex(t.state)).toBe(toHex(state));
  });

  it('grinds the least nonce, and accepts any that works', async () => {
    const random = seeded(9);
    for (let k = 0; k < 5; k++) {
      const t = new Transcript('toy');
      t.absorb('bytes', 'k', Uint8Array.of(random(256), k));
      const least = await reference.grind(t.state, 6);
      for (let n = 0; n <= least; n++) expect(t.nonceWorks(6, u64(n))).toBe(n === least);
      let another = least + 1;
      while (!t.nonceWorks(6, u64(another))) another++;
      expect(t.nonceWorks(6, u64(another))).toBe(true);
      expect(t.nonceWorks(0, u64(another + 1))).toBe(true);
    }
  });
});

describe('bytes', () => {
  it('little-endian integers, prefixes, hexadecimal', () => {
    expect([...u32(0x01020304)]).toEqual([4, 3, 2, 1]);
    expect([...u64(2 ** 32 + 5)]).toEqual([5, 0, 0, 0, 1, 0, 0, 0]);
    expect([...lengthPrefixed(Uint8Array.of(9))]).toEqual([1, 0, 0, 0, 9]);
    expect(fromHex('00fF')).toEqual(Uint8Array.of(0, 255));
    expect([fromHex('0'), fromHex('0g')]).toEqual([null, null]);
    expect(new Refused('E1', 'x')).toBeInstanceOf(Error);
  });
});
