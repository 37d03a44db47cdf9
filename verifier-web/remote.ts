/** A worker that may die: every call ends, with an answer or with the reason why there is none. */
import { type Remote, wrap } from 'comlink';

/** The worker was ended on purpose. */
export class Ended extends Error {}

export class Service<T> {
  readonly #spawn: () => Worker;
  readonly #crashed: (why: string) => void;
  #worker: Worker | null = null;
  #remote: Remote<T> | null = null;
  #fail: (e: Error) => void = () => {};
  #failure: Promise<never> = new Promise(() => {});

  /** `crashed` is told of a worker that died by itself, asked or not. */
  constructor(spawn: () => Worker, crashed: (why: string) => void = () => {}) {
    this.#spawn = spawn;
    this.#crashed = crashed;
  }

  /** Starts the worker, so that the first call finds it ready. */
  start(): void {
    if (this.#worker !== null) return;
    const worker = this.#spawn();
    this.#worker = worker;
    this.#remote = wrap<T>(worker);
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => {}); // whoever waits gets it; nobody may wait
    const crashed = (why: string): void => {
      if (this.#worker !== worker) return;
      this.end(new Error(why));
      this.#crashed(why);
    };
    worker.onerror = (e) => {
      e.preventDefault();
      crashed(e.message ? `the worker crashed: ${e.message}` : 'the worker crashed, or could not be loaded');
    };
    worker.onmessageerror = () => crashed('the worker sent something that cannot be read');
  }

  /** Asks the worker. Rejects with `Ended` if it was ended, with an Error if it or the call failed. */
  call<R>(ask: (remote: Remote<T>) => Promise<R>): Promise<R> {
    this.start();
    return Promise.race([ask(this.#remote as Remote<T>), this.#failure]);
  }

  /** Ends the worker and every call under way; the next call starts a fresh one. */
  end(why: Error = new Ended('ended')): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#remote = null;
    this.#fail(why);
  }
}

export const reason = (e: unknown): string => (e instanceof Error ? e.message : String(e));
