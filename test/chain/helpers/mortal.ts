/** The test system with proofs that kill whoever verifies them: outside of a thread of its own, such a question is a failure of the test. */
import type { ProofSystem } from '../../../chain/systems/system.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { testSystem } from './hash-system.ts';

export const DEATHS = ['exit', 'hog', 'deep', 'throw'] as const;
export type Death = (typeof DEATHS)[number];

/** A proof of 32 bytes that says how its verifier dies. */
export const deadly = (death: Death, n = 0): Uint8Array => {
  const proof = new Uint8Array(32).fill(n);
  proof.set(ascii(`${death}:`));
  return proof;
};

const deathIn = (proof: Uint8Array): Death | undefined => DEATHS.find((death) => ascii(`${death}:`).every((b, i) => proof[i] === b));

export const mortalSystem = (die: (death: Death) => never): ProofSystem => {
  const system = testSystem();
  return {
    ...system,
    verify(question) {
      const death = deathIn(question.proof);
      return death === undefined ? system.verify(question) : die(death);
    },
  };
};
