/** One encoding a message (settlement §2.2): every other form that proto3 allows is refused. */

import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeStrict, encode } from '../../chain/codec.ts';
import { Rejected } from '../../chain/codes.ts';
import {
  OpenJobSchema,
  RegisterProverSchema,
  TensorsSchema,
  TransferSchema,
  TxBodySchema,
  TxSchema,
} from '../../chain/generated/messages_pb.ts';
import { concat, fromHex, toHex } from '../../protocol/bytes.ts';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) as Uint8Array;

function codeOf(schema: DescMessage, bytes: Uint8Array, cap = 10_000): string {
  try {
    decodeStrict(schema, bytes, cap);
  } catch (e) {
    if (e instanceof Rejected) return e.code;
    throw e;
  }
  return 'OK';
}

/** to = aa, denom = "b", amount = 05. */
const TRANSFER = '0a01aa 120162 1a0105';

describe('the canonical form is taken', () => {
  test.each<[string, DescMessage, string]>([
    ['fields in order', TransferSchema, TRANSFER],
    ['nothing set', TransferSchema, ''],
    ['a packed list', RegisterProverSchema, '0a0161 12020102'],
    ['a list of bytes, an empty one among them', RegisterProverSchema, '2201aa 2200'],
    ['a message with nothing in it, which is not no message', OpenJobSchema, '2200'],
    ['the chosen message', TxBodySchema, '1005 820103 120162'],
    ['the largest integer', TxBodySchema, '10ffffffffffffffffff01'],
  ])('%s', (_, schema, bytes) => expect(codeOf(schema, hex(bytes))).toBe('OK'));
});

describe('no canonical form', () => {
  test.each<[string, DescMessage, string]>([
    ['fields in another order', TransferSchema, '120162 0a01aa 1a0105'],
    ['a field twice', TransferSchema, '0a01ab 0a01aa 120162 1a0105'],
    ['an empty field written out', TransferSchema, '0a01aa 1200'],
    ['a zero written out', TxBodySchema, '1000'],
    ['an over-long varint', TxBodySchema, '108500'],
    ['a varint of ten bytes for a u32', RegisterProverSchema, '120a 81808080808080808001'],
    ['an over-long length', TransferSchema, '0a8100aa'],
    ['an over-long tag', TransferSchema, '8a0001aa'],
    ['an unpacked list', RegisterProverSchema, '1001 1002'],
    ['a packed list in two parts', RegisterProverSchema, '120101 120102'],
    ['an empty packed list', RegisterProverSchema, '1200'],
    ['an unknown field', TransferSchema, `${TRANSFER} 9a0601aa`],
    ['an unknown field inside a message', TxBodySchema, '820105 120162 2001'],
    ['an unknown field inside a list of messages', TensorsSchema, '0a05 0a0178 2801'],
    ['an unknown group', TransferSchema, `${TRANSFER} 9b06 9c06`],
    ['a known field with another wire type', TransferSchema, '0801'],
    ['two messages in the place of one', TxBodySchema, '820103 120162 8a0103 0a0105'],
    ['one message in two parts', TxBodySchema, '820103 120162 820103 1a0105'],
    ['a message that was written and then chosen otherwise', TxBodySchema, '8a0103 0a0105 820103 120162'],
  ])('%s', (_, schema, bytes) => expect(codeOf(schema, hex(bytes))).toMatch(/^E_NONCANONICAL$|^E_DECODE$/));

  test('and most of them decode, so that it takes the comparison to see it', () => {
    for (const bytes of ['120162 0a01aa 1a0105', '0a01aa 1200', `${TRANSFER} 9a0601aa`])
      expect(codeOf(TransferSchema, hex(bytes))).toBe('E_NONCANONICAL');
  });
});

describe('no message', () => {
  test.each<[string, string]>([
    ['cut short', '0a01'],
    ['a length beyond the end', '0a7faa'],
    ['a length of four gigabytes', '0affffffff0f'],
    ['a varint without an end', '0affffffffffffffffffffff'],
    ['field number 0', '0001'],
    ['a wire type that is none', '0f'],
    ['the end of a group that did not begin', '0c'],
    ['a group without an end', '9b06'],
    ['ten thousand groups in each other', '9b06'.repeat(10_000)],
  ])('%s', (_, bytes) => expect(codeOf(TransferSchema, hex(bytes), 100_000)).toBe('E_DECODE'));
});

test('more bytes than the cap are not looked at', () => {
  expect(codeOf(TransferSchema, new Uint8Array(11), 10)).toBe('E_SIZE');
  expect(codeOf(TransferSchema, hex(TRANSFER), hex(TRANSFER).length)).toBe('OK');
});

test('any bytes get a code or are the one encoding of what they say', () => {
  const good = encode(TxSchema, { body: hex(TRANSFER), pubkey: new Uint8Array(32), sig: new Uint8Array(64) });
  const cut = fc.tuple(fc.nat(good.length), fc.nat(good.length), fc.uint8Array({ maxLength: 6 }));
  const damaged = cut.map(([a, b, middle]) => concat(good.subarray(0, Math.min(a, b)), middle, good.subarray(Math.max(a, b))));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), damaged), (bytes) => {
      if (codeOf(TxSchema, bytes) === 'OK') expect(toHex(encode(TxSchema, decodeStrict(TxSchema, bytes, 10_000)))).toBe(toHex(bytes));
    }),
    { numRuns: 2000 },
  );
});

describe('what is costly to decode', () => {
  const field = (no: number, body: Uint8Array): Uint8Array => new BinaryWriter().tag(no, 2).bytes(body).finish();
  const many = (no: number, n: number): Uint8Array => hex(toHex(field(no, new Uint8Array(0))).repeat(n));
  const quickly = (work: () => unknown): void => {
    const started = performance.now();
    work();
    expect(performance.now() - started).toBeLessThan(50);
  };

  test.each([
    ['350,000 keys of a prover', TxBodySchema, field(21, many(4, 350_000))],
    ['65,536 tensors of nothing', TensorsSchema, many(1, 65_536)],
    ['200,000 fields that nobody knows', TxSchema, many(99, 200_000)],
  ] as const)('%s are not decoded', (_, schema, bytes) => {
    quickly(() => expect(() => decodeStrict(schema as typeof TxSchema, bytes, 720_896)).toThrow(/more than 4096 fields/));
  });

  test.each([
    ['a length of 2^32, which the decoder takes for 0', TxSchema, hex(`0a8080808010${'9a0600'.repeat(230_000)}`)],
    ['a field that ends behind its message', TxBodySchema, hex(`8201020a050102030405${'9a0600'.repeat(230_000)}`)],
  ] as const)('%s hides no fields from the counting', (_, schema, bytes) => {
    quickly(() => expect(() => decodeStrict(schema as typeof TxSchema, bytes, 720_896)).toThrow(/do not end where they say/));
  });

  test('groups are refused whether or not a stack would hold them', () => {
    for (const depth of [1, 100, 300_000]) {
      const groups = hex('9b06'.repeat(depth) + '9c06'.repeat(depth));
      expect(() => decodeStrict(TxSchema, groups, 2 ** 21)).toThrow(/a group/);
      expect(codeOf(TxSchema, concat(hex('0a8080808010'), groups), 2 ** 21)).toBe('E_DECODE');
    }
  });

  test('a packed list is one field, whatever it holds', () => {
    const modes = encode(TxBodySchema, { msg: { case: 'registerProver', value: { modes: Array.from({ length: 9000 }, () => 1) } } });
    expect(() => decodeStrict(TxBodySchema, modes, 2 ** 20)).not.toThrow();
  });
});
