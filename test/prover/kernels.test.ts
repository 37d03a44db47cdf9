/** Every kernel set against the definitions; what they hold is given back; threads change nothing. */
import { afterAll, describe, expect, it } from 'vitest';
import { type F4, powers } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';
import { chooseKernels } from '../../prover/kernels/index.ts';
import type { Kernels } from '../../prover/kernels/kernels.ts';
import { reference } from '../../prover/kernels/reference/index.ts';
import { wasmKernels } from '../../prover/kernels/wasm/index.ts';
import { Machine } from '../../prover/kernels/wasm/machine.ts';
import { nodeThreads } from '../../prover/kernels/wasm/start.ts';
import type { ThreadStarter } from '../../prover/kernels/wasm/threads.ts';
import sharedModule from '../../wasm/generated/prover-shared.ts';
import { Memory } from '../../wasm/memory.ts';
import { Random } from '../random.ts';
import { conformance } from './conformance.ts';

conformance('reference', reference);

const start = nodeThreads() as ThreadStarter;
const sets = [wasmKernels(), wasmKernels({ count: 2, start }), wasmKernels({ count: 5, start })];
const atRest = sets.map((k) => k.memory().used);
for (const k of sets) conformance(k.name, k);

afterAll(() => {
  for (const k of sets) k.close();
});

describe('WebAssembly kernels', () => {
  it('give back what they held: at most the tables of one transform stay', () => {
    sets.forEach((k, i) => {
      expect(k.memory().used - (atRest[i] as number)).toBeLessThan(2 ** 18);
    });
  });

  /** A commitment and a forest large enough to be shared by threads, told as what comes back. */
  async function work(kernels: Kernels): Promise<unknown[]> {
    const r = new Random(11);
    const element = (): F4 => [r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1)];
    const ints = (n: number, m: number): Int32Array => Int32Array.from({ length: n }, () => r.int(-m, m));
    const told: unknown[] = [];
    const group = await kernels.commit(ints(40 * 2 ** 10, 2 ** 29), 10, 2);
    told.push(group.root, await group.open([0, 5, 4095]));
    const bits = [14, 13];
    const trees = bits.map((b, k) => ({
      k0: ints(2 ** b, 3),
      k1: ints(2 ** b, 255),
      k2: ints(2 ** b, 2 ** 20),
      numerators: k === 0 ? null : ints(2 ** b, 2 ** 20),
    }));
    const forest = await kernels.forest(trees, element(), element());
    told.push(await forest.roots());
    for (const s of [12, 13]) {
      const active = s === 12 ? [0, 1] : [0];
      await forest.level(s, active, element(), powers(element(), active.length), Array.from({ length: s }, element));
      for (let j = 0; j < s; j++) {
        told.push(await forest.round());
        await forest.fold(element());
      }
      told.push(await forest.masks());
    }
    forest.free();
    const opening = await kernels.opening([group], 10);
    told.push(await opening.columnsAt(Array.from({ length: 10 }, element)), await opening.combine(Array.from({ length: 40 }, element)));
    opening.free();
    group.free();
    return told;
  }

  it('with 1, 2 and 5 threads say what the reference says', async () => {
    const expected = await work(reference);
    for (const k of sets) expect(await work(k)).toEqual(expected);
  });

  it('serve two proofs at once', async () => {
    const [one] = await Promise.all([work(sets[1] as Kernels), work(sets[1] as Kernels)]);
    expect(one).toEqual(await work(reference));
  });

  it('fail when a task fails, here or in a thread, after the whole list', () => {
    for (let round = 0; round < 3; round++) {
      const machine = new Machine(sharedModule, { count: 3, start });
      const far = 2 ** 32 - 64;
      expect(() => machine.run(Array.from({ length: 50 }, () => ['lift', 0, 64, far, far] as const))).toThrow();
      machine.close();
    }
  });

  it('fail when a thread fails, and do not hang', async () => {
    let fail: (e: unknown) => void = () => {};
    const dying: ThreadStarter = (_start, failed) => {
      fail = failed;
      return () => {};
    };
    const kernels = wasmKernels({ count: 2, start: dying });
    // The thread never takes a task; this one does them all.
    expect(await work(kernels)).toEqual(await work(reference));
    fail(new Error('gone'));
    await expect(work(kernels)).rejects.toThrow('gone');
    kernels.close();
  });
});

describe('the choice of kernels', () => {
  it('takes WebAssembly, threads where they are asked for, the reference where it is', () => {
    expect(chooseKernels().kernels.name).toBe('WebAssembly SIMD');
    const two = chooseKernels({ threads: 2 });
    expect([two.kernels.name, two.note]).toEqual(['WebAssembly SIMD, 2 threads', null]);
    two.close();
    expect(chooseKernels({ kind: 'reference' }).kernels).toBe(reference);
    expect(() => chooseKernels({ threads: 0 })).toThrow(RangeError);
    expect(() => chooseKernels({ threads: 1.5 })).toThrow(RangeError);
  });

  it('falls back where there is no SIMD or no shared memory, and says so', () => {
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      const chosen = chooseKernels();
      expect(chosen.kernels).toBe(reference);
      expect(chosen.note).toContain('no WebAssembly SIMD');
      expect(() => chooseKernels({ kind: 'wasm' })).toThrow('no WebAssembly SIMD');
    } finally {
      WebAssembly.validate = validate;
    }
    Object.assign(globalThis, { crossOriginIsolated: false });
    try {
      const chosen = chooseKernels({ threads: 2 });
      expect(chosen.kernels.name).toBe('WebAssembly SIMD');
      expect(chosen.note).toContain('not cross-origin isolated');
    } finally {
      Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
    }
  });
});

describe('the memory of the kernels', () => {
  it('gives no two blocks that overlap, joins what is freed, and ends empty', () => {
    const memory = new Memory(new WebAssembly.Memory({ initial: 1, maximum: 1024 }));
    const r = new Random(3);
    const blocks: { at: number; bytes: number; tag: number }[] = [];
    for (let step = 0; step < 3000; step++) {
      if (blocks.length > 0 && r.int(0, 1) === 0) {
        const [block] = blocks.splice(r.int(0, blocks.length - 1), 1) as [(typeof blocks)[number]];
        // Nobody wrote into it.
        expect(memory.u8.subarray(block.at, block.at + block.bytes).every((b) => b === block.tag)).toBe(true);
        memory.free(block.at);
        continue;
      }
      const bytes = r.int(0, 5000);
      const at = memory.alloc(bytes);
      expect(at % 64).toBe(0);
      expect(at).toBeGreaterThan(0);
      memory.u8.fill(step & 255, at, at + bytes);
      blocks.push({ at, bytes, tag: step & 255 });
    }
    for (const { at } of blocks) memory.free(at);
    expect(memory.used).toBe(0);
    expect(memory.alloc(100000)).toBe(64);
    expect(() => memory.free(128)).toThrow(RangeError);
  });

  it('refuses what no memory can hold', () => {
    const memory = new Memory(new WebAssembly.Memory({ initial: 1, maximum: 2 }));
    expect(() => memory.alloc(2 ** 33)).toThrow(RangeError);
    expect(() => memory.alloc(2 ** 20)).toThrow();
    expect(memory.used).toBe(0);
  });
});
