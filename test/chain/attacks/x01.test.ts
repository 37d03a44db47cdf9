/** X1: a transaction is sent again, on another chain, or with another body under the old signature. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { decodeStrict, encode } from '../../../chain/codec.ts';
import { TxBodySchema, TxSchema } from '../../../chain/generated/messages_pb.ts';
import { applyTx, State } from '../../../chain/state/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { genesisOf, Ledger } from '../helpers/ledger.ts';
import { type Msg, USD } from '../helpers/txs.ts';
import { OTHER, REQUESTER, RIVAL } from '../helpers/world.ts';

const pay: Msg = { case: 'transfer', value: { to: OTHER.address, denom: ascii('usd'), amount: writeAmount(USD) } };

test('twice in a block, and again in the next, it pays once', () => {
  const l = new Ledger();
  const tx = l.tx(REQUESTER, pay);
  expect(l.block(tx, tx).map((r) => r.log.split(':')[0])).toEqual(['', 'E_NONCE']);
  expect(l.code(tx)).toBe('E_NONCE');
  expect(l.balance(OTHER, 'usd')).toBe(1001n * USD);
});

test('on a chain with the same accounts and another name it is for nobody', () => {
  const l = new Ledger();
  const other = State.fromGenesis('test-chain-2', genesisOf());
  const block = { height: 1n, time: 0n, proposer: new Uint8Array(20) };
  expect(applyTx(other, l.tx(REQUESTER, pay), block, l.env).log).toMatch(/^E_CHAIN/);
});

test('with another receiver under the old signature it is nobody’s', () => {
  const l = new Ledger();
  const tx = decodeStrict(TxSchema, l.tx(REQUESTER, pay), 10_000);
  const body = decodeStrict(TxBodySchema, tx.body, 10_000);
  Object.assign(body.msg.value as object, { to: RIVAL.address });
  const edited = encode(TxBodySchema, body);
  expect(l.code(encode(TxSchema, { ...tx, body: edited }))).toBe('E_SIG');
  expect(l.balance(RIVAL, 'usd')).toBe(1000n * USD);
});
