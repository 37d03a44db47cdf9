/** Accepted proofs with their keys: what fixtures/envelopes holds. Deterministic: the same sources give the same bytes. */
import { existsSync, readFileSync } from 'node:fs';
import type { CompileOptions, NamedInputs } from '../index.ts';
import { compile, prove } from '../index.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { recorded } from './recorded.ts';
import { reluModel } from './relu-model.ts';

export interface Source {
  /** The files are `<name>.key`, `<name>.proof`, and with mode I0 `<name>.circuit`. */
  readonly name: string;
  readonly what: string;
  readonly model: () => Uint8Array;
  readonly input: () => NamedInputs;
  readonly options: CompileOptions;
  readonly context?: string;
}

export interface Made extends Source {
  readonly key: Uint8Array;
  readonly circuit: Uint8Array;
  readonly envelope: Uint8Array;
}

const of = (name: string): Pick<Source, 'model' | 'input'> => ({
  model: () => recorded(name).model,
  input: () => recorded(name).inputs(0),
});

/** Everything looked up and committed, so that every check of the protocol has something to refuse. */
const COMMITTED: CompileOptions = { reveal: false };

export const SOURCES: readonly Source[] = [
  {
    name: 'digits',
    what: 'digits-mlp.qop-pt, input 0, mode I1, bound to a context',
    ...of('digits-mlp.qop-pt'),
    options: COMMITTED,
    context: 'order 1841',
  },
  { name: 'digits-channels', what: 'digits-mlp.qop, one scale a channel, input 0, mode I1', ...of('digits-mlp.qop'), options: COMMITTED },
  { name: 'digits-i0', what: 'digits-mlp.qop-pt, input 0, mode I0', ...of('digits-mlp.qop-pt'), options: { ...COMMITTED, mode: 'I0' } },
  {
    name: 'digits-committed',
    what: 'digits-mlp.qop-pt, input 0, mode I1, committed input',
    ...of('digits-mlp.qop-pt'),
    options: { ...COMMITTED, committedInput: true },
  },
  { name: 'mnist', what: 'mnist-cnn.qop-pt, input 0, mode I1', ...of('mnist-cnn.qop-pt'), options: COMMITTED },
  {
    name: 'relu',
    what: 'relu.onnx, a model whose outputs are 10 to 255, mode I1',
    model: reluModel,
    input: () => ({ x: Uint8Array.from({ length: 16 }, (_, i) => (i * 53) % 256) }),
    options: COMMITTED,
  },
  {
    name: 'mnist-shown',
    what: 'mnist-cnn.qop, input 0, mode I1, as it compiles: accumulators are shown',
    ...of('mnist-cnn.qop'),
    options: {},
  },
];

export async function make(source: Source): Promise<Made> {
  const { circuit, key } = await compile(source.model(), source.options);
  const context = source.context === undefined ? undefined : new TextEncoder().encode(source.context);
  const { envelope } = await prove(circuit, source.input(), { context });
  return { ...source, key, circuit, envelope };
}

/** The keys that compiling now does not give again, and the proofs that proving now does not. */
export async function checkKeys(folder = 'fixtures/envelopes'): Promise<string[]> {
  const wrong: string[] = [];
  for (const source of SOURCES) {
    const made = await make(source);
    for (const [extension, bytes] of [
      ['key', made.key],
      ['proof', made.envelope],
    ] as const) {
      const path = `${folder}/${source.name}.${extension}`;
      if (!existsSync(path) || !equalBytes(readFileSync(path), bytes))
        wrong.push(`${path} is not made again: run npm run fixtures and review`);
    }
  }
  return wrong;
}
