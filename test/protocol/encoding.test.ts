/** The canonical encoding of values, envelopes and items (protocol §6.5, §11). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, toHex, u32 } from '../../protocol/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { decodeEnvelope, encodeEnvelope } from '../../protocol/envelope.ts';
import {
  committedItem,
  type Dtype,
  type ItemShape,
  inputDigest,
  outputDigest,
  publicItem,
  readCommittedItem,
  readPublicItem,
  statementDigest,
} from '../../protocol/statement.ts';
import { expectRefused, refusalOf } from '../lies.ts';

const text = fc.string({ unit: fc.integer({ min: 0, max: 127 }).map((c) => String.fromCharCode(c)), maxLength: 20 });
const value: fc.Arbitrary<Value> = fc.letrec<{ v: Value }>((tie) => ({
  v: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.maxSafeInteger(),
    text,
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('v'), { maxLength: 5 }),
  ),
})).v;

const decode = (b: Uint8Array): Value => decodeValue(b, 'E6', 'value');

describe('values', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(decode(encodeValue(v))).toEqual(v);
      }),
    );
  });

  it('have one form each: bytes that decode encode to themselves', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (b) => {
        const verdict = refusalOf(() => expect(toHex(encodeValue(decode(b)))).toBe(toHex(b)));
        if (!verdict.ok) expectRefused(verdict, 'E6');
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(255), (v, at, byte) => {
        const b = encodeValue(v);
        b[at % b.length] = byte;
        const verdict = refusalOf(() => expect(toHex(encodeValue(decode(b)))).toBe(toHex(b)));
        if (!verdict.ok) expectRefused(verdict, 'E6');
      }),
      { numRuns: 2000 },
    );
  });

  it('are encoded as §6.5 says', () => {
    const b = encodeValue(['x', null, -2, Uint8Array.of(7), []]);
    const wanted = ['04', '05000000', '02', '01000000', '78', '00', '01', 'feffffffffffffff', '03', '01000000', '07', '04', '00000000'];
    expect(toHex(b)).toBe(wanted.join(''));
  });

  it.each<[string, Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['an unknown tag', Uint8Array.of(9)],
    ['a short integer', Uint8Array.of(1, 0, 0)],
    ['a list longer than its bytes', Uint8Array.of(4, 255, 255, 255, 255)],
    ['bytes longer than the rest', Uint8Array.of(3, 2, 0, 0, 0, 1)],
    ['a text that is not ASCII', Uint8Array.of(2, 1, 0, 0, 0, 200)],
    ['a trailing byte', Uint8Array.of(0, 0)],
    ['an integer past 2^53', concat(Uint8Array.of(1), new Uint8Array(7).fill(255), Uint8Array.of(127))],
    ['lists nested 17 deep', concat(...Array.from({ length: 17 }, () => concat(Uint8Array.of(4), u32(1))), Uint8Array.of(0))],
  ])('refuses %s', (_, b) =>
    expectRefused(
      refusalOf(() => decode(b)),
      'E6',
    ),
  );
});

describe('envelopes', () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const name = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)), maxLength: 30 });
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const envelope = fc.record({
    system: name,
    profile: name,
    vkHash: digest,
    modelId: digest,
    inputs: fc.array(bytes, { maxLength: 4 }),
    outputs: fc.array(bytes, { maxLength: 4 }),
    context: bytes,
    proof: bytes,
  });

  it('decode to what was encoded, and have one form', () => {
    fc.assert(
      fc.property(envelope, (e) => {
        expect(decodeEnvelope(encodeEnvelope(e))).toEqual(e);
      }),
    );
    fc.assert(
      fc.property(envelope, fc.nat(), fc.nat(255), (e, at, byte) => {
        const b = encodeEnvelope(e);
        b[at % b.length] = byte;
        const verdict = refusalOf(() => expect(toHex(encodeEnvelope(decodeEnvelope(b)))).toBe(toHex(b)));
        if (!verdict.ok) expect(['E1', 'E2']).toContain(verdict.code);
      }),
      { numRuns: 500 },
    );
  });
});

describe('items', () => {
  const shape = (dtype: Dtype, zp: number, lo: number, hi: number): ItemShape => ({ name: 'input 0', dtype, dims: [2, 2], zp, lo, hi });

  it.each<[Dtype, number, number[], number, number]>([
    ['int8', 0, [-128, 127, 0, -1], -128, 127],
    ['uint8', 120, [0, 255, 120, 7], -120, 135],
    ['int32', 0, [-(2 ** 31), 2 ** 31 - 1, 0, 5], -(2 ** 31), 2 ** 31 - 1],
  ])('of %s keep their values', (dtype, zp, raw, lo, hi) => {
    const item = publicItem(dtype, [2, 2], raw);
    expect([...readPublicItem(item, shape(dtype, zp, lo, hi))]).toEqual(raw.map((v) => v - zp));
    expectRefused(
      refusalOf(() => readPublicItem(item, shape(dtype, zp, lo + 1, hi))),
      'E5',
    );
    expectRefused(
      refusalOf(() => readPublicItem(item, shape(dtype, zp, lo, hi - 1))),
      'E5',
    );
  });

  it('of a committed input hold the root', () => {
    const root = new Uint8Array(32).fill(9);
    const item = committedItem('int8', [2, 2], root);
    expect(readCommittedItem(item, shape('int8', 0, 0, 0))).toEqual(root);
    expectRefused(
      refusalOf(() => readPublicItem(item, shape('int8', 0, 0, 0))),
      'E4',
    );
  });
});

describe('digests', () => {
  const parts = {
    system: 'gkr-koalabear-v1',
    profile: 'toy',
    vkHash: new Uint8Array(32).fill(1),
    modelId: new Uint8Array(32).fill(2),
    inputs: [Uint8Array.of(1, 2)],
    outputs: [Uint8Array.of(3)],
    context: Uint8Array.of(4),
  };

  it('change with every part of the statement', () => {
    const changed = [
      parts,
      { ...parts, system: 'gkr-koalabear-v2' },
      { ...parts, profile: 'S100' },
      { ...parts, vkHash: new Uint8Array(32).fill(3) },
      { ...parts, modelId: new Uint8Array(32).fill(3) },
      { ...parts, inputs: [Uint8Array.of(1, 3)] },
      { ...parts, inputs: [Uint8Array.of(1), Uint8Array.of(2)] },
      { ...parts, inputs: [] },
      { ...parts, outputs: [Uint8Array.of(4)] },
      { ...parts, outputs: [Uint8Array.of(3), new Uint8Array(0)] },
      { ...parts, context: Uint8Array.of(5) },
      { ...parts, context: new Uint8Array(0) },
      { ...parts, inputs: parts.outputs, outputs: parts.inputs },
    ];
    expect(new Set(changed.map((c) => toHex(statementDigest(c)))).size).toBe(changed.length);
  });

  it('of inputs and outputs are of different kinds', () => {
    expect(toHex(inputDigest([], new Uint8Array(0)))).not.toBe(toHex(outputDigest([])));
  });
});
