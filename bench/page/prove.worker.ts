/** Proves in a worker of the page. */
import { pageThreads } from '../../prover/kernels/wasm/start.ts';
import { type Artefacts, proveRounds } from '../rounds.ts';
import type { ProveOrder } from './order.ts';
import { bytes, file, serve } from './worker.ts';

const start = pageThreads(() => new Worker(new URL('./thread.worker.ts', import.meta.url), { type: 'module' }));

serve<ProveOrder>(async ({ ways, limits }) => {
  const given = (await (await file('given.json')).json()) as Pick<Artefacts, 'digest' | 'inputs'>;
  return proveRounds({ ...given, circuit: await bytes('circuit') }, ways, limits, start);
});
