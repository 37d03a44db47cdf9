/** "Prove here": drives the proving worker, and has the verifier check what it made with nothing but the key. */
import { proxy } from 'comlink';
import type { ProgressOf, ProveService } from './messages.ts';
import { nextProving, type Proving, type ProvingEvent } from './proving.ts';
import { Ended, reason, Service } from './remote.ts';
import { fetched, type Session } from './session.ts';

/** A pause in drawing of this length starts the proof. */
const PAUSE_MS = 700;

export class Prover {
  key: Uint8Array = new Uint8Array(0);
  readonly #session: Session;
  readonly #model: string;
  readonly #changed: (s: Proving) => void;
  readonly #service = new Service<ProveService>(
    () => new Worker(new URL('./prove.worker.ts', import.meta.url), { type: 'module', name: 'prove' }),
    (why) => this.#apply({ type: 'failed', why }),
  );
  #state: Proving = { at: 'closed' };
  #input: Float32Array | null = null;
  #job = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, model: string, changed: (s: Proving) => void) {
    this.#session = session;
    this.#model = model;
    this.#changed = changed;
  }

  #apply(event: ProvingEvent): void {
    this.#state = nextProving(this.#state, event);
    this.#changed(this.#state);
  }

  /** Runs work whose failure is ours to show. */
  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      if (!(e instanceof Ended)) this.#apply({ type: 'failed', why: reason(e) });
    }
  }

  async open(): Promise<void> {
    this.#apply({ type: 'opened' });
    if (this.#state.at !== 'loading') return;
    await this.#try(async () => {
      this.#service.start();
      const { bytes } = await fetched(this.#model);
      const { key } = await this.#service.call((p) => p.compile(bytes));
      this.key = key;
      this.#apply({ type: 'loaded' });
      if (this.#input !== null) await this.drawn(this.#input);
    });
  }

  /** A new drawing, or none. What was under way for the last one stops. */
  async drawn(input: Float32Array | null): Promise<void> {
    clearTimeout(this.#timer);
    this.#input = input;
    const job = ++this.#job;
    if (this.#state.at === 'loading' || this.#state.at === 'failed') return;
    await this.#try(async () => {
      await this.#service.call((p) => p.stop());
      if (input === null) {
        this.#apply({ type: 'cleared' });
        return;
      }
      const { outputs, milliseconds } = await this.#service.call((p) => p.answer(input));
      const output = outputs[0];
      if (job !== this.#job || output === undefined) return;
      this.#apply({ type: 'answered', job, answer: { output, milliseconds } });
      this.#timer = setTimeout(() => void this.prove(), PAUSE_MS);
    });
  }

  async prove(): Promise<void> {
    clearTimeout(this.#timer);
    const [input, job] = [this.#input, this.#job];
    if (input === null || this.#state.at !== 'answered') return;
    this.#apply({ type: 'progress', job, progress: { stage: 'start', fraction: 0 } });
    await this.#try(async () => {
      // Progress comes through a channel of its own, and may arrive when the proof has ended.
      let ended = false;
      const told = proxy((progress: ProgressOf) => {
        if (!ended) this.#apply({ type: 'progress', job, progress });
      });
      const proof = await this.#service.call((p) => p.prove(input, told));
      ended = true;
      if (proof === null) return this.#apply({ type: 'stopped', job });
      this.#apply({ type: 'proven', job, proof });
      try {
        const report = await this.#session.ask({ proof: proof.envelope, key: this.key, circuit: null, context: new Uint8Array(0) });
        this.#apply({ type: 'verified', job, report });
      } catch (e) {
        // Somebody cancelled a check, and the verifier's worker ended with this one too: the answer is a claim again.
        if (!(e instanceof Ended)) throw e;
        this.#apply({ type: 'stopped', job });
      }
    });
  }

  /** Stops the proof; the answer stays a claim. */
  stop(): void {
    void this.#try(() => this.#service.call((p) => p.stop()));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#service.end();
  }
}
