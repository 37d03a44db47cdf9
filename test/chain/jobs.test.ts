/** How jobs end, and who gets what (settlement §5.2). */
import { describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { toHex } from '../../protocol/bytes.ts';
import { Market, OPG } from './helpers/ledger.ts';

const BOND = 5n * OPG + 1n;
/** The burned half rounds up. */
const BURNED = (BOND + 1n) / 2n;

/** Balances and bonds of everybody in a market. */
function purse(m: Market) {
  const { ledger: l } = m;
  return {
    prover: l.balance(m.prover.address, 'usd'),
    requester: l.balance(m.requester.address, 'usd'),
    requesterOpg: l.balance(m.requester.address, 'opg'),
    otherOpg: l.balance(m.other.address, 'opg'),
  };
}

describe('a job', () => {
  test('proven in time pays the whole price and frees the bond', () => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2);
    expect(m.ledger.stateOf(id)).toBe('PENDING');
    m.ledger.do(m.prover, { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) }, m.gas);
    expect(m.ledger.stateOf(id)).toBe('FINAL(PROVEN)');
    expect(purse(m).prover).toBe(before.prover + 1000n);
    expect(purse(m).requester).toBe(before.requester - 1000n);
    expect(m.ledger.job(id)).toMatchObject({ provenBy: m.prover.address, late: false });
  });

  test('paid from a tab', () => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2, { tabId: m.tabId });
    m.ledger.do(m.prover, { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) }, m.gas);
    expect(purse(m)).toMatchObject({ prover: before.prover + 1000n, requester: before.requester });
  });

  test('unproven without time for a rescue: the price goes back, half the bond burns, half goes to the requester', () => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2);
    const { proveBy } = m.ledger.job(id);
    m.ledger.until(proveBy);
    expect(m.ledger.stateOf(id)).toBe('PENDING');
    m.ledger.block();
    expect(m.ledger.stateOf(id)).toBe('FAILED(unproven)');
    expect(purse(m).requester).toBe(before.requester);
    expect(purse(m).requesterOpg).toBe(before.requesterOpg + BOND - BURNED);
    expect(m.ledger.job(id).endedAt).toBe(proveBy + 1n);
  });

  test.each([
    [2, 'FINAL(PROVEN, late)'],
    [3, 'FAILED(fraud)'],
  ])('rescued with output %i is %s, and half the bond goes to the rescuer', (output, ends) => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2, { rescueBlocks: 10 });
    m.ledger.until(m.ledger.job(id).proveBy + 1n);
    expect(m.ledger.stateOf(id)).toBe('RESCUE');
    expect(purse(m).requester).toBe(before.requester);
    const paid = m.ledger.balance(m.other.address, 'opg');
    m.ledger.do(m.other, { case: 'postProof', value: m.evidence(id, m.other, 1, output) }, m.gas);
    expect(m.ledger.stateOf(id)).toBe(ends);
    expect(m.ledger.balance(m.other.address, 'opg')).toBeGreaterThan(paid + BOND - BURNED - OPG / 100n);
    expect(purse(m).prover).toBe(before.prover);
  });

  test('never rescued: the bounty goes to the requester', () => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2, { rescueBlocks: 10 });
    m.ledger.until(m.ledger.job(id).proveBy + 11n);
    expect(m.ledger.stateOf(id)).toBe('FAILED(unproven)');
    expect(purse(m)).toMatchObject({ requester: before.requester, requesterOpg: before.requesterOpg + BOND - BURNED });
  });

  test('challenged with another output: the price goes back, half the bond burns, half goes to the challenger', () => {
    const m = new Market();
    const before = purse(m);
    const id = m.open(1, 2);
    m.ledger.do(m.other, { case: 'challenge', value: m.evidence(id, m.other, 1, 3) }, m.gas);
    expect(m.ledger.stateOf(id)).toBe('FAILED(fraud)');
    expect(purse(m).requester).toBe(before.requester);
    expect(purse(m).otherOpg).toBeGreaterThan(before.otherOpg + BOND - BURNED - OPG / 100n);
    expect(toHex(m.ledger.job(id).provenCommitment)).not.toBe(toHex(m.ledger.job(id).outputCommitment));
  });

  test('the last block of a deadline is in time, the next is late', () => {
    const m = new Market();
    const [a, b, c] = [m.open(1, 2), m.open(3, 4), m.open(5, 6, { rescueBlocks: 5 })];
    m.ledger.until(m.ledger.job(a).proveBy - 1n);
    m.ledger.do(m.prover, { case: 'postProof', value: m.evidence(a, m.prover, 1, 2) }, m.gas);
    m.ledger.until(m.ledger.job(b).proveBy);
    expect(m.ledger.run(m.prover, { case: 'postProof', value: m.evidence(b, m.prover, 3, 4) }, m.gas)).toBe('E_LATE');
    m.ledger.until(m.ledger.job(c).proveBy + 4n);
    expect(m.ledger.run(m.other, { case: 'challenge', value: m.evidence(c, m.other, 5, 7) }, m.gas)).toBe('E_LATE');
    expect(m.ledger.run(m.other, { case: 'postProof', value: m.evidence(c, m.other, 5, 6) }, m.gas)).toBe('E_LATE');
  });

  test('two proofs in one block: the second finds the state changed', () => {
    const m = new Market();
    const id = m.open(1, 2);
    const msg = { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) } as const;
    const nonce = m.ledger.nonce(m.prover) + 1n;
    const results = m.ledger.block(
      m.ledger.tx(m.prover, msg, { ...m.gas, nonce }),
      m.ledger.tx(m.prover, msg, { ...m.gas, nonce: nonce + 1n }),
    );
    expect(results.map((r) => r.log.split(':')[0])).toEqual(['', 'E_STATE']);
  });
});

describe('a tab', () => {
  test('returns its rest to its owner after tabDelay blocks, and takes orders until then', () => {
    const m = new Market({ params: { tabDelay: 5n } });
    const before = purse(m);
    m.ledger.do(m.requester, { case: 'closeTab', value: { tabId: m.tabId } });
    const closeAt = m.ledger.height + 5n;
    m.open(1, 2, { tabId: m.tabId });
    m.ledger.until(closeAt);
    expect(purse(m).requester).toBe(before.requester);
    m.ledger.block();
    expect(purse(m).requester).toBe(before.requester + 10n ** 8n - 1000n);
    expect(m.ledger.state.get('tab', m.tabId)).toBeUndefined();
    expect(m.ledger.run(m.requester, { case: 'closeTab', value: { tabId: m.tabId } })).toBe('E_OWNER');
  });
});

test('a sweep of one a block gives the same outcomes and pots as one without a cap', () => {
  const story = (sweepCap?: number): Market => {
    const m = new Market({ params: { tabDelay: 21n }, ...(sweepCap === undefined ? {} : { sweepCap }) });
    m.ledger.do(m.requester, { case: 'closeTab', value: { tabId: m.tabId } });
    for (let i = 1; i <= 6; i++) m.open(i, i + 1, i % 2 === 0 ? { rescueBlocks: 10 } : { tabId: m.tabId });
    m.ledger.until(m.ledger.height + 22n);
    // One is asked for while the sweep is behind.
    const id = m.open(9, 10, { bond: writeAmount(OPG) });
    m.ledger.until(m.ledger.height + 60n);
    expect(m.ledger.stateOf(id)).toBe('FAILED(unproven)');
    return m;
  };
  expect(toHex(story(1).ledger.state.appHash())).toBe(toHex(story().ledger.state.appHash()));
});
