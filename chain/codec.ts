/**
 * The one way in for protobuf bytes (settlement §2.2). Proto3 has many encodings of one message; consensus has one: decoding is total,
 * refuses unknown fields at any depth (they survive re-encoding), and compares the re-encoded bytes (which finds wrong order, duplicates,
 * over-long varints, explicit defaults and unpacked lists).
 */
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { equalBytes } from '../protocol/bytes.ts';
import { Rejected } from './codes.ts';

/** The message in these bytes. Throws E_SIZE (more than `cap` bytes), E_DECODE (no such message), E_NONCANONICAL (another form of it). */
export function decodeStrict<T extends DescMessage>(schema: T, bytes: Uint8Array, cap: number): MessageShape<T> {
  const name = schema.name;
  if (bytes.length > cap) throw new Rejected('E_SIZE', `${name}: ${bytes.length} bytes, at most ${cap} are taken`);
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
