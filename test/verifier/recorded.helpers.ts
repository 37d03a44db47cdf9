import { readFileSync } from 'node:fs';

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/envelopes/${file}`));

/** A proof of the fixtures that is accepted, its key, and the proof with its last byte changed: a sibling of the last path. */
export function recordedProof(): { proof: Uint8Array; key: Uint8Array; changed: Uint8Array } {
  const proof = read('mnist.proof');
  const changed = proof.slice();
  changed.set([(changed[changed.length - 1] as number) ^ 1], changed.length - 1);
  return { proof, key: read('mnist.key'), changed };
}
