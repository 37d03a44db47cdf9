/**
 * The one way in for protobuf bytes (settlement §2.2). Proto3 has many encodings of one message; consensus has one: decoding is total,
 * refuses unknown fields at any depth (they survive re-encoding), and compares the re-encoded bytes (which finds wrong order, duplicates,
 * over-long varints, explicit defaults and unpacked lists).
 *
 * How many fields there are is counted before anything is made of them: 700 kB can hold 350,000, and a reader's stack can end in groups.
 */
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { equalBytes } from '../protocol/bytes.ts';
import { Rejected } from './codes.ts';

/** Fields of one message, with those of the messages inside: far more than any has. A packed list is one. */
export const MAX_FIELDS = 4096;

/** The message in these bytes. Throws E_SIZE (more than `cap` bytes or MAX_FIELDS fields), E_DECODE (no such message), E_NONCANONICAL (another form of it). */
export function decodeStrict<T extends DescMessage>(schema: T, bytes: Uint8Array, cap: number): MessageShape<T> {
  const name = schema.name;
  if (bytes.length > cap) throw new Rejected('E_SIZE', `${name}: ${bytes.length} bytes, at most ${cap} are taken`);
  countFields(schema, bytes);
  let message: MessageShape<T>;
  try {
    message = fromBinary(schema, bytes);
  } catch (e) {
    throw new Rejected('E_DECODE', `${name}: ${(e as Error).message}`);
  }
  const unknown = unknownField(reflect(schema, message), name);
  if (unknown !== null) throw new Rejected('E_NONCANONICAL', `${unknown}: a field that this message does not have`);
  if (!equalBytes(toBinary(schema, message), bytes)) throw new Rejected('E_NONCANONICAL', `${name}: not its canonical encoding`);
  return message;
}

/**
 * Throws E_SIZE for too many fields, and E_DECODE for a group, which no message has, and where the bytes are not of fields that end where
 * they say. The decoder takes some of those (a length of 2^32 + 1 as 1, a field that ends behind the message it is in) and goes on, to fields
 * that nobody would have counted.
 */
function countFields(schema: DescMessage, bytes: Uint8Array): void {
  let fields = 0;
  let at = 0;
  /** Below 2^32, or -1 where the bytes hold no such number. */
  const varint = (end: number): number => {
    let n = 0;
    for (let i = 0; i < 10 && at < end; i++) {
      const byte = bytes[at++] as number;
      n += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return n < 2 ** 32 ? n : -1;
    }
    return -1;
  };
  const walk = (desc: DescMessage, end: number): boolean => {
    while (at < end) {
      const tag = varint(end);
      if (tag < 8) return false;
      if (++fields > MAX_FIELDS) throw new Rejected('E_SIZE', `${schema.name}: more than ${MAX_FIELDS} fields`);
      const type = tag % 8;
      if (type === 3 || type === 4) throw new Rejected('E_DECODE', `${schema.name}: a group`);
      if (type > 5) return false;
      if (type !== 2) {
        // The value does not matter, nor whether it fits: a varint ends at its first byte below 128.
        if (type === 0) while (at < end && (bytes[at++] as number) >= 0x80);
        else at += type === 1 ? 8 : 4;
        continue;
      }
      const length = varint(end);
      if (length < 0 || length > end - at) return false;
      const field = desc.fields.find((f) => f.number === Math.floor(tag / 8));
      const inner =
        field?.fieldKind === 'message' || (field?.fieldKind === 'list' && field.listKind === 'message') ? field.message : undefined;
      if (inner === undefined) at += length;
      else if (!walk(inner, at + length)) return false;
    }
    return at === end;
  };
  if (!walk(schema, bytes.length)) throw new Rejected('E_DECODE', `${schema.name}: fields that do not end where they say`);
}

/** The canonical bytes of a message. */
export function encode<T extends DescMessage>(schema: T, fields: MessageInitShape<T>): Uint8Array {
  return toBinary(schema, create(schema, fields));
}

/** The path to an unknown field, or null. */
function unknownField(message: ReflectMessage, path: string): string | null {
  const first = message.getUnknown()?.[0];
  if (first !== undefined) return `${path} field ${first.no}`;
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const at = `${path}.${field.name}`;
    if (field.fieldKind === 'message') {
      const found = unknownField(message.get(field), at);
      if (found !== null) return found;
    } else if (field.fieldKind === 'list' && field.listKind === 'message') {
      const list = message.get(field);
      for (let i = 0; i < list.size; i++) {
        const found = unknownField(list.get(i) as ReflectMessage, `${at}[${i}]`);
        if (found !== null) return found;
      }
    }
  }
  return null;
}
