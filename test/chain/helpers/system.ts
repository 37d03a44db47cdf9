/**
 * A proof system for tests. Its models answer `answerOf(key, input)`; a proof is 32 bytes, a hash of key, input, output and (where it binds)
 * the context, and verifies for the true output alone: nobody can prove a lie.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { Rejected } from '../../../chain/codes.ts';
import { u64 } from '../../../chain/domains.ts';
import { proofSystemId } from '../../../chain/identities.ts';
import type { ProofQuestion, ProofSystem } from '../../../chain/systems/system.ts';
import { encodeTensors } from '../../../chain/tensors.ts';
import { ascii, concat, equalBytes } from '../../../protocol/bytes.ts';

const MAGIC = ascii('test key');

/** A key that says what it costs; `salt` makes another one. */
export function keyFile({ vgas = 10_000, proofCap = 64, outputBytes = 32, salt = 0 } = {}): Uint8Array {
  return concat(MAGIC, u64(BigInt(vgas)), u64(BigInt(proofCap)), u64(BigInt(outputBytes)), u64(BigInt(salt)));
}

const numberAt = (key: Uint8Array, i: number): bigint => new DataView(key.buffer, key.byteOffset).getBigUint64(MAGIC.length + 8 * i);

/** What a model of this key answers: canonical tensors. */
export function answerOf(key: Uint8Array, input: Uint8Array): Uint8Array {
  const n = Number(numberAt(key, 2));
  const seed = sha256(concat(key, input));
  return encodeTensors([{ name: 'y', dtype: 'int8', shape: [n], data: Uint8Array.from({ length: n }, (_, i) => seed[i % 32] as number) }]);
}

/** A proof as an honest prover makes it; for a false output bytes that look like one. */
export function prove(system: ProofSystem, q: Omit<ProofQuestion, 'proof'>): Uint8Array {
  const parts = [q.key, q.input, q.output, ...(system.bindsContext ? [q.context] : [])];
  return sha256(concat(...parts.flatMap((p) => [u64(BigInt(p.length)), p])));
}

export function testSystem({ name = 'test-v1', bindsContext = true, hidesTensors = true, proofCap = 4096 } = {}): ProofSystem {
  const system: ProofSystem = {
    name,
    id: proofSystemId(name),
    bindsContext,
    hidesTensors,
    setup: 0,
    proofCap,
    parseKey(bytes) {
      if (bytes.length !== MAGIC.length + 32 || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC))
        throw new Rejected('E_KEY_BYTES', 'no key of the test system');
      const part = (what: string): Uint8Array => sha256(concat(ascii(what), bytes));
      return {
        vkHash: part('vk'),
        circuitHash: part('circuit'),
        modelHash: part('model'),
        zkRoot: part('root'),
        vgas: numberAt(bytes, 0),
        proofCap: Number(numberAt(bytes, 1)),
      };
    },
    verify(q) {
      if (q.proof.length !== 32) return { ok: false, kind: 'shape', sentence: `a proof has 32 bytes, not ${q.proof.length}` };
      return equalBytes(q.proof, prove(system, q)) && equalBytes(q.output, answerOf(q.key, q.input))
        ? { ok: true }
        : { ok: false, kind: 'invalid', sentence: 'the proof is of something else' };
    },
  };
  return system;
}
