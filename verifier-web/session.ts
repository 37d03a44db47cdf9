/** What the page does about its state: reads files, asks the worker, keeps address and history. One session a page. */
import { proxy } from 'comlink';
import { toHex } from '../protocol/bytes.ts';
import { type Example, shipped } from './examples.ts';
import { contextBytes } from './format.ts';
import { isChainView, parseAddress, pinsFragment } from './link.ts';
import {
  FILE_LIMIT,
  FILES_LIMIT,
  type GivenFile,
  type Held,
  type ProgressOf,
  type Question,
  type ReadFiles,
  type Report,
  type Stranger,
  type VerifyService,
} from './messages.ts';
import { Ended, reason, Service } from './remote.ts';
import { type Check, type Event, isBusy, next, START, type State, shownCheck } from './state.ts';

interface Kept {
  readonly held: readonly Held[];
  readonly context: string;
}

export class Session {
  state: State = START;
  readonly #listeners = new Set<() => void>();
  readonly #verifier = new Service<VerifyService>(
    () => new Worker(new URL('./verify.worker.ts', import.meta.url), { type: 'module', name: 'verify' }),
  );
  /** What was held at each step of the history, while the page lives. */
  readonly #kept = new Map<number, Kept>();
  #running = false;
  /** Counts what was asked to be read: only the last of it comes onto the page. */
  #intake = 0;

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #apply(event: Event): void {
    this.state = next(this.state, event);
    for (const listener of this.#listeners) listener();
  }

  /** Starts the worker and does what the address says. */
  async open(): Promise<void> {
    if (!isChainView(location.hash)) this.#verifier.start();
    addEventListener('popstate', () => void this.#arrive());
    await this.#arrive();
  }

  async #arrive(): Promise<void> {
    if (isChainView(location.hash)) return;
    const { example, files, context, pins, trouble } = parseAddress(location.search, location.hash);
    this.#intake++;
    const kept = this.#kept.get((history.state as { step?: number } | null)?.step ?? -1);
    this.#apply({ type: 'restored', held: kept?.held ?? [], context: kept?.context ?? context ?? '', pins, note: trouble });
    if (kept !== undefined) return this.#run();
    if (example !== null) return this.#load(example.files.map(shipped), context ?? example.context ?? '');
    if (files.length > 0) return this.#load(files, context ?? '');
  }

  /** A shipped example, as if its files had been dropped. */
  async example(e: Example): Promise<void> {
    this.#step(`?example=${e.id}`);
    this.#apply({ type: 'restored', held: [], context: e.context ?? '', pins: null });
    await this.#load(e.files.map(shipped), e.context ?? '');
  }

  async #load(urls: readonly string[], context: string): Promise<void> {
    const intake = ++this.#intake;
    this.#apply({ type: 'reading' });
    let files: readonly GivenFile[];
    try {
      files = await Promise.all(urls.map(fetched));
    } catch (e) {
      if (intake === this.#intake) this.#apply({ type: 'unreadable', why: reason(e) });
      return;
    }
    await this.#read(intake, files, [], context, true);
  }

  /** Files of the user's: dropped or picked. */
  async give(list: readonly File[]): Promise<void> {
    if (list.length === 0) return;
    const intake = ++this.#intake;
    // What an example is bound to says nothing about the user's own files.
    const { example } = parseAddress(location.search, location.hash);
    const context = example !== null && this.state.context === (example.context ?? '') ? '' : undefined;
    this.#apply({ type: 'reading' });
    const strangers: Stranger[] = list.slice(FILES_LIMIT).map(({ name }) => ({ name, why: `more than ${FILES_LIMIT} files at once` }));
    const files: GivenFile[] = [];
    for (const file of list.slice(0, FILES_LIMIT)) {
      if (file.size > FILE_LIMIT) strangers.push({ name: file.name, why: `larger than ${FILE_LIMIT / 2 ** 20} MiB` });
      else
        try {
          files.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
        } catch (e) {
          strangers.push({ name: file.name, why: `cannot be read, as a folder cannot: ${reason(e)}` });
        }
    }
    await this.#read(intake, files, strangers, context, false);
  }

  /** Bytes that the page itself made. */
  async hold(files: readonly GivenFile[]): Promise<void> {
    this.#step(location.pathname);
    this.#apply({ type: 'restored', held: [], context: '', pins: null });
    await this.#read(++this.#intake, files, [], '', true);
  }

  /** Has the worker read files; drops them if something else was asked for meanwhile. */
  async #read(
    intake: number,
    files: readonly GivenFile[],
    strangers: readonly Stranger[],
    context: string | undefined,
    anew: boolean,
  ): Promise<void> {
    if (intake !== this.#intake) return;
    let read: ReadFiles;
    try {
      read = await this.#verifier.call((v) => v.read(files));
    } catch (e) {
      if (!(e instanceof Ended) && intake === this.#intake) this.#apply({ type: 'unreadable', why: reason(e) });
      return;
    }
    if (intake !== this.#intake) return;
    if (!anew && read.held.length > 0) {
      const { pins } = this.state;
      this.#step(location.pathname + (pins === null ? '' : pinsFragment(pins)));
    }
    this.#apply({ type: 'read', files: { ...read, strangers: [...strangers, ...read.strangers] }, context, anew });
    await this.#run();
  }

  /** A new step of the history. */
  #step(address: string): void {
    const step = 1 + Math.max(0, ...this.#kept.keys(), (history.state as { step?: number } | null)?.step ?? 0);
    history.pushState({ step }, '', address);
  }

  #keep(): void {
    const { held, context } = this.state;
    const step = (history.state as { step?: number } | null)?.step ?? 0;
    history.replaceState({ step }, '');
    this.#kept.set(step, { held, context });
  }

  async context(context: string): Promise<void> {
    this.#apply({ type: 'context', context });
    await this.#run();
  }

  /** Asks about every check that waits, one after the other. */
  async #run(): Promise<void> {
    this.#keep();
    if (this.#running) return;
    this.#running = true;
    for (;;) {
      const check = this.state.checks.find((c) => c.status.at === 'waiting');
      if (check === undefined) break;
      this.#apply({ type: 'started', id: check.id });
      try {
        const told = proxy((progress: ProgressOf) => this.#apply({ type: 'progress', id: check.id, progress }));
        const report = await this.#verifier.call((v) => v.check(questionOf(check), told));
        this.#apply({ type: 'decided', id: check.id, report });
      } catch (e) {
        if (!(e instanceof Ended)) this.#apply({ type: 'failed', id: check.id, why: reason(e) });
      }
    }
    this.#running = false;
  }

  /** One question to the verifier, outside of the checks of the page. Rejects where there is no answer. */
  ask(question: Question): Promise<Report> {
    return this.#verifier.call((v) => v.check(question));
  }

  /** Ends the worker with whatever it does; a fresh one stands ready. */
  cancel(): void {
    this.#intake++;
    this.#apply({ type: 'cancelled' });
    this.#verifier.end();
    this.#verifier.start();
  }

  async again(): Promise<void> {
    this.#apply({ type: 'again' });
    await this.#run();
  }

  show(id: number): void {
    this.#apply({ type: 'shown', id });
  }

  clear(): void {
    if (isBusy(this.state)) this.cancel();
    this.#step(location.pathname);
    this.#apply({ type: 'restored', held: [], context: '', pins: null });
    this.#keep();
  }

  /** The address of the shown verdict, with its context and its digests; it becomes the page's own. */
  link(): string {
    const status = shownCheck(this.state)?.status;
    if (status?.at !== 'decided' || status.report.verdict.verdict !== 'accepted') return location.href;
    const { statementDigest, keyDigest } = status.report.verdict;
    const link = new URL(pinsFragment({ statement: toHex(statementDigest), keyDigest: toHex(keyDigest) }), location.href);
    const { example } = parseAddress(location.search, '');
    if (this.state.context === (example?.context ?? '')) link.searchParams.delete('context');
    else link.searchParams.set('context', this.state.context);
    history.replaceState(history.state, '', link);
    return link.href;
  }
}

export function questionOf({ proof, key, circuit, context }: Check): Question {
  return { proof: proof.bytes, key: key.bytes, circuit: circuit?.bytes ?? null, context: contextBytes(context) };
}

/** A file beside the page, of at most `FILE_LIMIT` bytes. Throws an Error that says why there is none. */
export async function fetched(url: string): Promise<GivenFile> {
  if (!URL.canParse(url, location.href)) throw new Error(`${url} is no address`);
  const { origin, pathname } = new URL(url, location.href);
  if (origin !== location.origin) throw new Error(`${url} lies on another server: this page loads files from its own alone`);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: the server answered ${response.status}`);
  if (Number(response.headers.get('content-length') ?? 0) > FILE_LIMIT)
    throw new Error(`${url} is larger than ${FILE_LIMIT / 2 ** 20} MiB`);
  return { name: pathname.slice(pathname.lastIndexOf('/') + 1), bytes: new Uint8Array(await response.arrayBuffer()) };
}
