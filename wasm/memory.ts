/**
 * Blocks of a WebAssembly memory: first fit over an ordered list of free stretches, joined again when freed; the memory grows by pages.
 * Addresses are multiples of 64, a cache line, and every block has 64 bytes behind it that a kernel may read and overwrite.
 */
import { PAGE } from './module.ts';

const LINE = 64;
/** What a 32-bit memory can have. */
const LIMIT = 65536 * PAGE;

export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** Free stretches [from, to), in order, none adjacent. */
  #free: [number, number][] = [];
  readonly #sizes = new Map<number, number>();
  #end: number;
  #used = 0;
  /** Most bytes in use at one time. */
  peak = 0;
  #u32 = new Uint32Array(0);
  #i32 = new Int32Array(0);
  #u8 = new Uint8Array(0);

  constructor(wasm: WebAssembly.Memory) {
    this.wasm = wasm;
    // The first line stays unused: address 0 means absent.
    this.#end = LINE;
  }

  get used(): number {
    return this.#used;
  }

  #view(): void {
    if (this.#u8.buffer === this.wasm.buffer) return;
    this.#u32 = new Uint32Array(this.wasm.buffer);
    this.#i32 = new Int32Array(this.wasm.buffer);
    this.#u8 = new Uint8Array(this.wasm.buffer);
  }

  get u32(): Uint32Array {
    this.#view();
    return this.#u32;
  }

  get i32(): Int32Array {
    this.#view();
    return this.#i32;
  }

  get u8(): Uint8Array {
    this.#view();
    return this.#u8;
  }

  /** Contents are whatever was there. Throws a RangeError where no memory is left. */
  alloc(bytes: number): number {
    const size = Math.ceil((bytes + LINE) / LINE) * LINE;
    let at = this.#take(size);
    if (at === null) {
      at = this.#end;
      const missing = Math.ceil((at + size - this.wasm.buffer.byteLength) / PAGE);
      if (missing > 0) {
        if (at + size > LIMIT) throw new RangeError(`a proof wants more than the ${LIMIT / 2 ** 30} GiB that WebAssembly can address`);
        // An eighth more, so that a series of blocks grows the memory seldom.
        const pages = this.wasm.buffer.byteLength / PAGE;
        const wanted = Math.min(65536 - pages, missing + (pages >> 3));
        try {
          this.wasm.grow(wanted);
        } catch {
          this.wasm.grow(missing);
        }
      }
      this.#end = at + size;
    }
    this.#sizes.set(at, size);
    this.#used += size;
    this.peak = Math.max(this.peak, this.#used);
    return at;
  }

  zeroed(bytes: number): number {
    const at = this.alloc(bytes);
    this.u8.fill(0, at, at + bytes);
    return at;
  }

  #take(size: number): number | null {
    for (const [k, stretch] of this.#free.entries()) {
      const [from, to] = stretch;
      if (to - from < size) continue;
      if (to - from === size) this.#free.splice(k, 1);
      else stretch[0] = from + size;
      return from;
    }
    return null;
  }

  free(at: number): void {
    const size = this.#sizes.get(at);
    if (size === undefined) throw new RangeError(`no block at ${at}`);
    this.#sizes.delete(at);
    this.#used -= size;
    let [from, to] = [at, at + size];
    let k = this.#free.findIndex(([start]) => start > from);
    if (k < 0) k = this.#free.length;
    const next = this.#free[k];
    if (next !== undefined && next[0] === to) {
      to = next[1];
      this.#free.splice(k, 1);
    }
    const before = this.#free[k - 1];
    if (before !== undefined && before[1] === from) {
      from = before[0];
      this.#free.splice(--k, 1);
    }
    if (to === this.#end) this.#end = from;
    else this.#free.splice(k, 0, [from, to]);
  }
}

/** Blocks that are freed together. */
export class Scope {
  readonly memory: Memory;
  #blocks: number[] = [];

  constructor(memory: Memory) {
    this.memory = memory;
  }

  alloc(bytes: number): number {
    const at = this.memory.alloc(bytes);
    this.#blocks.push(at);
    return at;
  }

  zeroed(bytes: number): number {
    const at = this.alloc(bytes);
    this.memory.u8.fill(0, at, at + bytes);
    return at;
  }

  /** A copy of these words. */
  copy(words: Int32Array | Uint32Array): number {
    const at = this.alloc(words.byteLength);
    if (words instanceof Int32Array) this.memory.i32.set(words, at / 4);
    else this.memory.u32.set(words, at / 4);
    return at;
  }

  free(): void {
    for (const at of this.#blocks) this.memory.free(at);
    this.#blocks = [];
  }
}
