/** A proof system that costs nothing: a proof is the hash of everything it proves. For tests of the ledger around it. */
import { sha256 } from '@noble/hashes/sha2.js';
import { Rejected } from '../../../chain/codes.ts';
import { proofSystemId } from '../../../chain/identities.ts';
import type { ProofQuestion, ProofSystem } from '../../../chain/systems/system.ts';
import { ascii, concat, equalBytes } from '../../../protocol/bytes.ts';

const part = (name: string, key: Uint8Array): Uint8Array => sha256(concat(ascii(name), key));

/** A key of this system: its name, gas and longest proof as text. */
export const testKey = (name = 'a', vgas = 1000, cap = 64): Uint8Array => ascii(`TEST ${name} ${vgas} ${cap}`);

export const testProof = ({ key, input, output, context }: Omit<ProofQuestion, 'proof'>): Uint8Array =>
  sha256(concat(sha256(key), sha256(input), sha256(output), context));

/** `bindsContext` false: the proof is the same for everybody, as EZKL's are. */
export function testSystem({
  name = 'test-v1',
  bindsContext = true,
  hidesTensors = false,
}: {
  name?: string;
  bindsContext?: boolean;
  hidesTensors?: boolean;
} = {}): ProofSystem {
  return {
    name,
    id: proofSystemId(name),
    bindsContext,
    hidesTensors,
    setup: 1,
    proofCap: 1000,
    parseKey(key) {
      const m = /^TEST ([a-z]+) ([0-9]+) ([0-9]+)$/.exec(new TextDecoder().decode(key));
      if (m === null) throw new Rejected('E_KEY_BYTES', 'no test key');
      return {
        vkHash: part('vk', key),
        circuitHash: part('circuit', key),
        modelHash: part('model', key),
        zkRoot: part('root', key),
        vgas: BigInt(m[2] as string),
        proofCap: Number(m[3]),
      };
    },
    verify(q) {
      if (q.proof.length !== 32) return { ok: false, kind: 'shape', sentence: `${q.proof.length} bytes, a test proof has 32` };
      const wanted = testProof(bindsContext ? q : { ...q, context: new Uint8Array(32) });
      return equalBytes(q.proof, wanted) ? { ok: true } : { ok: false, kind: 'invalid', sentence: 'another hash' };
    },
  };
}
