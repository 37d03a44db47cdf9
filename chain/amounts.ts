/** Amounts of money: integers in [0, 2^128), as big-endian bytes without leading zeros, zero as no bytes (settlement §2.3). */
import { Rejected } from './codes.ts';

export const MAX_AMOUNT = 2n ** 128n - 1n;

/** Throws E_FIELD for bytes that are no amount. */
export function readAmount(bytes: Uint8Array, field: string): bigint {
  if (bytes.length > 16) throw new Rejected('E_FIELD', `${field}: an amount of ${bytes.length} bytes, at most 16 are taken`);
  if (bytes[0] === 0) throw new Rejected('E_FIELD', `${field}: an amount that begins with a zero byte`);
  let n = 0n;
  for (const b of bytes) n = (n << 8n) | BigInt(b);
  return n;
}

/** Throws a RangeError for what is no amount: a caller's bug, never a transaction's fault. */
export function writeAmount(n: bigint): Uint8Array {
  if (n < 0n || n > MAX_AMOUNT) throw new RangeError(`${n} is outside [0, 2^128)`);
  const out: number[] = [];
  for (let rest = n; rest > 0n; rest >>= 8n) out.unshift(Number(rest & 255n));
  return Uint8Array.from(out);
}

/** Decimal places of the known denominations; others count whole units. */
export const DECIMALS: ReadonlyMap<string, number> = new Map([
  ['opg', 18],
  ['usd', 6],
]);

/** `0.0106 opg`, exact: trailing zeros are dropped, nothing is rounded. */
export function showAmount(n: bigint, denom: string): string {
  const places = DECIMALS.get(denom) ?? 0;
  const digits = n.toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  return `${whole}${fraction === '' ? '' : `.${fraction}`} ${denom}`;
}

/** `0.5` of `usd` is 500000n; null for what is no decimal number or has more places than the denomination. */
export function parseAmount(text: string, denom: string): bigint | null {
  const places = DECIMALS.get(denom) ?? 0;
  const m = /^([0-9]{1,39})(?:\.([0-9]+))?$/.exec(text);
  if (m === null || (m[2] ?? '').length > places) return null;
  const n = BigInt(`${m[1]}${(m[2] ?? '').padEnd(places, '0')}`);
  return n <= MAX_AMOUNT ? n : null;
}
