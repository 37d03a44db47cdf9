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
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 0);
      });
    }
    this.#options.signal?.throwIfAborted();
  }
}
