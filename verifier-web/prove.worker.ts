/** Compiles and proves in a worker of its own, loaded when somebody asks for it: the same library as on the command line. */
import { expose } from 'comlink';
import { compile } from '../compiler/compile.ts';
import { describeInputs, prove, run } from '../prover/index.ts';
import type { ProveService } from './messages.ts';

let circuit: Uint8Array | null = null;
let inputName = '';
let stop = new AbortController();

function held(): Uint8Array {
  if (circuit === null) throw new Error('no model was compiled');
  return circuit;
}

async function timed<T>(work: () => T | Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  return [await work(), performance.now() - started];
}

const service: ProveService = {
  async compile(model) {
    const [compiled, milliseconds] = await timed(() => compile(model));
    circuit = compiled.circuit;
    inputName = describeInputs(circuit)[0]?.name ?? '';
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
      const [{ envelope }, milliseconds] = await timed(() => prove(held(), { [inputName]: input }, { onProgress, signal }));
      return { envelope, milliseconds };
    } catch (e) {
      if (signal.aborted) return null;
      throw e;
    }
  },
  stop: () => stop.abort(),
};

expose(service);
