/** Proving with files and names: what the package exports (`assay/prover`). */
import { type Circuit, decodeCircuitFile } from '../circuits/files.ts';
import { applyHead, type Interface } from '../circuits/interface.ts';
import { type NamedTensor, namedOutputs, provenTensors } from '../circuits/named.ts';
import type { Tensor } from '../circuits/types.ts';
import { blake3 } from '../protocol/blake3.ts';
import { plainBytes, toHex } from '../protocol/bytes.ts';
import { Pace } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { chooseKernels } from './kernels/index.ts';
import type { CommittedGroup, Kernels } from './kernels/kernels.ts';
import { commitWeights, infer, type ProveOptions, prove as proveRaw } from './prove.ts';

export type { ProveOptions };

/** Values by input name: flat row-major numbers, or a tensor that says its shape. */
export type NamedInputs = Readonly<
  Record<string, ArrayLike<number | bigint> | { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> }>
>;

export interface RunResult {
  /** The model's outputs. */
  readonly outputs: readonly NamedTensor[];
  /** The integer tensors that a proof binds. */
  readonly proven: readonly NamedTensor[];
  /** The raw integers of the statement: of every key input and output, in the key's order, row-major. */
  readonly integers: { readonly inputs: readonly Int32Array[]; readonly outputs: readonly Int32Array[] };
}

export interface Proved extends RunResult {
  readonly envelope: Uint8Array;
}

/** The circuit decoded last, by the hash of its bytes: several proofs of one circuit read it once. */
let last: { readonly digest: string; readonly circuit: Circuit } | null = null;

function circuitOf(bytes: Uint8Array): Circuit {
  // A copy: what is hashed is what is decoded, even if the memory is shared with a thread that writes to it.
  const own = plainBytes(bytes).slice();
  const digest = toHex(blake3(own));
  if (last === null || last.digest !== digest) last = { digest, circuit: decodeCircuitFile(own) };
  return last.circuit;
}

/** Copies: the circuit stays with the next caller. */
const inputsOf = (c: Circuit): Interface['inputs'] => c.interface.inputs.map((i) => ({ ...i, shape: [...i.shape] }));

/** Name, type and shape of every input the circuit takes. */
export function describeInputs(circuit: Uint8Array): Interface['inputs'] {
  return inputsOf(circuitOf(circuit));
}

/** The raw integers of every key input from the model's inputs. Throws `Refused` `input.*` for inputs that do not fit. */
export function rawInputs(face: Interface, inputs: NamedInputs): Int32Array[] {
  const refuse = (sentence: string): never => {
    throw new Refused('input.value', sentence);
  };
  if (typeof inputs !== 'object' || inputs === null) return refuse('the inputs are no object of tensors by name');
  const declared = new Map(face.inputs.map((i) => [i.name, i]));
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      if (typeof value !== 'object' || value === null) return refuse(`the input "${name}" is no list of numbers`);
      const d = declared.get(name);
      const { data, shape = d?.shape ?? [] } = 'data' in value ? value : { data: value };
      if (!Array.isArray(data) && !ArrayBuffer.isView(data)) return refuse(`the input "${name}" is no list of numbers`);
      const numbers: number[] = new Array(data.length);
      for (let i = 0; i < data.length; i++) {
        const v: unknown = data[i];
        const n = typeof v === 'bigint' ? Number(v) : v;
        // A float32 that overflows is no number of the caller's any more.
        if (typeof n !== 'number' || !Number.isFinite(Math.fround(n)))
          return refuse(`the input "${name}" holds ${String(v)} at position ${i}, which is no finite number`);
        numbers[i] = n;
      }
      return [name, { dtype: d?.dtype ?? 'float32', shape, data: numbers }];
    }),
  );
  return applyHead(face, tensors);
}

function result(circuit: Circuit, inputs: readonly Int32Array[], outputs: readonly Int32Array[]): RunResult {
  const io = circuit.fields.outputs.map((o) => ({ dtype: o.dtype, dims: (circuit.fields.tensors[o.tensor] as Tensor).dims }));
  return {
    outputs: namedOutputs(circuit.interface, outputs),
    proven: provenTensors(circuit.interface, io, outputs),
    integers: { inputs: inputs.map((t) => t.slice()), outputs: outputs.map((t) => t.slice()) },
  };
}

let chosen: Kernels | null = null;

/** One thread, WebAssembly where it runs. Its memory grows to what the largest proof wanted and stays. */
function defaultKernels(): Kernels {
  chosen ??= chooseKernels().kernels;
  return chosen;
}

/** A circuit that is read, and whose weights are committed to, once for all its proofs. */
export interface OpenCircuit {
  /** Name, type and shape of every input it takes. */
  readonly inputs: Interface['inputs'];
  /** The key file of the circuit: what its proofs are verified with. */
  readonly key: Uint8Array;
  /** Integer inference only: exactly the values a proof would show. */
  run(inputs: NamedInputs): RunResult;
  /** Proves a run. Throws `Refused` for inputs that do not fit, an AbortError when cancelled. */
  prove(inputs: NamedInputs, options?: Omit<ProveOptions, 'kernels' | 'weights'>): Promise<Proved>;
  /** `run` and `prove` from the integers of a statement (`RunResult.integers`): for whoever keeps those and not the model's inputs. */
  runIntegers(raw: readonly ArrayLike<number>[]): RunResult;
  proveIntegers(raw: readonly ArrayLike<number>[], options?: Omit<ProveOptions, 'kernels' | 'weights'>): Promise<Proved>;
  /** Gives back what the kernels hold for it, some 40 bytes a weight, when the proofs under way have ended. Later calls throw an Error. */
  close(): void;
}

/** Opens a circuit file for any number of runs and proofs; `kernels` as of `chooseKernels`. Throws `Refused` for bytes that are none. */
export function openCircuit(
  file: Uint8Array,
  { kernels = defaultKernels() }: { readonly kernels?: Kernels | undefined } = {},
): OpenCircuit {
  const circuit = circuitOf(file);
  const hasWeights = circuit.plan.groups.some((g) => g.group === 'W');
  let weights: CommittedGroup | undefined;
  let closed = false;
  let running = 0;
  const raw = (inputs: NamedInputs): Int32Array[] => {
    if (closed) throw new Error('the circuit was closed');
    return rawInputs(circuit.interface, inputs);
  };
  const freeIfOver = (): void => {
    if (!closed || running > 0) return;
    weights?.free();
    weights = undefined;
  };
  const copies = (values: readonly ArrayLike<number>[]): Int32Array[] => {
    if (closed) throw new Error('the circuit was closed');
    return values.map((v) => Int32Array.from(v));
  };
  const runValues = (values: readonly Int32Array[]): RunResult =>
    result(circuit, values, infer(circuit, values, kernels.accumulate).outputs);
  const proveValues = async (values: readonly Int32Array[], options: Omit<ProveOptions, 'kernels' | 'weights'> = {}): Promise<Proved> => {
    running++;
    try {
      if (hasWeights && weights === undefined) {
        const made = await commitWeights(circuit, kernels, new Pace(options));
        // Another proof may have been quicker.
        if (weights === undefined) weights = made;
        else made.free();
      }
      const { envelope, outputs } = await proveRaw(circuit, values, { ...options, kernels, weights });
      return { envelope, ...result(circuit, values, outputs) };
    } finally {
      running--;
      freeIfOver();
    }
  };
  return {
    inputs: inputsOf(circuit),
    key: circuit.keyFile.slice(),
    run: (inputs) => runValues(raw(inputs)),
    prove: async (inputs, options) => proveValues(raw(inputs), options),
    runIntegers: (values) => runValues(copies(values)),
    proveIntegers: async (values, options) => proveValues(copies(values), options),
    close() {
      closed = true;
      freeIfOver();
    },
  };
}

/** Integer inference only: exactly the values a proof would show. */
export function run(circuit: Uint8Array, inputs: NamedInputs): RunResult {
  return openCircuit(circuit).run(inputs);
}

/** One proof of one run: `openCircuit` is quicker for several. Throws `Refused` for a circuit or input that does not fit, an AbortError when cancelled. */
export async function prove(circuit: Uint8Array, inputs: NamedInputs, options: Omit<ProveOptions, 'weights'> = {}): Promise<Proved> {
  await new Pace(options).at('read the circuit', 0);
  const open = openCircuit(circuit, options);
  try {
    return await open.prove(inputs, options);
  } finally {
    open.close();
  }
}
