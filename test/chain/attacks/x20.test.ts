/** X20: dust. Bonds and prices of one unit, a thousand times: nothing is made or lost by rounding. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { burned, holds } from '../../../chain/state/moves.ts';
import { bytes } from '../helpers/txs.ts';
import { challenge, jobMsg, LIE, OTHER, open, PROVER, SPONSOR, VGAS, world } from '../helpers/world.ts';

test('every odd bond burns its larger half, and the sum is the bonds', () => {
  const l = world({ params: { minJobBond: 0n } });
  const burnedNow = (): bigint => holds(l.state, burned, 'opg') + l.balance(SPONSOR, 'opg');
  const [free, other, burnt] = [l.free(PROVER), l.balance(OTHER, 'opg'), burnedNow()];
  const bonds = Array.from({ length: 20 }, (_, i) => BigInt(i % 5));
  const ids = bonds.map((bond, i) => {
    const { id, msg } = jobMsg(l, { order: { bond: writeAmount(bond), price: writeAmount(1n), orderNonce: bytes(32, i) }, output: LIE });
    return { id, tx: l.tx(PROVER, msg, { sponsoredBy: SPONSOR }) };
  });
  l.ok(...ids.map(({ tx }) => tx));
  l.ok(...ids.map(({ id }) => l.tx(OTHER, challenge(l, id, { by: OTHER }), { ...VGAS, sponsoredBy: SPONSOR })));
  const sum = bonds.reduce((a, b) => a + b);
  const halves = bonds.reduce((a, b) => a + b / 2n, 0n);
  expect(free - l.free(PROVER)).toBe(sum);
  expect(l.balance(OTHER, 'opg') - other).toBe(halves);
  expect(burnedNow() - burnt).toBe(sum - halves);
});

test('a bond of one, taken by its own prover in RESCUE, brings it nothing', () => {
  const l = world({ params: { minJobBond: 0n } });
  const free = l.free(PROVER);
  const id = open(l, { order: { bond: writeAmount(1n) } });
  l.runTo(l.job(id).proveBy + 1n);
  expect(free - l.free(PROVER)).toBe(1n);
  expect(l.job(id).bounty).toHaveLength(0);
});
