/** `--context TEXT|0xHEX`: the bytes a proof is bound to. Text is UTF-8; what starts with 0x must be whole hex bytes. */
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
  const bytes = /^0x/i.test(text) ? parseContext(text, flag) : null;
  if (bytes?.length !== 32) throw new CannotTell('usage', `${flag} wants 0x and 64 hex digits`);
  return bytes;
}
