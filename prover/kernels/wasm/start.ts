/** How threads begin: workers of Node, and what a worker of a page runs. */
import { serve, type ThreadStart, type ThreadStarter } from './threads.ts';

interface NodeWorker {
  on(event: 'error', listener: (e: unknown) => void): void;
  unref(): void;
  terminate(): Promise<number>;
}
interface NodeProcess {
  getBuiltinModule?(name: string): { Worker: new (text: string, options: { eval: true; workerData: ThreadStart }) => NodeWorker };
}

/** Starts worker threads of Node, which do not keep the process alive; null elsewhere. */
export function nodeThreads(): ThreadStarter | null {
  const process = (globalThis as { process?: NodeProcess }).process;
  if (typeof process?.getBuiltinModule !== 'function') return null;
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  return (start, failed) => {
    // As text: it names nothing outside itself, so it runs whether this file is source or built.
    const worker = new Worker(`(${serve})(require('node:worker_threads').workerData)`, { eval: true, workerData: start });
    worker.on('error', failed);
    worker.unref();
    return () => void worker.terminate();
  };
}

interface PageWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(type: string, listener: (event: unknown) => void): void;
}

/** Starts workers of a page or of another worker; `spawn` makes one that calls `servePageThread` (a module worker of the caller's). */
export function pageThreads(spawn: () => PageWorker): ThreadStarter {
  return (start, failed) => {
    const worker = spawn();
    worker.addEventListener('error', (event) => {
      const { message = 'it did not load' } = event as { readonly message?: string };
      failed(new Error(`a thread of the kernels failed: ${message}`));
    });
    worker.postMessage(start);
    return () => worker.terminate();
  };
}

/** The whole of a page thread's module: waits for its start and serves until it is ended. */
export function servePageThread(): void {
  const scope = globalThis as unknown as { onmessage: ((e: { data: ThreadStart }) => void) | null };
  scope.onmessage = ({ data }) => {
    scope.onmessage = null;
    serve(data);
  };
}
