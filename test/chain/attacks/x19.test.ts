/** X19: full blocks push the burn price up, so that others pay more than they meant to. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { priceAt } from '../../../chain/state/index.ts';
import { bytes, OPG } from '../helpers/txs.ts';
import { OTHER, postProof, REQUESTER, RIVAL, world } from '../helpers/world.ts';

test('it rises by an eighth a block at most, costs who pushes, and takes from nobody more than max_burn', () => {
  const l = world();
  const victim = { maxBurn: writeAmount(2n * 1_300n * priceAt(l.state, l.height + 1n)) };
  const burn = { case: 'burn', value: { amount: writeAmount(1n) } } as const;
  const before = l.balance(REQUESTER, 'opg');
  l.ok(l.tx(REQUESTER, burn, victim));
  const spent = l.balance(RIVAL, 'opg');
  for (let i = 0; i < 12; i++) {
    const price = priceAt(l.state, l.height + 1n);
    const full = [0, 1].map(() =>
      l.tx(RIVAL, postProof(l, bytes(32), { by: RIVAL }), { vgasLimit: 998_000n, maxBurn: writeAmount(100n * OPG) }),
    );
    l.block(...full);
    const next = priceAt(l.state, l.height + 1n);
    expect(next).toBeGreaterThan(price);
    expect(next).toBeLessThanOrEqual(price + price / 8n);
  }
  expect(spent - l.balance(RIVAL, 'opg')).toBeGreaterThan(4n * OPG);
  const held = l.balance(REQUESTER, 'opg');
  expect(l.code(l.tx(REQUESTER, burn, victim))).toBe('E_MAXBURN');
  expect(l.balance(REQUESTER, 'opg')).toBe(held);
  expect(before - held).toBeLessThanOrEqual(2n * 1_300n * 2n * 10n ** 11n + 1n);
  expect(l.code(l.tx(OTHER, burn))).toBe('OK');
});
