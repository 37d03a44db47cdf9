/** X3: a key of small order, for which one signature fits many messages; a signature made anew by adding a point of small order. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { expect, test } from 'vitest';
import { addressOf } from '../../../chain/accounts.ts';
import { writeAmount } from '../../../chain/amounts.ts';
import { concat } from '../../../protocol/bytes.ts';
import type { Key } from '../helpers/keys.ts';
import { sign } from '../helpers/keys.ts';
import { Ledger } from '../helpers/ledger.ts';
import { bodyOf, OPG, sealTx } from '../helpers/txs.ts';
import { REQUESTER } from '../helpers/world.ts';

const { Point } = ed25519;
/** (0, -1): of order 2. */
const TWO = Point.fromAffine({ x: 0n, y: Point.Fp.ORDER - 1n });
const body = bodyOf({ nonce: 1n, msg: { case: 'burn', value: { amount: writeAmount(1n) } } });

test.each([
  ['the neutral element', Point.ZERO.toBytes()],
  ['a point of order 2', TWO.toBytes()],
])('%s is no sender, though its account has money', (_, pubkey) => {
  const nobody: Key = { secret: new Uint8Array(32), pubkey, address: addressOf(pubkey) };
  const l = new Ledger({ accounts: [{ address: nobody.address, balances: { opg: 10n * OPG } }] });
  // R = S·B with S = 0: what a verifier that reduces cofactors takes for every message.
  const sig = concat(Point.ZERO.toBytes(), new Uint8Array(32));
  expect(l.code(sealTx(nobody, body, { change: { sig } }))).toBe('E_KEY');
  expect(l.balance(nobody, 'opg')).toBe(10n * OPG);
});

test('a signature whose R has a part of small order is another signature, and none', () => {
  const l = new Ledger();
  const good = sign(REQUESTER, 'opg/tx/v1', body);
  const R = Point.fromBytes(good.subarray(0, 32)).add(TWO).toBytes();
  expect(l.code(sealTx(REQUESTER, body, { change: { sig: concat(R, good.subarray(32)) } }))).toBe('E_SIG');
  expect(l.code(sealTx(REQUESTER, body))).toBe('OK');
});
