/** X30: a sponsor's signature is put under another sender's transaction, so that the sponsor pays for whoever copies it. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { encode } from '../../../chain/codec.ts';
import { TxSchema } from '../../../chain/generated/messages_pb.ts';
import { readDoor } from '../../../chain/state/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { keyOf, sign } from '../helpers/keys.ts';
import { bytes, type Msg, USD } from '../helpers/txs.ts';
import { OTHER, SPONSOR, world } from '../helpers/world.ts';

test('what a sponsor signed for one sender pays for no other', () => {
  const l = world();
  const msg: Msg = { case: 'transfer', value: { to: bytes(20, 9), denom: ascii('usd'), amount: writeAmount(USD) } };
  const theirs = l.tx(OTHER, msg, { sponsoredBy: SPONSOR });
  const { tx } = readDoor(theirs);
  const held = l.balance(SPONSOR, 'opg');
  // Keys that nobody ever used have the nonce that a first transaction has: any number of them could have copied it.
  const copies = [50, 51, 52].map((i) => {
    const thief = keyOf(i);
    return encode(TxSchema, { ...tx, pubkey: thief.pubkey, sig: sign(thief, 'opg/tx/v1', tx.body) });
  });
  for (const copy of copies) expect(l.code(copy)).toBe('E_SPONSOR');
  expect(l.balance(SPONSOR, 'opg')).toBe(held);
  l.ok(theirs);
  expect(l.balance(SPONSOR, 'opg')).toBeLessThan(held);
});
