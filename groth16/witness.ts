/**
 * The witness of a constraint system: circom's program for it, run in a thread that ends with the work. The program comes with the circuit,
 * which may be a stranger's: whatever it does, it can be stopped, and what it computes is checked (prove.ts).
 */
import { Worker } from 'node:worker_threads';
import { concatAll, u32, u64 } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import { R, readField } from './r1cs.ts';
import { bigEndian } from './signals.ts';

export interface Witness {
  /** iden3's .wtns format, version 2. */
  readonly file: Uint8Array;
  /** Wires 1 to n: of the constraint system, its public ones. */
  publicWires(n: number): bigint[];
}

type Answer = { readonly prime: Uint8Array; readonly values: Uint8Array } | { readonly refusal: string };
interface Task {
  readonly program: Uint8Array;
  readonly wires: number;
  /** Name, then elements of 32 bytes, big-endian. */
  readonly inputs: readonly (readonly [name: string, values: readonly Uint8Array[]])[];
}

/** Runs the program of a constraint system of `wires` wires on inputs by their names. Refused `circuit.witness` where it cannot be run to its end. */
export async function computeWitness(
  program: Uint8Array,
  wires: number,
  inputs: Readonly<Record<string, readonly bigint[]>>,
  signal?: AbortSignal,
): Promise<Witness> {
  signal?.throwIfAborted();
  const element = (v: bigint): Uint8Array => bigEndian(v < 0n ? v + R : v);
  const task: Task = { program, wires, inputs: Object.entries(inputs).map(([name, values]) => [name, values.map(element)]) };
  const worker = new Worker(`(${serve})(require('node:worker_threads'))`, { eval: true, workerData: task });
  let stop = (): void => {};
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      worker.on('message', resolve);
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('the thread of the witness program ended before it answered')));
    });
    if ('refusal' in answer) throw new Refused('circuit.witness', `the witness program of the circuit ${answer.refusal}`);
    return witnessOf(answer);
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function witnessOf({ prime, values }: Extract<Answer, { values: Uint8Array }>): Witness {
  const header = concatAll([u32(prime.length), prime, u32(values.length / prime.length)]);
  const sections: readonly [number, Uint8Array][] = [
    [1, header],
    [2, values],
  ];
  return {
    file: concatAll([
      Uint8Array.from('wtns', (c) => c.charCodeAt(0)),
      u32(2),
      u32(sections.length),
      ...sections.flatMap(([type, body]) => [u32(type), u64(body.length), body]),
    ]),
    publicWires: (n) => Array.from({ length: n }, (_, i) => readField(values, 32 * (i + 1))),
  };
}

/** What the thread does, by the interface of circom 2's programs. As text: it names nothing outside itself, so it runs whether this file is source or built. */
function serve({ parentPort, workerData }: typeof import('node:worker_threads')): void {
  const { program, wires, inputs } = workerData as Task;
  type Calls = Record<string, (...args: number[]) => number>;
  const answer = (): Answer => {
    let failed = 0;
    const runtime = {
      exceptionHandler: (code: number) => {
        failed = code;
        throw new Error();
      },
      printErrorMessage: () => {},
      writeBufferMessage: () => {},
      showSharedRWMemory: () => {},
    };
    try {
      const c = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(program)), { runtime }).exports as unknown as Calls;
      const call = (name: string, ...args: number[]): number => {
        const f = c[name];
        if (typeof f !== 'function') throw new Error(`it has no ${name}`);
        return f(...args) >>> 0;
      };
      if (call('getFieldNumLen32') !== 8) return { refusal: 'is over another field' };
      const element = (at: Uint8Array): void => {
        const view = new DataView(at.buffer, at.byteOffset);
        for (let w = 0; w < 8; w++) view.setUint32(4 * w, call('readSharedRWMemory', w), true);
      };
      const prime = new Uint8Array(32);
      call('getRawPrime');
      element(prime);
      call('init', 1);
      for (const [name, values] of inputs) {
        // FNV-1a of 64 bits.
        let h = 0xcbf29ce484222325n;
        for (const b of Buffer.from(name)) h = BigInt.asUintN(64, (h ^ BigInt(b)) * 0x100000001b3n);
        const [high, low] = [Number(h >> 32n), Number(h & 0xffffffffn)];
        const size = call('getInputSignalSize', high, low);
        if (size !== values.length) return { refusal: `takes ${size | 0} values of ${name}, the network has ${values.length}` };
        values.forEach((v, i) => {
          const view = new DataView(v.buffer, v.byteOffset);
          for (let w = 0; w < 8; w++) call('writeSharedRWMemory', w, view.getUint32(28 - 4 * w));
          call('setInputSignal', high, low, i);
        });
      }
      const count = call('getWitnessSize');
      if (count !== wires) return { refusal: `has ${count} wires, the proving key ${wires}` };
      const values = new Uint8Array(32 * count);
      for (let i = 0; i < count; i++) {
        call('getWitness', i);
        element(values.subarray(32 * i, 32 * i + 32));
      }
      return { prime, values };
    } catch (e) {
      const why = failed > 0 ? `code ${failed}` : e instanceof Error ? e.message : String(e);
      return { refusal: `cannot be run on this input: ${why}` };
    }
  };
  parentPort?.postMessage(answer());
}
