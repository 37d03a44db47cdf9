/** The verifier's arithmetic in WebAssembly: the same elements and digests as `plain` (protocol/arithmetic.ts). */
import { type Arithmetic, plain } from '../protocol/arithmetic.ts';
import type { F4 } from '../protocol/extension.ts';
import { mul } from '../protocol/field.ts';
import { type HashName, modes } from '../protocol/hash.ts';
import { eqTable, type Point } from '../protocol/mle.ts';
import { encodeExtensionAt, remainders } from '../protocol/ntt.ts';
import module from '../wasm/generated/verifier.ts';
import { Memory, Scope } from '../wasm/memory.ts';
import { load, NAME } from '../wasm/module.ts';
import { R } from '../wasm/montgomery.ts';

/** Variables of the low factor of eq: 2^10 elements stay near while a vector passes. */
const LOW = 10;
/** Elements of a vector that are copied at a time: 256 KiB stay near too. */
const PIECE = 2 ** 16;
/** Extension elements from which calling a kernel pays. */
const SMALL = 64;
const HASH_SCRATCH = 4096;

/** The parts (v >> shift) & mask of an integer, each worth `scale`: a product with a limb has room for 23 bits. */
const PARTS = {
  0: [],
  1: [{ shift: 0, mask: -1, scale: 1 }],
  2: [
    { shift: 0, mask: 0xffff, scale: 1 },
    { shift: 16, mask: -1, scale: 65536 },
  ],
} as const;

/** Throws what the engine throws where WebAssembly may not or cannot run. */
export function wasmArithmetic(): Arithmetic {
  const instance = load(module);
  const memory = new Memory(instance.memory);
  const call = (name: string, ...args: number[]): number => (instance.exports[name] as (...args: number[]) => number)(...args);
  /** Work in blocks that are given back whatever happens. */
  const using = <T>(work: (scope: Scope) => T): T => {
    const scope = new Scope(memory);
    try {
      return work(scope);
    } finally {
      scope.free();
    }
  };
  const element = (address: number): F4 => [...memory.u32.subarray(address / 4, address / 4 + 4)] as unknown as F4;
  /** The table of eq, limbs together in Montgomery form. */
  const factor = (scope: Scope, r: Point): number => scope.copy(eqTable(r).map((limb) => mul(limb, R)));

  return {
    name: NAME,

    evaluateBase(f, r) {
      if (r.length < LOW) return plain.evaluateBase(f, r);
      return using((scope) => {
        const low = 2 ** LOW;
        const eqLow = scope.alloc(16 * low);
        call('toPlanes', 0, 0, low, scope.copy(eqTable(r.slice(r.length - LOW))), eqLow, 4 * low);
        const eqHigh = factor(scope, r.slice(0, r.length - LOW));
        const piece = scope.alloc(4 * PIECE);
        const out = scope.zeroed(32);
        for (let from = 0; from < f.length; from += PIECE) {
          const count = Math.min(PIECE, f.length - from);
          const words = f.subarray(from, from + count);
          if (words instanceof Int32Array) memory.i32.set(words, piece / 4);
          else memory.u32.set(words, piece / 4);
          const parts = PARTS[call('reach', piece, count) as 0 | 1 | 2];
          for (const { shift, mask, scale } of parts) {
            const high = eqHigh + (16 * from) / low;
            call('evaluate', 0, 0, count / low, piece, low, shift, mask, eqLow, 4 * low, high, mul(scale, R), out);
          }
        }
        return element(out);
      });
    },

    evaluateExtension(g, r) {
      if (g.length < 4 * SMALL) return plain.evaluateExtension(g, r);
      return using((scope) => {
        const low = r.length >> 1;
        const high = r.length - low;
        const out = scope.alloc(32);
        call('evaluateElements', scope.copy(g), 2 ** high, 2 ** low, factor(scope, r.slice(0, high)), factor(scope, r.slice(high)), out);
        return element(out);
      });
    },

    encodeAt(g, n, positions) {
      if (g.length < 4 * SMALL) return plain.encodeAt(g, n, positions);
      return using((scope) => {
        const out = scope.alloc(16);
        const kept: [number, number][] = [];
        const short = remainders();
        return encodeExtensionAt(scope.copy(g), g.length / 4, n, positions, {
          halve(v, half, s, depth) {
            kept[depth] ??= [scope.alloc(16 * half), scope.alloc(16 * half)];
            const sides = kept[depth] as [number, number];
            call('halve', v, half, mul(s, R), ...sides);
            return sides;
          },
          valueAt(v, length, x) {
            if (length < 4) return short.valueAt(memory.u32.subarray(v / 4), length, x);
            call('valueAt', v, length, mul(x, R), mul(mul(mul(x, x), mul(x, x)), R), out);
            return element(out);
          },
        });
      });
    },

    hashRows(name: HashName, rows: Uint32Array, width: number) {
      const { key, flags } = modes[name];
      const count = rows.length / width;
      return using((scope) => {
        // Every row begins a block, and its last block is filled with zeros.
        const stride = Math.max(1, Math.ceil(width / 16)) * 64;
        const from = scope.zeroed(count * stride);
        for (let i = 0; i < count; i++) memory.u32.set(rows.subarray(i * width, (i + 1) * width), (from + i * stride) / 4);
        const out = scope.alloc(32 * count);
        call('hashRows', 0, 0, count, from, 64, stride, 4 * width, scope.copy(key), flags, out, scope.alloc(HASH_SCRATCH));
        return memory.u32.slice(out / 4, out / 4 + 8 * count);
      });
    },
  };
}
