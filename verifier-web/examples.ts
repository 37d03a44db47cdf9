/** What the page ships to try: proofs and keys of `fixtures/`, copied beside it when it is built. */

export interface Example {
  /** In the address: `?example=id`. */
  readonly id: string;
  readonly title: string;
  readonly what: string;
  /** `forgeable`: accepted, under a key for development. */
  readonly expect: 'accepted' | 'forgeable' | 'refused';
  /** Files of `fixtures/`; the page finds them under `examples/`, without their folder. */
  readonly files: readonly string[];
  readonly context?: string;
}

const digits = ['envelopes/digits.key'] as const;
const order = 'order 1841';

export const EXAMPLES: readonly Example[] = [
  {
    id: 'mnist',
    title: 'A handwritten digit',
    what: 'two convolutions, 28 × 28 pixels',
    expect: 'accepted',
    files: ['envelopes/mnist.proof', 'envelopes/mnist.key'],
  },
  {
    id: 'digits',
    title: 'Bound to an order',
    what: 'a small digit, proven for one context',
    expect: 'accepted',
    files: ['envelopes/digits.proof', ...digits],
    context: order,
  },
  {
    id: 'digits-committed',
    title: 'A committed input',
    what: 'the proof shows a root instead of the picture',
    expect: 'accepted',
    files: ['envelopes/digits-committed.proof', 'envelopes/digits-committed.key'],
  },
  {
    id: 'digits-i0',
    title: 'With the model at hand',
    what: 'mode I0: proof, key and circuit',
    expect: 'accepted',
    files: ['envelopes/digits-i0.proof', 'envelopes/digits-i0.key', 'envelopes/digits-i0.circuit'],
  },
  {
    id: 'groth16',
    title: 'Another proof system',
    what: 'groth16: a proof of 256 bytes, under a key for development',
    expect: 'forgeable',
    files: ['groth16/digits.proof', 'groth16/digits.key'],
    context: order,
  },
  {
    id: 'groth16-private',
    title: 'Input and output hidden',
    what: 'groth16: zero-knowledge, with a salted commitment',
    expect: 'forgeable',
    files: ['groth16/digits-private.proof', 'groth16/digits-private.key'],
  },
  {
    id: 'ezkl',
    title: 'Made with EZKL',
    what: 'loads EZKL’s own verifier: 10 MB, kept for the next time',
    expect: 'forgeable',
    files: ['ezkl/mlp.proof', 'ezkl/mlp.key'],
  },
  {
    id: 'false-output',
    title: 'A prover that lies',
    what: 'one output too high, the rest as it is',
    expect: 'refused',
    files: ['negatives/false-output.proof', ...digits],
    context: order,
  },
  {
    id: 'other-weights',
    title: 'Another model',
    what: 'proven honestly, under the name of this one',
    expect: 'refused',
    files: ['negatives/other-weights.proof', ...digits],
    context: order,
  },
  {
    id: 'row',
    title: 'One number changed',
    what: 'in a row that the proof opens',
    expect: 'refused',
    files: ['negatives/row.proof', ...digits],
    context: order,
  },
  {
    id: 'context-rewritten',
    title: 'Readdressed',
    what: 'a good proof, made out to another order',
    expect: 'refused',
    files: ['negatives/context-rewritten.proof', ...digits],
    context: 'order 1842',
  },
];

/** The model of "prove here". */
export const MODEL = 'models/mnist-cnn.qop-pt/model.onnx';

/** Where the page finds a file of `fixtures/`. Those of other proof systems keep their folder in their names, as they may share the rest. */
export function shipped(file: string): string {
  const [folder, name] = [file.slice(0, file.indexOf('/')), file.slice(file.indexOf('/') + 1)];
  if (folder === 'models') return 'examples/mnist-cnn.qop-pt.onnx';
  return `examples/${folder === 'envelopes' || folder === 'negatives' ? '' : `${folder}-`}${name}`;
}
