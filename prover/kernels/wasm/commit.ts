/** Commitment and opened rows (protocol §3.2, §4.2, §9.4): strips of sixteen columns are encoded, rows of all strips hashed. */

import { mul, pow, rootOfUnity } from '../../../protocol/field.ts';
import { siblingOrder } from '../../../protocol/merkle.ts';
import type { OpenedRows } from '../../../protocol/opening.ts';
import { Scope } from '../../../wasm/memory.ts';
import type { CommittedGroup, StepPace } from '../kernels.ts';
import { R } from './elements.ts';
import { blake3Key, HASH_SCRATCH } from './hashing.ts';
import { type Part, partsOf } from './integers.ts';
import type { Machine, Task } from './machine.ts';

const LINE = 64;
const STRIP = 16;

/** Columns in the kernel's memory. */
export interface Columns {
  /** Address of the stack: columns of 2^h centred integers, one after the other. */
  readonly stack: number;
  readonly count: number;
  readonly parts: readonly (readonly Part[])[];
}

/** Tables of the transform of size 2^h and its 2^lr cosets. */
interface Tables {
  readonly twiddles: number;
  readonly scales: readonly number[];
}

interface Kept {
  readonly tables: Tables;
  readonly scope: Scope;
  users: number;
}

/** Tables by shape, for as long as a commitment uses them; those of the last shape stay, since proofs of one circuit have one. */
export class Encoder {
  readonly #machine: Machine;
  readonly #kept = new Map<string, Kept>();
  #last = '';

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Lends the tables of a shape for some work, which may wait while other shapes are wanted. */
  async using<T>(h: number, lr: number, work: (tables: Tables) => Promise<T>): Promise<T> {
    const shape = `${h} ${lr}`;
    const kept = this.#kept.get(shape) ?? this.#make(h, lr);
    this.#kept.set(shape, kept);
    this.#last = shape;
    kept.users++;
    try {
      return await work(kept.tables);
    } finally {
      kept.users--;
      for (const [name, { users, scope }] of this.#kept)
        if (users === 0 && name !== this.#last) {
          this.#kept.delete(name);
          scope.free();
        }
    }
  }

  #make(h: number, lr: number): Kept {
    const scope = new Scope(this.#machine.memory);
    try {
      const bytes = 8 * 2 ** h;
      const root = rootOfUnity(2 ** (h + lr));
      const montgomery = (x: number): number => mul(x, R);
      // The factor i = w_4 at place 3 is wanted by transforms of size 2 too.
      const twiddles = scope.alloc(Math.max(32, bytes));
      this.#machine.call('twiddleTable', h, montgomery(rootOfUnity(2 ** h)), twiddles);
      const scales = Array.from({ length: 2 ** lr }, (_, k) => {
        if (k === 0) return 0;
        const at = scope.alloc(bytes);
        this.#machine.call('scaleTable', h, montgomery(pow(root, k)), at);
        return at;
      });
      return { tables: { twiddles, scales }, scope, users: 0 };
    } catch (e) {
      scope.free();
      throw e;
    }
  }
}

export function commit(
  machine: Machine,
  encoder: Encoder,
  values: Int32Array,
  h: number,
  lr: number,
  pace: StepPace = async () => {},
): Promise<CommittedGroup> {
  return encoder.using(h, lr, (tables) => commitWith(machine, tables, values, h, lr, pace));
}

async function commitWith(
  machine: Machine,
  { twiddles, scales }: Tables,
  values: Int32Array,
  h: number,
  lr: number,
  pace: StepPace,
): Promise<CommittedGroup> {
  const { memory } = machine;
  const m = 2 ** h;
  const n = 2 ** (h + lr);
  const count = values.length / m;
  const strips = Math.ceil(count / STRIP);
  const held = new Scope(memory);
  try {
    const stack = held.copy(values);
    const code = held.alloc(strips * n * LINE);
    const scratch = new Scope(memory);
    try {
      const parts = partsOf(machine, scratch, stack, m, count);
      const buffers = scratch.alloc(machine.threads * m * LINE);
      // A few strips at a time: their rows, then all their cosets.
      const together = Math.max(1, machine.threads);
      const rows = scratch.alloc(together * m * LINE);
      for (let first = 0; first < strips; first += together) {
        const list = Array.from({ length: Math.min(together, strips - first) }, (_, k) => ({
          strip: first + k,
          at: rows + k * m * LINE,
          quads: Math.min(4, Math.ceil((count - (first + k) * STRIP) / 4)),
        }));
        for (const { strip, quads } of list) if (quads < 4) memory.u8.fill(0, code + strip * n * LINE, code + (strip + 1) * n * LINE);
        machine.run(list.map(({ strip, at, quads }): Task => ['strip', stack, h, count, strip * STRIP, quads, at]));
        machine.run(
          list.flatMap(({ strip, at, quads }) =>
            scales.map((s, k): Task => ['encode', at, quads, h, s, twiddles, buffers, code + strip * n * LINE + k * LINE, LINE << lr]),
          ),
        );
        await pace((0.6 * Math.min(strips, first + together)) / strips);
      }
      const tree = held.alloc(2 * n * 32);
      const levels = [tree];
      const hashing = scratch.alloc(HASH_SCRATCH * machine.threads);
      const leafKey = blake3Key(scratch, 'leaf');
      for (const [from, to] of slices(n, 2 ** 13)) {
        machine.run(
          machine
            .ranges(to - from, 4, count / 4)
            .map(
              ([a, b]): Task => [
                'hashRows',
                from + a,
                from + b,
                code,
                n * LINE,
                LINE,
                4 * count,
                leafKey.key,
                leafKey.flags,
                tree,
                hashing,
              ],
            ),
        );
        await pace(0.6 + (0.35 * to) / n);
      }
      const nodeKey = blake3Key(scratch, 'node');
      for (let size = n / 2; size >= 1; size /= 2) {
        const below = levels[levels.length - 1] as number;
        const level = below + 2 * size * 32;
        machine.run(
          machine
            .ranges(size, 4, 4)
            .map(([a, b]): Task => ['hashRows', a, b, below, LINE, LINE, 64, nodeKey.key, nodeKey.flags, level, hashing]),
        );
        levels.push(level);
      }
      const bytesAt = (address: number): Uint8Array => memory.u8.slice(address, address + 32);
      const columns: Columns = { stack, count, parts };
      return {
        columns,
        root: bytesAt(levels[levels.length - 1] as number),
        bytes: values.byteLength + strips * n * LINE + 2 * n * 32,
        async open(positions): Promise<OpenedRows> {
          const out = new Uint32Array(positions.length * count);
          const words = memory.u32;
          positions.forEach((j, i) => {
            for (let c = 0; c < count; c += STRIP) {
              const from = (code + ((c / STRIP) * n + j) * LINE) / 4;
              out.set(words.subarray(from, from + Math.min(STRIP, count - c)), i * count + c);
            }
          });
          return { rows: out, siblings: siblingOrder(positions, h + lr).map((s) => bytesAt((levels[s.level] as number) + 32 * s.index)) };
        },
        free: () => held.free(),
      };
    } finally {
      scratch.free();
    }
  } catch (e) {
    held.free();
    throw e;
  }
}

function slices(n: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil(n / size) }, (_, k) => [k * size, Math.min(n, (k + 1) * size)]);
}
