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

/** The native system: nothing to set up, nothing hidden, and bits that are the sum of a ledger. */
export const nativeTrust = (securityBits: number): Trust => ({
  setup: 'transparent',
  zeroKnowledge: false,
  hidden: [],
  bindsContext: true,
  securityBits,
  security: 'proven',
  assumption: 'BLAKE3 behaves as a random oracle',
});

/** One plain sentence for each kind of set-up. */
export const SETUP_WORDS: Readonly<Record<SetUp, string>> = {
  transparent: 'No set-up: nobody holds a secret that could forge.',
  universal: 'One public ceremony for all circuits: sound as long as one of its many contributors forgot their secret.',
  circuit: 'Powers of tau, then a ceremony for this circuit alone: sound as long as one contributor of each forgot their secret.',
  'insecure-dev': 'INSECURE: made for development. Whoever made the set-up can prove what is false.',
};

/** The trust of a verdict as lines of `name: value`, for whoever prints artefacts. */
export const trustFields = (t: Trust): Readonly<Record<string, unknown>> => ({
  setup: `${t.setup}. ${SETUP_WORDS[t.setup]}`,
  zeroKnowledge: t.zeroKnowledge,
  hidden: t.hidden.length === 0 ? 'nothing' : t.hidden.join(' and '),
  bindsContext: t.bindsContext,
  security: `${t.securityBits.toFixed(1)} bits, ${t.security}`,
  assumption: t.assumption,
});

/** What whoever has a proof learns from it. `committed`: the statement shows a commitment to the input, which need not hide it. */
export function learnt({ zeroKnowledge, hidden }: Trust, committed = false): string {
  const shown = (['input', 'output'] as const).filter((side) => !hidden.includes(side));
  const said = committed && !hidden.includes('input') ? 'output (the commitment to the input does not hide it)' : shown.join(' and ');
  if (zeroKnowledge)
    return shown.length === 0 ? 'commitments alone: it is zero knowledge' : `its ${said}, and no more: it is zero knowledge`;
  return `its ${said}, values in between, and something of the weights; it is not zero knowledge`;
}
