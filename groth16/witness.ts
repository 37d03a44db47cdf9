/**
 * The witness of a constraint system: circom's program for it, run in a process that ends with the work. The program comes with the circuit,
 * which may be a stranger's: it reaches nothing but its own memory, whatever it does it can be stopped, and what it computes is checked
 * (prove.ts). A thread would not do: one that fills memory in straight-line code cannot be stopped, and one that runs out of it takes the
 * process along.
 */
import { spawn } from 'node:child_process';
import { concatAll, u32, u64 } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import { unlessAborted } from './abort.ts';
import { R, readField } from './r1cs.ts';
import { bigEndian } from './signals.ts';
import { Unanswered } from './snarkjs.ts';

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

/** Megabytes of the process beside the program's memory, which is 4 GiB at most: tables, above all, which no program of circom grows. */
const HEAP = 1024;

/** Runs the program of a constraint system of `wires` wires on inputs by their names. Refused `circuit.witness` where it cannot be run to its end; `Unanswered` where its process dies. */
export async function computeWitness(
  program: Uint8Array,
  wires: number,
  inputs: Readonly<Record<string, readonly bigint[]>>,
  signal?: AbortSignal,
): Promise<Witness> {
  signal?.throwIfAborted();
  const element = (v: bigint): Uint8Array => bigEndian(v < 0n ? v + R : v);
  const task: Task = { program, wires, inputs: Object.entries(inputs).map(([name, values]) => [name, values.map(element)]) };
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, '-e', `(${serve})()`], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (e) => resolve(e.message));
    child.on('exit', (code, by) => resolve(`it ended with ${by ?? `code ${code}`}`));
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    child.on('message', (m) => resolve(m as Answer));
    ended.then((how) => reject(new Unanswered(`the process of the witness program did not answer: ${how}`)));
  });
  try {
    child.send(task, () => {}); // where it cannot be sent, the process has ended
    const answer = await unlessAborted(answered, signal);
    const refusal = 'refusal' in answer ? answer.refusal : readField(answer.prime, 0) === R ? null : 'is over another field';
    if ('refusal' in answer || refusal !== null) throw new Refused('circuit.witness', `the witness program of the circuit ${refusal}`);
    return witnessOf(answer);
  } finally {
    child.kill('SIGKILL');
    await ended;
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

/** What the process does, by the interface of circom 2's programs. As text: it names nothing outside itself, so it runs whether this file is source or built. */
function serve(): void {
  type Calls = Record<string, (...args: number[]) => number>;
  const answer = ({ program, wires, inputs }: Task): Answer => {
    let failed = 0;
    // Without prototypes: a program that imports "constructor" would be given Object and Function.
    const runtime = {
      __proto__: null,
      exceptionHandler: (code: number) => {
        failed = code;
        throw new Error();
      },
      printErrorMessage: () => {},
      writeBufferMessage: () => {},
      showSharedRWMemory: () => {},
    };
    const imports = { __proto__: null, runtime } as unknown as Record<string, never>;
    try {
      const c = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(program)), imports).exports as unknown as Calls;
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
  process.on('message', (task) => process.send?.(answer(task as Task)));
}
