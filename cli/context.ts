/** `--context TEXT|0xHEX`: the bytes a proof is bound to. Text is UTF-8; what starts with 0x must be whole hex bytes. */
import { fromHex } from '../protocol/bytes.ts';
import { CannotTell } from './outcome.ts';

export function parseContext(text: string | undefined, flag = '--context'): Uint8Array {
  if (text === undefined) return new Uint8Array(0);
  if (!/^0x/i.test(text)) return new TextEncoder().encode(text);
  const digits = text.slice(2);
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new CannotTell(
      'usage',
      `${flag} ${text.slice(0, 40)} is not hex: after 0x come pairs of hex digits`,
      'a text that starts with 0x must be given as the hex of its bytes',
    );
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A 32-byte number such as a model id. */
export function parseHash(text: string, flag: string): Uint8Array {
  // With or without 0x: digests are printed bare.
  const bytes = /^(0x)?[0-9a-f]{64}$/i.test(text) ? fromHex(text.replace(/^0x/i, '')) : null;
  if (bytes === null) throw new CannotTell('usage', `${flag} wants 64 hex digits`);
  return bytes;
}
