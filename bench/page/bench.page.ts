/** Starts a worker for a task and hands over its answer; the benchmark calls `ask` from outside. */
import type { Answer, Order } from './order.ts';

// Each is named in full: so the bundler finds them.
const start = {
  prove: () => new Worker(new URL('./prove.worker.ts', import.meta.url), { type: 'module' }),
  verify: () => new Worker(new URL('./verify.worker.ts', import.meta.url), { type: 'module' }),
  headers: () => new Worker(new URL('./headers.worker.ts', import.meta.url), { type: 'module' }),
};

function ask(order: Order): Promise<Answer> {
  const worker = start[order.task]();
  return new Promise<Answer>((done, fail) => {
    worker.onmessage = ({ data }) => ('error' in data ? fail(new Error(data.error)) : done(data.answer));
    worker.onerror = (e) => fail(new Error(e.message || 'the worker did not load'));
    worker.postMessage(order);
  }).finally(() => worker.terminate());
}

Object.assign(globalThis, { ask });
