/** X16: an order is opened twice, or by another prover; a second order is signed to void the first. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { bytes, USD } from '../helpers/txs.ts';
import { jobMsg, OTHER, open, PROVER, postProof, REQUESTER, RIVAL, VGAS, world } from '../helpers/world.ts';

test('an order is one job, also after it is over', () => {
  const l = world();
  const usd = l.balance(REQUESTER, 'usd');
  const id = open(l);
  const { msg } = jobMsg(l);
  expect(l.code(l.tx(PROVER, msg))).toBe('E_JOB_EXISTS');
  l.ok(l.tx(PROVER, postProof(l, id), VGAS));
  expect(l.code(l.tx(PROVER, msg))).toBe('E_JOB_EXISTS');
  expect(usd - l.balance(REQUESTER, 'usd')).toBe(2n * USD);
});

test('another prover does not answer in the place of the one it names', () => {
  const l = world();
  expect(l.code(l.tx(RIVAL, jobMsg(l).msg))).toBe('E_NOT_PROVER');
});

test('a rival order with the same nonce is another job, and takes nothing from the first', () => {
  const l = world();
  const rival = open(l, { prover: RIVAL, order: { price: writeAmount(0n) } });
  const id = open(l);
  expect(rival).not.toEqual(id);
  l.ok(l.tx(PROVER, postProof(l, id), VGAS));
  expect([l.stateOf(id), l.stateOf(rival)]).toEqual(['FINAL(PROVEN)', 'PENDING']);
});

test('nobody orders in another’s name', () => {
  const l = world();
  const { msg } = jobMsg(l, { requester: OTHER, order: { requester: REQUESTER.address, orderNonce: bytes(32, 3) } });
  expect(l.code(l.tx(PROVER, msg))).toBe('E_ORDER');
});
