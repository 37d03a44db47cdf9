/**
 * H_name(m) = BLAKE3 keyed with K_name = BLAKE3("xt-v1/" ‖ name), 32 bytes (protocol §4.1): one name a use, so no two uses can meet.
 */
import { blake3, hash as hashKeyed, keyed, type Mode } from './blake3.ts';

export const HASH_NAMES = ['leaf', 'node', 'transcript', 'statement', 'vk', 'tensor', 'input', 'output', 'weights', 'key'] as const;
export type HashName = (typeof HASH_NAMES)[number];

const utf8 = new TextEncoder();

export function keyOf(name: HashName): Uint8Array {
  return blake3(utf8.encode(`xt-v1/${name}`));
}

export const modes: Readonly<Record<HashName, Mode>> = Object.fromEntries(HASH_NAMES.map((n) => [n, keyed(keyOf(n))])) as Record<
  HashName,
  Mode
>;

export function hash(name: HashName, message: Uint8Array): Uint8Array {
  return hashKeyed(modes[name], message);
}
