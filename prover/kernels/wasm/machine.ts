/**
 * A WebAssembly instance with its memory, and lists of tasks that its threads share: fork, join. Tasks of a list are independent; each is a
 * kernel function with its arguments, the thread's number put before them. Without threads the tasks run here, one after the other.
 */

import { Memory } from '../../../wasm/memory.ts';
import { compileModule, instantiate, PAGE } from '../../../wasm/module.ts';
import { CONTROL_BYTES, Team, type ThreadStarter } from './threads.ts';

/** A kernel function's name and its arguments after the thread. */
export type Task = readonly [name: string, ...args: number[]];

/** Below this many elements a range is not worth sharing. */
const SHARED_FROM = 2048;

export interface Threads {
  /** Threads in all, this one with them. */
  readonly count: number;
  readonly start: ThreadStarter;
}

export class Machine {
  readonly memory: Memory;
  readonly threads: number;
  readonly #call: Readonly<Record<string, (...args: number[]) => number>>;
  readonly #team: Team | null = null;

  /** `module` wants shared memory where there are threads. Throws what the engine throws where it cannot be compiled. */
  constructor(module: string, threads: Threads | null) {
    const compiled = compileModule(module);
    const wasm = new WebAssembly.Memory({ initial: 16, maximum: 65536, ...(threads === null ? {} : { shared: true }) });
    this.memory = new Memory(wasm);
    this.#call = instantiate(compiled, wasm).exports;
    this.threads = threads?.count ?? 1;
    if (threads !== null) {
      const control = this.memory.alloc(CONTROL_BYTES);
      this.#team = new Team(compiled, wasm, control, Object.keys(this.#call), threads);
    }
  }

  /** Calls a function that is no task: no thread before its arguments. */
  call(name: string, ...args: number[]): number {
    return (this.#call[name] as (...args: number[]) => number)(...args);
  }

  /** Runs all tasks; returns when the last is done. */
  run(tasks: readonly Task[]): void {
    if (this.#team !== null && tasks.length > 1) this.#team.run(tasks, (name, args) => this.call(name, 0, ...args));
    else for (const [name, ...args] of tasks) this.call(name, 0, ...args);
  }

  /** Ranges that one call of `ranges` gives at most. */
  get mostRanges(): number {
    return this.threads === 1 ? 1 : 2 * this.threads;
  }

  /** Cuts [0, n) into ranges of whole multiples of `unit`, as many as are worth it; `weight` is the work of an element. */
  ranges(n: number, unit = 4, weight = 1): [number, number][] {
    const pieces = Math.max(1, Math.min(this.mostRanges, Math.floor((n * weight) / SHARED_FROM)));
    const size = Math.ceil(n / pieces / unit) * unit;
    return Array.from({ length: Math.ceil(n / size) }, (_, k) => [k * size, Math.min(n, (k + 1) * size)]);
  }

  /** Ends the threads. */
  close(): void {
    this.#team?.close();
  }
}

export { PAGE };
