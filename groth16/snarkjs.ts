/**
 * snarkjs behind a door that closes: its curve starts threads that outlive every call, so each use starts the curve and ends it, one use at a
 * time. The package is GPL-3.0, and installed by those who set up and prove for this system.
 */
import type * as Snarkjs from 'snarkjs';
import { Refused } from '../protocol/refused.ts';
import { MissingPackage } from './circom.ts';

export type Library = typeof Snarkjs;

let last: Promise<unknown> = Promise.resolve();

/** Runs work with snarkjs when the work before has ended. When `signal` aborts, the threads end at once and the call rejects with its reason. */
export function withSnarkjs<T>(work: (library: Library) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const mine = last.then(() => use(work, signal));
  last = mine.catch(() => {});
  return mine;
}

async function use<T>(work: (library: Library) => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const library = await load();
  // The library keeps this one for its own calls until it is terminated.
  const curve = await library.curves.getCurveFromName('bn128');
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
  });
  try {
    // A signal that aborted while the threads started tells nobody again.
    signal?.throwIfAborted();
    return await Promise.race([work(library), stopped]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await curve.terminate();
  }
}

/** snarkjs throws plain errors at bytes that it cannot read: they speak about the file. */
export async function guarded<T>(code: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    const error = e as Error & { code?: string };
    if (error instanceof Refused || error.name === 'AbortError' || error.name === 'MissingPackage' || error.name === 'Stopped') throw e;
    // Where a file has no name its messages begin with all of its bytes in decimal.
    throw new Refused(code, `${what} cannot be read: ${error.message.slice(-200).replace(/^[\d,]+(: )?/, '')}`);
  }
}

async function load(): Promise<Library> {
  try {
    return await import('snarkjs');
  } catch (e) {
    if ((e as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') throw new MissingPackage('snarkjs');
    throw e;
  }
}
