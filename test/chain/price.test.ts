/** The burn price (settlement §6.4): EIP-1559 in integers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { encode } from '../../chain/codec.ts';
import { PriceSchema } from '../../chain/generated/records_pb.ts';
import { META } from '../../chain/state/genesis-records.ts';
import { nextPrice, priceAt } from '../../chain/state/index.ts';
import { MAX_PRICE, turnPrice } from '../../chain/state/price.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { Ledger } from './helpers/ledger.ts';
import { OTHER, REQUESTER } from './helpers/world.ts';

const BLOCK = 2_000_000n;
const FLOOR = 2n * 10n ** 11n;

describe('the price of the next block', () => {
  test.each<[string, bigint, bigint, bigint]>([
    ['a full block raises it by an eighth', 800n * FLOOR, BLOCK, 900n * FLOOR],
    ['a block at the target keeps it', 800n * FLOOR, BLOCK / 2n, 800n * FLOOR],
    ['half the target lowers it by a sixteenth', 800n * FLOOR, BLOCK / 4n, 750n * FLOOR],
    ['it stops at the floor', FLOOR + 1n, 1n, FLOOR],
    ['it stops at 2^96', MAX_PRICE, BLOCK, MAX_PRICE],
  ])('%s', (_, price, used, next) => expect(nextPrice(price, used, BLOCK, FLOOR)).toBe(next));

  test('above the target it rises by 1 at least', () => {
    expect(nextPrice(1n, BLOCK / 2n + 1n, BLOCK, 1n)).toBe(2n);
    expect(nextPrice(7n, BLOCK, BLOCK, 1n)).toBe(8n);
  });

  test('no block moves it by more than an eighth, or by 1', () => {
    const price = fc.bigInt({ min: 1n, max: MAX_PRICE });
    fc.assert(
      fc.property(price, fc.bigInt({ min: 0n, max: BLOCK }), (p, used) => {
        const next = nextPrice(p, used, BLOCK, 1n);
        const away = next > p ? next - p : p - next;
        expect(away <= p / 8n || away === 1n).toBe(true);
        expect(next >= 1n && next <= MAX_PRICE).toBe(true);
        if (used > BLOCK / 2n && p < MAX_PRICE) expect(next).toBeGreaterThan(p);
        if (used <= BLOCK / 2n) expect(next).toBeLessThanOrEqual(p);
      }),
    );
  });
});

const send = (l: Ledger): Uint8Array =>
  l.tx(
    REQUESTER,
    { case: 'transfer', value: { to: OTHER.address, denom: ascii('usd'), amount: writeAmount(1n) } },
    { maxBurn: writeAmount(10n ** 21n) },
  );
const setPrice = (l: Ledger, price: bigint): void =>
  l.state.set('meta', META.price, encode(PriceSchema, { price: writeAmount(price), atHeight: l.height + 1n }));

describe('empty blocks', () => {
  test('change no record, and lower the price when it is read', () => {
    const l = new Ledger();
    setPrice(l, 512n * FLOOR);
    const hash = toHex(l.state.appHash());
    let wanted = 512n * FLOOR;
    for (let n = 0; n < 30; n++) {
      expect(priceAt(l.state, l.height + 1n)).toBe(wanted);
      l.block();
      expect(toHex(l.state.appHash())).toBe(hash);
      wanted = wanted - wanted / 8n < FLOOR ? FLOOR : wanted - wanted / 8n;
    }
  });

  test('between two blocks lower it as if each had been written', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: MAX_PRICE }),
        fc.array(fc.constantFrom(0n, 0n, 0n, 1n, 1_500_000n), { maxLength: 40 }),
        (start, blocks) => {
          const l = new Ledger({ params: { priceFloor: 1n } });
          setPrice(l, start);
          let wanted = start;
          blocks.forEach((used, i) => {
            const height = BigInt(i + 1);
            expect(priceAt(l.state, height)).toBe(wanted);
            turnPrice(l.state, height, used);
            wanted = nextPrice(wanted, used, BLOCK, 1n);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('2^96 comes down to the floor, and a million blocks cost nothing to read', () => {
    const l = new Ledger({ params: { priceFloor: 1n } });
    setPrice(l, MAX_PRICE);
    expect(priceAt(l.state, 10n ** 15n)).toBe(7n);
  });
});

test('gas of what failed at the door does not count; gas of what failed behind it does', () => {
  const l = new Ledger();
  setPrice(l, 100n * FLOOR);
  const hash = toHex(l.state.appHash());
  const stale = l.tx(REQUESTER, { case: 'burn', value: { amount: writeAmount(1n) } }, { nonce: 9n });
  expect(l.code(stale)).toBe('E_NONCE');
  expect(toHex(l.state.appHash())).toBe(hash);
  const poor = l.tx(REQUESTER, { case: 'burn', value: { amount: writeAmount(10n ** 24n) } }, { maxBurn: writeAmount(10n ** 21n) });
  const price = priceAt(l.state, l.height + 1n);
  const [result] = l.block(poor);
  expect(result?.log).toMatch(/^E_FUNDS/);
  expect(priceAt(l.state, l.height + 1n)).toBe(nextPrice(price, result?.gasUsed as bigint, BLOCK, FLOOR));
});

test('what it takes is the price of the block it is in', () => {
  const l = new Ledger();
  setPrice(l, 100n * FLOOR);
  const before = l.balance(REQUESTER, 'opg');
  const [a, b] = l.block(send(l), send(l));
  expect([a?.log, b?.log]).toEqual(['', '']);
  expect(before - l.balance(REQUESTER, 'opg')).toBe(((a?.gasUsed as bigint) + (b?.gasUsed as bigint)) * 100n * FLOOR);
});
