/** Registering a model is paid for before its key is looked at: a key of a few hundred bytes can describe millions of rows. */
import { expect, test } from 'vitest';
import { priceAt } from '../../chain/state/index.ts';
import type { ProofSystem } from '../../chain/systems/index.ts';
import { testKey, testSystem } from './helpers/hash-system.ts';
import { Market } from './helpers/market.ts';

/** Counts how often a key is read. */
function counting(): { readonly system: ProofSystem; readonly reads: () => number } {
  const inner = testSystem();
  let reads = 0;
  return {
    reads: () => reads,
    system: {
      ...inner,
      parseKey(bytes) {
        reads++;
        return inner.parseKey(bytes);
      },
    },
  };
}

test('a key is not read for less than its gas', () => {
  const { system, reads } = counting();
  const m = new Market({ systems: [system] });
  const msg = m.registering(testKey('b'));
  const before = reads();
  expect(m.ledger.run(m.owner, msg, { vgasLimit: 499_999n })).toBe('E_VGAS_LIMIT');
  expect(reads()).toBe(before);
  expect(m.ledger.run(m.owner, msg, { vgasLimit: 500_000n })).toBe('OK');
  expect(reads()).toBe(before + 1);
});

test('a key that is refused burns its gas all the same', () => {
  const m = new Market();
  const { value } = m.registering(testKey('b'));
  const before = m.ledger.balance(m.owner.address, 'opg');
  const price = priceAt(m.ledger.state, m.ledger.height + 1n);
  const [result] = m.ledger.block(m.ledger.tx(m.owner, { case: 'registerModel', value: { ...value, key: new Uint8Array(9) } }));
  expect(result?.log).toMatch(/^E_KEY_BYTES/);
  expect(before - m.ledger.balance(m.owner.address, 'opg')).toBe((result?.gasUsed as bigint) * price);
  expect(result?.gasUsed).toBeGreaterThan(500_000n);
});
