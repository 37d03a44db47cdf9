/**
 * A team of threads over one shared memory. The list of tasks lies in that memory; a thread takes the next one by a compare-and-swap on the
 * ticket: number of the list (8 bits), of its tasks (12), of those taken (12). All three change at once, so a thread that comes late cannot
 * take a task of a list that is over, nor one that is not written yet.
 */
import type { Task } from './machine.ts';

/** What a new thread is told. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of the control block. */
  readonly control: number;
  readonly names: readonly string[];
  readonly thread: number;
}

/** Starts a thread that calls `serve` with this; returns what ends it. */
export type ThreadStarter = (start: ThreadStart, failed: (e: unknown) => void) => () => void;

const TICKET = 0;
const DONE = 1;
const WAITING = 2;
const STOP = 3;
const FAILED = 4;
/** Looks at the number of tasks done before waiting for a change, 100 ms at a time, 100 times without one: a task takes milliseconds. */
const SPINS = 20000;
const PATIENCE = 100;
const TASKS = 16;
const WORDS = 16;
const MOST_TASKS = 4095;
export const CONTROL_BYTES = 4 * (TASKS + WORDS * MOST_TASKS);

/**
 * A thread's life: sleeps until the ticket changes, takes tasks until none is left. It stands alone, names nothing outside itself, and so
 * can be sent as text to where modules cannot be loaded.
 */
export function serve({ module, memory, control, names, thread }: ThreadStart): void {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<string, (...args: number[]) => number>;
  const functions = names.map((name) => exports[name] as (...args: number[]) => number);
  // TICKET, DONE, WAITING, STOP, FAILED; then tasks of 16 words from word 16 on: function, number of arguments, arguments.
  const c = new Int32Array(memory.buffer, control, 16 + 16 * 4095);
  for (;;) {
    const ticket = Atomics.load(c, 0);
    const index = ticket & 4095;
    if (index < ((ticket >>> 12) & 4095)) {
      if (Atomics.compareExchange(c, 0, ticket, ticket + 1) !== ticket) continue;
      const at = 16 + 16 * index;
      try {
        (functions[c[at] as number] as (...args: number[]) => number)(thread, ...c.subarray(at + 2, at + 2 + (c[at + 1] as number)));
      } catch {
        Atomics.store(c, 4, 1);
      }
      Atomics.add(c, 1, 1);
      Atomics.notify(c, 1);
      continue;
    }
    // Rounds follow each other closely: look a while before sleeping.
    let spins = 20000;
    while (spins > 0 && Atomics.load(c, 0) === ticket) spins--;
    if (spins > 0) continue;
    if (Atomics.load(c, 3) !== 0) return;
    Atomics.add(c, 2, 1);
    Atomics.wait(c, 0, ticket);
    Atomics.sub(c, 2, 1);
  }
}

export class Team {
  readonly #memory: WebAssembly.Memory;
  readonly #control: number;
  readonly #index: ReadonlyMap<string, number>;
  readonly #ends: (() => void)[];
  #list = 0;
  #lost: unknown = null;

  constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    control: number,
    names: readonly string[],
    { count, start }: { readonly count: number; readonly start: ThreadStarter },
  ) {
    this.#memory = memory;
    this.#control = control;
    this.#index = new Map(names.map((name, i) => [name, i]));
    new Int32Array(memory.buffer, control, TASKS).fill(0);
    this.#ends = Array.from({ length: count - 1 }, (_, k) =>
      start({ module, memory, control, names, thread: k + 1 }, (e) => {
        this.#lost = e;
      }),
    );
  }

  run(tasks: readonly Task[], here: (name: string, args: readonly number[]) => void): void {
    for (let first = 0; first < tasks.length; first += MOST_TASKS) this.#run(tasks.slice(first, first + MOST_TASKS), here);
  }

  #run(tasks: readonly Task[], here: (name: string, args: readonly number[]) => void): void {
    if (this.#lost !== null) throw this.#lost;
    let failure: unknown = null;
    const c = new Int32Array(this.#memory.buffer, this.#control, CONTROL_BYTES / 4);
    // All tasks of the last list are taken and done.
    tasks.forEach(([name, ...args], i) => {
      const at = TASKS + WORDS * i;
      c[at] = this.#index.get(name) as number;
      c[at + 1] = args.length;
      c.set(args, at + 2);
    });
    Atomics.store(c, DONE, 0);
    this.#list = (this.#list + 1) & 255;
    Atomics.store(c, TICKET, (this.#list << 24) | (tasks.length << 12));
    if (Atomics.load(c, WAITING) > 0) Atomics.notify(c, TICKET);
    for (;;) {
      const ticket = Atomics.load(c, TICKET);
      const index = ticket & 4095;
      if (index >= tasks.length) break;
      if (Atomics.compareExchange(c, TICKET, ticket, ticket + 1) !== ticket) continue;
      const [name, ...args] = tasks[index] as Task;
      try {
        here(name, args);
      } catch (e) {
        // The others finish the list first.
        failure = e;
      }
      Atomics.add(c, DONE, 1);
    }
    for (let spins = 0, patience = PATIENCE; ; spins++) {
      const done = Atomics.load(c, DONE);
      if (done === tasks.length) break;
      if (spins > SPINS && Atomics.wait(c, DONE, done, PATIENCE) === 'timed-out' && --patience === 0)
        throw this.#lose(new Error('a thread of the kernels took a task and does not come back'));
    }
    if (Atomics.load(c, FAILED) !== 0) throw this.#lose(failure ?? new Error('a thread of the kernels failed'));
    if (failure !== null) throw failure;
  }

  #lose(e: unknown): unknown {
    this.#lost = e;
    return e;
  }

  close(): void {
    const c = new Int32Array(this.#memory.buffer, this.#control, TASKS);
    Atomics.store(c, STOP, 1);
    // Another list, of nothing: whoever sleeps wakes and sees the end.
    Atomics.store(c, TICKET, ((this.#list + 1) & 255) << 24);
    Atomics.notify(c, TICKET);
    for (const end of this.#ends) end();
  }
}
