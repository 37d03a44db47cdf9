/** What a groth16 verdict rests on. */

import type { Trust } from '../../protocol/trust.ts';
import type { Groth16Key } from './key.ts';

/** Bits of BN254: the best known attack on its pairing (Barbulescu and Duquesne, J. Cryptology 2019). */
const BITS = 100;

export function groth16Trust(key: Pick<Groth16Key, 'setup' | 'inputs' | 'outputs'>): Trust {
  const secure = key.setup === 'circuit';
  return {
    setup: key.setup,
    zeroKnowledge: true,
    hidden: [
      ...(key.inputs.some((p) => p.hidden) ? (['input'] as const) : []),
      ...(key.outputs.some((p) => p.hidden) ? (['output'] as const) : []),
    ],
    bindsContext: true,
    securityBits: secure ? BITS : 0,
    security: 'estimated',
    assumption: secure
      ? 'one contributor to the powers of tau and one to the ceremony of the circuit have forgotten their secrets; generic group of BN254'
      : 'whoever made the key forgets its secret: it was made for development, and they can forge',
  };
}
