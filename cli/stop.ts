/**
 * Ctrl-C and friends.
 *
 * While `stoppable` runs, the first signal aborts the work and the second ends the process at once. Either way the temporary files are
 * removed: artefacts only ever appear by rename, so nothing is half-written. Outside of it the default of the system holds.
 */
import { rmSync } from 'node:fs';

const EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof EXITS;

/** The work was ended by a signal; `exit` is the code a shell expects. */
export class Stopped extends Error {
  readonly signal: Signal;
  readonly exit: number;

  constructor(signal: Signal) {
    super(`stopped by ${signal}`);
    this.name = 'Stopped';
    this.signal = signal;
    this.exit = EXITS[signal];
  }
}

const temporary = new Set<string>();

/** Remembers a temporary file until `forget`; it is removed if the process ends before. */
export function remember(path: string): void {
  if (temporary.size === 0) process.on('exit', removeTemporary);
  temporary.add(path);
}

/** The file was renamed or removed. */
export function forget(path: string): void {
  temporary.delete(path);
  if (temporary.size === 0) process.off('exit', removeTemporary);
}

function removeTemporary(): void {
  for (const path of temporary) rmSync(path, { force: true });
  temporary.clear();
}

/** Runs abortable work under signal handlers; throws `Stopped` if a signal ended it. */
export async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let stopped: Stopped | null = null;
  const handlers = (Object.keys(EXITS) as Signal[]).map((name) => {
    const handler = (): void => {
      if (stopped) process.exit(stopped.exit); // 'exit' removes the temporary files
      stopped = new Stopped(name);
      controller.abort(stopped);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  try {
    return await work(controller.signal);
  } catch (error) {
    throw stopped ?? error;
  } finally {
    for (const remove of handlers) remove();
  }
}
