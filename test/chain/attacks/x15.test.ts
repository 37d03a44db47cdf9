/** X15: the requester takes its money away after the answer; an order names somebody else's tab. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { ascii } from '../../../protocol/bytes.ts';
import type { Ledger } from '../helpers/ledger.ts';
import { type Msg, USD } from '../helpers/txs.ts';
import { jobMsg, OTHER, open, PROVER, postProof, REQUESTER, RIVAL, VGAS, world } from '../helpers/world.ts';

const openTab = (l: Ledger): Uint8Array => {
  const msg: Msg = { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(5n * USD), prover: PROVER.address } };
  return l.ok(l.tx(REQUESTER, msg))[0] as Uint8Array;
};
const all = (l: Ledger): Msg => ({
  case: 'transfer',
  value: { to: OTHER.address, denom: ascii('usd'), amount: writeAmount(l.balance(REQUESTER, 'usd')) },
});

test('what a job costs is in escrow from the block that opens it', () => {
  const l = world();
  const usd = l.balance(PROVER, 'usd');
  const id = open(l);
  l.ok(l.tx(REQUESTER, all(l)));
  l.ok(l.tx(PROVER, postProof(l, id), VGAS));
  expect(l.balance(PROVER, 'usd') - usd).toBe(2n * USD);
});

test('a tab outlives the order that a prover answered on it, closed or not, and an emptied balance', () => {
  const l = world();
  const tabId = openTab(l);
  const { msg } = jobMsg(l, { order: { tabId, openBy: l.height + 100n } });
  l.ok(l.tx(REQUESTER, { case: 'closeTab', value: { tabId } }), l.tx(REQUESTER, all(l)));
  l.runTo(l.height + 90n);
  l.ok(l.tx(PROVER, msg));
});

test('a tab is its owner’s, and for its prover', () => {
  const l = world();
  const tabId = openTab(l);
  expect(l.code(l.tx(PROVER, jobMsg(l, { requester: OTHER, order: { tabId } }).msg))).toBe('E_OWNER');
  expect(l.code(l.tx(RIVAL, jobMsg(l, { prover: RIVAL, order: { tabId } }).msg))).toBe('E_ESCROW');
});
