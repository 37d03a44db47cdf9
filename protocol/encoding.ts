/**
 * The canonical encoding of key values (protocol §6.5): none `00`; int `01` i64le; text `02` u32le length, ASCII; bytes `03` u32le
 * length; list `04` u32le count, items. One form per value: `decode` refuses bytes that would not re-encode to themselves.
 */
import { ascii, concatAll, plainBytes, u32 } from './bytes.ts';
import { Refused } from './refused.ts';

export type Value = null | number | string | Uint8Array | readonly Value[];

const MAX_DEPTH = 16;
/** Values in one encoding: far more than any key has, few enough to hold. */
const MAX_VALUES = 2 ** 20;

export function encodeValue(v: Value): Uint8Array {
  const parts: Uint8Array[] = [];
  write(parts, v);
  return concatAll(parts);
}

function write(parts: Uint8Array[], v: Value): void {
  if (v === null) parts.push(Uint8Array.of(0));
  else if (typeof v === 'number') {
    const out = new Uint8Array(9);
    out[0] = 1;
    new DataView(out.buffer).setBigInt64(1, BigInt(v), true);
    parts.push(out);
  } else if (typeof v === 'string') parts.push(Uint8Array.of(2), u32(v.length), ascii(v));
  else if (v instanceof Uint8Array) parts.push(Uint8Array.of(3), u32(v.length), v);
  else {
    parts.push(Uint8Array.of(4), u32(v.length));
    for (const item of v) write(parts, item);
  }
}

/** Decodes one value that fills the bytes exactly; `code` is the code of the refusal, `what` names the bytes for people. */
export function decodeValue(encoded: Uint8Array, code: string, what: string): Value {
  const bytes = plainBytes(encoded);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const refuse = (sentence: string): never => {
    throw new Refused(code, `${what}: ${sentence} at byte ${at}`, { at });
  };
  const need = (n: number): void => {
    if (n > bytes.length - at) refuse(`${n} bytes are missing`);
  };
  const count = (): number => {
    need(4);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  let values = 0;
  const value = (depth: number): Value => {
    if (++values > MAX_VALUES) refuse(`more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) refuse('lists are nested too deep');
    need(1);
    const tag = bytes[at++] as number;
    if (tag === 0) return null;
    if (tag === 1) {
      need(8);
      const v = view.getBigInt64(at, true);
      if (v > BigInt(Number.MAX_SAFE_INTEGER) || v < BigInt(Number.MIN_SAFE_INTEGER)) refuse('an integer exceeds 2^53');
      at += 8;
      return Number(v);
    }
    if (tag === 2 || tag === 3) {
      const n = count();
      need(n);
      const piece = bytes.slice(at, at + n);
      if (tag === 2 && piece.some((b) => b > 127)) refuse('a text is not ASCII');
      at += n;
      return tag === 3 ? piece : n > 65535 ? refuse('a text is longer than 65,535 bytes') : String.fromCharCode(...piece);
    }
    if (tag !== 4) return refuse(`unknown tag ${tag}`);
    const n = count();
    need(n); // every item takes at least one byte
    const items: Value[] = [];
    for (let i = 0; i < n; i++) items.push(value(depth + 1));
    return items;
  };
  const result = value(0);
  if (at !== bytes.length) refuse(`${bytes.length - at} bytes too many`);
  return result;
}
