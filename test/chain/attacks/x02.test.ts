/** X2: other bytes of the same transaction, so that it has two names. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { decodeStrict } from '../../../chain/codec.ts';
import { TxSchema } from '../../../chain/generated/messages_pb.ts';
import { concat, fromHex } from '../../../protocol/bytes.ts';
import { Ledger } from '../helpers/ledger.ts';
import { REQUESTER } from '../helpers/world.ts';

const l = new Ledger();
const tx = l.tx(REQUESTER, { case: 'burn', value: { amount: writeAmount(1n) } });
const { body, pubkey, sig } = decodeStrict(TxSchema, tx, 10_000);
/** A field as bytes: its tag, its length in as many bytes as are asked for, its content. */
const field = (tag: number, content: Uint8Array, pad = 0): Uint8Array => {
  const n = content.length;
  const short = n < 128 ? [n] : [(n & 127) | 128, n >> 7];
  const last = short.pop() as number;
  return concat(Uint8Array.of(tag, ...short, ...(pad > 0 ? [last | 128, ...new Array(pad - 1).fill(128), 0] : [last])), content);
};

test('these fields, in this order, are the transaction', () => {
  expect(concat(field(10, body), field(18, pubkey), field(26, sig))).toEqual(tx);
});

test.each<[string, Uint8Array]>([
  ['an unknown field', concat(tx, fromHex('9a0600') as Uint8Array)],
  ['a long varint as a length', concat(field(10, body, 1), field(18, pubkey), field(26, sig))],
  ['a longer one', concat(field(10, body), field(18, pubkey, 3), field(26, sig))],
  ['fields in another order', concat(field(18, pubkey), field(10, body), field(26, sig))],
  ['a field that a later one replaces', concat(field(10, body), field(18, sig), field(18, pubkey), field(26, sig))],
  ['an empty sponsor written out', concat(tx, Uint8Array.of(34, 0))],
])('%s', (_, other) => {
  expect(l.fork().code(other)).toBe('E_NONCANONICAL');
});
