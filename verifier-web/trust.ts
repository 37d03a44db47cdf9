/**
 * What an accepted verdict rests on, in words: read off `trust` and the statement, the same for every proof system. Nothing here decides a
 * verdict; a key whose maker can forge makes it worth nothing to others, and that comes first.
 */
import { SETUP_WORDS, type SetUp, type Trust } from '../protocol/trust.ts';
import type { Accepted } from '../verifier/index.ts';
import { sentence } from './format.ts';

/** Whether somebody can forge proofs under the key: whoever made its set-up. */
export const isForgeable = ({ trust }: Pick<Accepted, 'trust'>): boolean => trust.setup === 'insecure-dev';

export interface Ground {
  readonly id: 'setup' | 'security' | 'secrecy' | 'context' | 'assumption';
  readonly term: string;
  /** The answer in a few words. */
  readonly word: string;
  readonly why: string;
  /** `bad`: it takes the worth from the verdict. `mind`: a reader must not overlook it. */
  readonly tone: 'plain' | 'mind' | 'bad';
}

const SETUPS: Readonly<Record<SetUp, string>> = {
  transparent: 'Transparent',
  universal: 'Universal',
  circuit: 'For this circuit',
  'insecure-dev': 'Insecure, for development',
};

const bits = (n: number): string => `${Number.isInteger(n) ? n : n.toFixed(1)} bits`;

function security({ securityBits, security: how }: Trust): Pick<Ground, 'word' | 'why' | 'tone'> {
  if (securityBits <= 0) return { word: 'None', why: 'A false statement costs whoever made the set-up nothing.', tone: 'bad' };
  return how === 'proven'
    ? { word: `${bits(securityBits)}, proven`, why: 'A bound that is proven, with nothing assumed but what stands below.', tone: 'plain' }
    : { word: `${bits(securityBits)}, estimated`, why: 'What the best known attack would cost. A better one may be found.', tone: 'plain' };
}

function secrecy({ zeroKnowledge, hidden }: Trust): Pick<Ground, 'word' | 'why' | 'tone'> {
  if (!zeroKnowledge)
    return {
      word: 'Not zero-knowledge',
      why: 'The proof shows values between the layers, and tells something of the weights.',
      tone: 'plain',
    };
  const shown = (['input', 'output'] as const).filter((side) => !hidden.includes(side)).join(' and ');
  const seen = shown === '' ? 'commitments alone' : `the ${shown}`;
  return {
    word: hidden.length === 0 ? 'Zero-knowledge' : `Zero-knowledge, hides the ${hidden.join(' and ')}`,
    why: `The proof tells nothing but its statement, which shows ${seen}.`,
    tone: 'plain',
  };
}

function context({ trust: { bindsContext }, context: given }: Accepted): Pick<Ground, 'word' | 'why' | 'tone'> {
  if (!bindsContext)
    return {
      word: 'Not bound to a context',
      why: 'The same proof can be shown to anybody as an answer to anything.',
      tone: 'mind',
    };
  return given.length > 0
    ? { word: 'Bound to its context', why: 'Under another context this proof is refused.', tone: 'plain' }
    : { word: 'Bound to the empty context', why: 'It was made for nobody and nothing in particular.', tone: 'plain' };
}

/** The grounds of a verdict, in the order a reader needs them. */
export function groundsOf(verdict: Accepted): Ground[] {
  const { trust } = verdict;
  return [
    {
      id: 'setup',
      term: 'Set-up',
      word: SETUPS[trust.setup],
      why: SETUP_WORDS[trust.setup],
      tone: isForgeable(verdict) ? 'bad' : 'plain',
    },
    { id: 'security', term: 'Security', ...security(trust) },
    { id: 'secrecy', term: 'Secrecy', ...secrecy(trust) },
    { id: 'context', term: 'Context', ...context(verdict) },
    { id: 'assumption', term: 'Assumption', word: sentence(trust.assumption), why: 'If it fails, so does the verdict.', tone: 'plain' },
  ];
}

/** The first figure of a verdict: its bits, and whether anybody proved them. */
export const bitsInWords = ({ securityBits, security: how }: Trust): readonly [figure: string, how: string] =>
  securityBits <= 0 ? ['none', ''] : [bits(securityBits), how];

type Stated = Accepted['inputs'][number] | Accepted['proven'][number];
const committed = (list: readonly Stated[]): boolean => list.some((t) => 'root' in t);

/** What was proven, in one sentence. */
export function claimOf({ inputs, proven }: Pick<Accepted, 'inputs' | 'proven'>): string {
  const [i, o] = [committed(inputs), committed(proven)];
  if (i && o) return 'The network of this key maps an input to an output, neither of which the proof shows';
  if (i) return 'The network of this key maps an input that the proof does not show to exactly this output';
  return `The network of this key maps exactly this input to ${o ? 'an output that the proof does not show' : 'this output'}`;
}

/** Words on what the statement of a proof system is about, where it is not simply the integers that the network computes with. */
export interface StatementWords {
  readonly proven: string;
  readonly notChecked: string;
}
const STATEMENTS: Readonly<Record<string, StatementWords>> = {
  'ezkl-halo2-kzg-bn254-v1': {
    proven:
      'Inputs and outputs are fixed-point integers: a number times 2ˢ, with the scale s that the key gives for it, computed by EZKL’s own circuit.',
    notChecked: 'How near that comes to the float model, and how a number was rounded to its integer.',
  },
};
export const statementWords = (system: string): StatementWords | null =>
  Object.hasOwn(STATEMENTS, system) ? (STATEMENTS[system] as StatementWords) : null;
