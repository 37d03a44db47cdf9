/** Checks (docs/protocol.md §13) and what verdicts rest on, in words. */
import type { RefusedVerdict } from '../verifier/index.ts';

/** `proof`: this file proves nothing. `fit`: it may be good, for somebody who expects something else. `key`: the key cannot be used. */
export type About = 'proof' | 'fit' | 'key';

export interface CheckWords {
  readonly about: About;
  /** What must hold. */
  readonly rule: string;
}

const CHECKS: Readonly<Record<string, CheckWords>> = {
  E1: { about: 'proof', rule: 'The file is whole, and nothing follows its end.' },
  E2: { about: 'proof', rule: 'The file says the format that this verifier reads, and the proof system and profile of the key.' },
  E3: { about: 'fit', rule: 'Key, model and context named in the proof are those you expect.' },
  E4: { about: 'proof', rule: 'Inputs and outputs have the number, type and shape that the key says.' },
  E5: { about: 'proof', rule: 'Every value lies in the range that the key says.' },
  E6: { about: 'key', rule: 'The key meets the conditions under which a proof means something.' },
  C1: { about: 'proof', rule: 'The proof has all that the key asks for.' },
  C2: { about: 'proof', rule: 'Every number is written in its one form, below the modulus.' },
  C3: { about: 'proof', rule: 'The prover did the work that makes trying again expensive.' },
  C4: { about: 'proof', rule: 'The proof ends where the key says it ends.' },
  V1: { about: 'proof', rule: 'No fraction of the lookup argument has denominator zero.' },
  V2: { about: 'proof', rule: 'What the network looked up, and the tables it may look up in, have the same sum.' },
  V3: { about: 'proof', rule: 'No challenge of the lookup argument is zero.' },
  V4: {
    about: 'proof',
    rule: 'Every level of the lookup argument follows from the level above, for exactly this input, output and context.',
  },
  V5: { about: 'proof', rule: 'The lookups at the bottom are those of the values the layers have.' },
  V6: { about: 'proof', rule: 'Every accumulator is the product of the weights and the inputs of its layer.' },
  V7: { about: 'proof', rule: 'Every window of a convolution or pooling reads the image it should.' },
  V7c: { about: 'proof', rule: 'A moved value is the one it was moved from.' },
  V8: { about: 'proof', rule: 'What the proof says of public values is what they are.' },
  V9: { about: 'proof', rule: 'The values the layers used are those of the committed columns.' },
  V10: { about: 'proof', rule: 'The combined column has the combined value.' },
  V11: { about: 'proof', rule: 'The opened rows lead to the commitments: that of the model in the key, and that of the computation.' },
  V12: { about: 'proof', rule: 'The opened rows combine to the combined column.' },
  V13: { about: 'proof', rule: 'A public sum is the sum of its terms.' },
  V14: { about: 'proof', rule: 'An output that the verifier computes is what the values shown in the proof give.' },
  R1: { about: 'proof', rule: 'Every value shown in the proof lies within its bounds.' },
  G1: { about: 'proof', rule: 'Every point of the proof lies on its curve, and none is the point at infinity.' },
  G2: { about: 'proof', rule: 'Every point of the proof lies in the group of the right order.' },
  G3: { about: 'proof', rule: 'The pairing equation holds for exactly this input, output and context.' },
  Z1: { about: 'proof', rule: 'EZKL’s own verifier accepts the proof for exactly this input and output, with what the key holds.' },
  Z2: { about: 'proof', rule: 'EZKL’s own verifier comes to its end, as it does with every proof that EZKL makes.' },
};

const KEY_FILE: CheckWords = { about: 'key', rule: 'The key file can be read.' };
const CIRCUIT_FILE: CheckWords = { about: 'key', rule: 'The circuit file can be read.' };
const UNKNOWN: CheckWords = { about: 'proof', rule: 'A check of this verifier.' };

export function checkWords(code: string): CheckWords {
  if (code.startsWith('key.')) return KEY_FILE;
  if (code.startsWith('circuit.')) return CIRCUIT_FILE;
  return CHECKS[code] ?? UNKNOWN;
}

/** What a refusal means, and what it does not. */
export function meaning({ code, detail }: RefusedVerdict): string {
  const { about } = checkWords(code);
  if (about === 'key') return 'Nothing is said about the proof: what you gave to check it with cannot be used.';
  if (detail.bindsContext === false)
    return 'The proof may be good, but its proof system binds none to a context. If you expect none, leave “Context” empty.';
  if (about === 'fit')
    return detail.field === 'context'
      ? 'The proof may be good, bound to something else than you expect. If you know what it should be bound to, say so under “Context”.'
      : 'The proof may be good, for another key than yours. It says nothing under this one.';
  return 'This file proves nothing under this key. It may be damaged, made for something else, or forged: a check does not tell these apart.';
}
