/** Which kernels a prover takes: WebAssembly where it runs, else the reference, and what there is to say about it. */
import { unsupported } from '../../wasm/module.ts';
import type { Kernels } from './kernels.ts';
import { reference } from './reference/index.ts';
import { wasmKernels } from './wasm/index.ts';
import { nodeThreads } from './wasm/start.ts';
import type { ThreadStarter } from './wasm/threads.ts';

export interface KernelOptions {
  /** `auto` (the default) takes WebAssembly where it runs; `wasm` refuses to go without it. */
  readonly kind?: 'auto' | 'wasm' | 'reference' | undefined;
  /** Threads in all; default 1. More than one wants shared memory: in a page, cross-origin isolation. */
  readonly threads?: number | undefined;
  /** Starts a thread; default: worker threads of Node. */
  readonly start?: ThreadStarter | undefined;
}

export interface ChosenKernels {
  readonly kernels: Kernels;
  /** Why they are not what was asked for; null where they are. */
  readonly note: string | null;
  /** Ends the threads. */
  close(): void;
}

/** Why threads cannot share memory here; null where they can. */
function noThreads(start: ThreadStarter | null): string | null {
  if (start === null) return 'this machine starts no threads';
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  if (typeof SharedArrayBuffer === 'undefined' || isolated === false)
    return 'the page is not cross-origin isolated, so threads cannot share memory';
  return null;
}

/** Kernels for proving. Throws a RangeError for a number of threads outside 1..64, an Error where `wasm` is asked for and cannot run. */
export function chooseKernels({ kind = 'auto', threads = 1, start }: KernelOptions = {}): ChosenKernels {
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) throw new RangeError('the number of threads is from 1 to 64');
  if (!['auto', 'wasm', 'reference'].includes(kind)) throw new RangeError(`the kind of kernels is auto, wasm or reference, not ${kind}`);
  if (kind === 'reference') return { kernels: reference, note: null, close() {} };
  const reason = unsupported();
  if (reason !== null && kind === 'wasm') throw new Error(reason);
  if (reason !== null) return { kernels: reference, note: `${reason}: the slower kernels in TypeScript are used`, close() {} };
  const starter = start ?? nodeThreads();
  const alone = threads === 1 ? null : noThreads(starter);
  const chosen = wasmKernels(threads === 1 || alone !== null || starter === null ? null : { count: threads, start: starter });
  return { kernels: chosen, note: alone === null ? null : `${alone}: one thread is used`, close: () => chosen.close() };
}
