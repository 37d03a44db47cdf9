/**
 * Files of the other proof systems: version 2 of `.key` and `.circuit` names its system and leaves the rest to it.
 *
 *     "ASSAYKEY" | "ASSAYCIR" ‖ u16 2 ‖ lp(system) ‖ lp(body)
 *
 * Version 1 is the native system (files.ts). So the first bytes of a key say which verifier reads it: an envelope never does.
 */
import { ascii, concat, lengthPrefixed } from '../protocol/bytes.ts';
import { SYSTEM } from '../protocol/envelope.ts';
import { hash } from '../protocol/hash.ts';
import { Refused } from '../protocol/refused.ts';
import { CIRCUIT_MAGIC, type FileKind, FileReader, KEY_MAGIC } from './file-reader.ts';

export const CONTAINER_VERSION = 2;

export function encodeContainer(kind: FileKind, system: string, body: Uint8Array): Uint8Array {
  const magic = ascii(kind === 'key' ? KEY_MAGIC : CIRCUIT_MAGIC);
  return concat(magic, Uint8Array.of(CONTAINER_VERSION, 0), lengthPrefixed(ascii(system)), lengthPrefixed(body));
}

/** The proof system that a key or circuit is of. Throws `key.format` or `circuit.format`. */
export function systemOf(bytes: Uint8Array, kind: FileKind): string {
  const r = new FileReader(bytes, kind);
  if (r.version === 1) return SYSTEM;
  return r.version === CONTAINER_VERSION ? r.text('the system') : r.unknownVersion();
}

/** The body of a file of this system. Throws `key.format`, or `key.system` for a file of another one; the same for circuits. */
export function decodeContainer(bytes: Uint8Array, kind: FileKind, system: string): Uint8Array {
  const named = systemOf(bytes, kind);
  if (named !== system)
    throw new Refused(`${kind}.system`, `the ${kind} is one of ${named}; here one of ${system} is needed`, { system: named });
  const r = new FileReader(bytes, kind);
  r.text('the system');
  const body = r.prefixed('the body');
  r.end();
  return body;
}

/** vkHash of a key of another system: H_vk(lp(system) ‖ body) (protocol §11.4). */
export function containerHash(system: string, body: Uint8Array): Uint8Array {
  return hash('vk', concat(lengthPrefixed(ascii(system)), body));
}
