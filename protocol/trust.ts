/**
 * What a verdict rests on, for people: the words that go with a proof system (protocol §11.4). Nothing here decides a verdict.
 */

/** `transparent`: none. `universal`: one ceremony for all circuits. `circuit`: one a circuit. `insecure-dev`: whoever made it can forge. */
export type SetUp = 'transparent' | 'universal' | 'circuit' | 'insecure-dev';

export interface Trust {
  readonly setup: SetUp;
  /** Whether a proof tells nothing but its statement. */
  readonly zeroKnowledge: boolean;
  /** What the statement shows only a commitment to. */
  readonly hidden: readonly ('input' | 'output')[];
  /** Whether the proof is made for its context, or could be shown under any. */
  readonly bindsContext: boolean;
  readonly securityBits: number;
  /** `proven`: a bound in the random oracle model. `estimated`: the best known attack on the assumption. */
  readonly security: 'proven' | 'estimated';
  readonly assumption: string;
}

export const NATIVE_ASSUMPTION = 'BLAKE3 behaves as a random oracle';
