/**
 * Proofs that must be refused, each by a named check: what fixtures/negatives holds. Most are an accepted envelope with a few bytes
 * changed; some are made by a prover that lies and does everything else right.
 *
 * Not here: V3, a challenge that happens to be zero (2^-124), and V13, which no ONNX model reaches yet (a public sum as output).
 */
import { concat } from '../protocol/bytes.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { P } from '../protocol/field.ts';
import type { Made } from './envelopes.ts';
import {
  bumped,
  envelope,
  falseOutput,
  falseShown,
  find,
  flip,
  limbs,
  otherCombination,
  otherWeights,
  proof,
  rekeyed,
  type Told,
  withByte,
} from './surgery.ts';

export interface Lie {
  readonly name: string;
  /** The accepted fixture it starts from. */
  readonly from: string;
  /** The check that refuses it; for a changed statement, one of those that see other challenges. */
  readonly codes: readonly string[];
  readonly what: string;
  readonly tell: (m: Made, all: ReadonlyMap<string, Made>) => Told | Promise<Told>;
}

const text = (t: string): Uint8Array => new TextEncoder().encode(t);
const half = (v: number): number => (v % 2 === 0 ? v / 2 : (v + P) / 2);

const STATEMENT = ['V4', 'C3', 'V2'];

export const LIES: readonly Lie[] = [
  {
    name: 'truncated',
    from: 'digits',
    codes: ['E1'],
    what: 'the last 100 bytes of the file are missing',
    tell: (m) => ({ envelope: m.envelope.slice(0, -100) }),
  },
  {
    name: 'trailing-byte',
    from: 'digits',
    codes: ['E1'],
    what: 'one byte follows the envelope',
    tell: (m) => ({ envelope: concat(m.envelope, Uint8Array.of(0)) }),
  },
  { name: 'magic', from: 'digits', codes: ['E2'], what: 'another magic', tell: (m) => ({ envelope: withByte(m.envelope, 0, flip) }) },
  {
    name: 'version-2',
    from: 'digits',
    codes: ['E2'],
    what: 'an envelope that says version 2',
    tell: (m) => ({ envelope: withByte(m.envelope, 4, () => 2) }),
  },
  {
    name: 'other-system',
    from: 'digits',
    codes: ['E2'],
    what: 'a proof that says it is of another proof system',
    tell: (m) => envelope(m, () => ({ system: 'ezkl-halo2-kzg-bn254-v1' })),
  },
  {
    name: 'other-profile',
    from: 'digits',
    codes: ['E2'],
    what: 'a proof that says it has the toy profile, for a key with S100',
    tell: (m) => envelope(m, () => ({ profile: 'toy' })),
  },
  {
    name: 'other-context',
    from: 'digits',
    codes: ['E3'],
    what: 'a good proof for order 1841, shown for order 1842',
    tell: (m) => ({ envelope: m.envelope, context: 'order 1842' }),
  },
  {
    name: 'no-context',
    from: 'digits',
    codes: ['E3'],
    what: 'a good proof for order 1841 where no context is expected',
    tell: (m) => ({ envelope: m.envelope, context: '' }),
  },
  {
    name: 'other-key',
    from: 'digits',
    codes: ['E3'],
    what: 'a good proof, checked with the key of another model',
    tell: (m, all) => ({ envelope: m.envelope, key: (all.get('mnist') as Made).key }),
  },
  {
    name: 'i0-proof-for-i1-key',
    from: 'digits',
    codes: ['E3'],
    what: 'a good proof of the same model in mode I0, for the key in mode I1',
    tell: (_, all) => ({ envelope: (all.get('digits-i0') as Made).envelope, context: '' }),
  },
  {
    name: 'other-model-id',
    from: 'digits',
    codes: ['E3'],
    what: 'a modelId that is not the vkHash, without a registry',
    tell: (m) => envelope(m, (e) => ({ modelId: withByte(e.modelId, 31, flip) })),
  },
  {
    name: 'input-dtype',
    from: 'digits',
    codes: ['E4'],
    what: 'the input says int8, with the same bytes',
    tell: (m) => envelope(m, (e) => ({ inputs: e.inputs.map((i) => withByte(i, 1, () => 0)) })),
  },
  {
    name: 'input-shape',
    from: 'digits',
    codes: ['E4'],
    what: 'the input says [8,8] instead of [64], with the same values',
    tell: (m) =>
      envelope(m, (e) => ({ inputs: [concat(Uint8Array.of(0, 1, 2, 8, 0, 0, 0, 8, 0, 0, 0), (e.inputs[0] as Uint8Array).subarray(7))] })),
  },
  {
    name: 'no-output',
    from: 'digits',
    codes: ['E4'],
    what: 'an envelope without outputs',
    tell: (m) => envelope(m, () => ({ outputs: [] })),
  },
  {
    name: 'input-public',
    from: 'digits-committed',
    codes: ['E4'],
    what: 'the input is shown where the key wants its commitment',
    tell: (m, all) => envelope(m, () => ({ inputs: decodeEnvelope((all.get('digits') as Made).envelope).inputs })),
  },
  {
    name: 'output-range',
    from: 'relu',
    codes: ['E5'],
    what: 'an output of 9, where the model gives 10 to 255',
    tell: (m) => envelope(m, (e) => ({ outputs: e.outputs.map((o) => withByte(o, -1, () => 9)) })),
  },
  {
    name: 'few-queries',
    from: 'digits',
    codes: ['E6'],
    what: 'a key with 60 queries, and an envelope made out to it',
    tell: (m) => rekeyed(m, { t: 60 }),
  },
  {
    name: 'no-circuit',
    from: 'digits-i0',
    codes: ['E6'],
    what: 'a key of mode I0 without the model',
    tell: (m) => ({ envelope: m.envelope, circuit: null }),
  },
  {
    name: 'other-circuit',
    from: 'digits-i0',
    codes: ['E6'],
    what: 'a key of mode I0 with the circuit of another key',
    tell: (m, all) => ({ envelope: m.envelope, circuit: (all.get('digits') as Made).circuit }),
  },
  {
    name: 'key-trailing-byte',
    from: 'digits',
    codes: ['key.format'],
    what: 'one byte follows the key',
    tell: (m) => ({ envelope: m.envelope, key: concat(m.key, Uint8Array.of(0)) }),
  },
  {
    name: 'proof-short',
    from: 'digits',
    codes: ['C1'],
    what: 'the proof body ends 32 bytes early, the envelope is whole',
    tell: (m) => proof(m, (b) => b.slice(0, -32)),
  },
  {
    name: 'proof-long',
    from: 'digits',
    codes: ['C4'],
    what: 'a byte follows the proof body, the envelope is whole',
    tell: (m) => proof(m, (b) => concat(b, Uint8Array.of(0))),
  },
  {
    name: 'limb-plus-p',
    from: 'digits',
    codes: ['C2'],
    what: 'a limb of a message is v + p instead of v',
    tell: (m) => limbs(m, 'roots', 0, 1, (v) => v + P),
  },
  {
    name: 'row-limb-plus-p',
    from: 'digits',
    codes: ['C2'],
    what: 'a limb of an opened row is v + p instead of v',
    tell: (m) => limbs(m, 'row of A', 0, 1, (v) => v + P),
  },
  {
    name: 'nonce',
    from: 'digits',
    codes: ['C3'],
    what: 'a nonce without its bits of work',
    tell: (m) => proof(m, (b) => withByte(b, find(m, 'grind.query').at, flip)),
  },
  {
    name: 'root-denominator-zero',
    from: 'digits',
    codes: ['V1'],
    what: 'the denominator of a fraction sum is zero',
    tell: (m) => limbs(m, 'roots', 4, 4, () => 0),
  },
  {
    name: 'root-numerator',
    from: 'digits',
    codes: ['V2'],
    what: 'the numerator of a fraction sum is changed',
    tell: (m) => bumped(m, 'roots'),
  },
  {
    name: 'false-output',
    from: 'digits',
    codes: ['V2'],
    what: 'a prover that publishes an output which is one too high, and proves everything else as it is',
    tell: falseOutput,
  },
  {
    name: 'forest-round',
    from: 'digits',
    codes: ['V4'],
    what: 'a round of the lookup argument is changed',
    tell: (m) => bumped(m, 'g3.1'),
  },
  {
    name: 'forest-mask',
    from: 'digits',
    codes: ['V4'],
    what: 'the values that end a level of the lookup argument are changed',
    tell: (m) => bumped(m, 'mask2'),
  },
  {
    name: 'other-input',
    from: 'digits',
    codes: STATEMENT,
    what: 'one pixel of the input in the envelope is changed',
    tell: (m) => envelope(m, (e) => ({ inputs: e.inputs.map((i) => withByte(i, 20, flip)) })),
  },
  {
    name: 'other-output',
    from: 'digits',
    codes: STATEMENT,
    what: 'one output in the envelope is changed',
    tell: (m) => envelope(m, (e) => ({ outputs: e.outputs.map((o) => withByte(o, 10, flip)) })),
  },
  {
    name: 'context-rewritten',
    from: 'digits',
    codes: STATEMENT,
    what: 'a good proof for order 1841 whose envelope was made out to order 1842',
    tell: (m) => ({ ...envelope(m, () => ({ context: text('order 1842') })), context: 'order 1842' }),
  },
  { name: 'segment-value', from: 'digits', codes: ['V5'], what: 'an opened accumulator is changed', tell: (m) => bumped(m, 'segs') },
  {
    name: 'contraction-end',
    from: 'digits',
    codes: ['V6'],
    what: 'the value of a weight at the end of a matrix product is changed',
    tell: (m) => bumped(m, 'A.end'),
  },
  {
    name: 'window-end',
    from: 'mnist',
    codes: ['V7'],
    what: 'the value of an image at the end of a window sum is changed',
    tell: (m) => bumped(m, 'B.end'),
  },
  {
    name: 'weight-and-input-scaled',
    from: 'digits-i0',
    codes: ['V8'],
    what: 'at the end of a matrix product the weight is doubled and the input halved: the product stays, the weight is not the model’s',
    tell: (m) => limbs(m, 'A.end', 0, 8, (v, i) => (i < 4 ? (2 * v) % P : half(v))),
  },
  {
    name: 'shown-value',
    from: 'mnist-shown',
    codes: ['V6'],
    what: 'a prover that shows an accumulator which is one too high, and goes on from it',
    tell: falseShown,
  },
  {
    name: 'shown-width',
    from: 'mnist-shown',
    codes: ['R1'],
    what: 'the values shown of a tensor do not have their shortest encoding',
    tell: (m) => proof(m, (b) => withByte(b, find(m, 'reveal').at + 2, (v) => v | 0xf0)),
  },
  {
    name: 'shown-output',
    from: 'mnist-shown',
    codes: ['V14'],
    what: 'one output in the envelope is not what the accumulators shown give',
    tell: (m) => envelope(m, (e) => ({ outputs: e.outputs.map((o) => withByte(o, 10, flip)) })),
  },
  { name: 'opening-round', from: 'digits', codes: ['V9'], what: 'a round of the opening is changed', tell: (m) => bumped(m, 'O.r0') },
  {
    name: 'column-value',
    from: 'digits',
    codes: ['V9'],
    what: 'the value of a committed column is changed',
    tell: (m) => bumped(m, 'O.u'),
  },
  { name: 'combination', from: 'digits', codes: ['V10'], what: 'the combined column is changed', tell: (m) => bumped(m, 'O.G', 5) },
  {
    name: 'row',
    from: 'digits',
    codes: ['V11'],
    what: 'an opened row is changed',
    tell: (m) => limbs(m, 'row of A', 0, 1, (v) => (v + 1) % P),
  },
  {
    name: 'path',
    from: 'digits',
    codes: ['V11'],
    what: 'the last sibling of a Merkle path is changed by one bit',
    tell: (m) => proof(m, (b) => withByte(b, find(m, 'siblings', -1).at, flip)),
  },
  {
    name: 'other-weights',
    from: 'digits',
    codes: ['V11'],
    what: 'another model of the same shape, proven honestly, under the hash of this key',
    tell: otherWeights,
  },
  {
    name: 'other-combination',
    from: 'digits',
    codes: ['V12'],
    what: 'a prover that sends another combined column with the right value, and does the work and the openings for it',
    tell: otherCombination,
  },
];
