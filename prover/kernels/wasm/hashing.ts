/** Keyed BLAKE3 in a kernel's memory (protocol §4.1), and proofs of work. */
import { toWords } from '../../../protocol/blake3.ts';
import { type HashName, modes } from '../../../protocol/hash.ts';
import { Scope } from '../../../wasm/memory.ts';
import type { Machine } from './machine.ts';

/** The key's eight words in memory, and the flags of keyed hashing. */
export function blake3Key(scope: Scope, name: HashName): { readonly key: number; readonly flags: number } {
  const { key, flags } = modes[name];
  return { key: scope.copy(key), flags };
}

/** Scratch bytes of a thread that hashes. */
export const HASH_SCRATCH = 4096;

const NONCES = 2 ** 14;
const NONE = 0xffffffff;

/** The least nonce below 2^32 whose digest has `bits` low zero bits (protocol §4.3). */
export function grind(machine: Machine, state: Uint8Array, bits: number): number {
  const scope = new Scope(machine.memory);
  try {
    const { key, flags } = blake3Key(scope, 'transcript');
    const at = scope.copy(toWords(state));
    const scratch = scope.alloc(HASH_SCRATCH);
    for (let start = 0; start < 2 ** 32; start += NONCES) {
      const nonce = machine.call('grind', at, bits, start, NONCES, key, flags, scratch) >>> 0;
      if (nonce !== NONE) return nonce;
    }
  } finally {
    scope.free();
  }
  throw new RangeError(`no nonce below 2^32 has ${bits} bits`);
}
