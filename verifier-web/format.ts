/** Numbers, sizes and digests for people. */
import { fromHex } from '../protocol/bytes.ts';

export const count = (n: number): string => n.toLocaleString('en');

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

/** Few digits for narrow columns: 940, 12.3 k, 1.2 M. */
export function brief(n: number): string {
  if (n < 1000) return String(Math.round(n));
  const [value, unit] = n < 1e6 ? [n / 1000, 'k'] : [n / 1e6, 'M'];
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

export const duration = (ms: number): string =>
  ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;

export const shape = (dims: readonly number[]): string => (dims.length === 0 ? 'scalar' : dims.join(' × '));

/** A value with as many digits as its type tells apart. */
export const value = (v: number | bigint, dtype: string): string =>
  dtype === 'float32' ? String(Number(Number(v).toPrecision(6))).replace('-', '−') : String(v).replace('-', '−');

/** The first and last digits of a digest. */
export const short = (hex: string): string => `${hex.slice(0, 8)}…${hex.slice(-6)}`;

/** With a capital letter and a full stop, as reasons come without. */
export const sentence = (s: string): string => `${s.charAt(0).toUpperCase()}${s.slice(1)}${s.endsWith('.') ? '' : '.'}`;

/** As on the command line: 0x and pairs of hex digits are bytes, anything else is text. */
export function contextBytes(text: string): Uint8Array {
  return (/^0x/i.test(text) ? fromHex(text.slice(2)) : null) ?? new TextEncoder().encode(text);
}

/** Text where the bytes are printable, else hexadecimal. */
export function contextText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return /^[\x20-\x7e]+$/.test(text) ? text : `0x${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`;
}
