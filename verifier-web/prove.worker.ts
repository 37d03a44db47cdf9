/** Compiles and proves in a worker of its own, loaded when somebody asks for it: the same library as on the command line. */
import { expose } from 'comlink';
import { compile } from '../compiler/compile.ts';
import { Refused } from '../protocol/refused.ts';
import { describeInputs, type ProveOptions, prove, run } from '../prover/index.ts';
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
let chosen: ChosenKernels | null = null;
let failure: string | null = null;
let circuit: Uint8Array | null = null;
let inputName = '';
let stop = new AbortController();

/** Runs work with the best kernels that have not failed. */
async function withKernels<T>(work: (kernels: ChosenKernels) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      chosen ??= chooseKernels(SETS[set]);
      return await work(chosen);
    } catch (e) {
      if (e instanceof Refused || stop.signal.aborted || set + 1 === SETS.length) throw e;
      failure = `${chosen?.kernels.name ?? 'the kernels'} failed (${reason(e)}), so slower ones are used`;
      chosen?.close();
      chosen = null;
      set++;
    }
  }
}

function held(): Uint8Array {
  if (circuit === null) throw new Error('no model was compiled');
  return circuit;
}

const service: ProveService = {
  async compile(model) {
    const started = performance.now();
    const compiled = await compile(model);
    const milliseconds = performance.now() - started;
    circuit = compiled.circuit;
    inputName = describeInputs(circuit)[0]?.name ?? '';
    // Threads start while somebody draws.
    await withKernels(async () => {});
    return { key: compiled.key, milliseconds };
  },
  answer(input) {
    const started = performance.now();
    const { outputs } = run(held(), { [inputName]: input });
    return { outputs, milliseconds: performance.now() - started };
  },
  async prove(input, onProgress) {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    try {
      return await withKernels(async ({ kernels, note }) => {
        const started = performance.now();
        const options: ProveOptions = { kernels, onProgress, signal };
        const { envelope } = await prove(held(), { [inputName]: input }, options);
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
