/** Compiles and proves in a worker of its own, loaded when somebody asks for it: the same library as on the command line. */
import { expose } from 'comlink';
import { compile } from '../compiler/compile.ts';
import { Refused } from '../protocol/refused.ts';
import { type OpenCircuit, openCircuit } from '../prover/index.ts';
import { type ChosenKernels, chooseKernels, type KernelOptions } from '../prover/kernels/index.ts';
import { pageThreads } from '../prover/kernels/wasm/start.ts';
import type { ProveService } from './messages.ts';
import { reason } from './remote.ts';

const MOST_THREADS = 4;

/** What to prove with, best first: a set that fails gives way to the next one, and the page says why. All give the same bytes. */
const SETS: readonly KernelOptions[] = [
  {
    threads: Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1)),
    start: pageThreads(() => new Worker(new URL('./thread.worker.ts', import.meta.url), { type: 'module', name: 'kernels' })),
  },
  { threads: 1 },
  { kind: 'reference' },
];

let set = 0;
let ready: { readonly chosen: ChosenKernels; readonly open: OpenCircuit } | null = null;
let failure: string | null = null;
let circuit: Uint8Array | null = null;
let stop = new AbortController();

/** The circuit, opened with the kernels of the current set. */
function begin(): { readonly chosen: ChosenKernels; readonly open: OpenCircuit } {
  if (circuit === null) throw new Error('no model was compiled');
  const chosen = chooseKernels(SETS[set]);
  return { chosen, open: openCircuit(circuit, { kernels: chosen.kernels }) };
}

/** Runs work with the best kernels that have not failed. */
async function withKernels<T>(work: (open: OpenCircuit, chosen: ChosenKernels) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      ready ??= begin();
      return await work(ready.open, ready.chosen);
    } catch (e) {
      const stopped = e instanceof DOMException && e.name === 'AbortError';
      if (stopped || e instanceof Refused || set + 1 === SETS.length) throw e;
      failure = `${ready?.chosen.kernels.name ?? 'the kernels'} failed (${reason(e)}), so slower ones are used`;
      ready?.chosen.close();
      ready = null;
      set++;
    }
  }
}

/** The one input of the model by its name. */
const named = (open: OpenCircuit, input: Float32Array): Record<string, Float32Array> => ({ [open.inputs[0]?.name ?? '']: input });

const service: ProveService = {
  async compile(model) {
    const started = performance.now();
    const compiled = await compile(model);
    const milliseconds = performance.now() - started;
    circuit = compiled.circuit;
    ready?.chosen.close();
    ready = null;
    // Threads start while somebody draws.
    await withKernels(async () => {});
    return { key: compiled.key, milliseconds };
  },
  answer: (input) =>
    withKernels(async (open) => {
      const started = performance.now();
      const { outputs } = open.run(named(open, input));
      return { outputs, milliseconds: performance.now() - started };
    }),
  async prove(input, onProgress) {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    try {
      return await withKernels(async (open, { kernels, note }) => {
        const started = performance.now();
        const { envelope } = await open.prove(named(open, input), { onProgress, signal });
        return { envelope, milliseconds: performance.now() - started, kernels: kernels.name, note: failure ?? note };
      });
    } catch (e) {
      if (signal.aborted) return null;
      throw e;
    }
  },
  stop: () => stop.abort(),
};

expose(service);
