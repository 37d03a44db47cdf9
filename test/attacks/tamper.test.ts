/**
 * Tampering by enumeration: every message of a proof, every byte of a small envelope, every boundary, and random changes of envelopes and
 * keys. A new message is covered the day it is sent: the list comes from the prover's own transcript.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeKey } from '../../circuits/key.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { add, P } from '../../protocol/field.ts';
import { verify } from '../../verifier/verify.ts';
import { bench, expectAccepted, judge, type Message, refusalOf, resealed, seeded, type Told, tell } from '../lies.ts';
import { CONTEXT, MODEL_ID } from '../nets.ts';

const KNOWN = /^(E[1-6]|C[1-4]|V([1-9]|1[0-3]))$/;

const limb = (bytes: Uint8Array, at: number, change: (v: number) => number): Uint8Array => {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  view.setUint32(at, change(view.getUint32(at, true)), true);
  return out;
};

/** Checks that may refuse a change of one element of a message: the first one it meets, and for bytes hashed before a nonce, the nonce. */
function codesOf(label: string): RegExp {
  if (label === 'root') return /^(C3|V4)$/;
  if (label === 'grind.lookup') return /^(C3|V4)$/;
  if (label === 'grind.batch') return /^(C3|V10)$/;
  if (label === 'grind.query') return /^(C[1-4]|V11)$/; // other positions: rows and siblings are cut elsewhere
  if (label === 'roots') return /^V[24]$/; // V4: a denominator under numerator 0, of a table nobody uses
  if (/^(g\d+\.\d+|mask\d+)$/.test(label)) return /^V4$/;
  if (label === 'segs') return /^V5$/;
  if (label === 'outs') return /^V13$/;
  if (label === 'bias' || label.startsWith('A.')) return /^(V6|V7)$/;
  if (label.startsWith('B.')) return /^V7$/;
  if (label === 'O.u' || label.startsWith('O.r')) return /^V9$/;
  if (label === 'O.G') return /^V10$/;
  if (label === 'opened') return /^V11$/;
  throw new Error(`no expectation for message ${label}`);
}

// Together: every op and form, public and committed inputs, both modes.
describe.each(['net4-i1', 'net5-i1-committed', 'net2-i0', 'net3-i0'])('every message of a proof of %s', (name) => {
  const b = bench(name);
  let told: Told;
  const withProof = (proof: Uint8Array) =>
    judge(
      b,
      resealed(told.envelope, () => ({ proof })),
    );

  beforeAll(async () => {
    told = await tell(b);
    expectAccepted(judge(b, told.envelope));
  });

  const elementsOf = ({ from, to }: Message): number[] => [...new Set([from, to - 16])].filter((at) => at >= from);

  it('is known: the messages cover the proof, in order', () => {
    expect(told.messages.at(-1)?.to).toBe(told.proof.length);
    for (const m of told.messages) codesOf(m.label);
  });

  it('refuses the first and the last element of every field message changed, each limb of them', () => {
    for (const m of told.messages) {
      if (m.kind !== 'elements') continue;
      for (const at of elementsOf(m))
        for (const k of [0, 3]) {
          const verdict = withProof(limb(told.proof, at + 4 * k, (v) => add(v, 1)));
          expect({ label: m.label, verdict }).toMatchObject({ verdict: { ok: false, code: expect.stringMatching(codesOf(m.label)) } });
        }
    }
  }, 60_000);

  it('refuses a limb at or past p in every message (C2)', () => {
    for (const m of told.messages) {
      if (m.kind !== 'elements') continue;
      for (const at of elementsOf(m))
        for (const change of [(v: number) => v + P, () => P, () => 2 ** 32 - 1]) {
          const verdict = withProof(limb(told.proof, at, change));
          expect({ label: m.label, verdict }).toMatchObject({ verdict: { ok: false, code: 'C2' } });
        }
    }
  }, 60_000);

  it('refuses a changed root, nonce, row or sibling', () => {
    const opened = told.messages.filter((m) => m.kind === 'opened');
    const some = [...told.messages.filter((m) => m.kind === 'digest' || m.kind === 'nonce'), ...opened];
    for (const m of some)
      for (const at of new Set([m.from, m.to - 1])) {
        const proof = told.proof.slice();
        proof[at] = (proof[at] as number) ^ 1;
        const verdict = withProof(proof);
        // A flipped low bit of a limb p - 1 would be no element: rows may end in C2.
        expect({ label: m.label, verdict }).toMatchObject({
          verdict: { ok: false, code: expect.stringMatching(m.label === 'opened' ? /^(V11|C2)$/ : codesOf(m.label)) },
        });
      }
  }, 60_000);

  it('refuses a proof that ends at any message (C1), and an envelope cut there (E1)', () => {
    const start = told.envelope.length - told.proof.length;
    for (const { from } of told.messages) {
      expect(withProof(told.proof.slice(0, from))).toMatchObject({ ok: false, code: 'C1' });
      expect(judge(b, told.envelope.slice(0, start + from))).toMatchObject({ ok: false, code: 'E1' });
    }
  }, 60_000);

  it('refuses a message sent twice or left out', () => {
    for (const { from, to, label } of told.messages.filter((m) => m.kind !== 'opened')) {
      if (from === to) continue;
      const [before, message, after] = [told.proof.slice(0, from), told.proof.slice(from, to), told.proof.slice(to)];
      for (const proof of [Uint8Array.of(...before, ...after), Uint8Array.of(...before, ...message, ...message, ...after)])
        expect({ label, verdict: withProof(proof) }).toMatchObject({ verdict: { ok: false, code: expect.stringMatching(KNOWN) } });
    }
  }, 60_000);
});

describe('every byte of a small envelope (Fixture: random net 11, 6,912 bytes)', () => {
  const b = bench('random-11');

  it('refuses one bit of each byte flipped, and every bit of the statement', async () => {
    const { envelope, proof } = await tell(b);
    expectAccepted(judge(b, envelope));
    const random = seeded(11);
    for (let at = 0; at < envelope.length; at++) {
      const bits = at < envelope.length - proof.length ? [0, 1, 2, 3, 4, 5, 6, 7] : [random(8)];
      for (const bit of bits) {
        const bytes = envelope.slice();
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        const verdict = judge(b, bytes);
        expect({ at, bit, verdict }).toMatchObject({ verdict: { ok: false, code: expect.stringMatching(KNOWN) } });
      }
    }
  }, 120_000);

  it('refuses the envelope cut at every length (E1, or E2 before the magic is complete)', async () => {
    const { envelope, proof } = await tell(b);
    for (let n = 0; n < envelope.length; n += n < envelope.length - proof.length ? 1 : 97)
      expect(judge(b, envelope.slice(0, n))).toMatchObject({ ok: false, code: n < 4 ? 'E2' : 'E1' });
  });
});

describe('random bytes (a throw that is no refusal fails the test)', () => {
  const b = bench('random-11');

  /** A random change: a byte, a few bytes, a cut, a repeated or removed piece, an extreme word. */
  function mutate(bytes: Uint8Array, random: (n: number) => number): Uint8Array {
    const out = [...bytes];
    for (let k = 1 + random(3); k > 0; k--) {
      const at = random(out.length);
      const kind = random(6);
      if (kind === 0) out[at] = random(256);
      else if (kind === 1) out[at] = (out[at] as number) ^ (1 << random(8));
      else if (kind === 2) out.splice(at, 1 + random(16));
      else if (kind === 3) out.splice(at, 0, ...out.slice(at, at + 1 + random(16)));
      else if (kind === 4) for (let i = 0; i < 4 && at + i < out.length; i++) out[at + i] = [0, 255, 127, 1][random(4)] as number;
      else out.splice(at, 0, random(256));
      if (out.length === 0) out.push(0);
    }
    return Uint8Array.from(out);
  }
  const same = (a: Uint8Array, c: Uint8Array): boolean => a.length === c.length && a.every((v, i) => v === c[i]);

  it('refuses 2,000 mutated envelopes', async () => {
    const { envelope } = await tell(b);
    const random = seeded(2001);
    for (let k = 0; k < 2000; k++) {
      const bytes = mutate(envelope, random);
      const verdict = judge(b, bytes);
      if (verdict.ok) expect(same(bytes, envelope)).toBe(true);
      else expect(verdict.code).toMatch(KNOWN);
    }
  }, 60_000);

  it('refuses 500 envelopes of random bytes, some with a good beginning', async () => {
    const { envelope } = await tell(b);
    const random = seeded(2002);
    for (let k = 0; k < 500; k++) {
      const bytes = Uint8Array.from({ length: random(600) }, () => random(256));
      bytes.set(envelope.slice(0, Math.min(bytes.length, random(120))));
      expect(judge(b, bytes)).toMatchObject({ ok: false, code: expect.stringMatching(KNOWN) });
    }
  });

  // Keys: of a pooling net, a net with a committed input, a small one.
  it.each([
    ['random-11', 1],
    ['random-10', 1],
    ['net4-i0', 1],
    ['net3-i1', 2],
    ['net4-i1', 2],
  ] as const)(
    'refuses 700 mutated keys of %s (version %i) under their own hash, or their proofs',
    async (name, version) => {
      const net = bench(name, version);
      const { envelope } = await tell(net);
      const random = seeded(2003 + name.length);
      const outcomes = { undecodable: 0, refused: 0 };
      for (let k = 0; k < 700; k++) {
        const bytes = mutate(net.key.bytes, random);
        if (same(bytes, net.key.bytes)) continue;
        let decoded = false;
        const verdict = refusalOf(() => {
          const key = decodeKey(bytes);
          decoded = true;
          // The envelope claims to be of this key, so that everything behind its name is reached.
          const claimed = resealed(envelope, () => ({
            vkHash: key.hash,
            profile: /^[ -~]{0,255}$/.test(key.profile) ? key.profile : 'toy',
          }));
          const v = verify(claimed, key, { context: CONTEXT, modelId: MODEL_ID, contents: net.contents, allowToy: true });
          expect({ k, v }).toMatchObject({ v: { ok: false, code: expect.stringMatching(KNOWN) } });
          outcomes.refused++;
        });
        if (!decoded) {
          expect(verdict).toMatchObject({ ok: false, code: 'E6' });
          outcomes.undecodable++;
        }
      }
      expect(outcomes.undecodable).toBeGreaterThan(20);
      expect(outcomes.refused).toBeGreaterThan(20);
    },
    60_000,
  );

  /** One to three values of the key's tree replaced by extreme ones, or its lists changed in length. */
  function distort(v: Value, random: (n: number) => number): Value {
    const paths: number[][] = [];
    const walk = (x: Value, path: number[]): void => {
      paths.push(path);
      if (Array.isArray(x)) for (const [i, e] of x.entries()) walk(e as Value, [...path, i]);
    };
    walk(v, []);
    const extremes = [
      -(2 ** 53 - 1),
      -(2 ** 31),
      -1,
      0,
      1,
      2,
      3,
      7,
      25,
      32,
      64,
      1000,
      2 ** 16,
      2 ** 20,
      2 ** 24,
      2 ** 25,
      2 ** 28,
      2 ** 30,
      2 ** 31,
      2 ** 32,
      2 ** 40,
      2 ** 53 - 1,
    ];
    const change = (x: Value): Value => {
      if (typeof x === 'number') return random(3) === 0 ? x + random(5) - 2 : (extremes[random(extremes.length)] as number);
      if (x === null) return random(4);
      if (typeof x === 'string') return ['I0', 'I1', 'PUB', 'W', 'X', 'A', 'T', 'S100', 'toy', 'int8', 'int32', ''][random(12)] as string;
      if (x instanceof Uint8Array)
        return random(2) === 0 ? x.slice(0, random(x.length + 1)) : x.map((b, i) => (i === random(x.length) ? random(256) : b));
      const list = [...(x as readonly Value[])];
      const at = random(list.length + 1);
      if (random(2) === 0) list.splice(at, 1);
      else list.splice(at, 0, list[random(Math.max(1, list.length))] ?? 0);
      return list;
    };
    const go = (x: Value, [k, ...rest]: readonly number[]): Value =>
      k === undefined ? change(x) : (x as readonly Value[]).map((e, i) => (i === k ? go(e, rest) : e));
    let out = v;
    for (let n = 1 + random(3); n > 0; n--) {
      const path = paths[1 + random(paths.length - 1)] as number[];
      try {
        out = go(out, path);
      } catch {
        // the path is gone: an earlier change shortened a list
      }
    }
    return out;
  }

  it.each([
    ['random-11', 1],
    ['random-10', 1],
    ['net4-i0', 1],
    ['net4-i1', 1],
    ['net1-committed', 1],
    ['net3-i1', 2],
    ['net4-i1', 2],
    ['net1-i1', 2],
  ] as const)(
    'refuses 400 keys of %s (version %i) with extreme fields, within seconds each',
    async (name, version) => {
      const net = bench(name, version);
      const { envelope } = await tell(net);
      const random = seeded(31 + name.length * version);
      const tree = decodeValue(net.key.bytes, 'E6', 'key');
      let reached = 0;
      for (let k = 0; k < 400; k++) {
        const bytes = encodeValue(distort(tree, random));
        if (same(bytes, net.key.bytes)) continue;
        const begin = performance.now();
        const verdict = refusalOf(() => {
          const key = decodeKey(bytes);
          reached++;
          const claimed = resealed(envelope, () => ({ vkHash: key.hash, profile: key.profile }));
          const v = verify(claimed, key, { context: CONTEXT, modelId: MODEL_ID, contents: net.contents, allowToy: true });
          expect({ k, v }).toMatchObject({ v: { ok: false, code: expect.stringMatching(KNOWN) } });
        });
        if (!verdict.ok) expect(verdict).toMatchObject({ code: 'E6' });
        expect(performance.now() - begin).toBeLessThan(5000);
      }
      expect(reached).toBeGreaterThan(40);
    },
    120_000,
  );

  it('refuses 500 keys of random bytes', () => {
    const random = seeded(2009);
    for (let k = 0; k < 500; k++) {
      const bytes = Uint8Array.from({ length: random(200) }, () => (random(3) === 0 ? random(256) : random(5)));
      expect(refusalOf(() => decodeKey(bytes))).toMatchObject({ ok: false, code: 'E6' });
    }
  });

  it('decodes what it encoded', async () => {
    const { envelope, proof } = await tell(b);
    expect(decodeEnvelope(envelope).proof).toEqual(proof);
  });
});
