/** Progress and cancellation of long work: a stage, a fraction of the whole, and a moment for the event loop. */

export interface Progress {
  readonly stage: string;
  /** Of the whole work, 0 to 1. */
  readonly fraction: number;
}

export interface PaceOptions {
  readonly onProgress?: ((p: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const YIELD_EVERY_MS = 20;

interface Host {
  readonly setImmediate?: (done: () => void) => unknown;
  readonly scheduler?: { postTask?(task: () => void): Promise<void> };
}

/** A turn of the event loop. A timer would cost a millisecond a turn in Node, and four in a page. */
async function turn(): Promise<void> {
  const { setImmediate, scheduler } = globalThis as Host;
  if (setImmediate === undefined && scheduler?.postTask !== undefined) return scheduler.postTask(() => {});
  await new Promise<void>((resolve) => {
    if (setImmediate === undefined) setTimeout(resolve, 0);
    else setImmediate(resolve);
  });
}

/** Reports progress, and gives timers, signals and other tasks a turn at least every 20 ms of work between two calls. */
export class Pace {
  readonly #options: PaceOptions;
  #last = 0;

  constructor(options: PaceOptions = {}) {
    this.#options = options;
  }

  /** Throws the signal's reason (an AbortError) when the work was cancelled. */
  async at(stage: string, fraction: number): Promise<void> {
    this.#options.onProgress?.({ stage, fraction });
    const now = Date.now();
    if (now - this.#last >= YIELD_EVERY_MS) {
      this.#last = now;
      await turn();
    }
    this.#options.signal?.throwIfAborted();
  }
}
