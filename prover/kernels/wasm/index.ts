/**
 * The kernels in WebAssembly: SIMD, and threads over shared memory where they are given. The same bytes as `reference`, in memory of their
 * own that several proofs may share one after the other or at once.
 */

import module from '../../../wasm/generated/prover.ts';
import sharedModule from '../../../wasm/generated/prover-shared.ts';
import { Scope } from '../../../wasm/memory.ts';
import { NAME, unsupported } from '../../../wasm/module.ts';
import type { Kernels } from '../kernels.ts';
import { accumulate } from './accumulate.ts';
import { commit, Encoder } from './commit.ts';
import { evaluate } from './evaluate.ts';
import { forest } from './forest.ts';
import { grind } from './hashing.ts';
import { Machine, type Threads } from './machine.ts';
import { opening } from './opening.ts';
import { vectorOf } from './recipes.ts';
import { batched } from './sumcheck.ts';

export interface WasmKernels extends Kernels {
  readonly threads: number;
  /** Bytes in use, and the most there were. */
  memory(): { readonly used: number; readonly peak: number };
  /** Ends the threads; no call may follow. */
  close(): void;
}

/** Throws an Error in words where this machine cannot run them. */
export function wasmKernels(threads: Threads | null = null): WasmKernels {
  const reason = unsupported();
  if (reason !== null) throw new Error(reason);
  const shared = threads !== null && threads.count > 1;
  const machine = new Machine(shared ? sharedModule : module, shared ? threads : null);
  const encoder = new Encoder(machine);
  return {
    name: shared ? `${NAME}, ${machine.threads} threads` : NAME,
    threads: machine.threads,
    memory: () => ({ used: machine.memory.used, peak: machine.memory.peak }),
    close: () => machine.close(),
    accumulate: (tensors, form, values, outDims) => accumulate(machine, tensors, form, values, outDims),
    commit: (stack, h, lr, pace) => commit(machine, encoder, stack, h, lr, pace),
    forest: (trees, alpha, beta) => forest(machine, trees, alpha, beta),
    evaluate: async (list) => evaluate(machine, list),
    async sumcheck(instances, delta, degree, values) {
      const scope = new Scope(machine.memory);
      const sources = new Scope(machine.memory);
      try {
        const addresses = new Map<number, number>();
        const source = (tensor: number): number => {
          const known = addresses.get(tensor);
          if (known !== undefined) return known;
          const at = sources.copy(values(tensor));
          addresses.set(tensor, at);
          return at;
        };
        const running = instances.map(({ variables, sum, factors }) => ({
          variables,
          sum,
          factors: factors.map((r) => vectorOf(machine, scope, r, 2 ** variables, source)),
          plane: Math.max(16, 4 * 2 ** variables),
        }));
        return batched(machine, scope, running, delta, degree);
      } catch (e) {
        scope.free();
        throw e;
      } finally {
        sources.free();
      }
    },
    opening: (groups, h) => opening(machine, groups, h),
    grind: async (state, bits) => grind(machine, state, bits),
  };
}
