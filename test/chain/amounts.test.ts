/** Amounts of money (settlement §2.3). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_AMOUNT, parseAmount, readAmount, showAmount, writeAmount } from '../../chain/amounts.ts';
import { Rejected } from '../../chain/codes.ts';
import { toHex } from '../../protocol/bytes.ts';

const amounts = fc.bigInt({ min: 0n, max: MAX_AMOUNT });

describe('bytes', () => {
  test('come back as they went, in one form', () => {
    fc.assert(
      fc.property(amounts, (n) => {
        const bytes = writeAmount(n);
        expect(readAmount(bytes, 'x')).toBe(n);
        expect(bytes[0]).not.toBe(0);
        expect(bytes.length).toBeLessThanOrEqual(16);
      }),
    );
    expect(toHex(writeAmount(0n))).toBe('');
    expect(toHex(writeAmount(256n))).toBe('0100');
    expect(toHex(writeAmount(MAX_AMOUNT))).toBe('ff'.repeat(16));
  });

  test.each([
    ['17 bytes', new Uint8Array(17).fill(1)],
    ['a zero first', Uint8Array.of(0, 1)],
    ['a zero alone', Uint8Array.of(0)],
  ])('%s are none', (_, bytes) => expect(() => readAmount(bytes, 'x')).toThrow(Rejected));

  test.each([-1n, MAX_AMOUNT + 1n])('%d has none', (n) => expect(() => writeAmount(n)).toThrow(RangeError));
});

describe('text', () => {
  test.each([
    [0n, 'usd', '0 usd'],
    [1n, 'usd', '0.000001 usd'],
    [500_000n, 'usd', '0.5 usd'],
    [12_000_000n, 'usd', '12 usd'],
    [10_600_000_000_000_000n, 'opg', '0.0106 opg'],
    [7n, 'token', '7 token'],
    [70n, 'constructor', '70 constructor'],
  ] as const)('%d %s is shown as %s', (n, denom, text) => expect(showAmount(n, denom)).toBe(text));

  test('is read as it was shown', () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom('opg', 'usd', 'token'), (n, denom) => {
        expect(parseAmount(showAmount(n, denom).split(' ')[0] as string, denom)).toBe(n);
      }),
    );
  });

  test.each(['', '.5', '5.', '-1', '1e3', ' 1', '0.0000001', '0x10', '1,5', `${MAX_AMOUNT}`])('%j is no amount of usd', (text) =>
    expect(parseAmount(text, 'usd')).toBeNull(),
  );
});
