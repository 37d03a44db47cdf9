/** What the chain view does about its state: asks the worker while somebody looks, keeps address and, if wanted, the checkpoint. */
import { proxy } from 'comlink';
import { Ended, reason, Service } from '../remote.ts';
import { FIELDS, type Inputs, NOTHING, parseInputs, showInputs, troubleOf } from './address.ts';
import type { Figures } from './figures.ts';
import type { ChainReport, ChainService } from './messages.ts';

export interface WatchState {
  readonly inputs: Inputs;
  /** What is wrong with them. */
  readonly trouble: ReturnType<typeof troubleOf>;
  /** `failed`: ours, not the node's. */
  readonly at: 'idle' | 'looking' | 'watching' | 'stopped' | 'failed';
  /** What is under way, or why it failed. */
  readonly doing: string;
  readonly report: ChainReport | null;
  /** The node's word, or why there is none. */
  readonly figures: Figures | string | null;
  /** Where the checkpoint is from: an address is the word of whoever made it. */
  readonly origin: 'user' | 'address' | 'kept';
  /** Whether the checkpoint is kept on this machine. */
  readonly kept: boolean;
}

/** Between two looks. */
const PAUSE_MS = 4000;
const KEY = 'assay-checkpoint';

export class Watch {
  state: WatchState;
  readonly #listeners = new Set<() => void>();
  readonly #worker = new Service<ChainService>(
    () => new Worker(new URL('./chain.worker.ts', import.meta.url), { type: 'module', name: 'chain' }),
  );
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts what was asked: answers to earlier questions are dropped. */
  #asked = 0;
  /** Whether the worker has a question. */
  #busy = false;
  readonly #shown = (): void => {
    if (document.visibilityState === 'hidden') clearTimeout(this.#timer);
    else if (this.state.at === 'watching' && !this.#busy) void this.#look(this.#asked);
  };
  readonly #moved = (): void => this.#arrive();

  constructor() {
    const kept = read();
    this.state = { inputs: NOTHING, trouble: null, at: 'idle', doing: '', report: null, figures: null, origin: 'user', kept: kept !== '' };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #set(change: Partial<WatchState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener();
  }

  open(): void {
    document.addEventListener('visibilitychange', this.#shown);
    addEventListener('hashchange', this.#moved);
    this.#arrive();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#shown);
    removeEventListener('hashchange', this.#moved);
    this.#halt();
    this.#worker.end();
  }

  /** Does what the address says. */
  #arrive(): void {
    const asked = parseInputs(location.hash);
    if (asked === null) return;
    const before = this.state.inputs;
    if (FIELDS.every((f) => asked[f] === before[f]) && this.state.at !== 'idle') return;
    const kept = read();
    const inputs = asked.checkpoint === '' && kept !== '' ? { ...asked, checkpoint: kept } : asked;
    const known = inputs.checkpoint === '' || inputs.checkpoint === before.checkpoint;
    this.#begin(inputs, inputs.checkpoint === kept && kept !== '' ? 'kept' : known ? this.state.origin : 'address');
  }

  /** What the user typed. */
  ask(inputs: Inputs): void {
    const origin = inputs.checkpoint === this.state.inputs.checkpoint ? this.state.origin : 'user';
    const address = showInputs(inputs);
    if (address !== location.hash) history.pushState(null, '', address);
    if (this.state.kept) write(inputs.checkpoint);
    this.#begin(inputs, origin);
  }

  #begin(inputs: Inputs, origin: WatchState['origin']): void {
    this.#halt();
    const figures = inputs.node === this.state.inputs.node ? this.state.figures : null;
    const trouble = inputs.node === '' ? null : troubleOf(inputs);
    const ready = inputs.node !== '' && trouble === null;
    this.#set({ inputs, trouble, origin, figures, report: null, at: ready ? 'looking' : 'idle', doing: 'starting' });
    if (ready) void this.#look(this.#asked);
  }

  async #look(asked: number): Promise<void> {
    const { node, checkpoint, job, model, answer } = this.state.inputs;
    const or = (text: string): string | null => (text === '' ? null : text);
    const question = {
      node,
      checkpoint: or(checkpoint),
      job: or(job.toLowerCase()),
      model: or(model.toLowerCase()),
      answer: or(answer.toLowerCase()),
    };
    const told = (doing: string): void => {
      if (asked === this.#asked && this.state.at === 'looking') this.#set({ doing });
    };
    // Only the first look takes long enough to be told of.
    const hearing = this.state.at === 'looking' ? proxy(told) : undefined;
    this.#busy = true;
    try {
      const report = await this.#worker.call((w) => w.look(question, hearing));
      if (asked !== this.#asked) return;
      if (report === null) {
        const text = 'A checkpoint is CHAIN:HEIGHT:HASH:VALIDATORS, as assay chain checkpoint prints it.';
        this.#busy = false;
        return this.#set({ at: 'idle', trouble: { field: 'checkpoint', text } });
      }
      this.#set({ at: 'watching', report });
      const figures = await this.#worker.call((w) => w.figures(node) as Promise<Figures | string>);
      if (asked !== this.#asked) return;
      this.#set({ figures });
    } catch (e) {
      if (asked !== this.#asked || e instanceof Ended) return;
      this.#busy = false;
      return this.#set({ at: 'failed', doing: reason(e) });
    }
    this.#busy = false;
    if (document.visibilityState !== 'hidden') this.#timer = setTimeout(() => void this.#look(asked), PAUSE_MS);
  }

  #halt(): void {
    this.#asked++;
    clearTimeout(this.#timer);
    // An idle worker knows the chain it followed.
    if (this.#busy) this.#worker.end();
    this.#busy = false;
  }

  stop(): void {
    this.#halt();
    this.#set({ at: 'stopped', doing: '' });
  }

  /** From the checkpoint on, with nothing remembered. */
  again(): void {
    this.#worker.end();
    this.#begin(this.state.inputs, this.state.origin);
  }

  /** Takes the block where trust began, as the node showed it, for the checkpoint: now it is the user's. */
  pin(): void {
    const { inputs, report } = this.state;
    if (report?.checkpoint != null) this.ask({ ...inputs, checkpoint: report.checkpoint });
  }

  keep(kept: boolean): void {
    write(kept ? this.state.inputs.checkpoint : '');
    this.#set({ kept });
  }
}

function read(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return ''; // storage may be forbidden
  }
}

function write(checkpoint: string): void {
  try {
    if (checkpoint === '') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, checkpoint);
  } catch {
    // it lasts as long as the page then
  }
}
