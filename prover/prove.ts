/**
 * Proving: inputs in, envelope out (protocol §8, §11).
 */

import { stackOf } from '../circuits/contents.ts';
import { evaluate, outputsOf, type Runnable, type ValueMap } from '../circuits/evaluate.ts';
import type { Accumulate } from '../circuits/forms/index.ts';
import type { Key } from '../circuits/key.ts';
import { unpad } from '../circuits/shape.ts';
import type { Form, Tensor } from '../circuits/types.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { encodeEnvelope, SYSTEM } from '../protocol/envelope.ts';
import { Pace, type PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { committedItem, publicItem, statementDigest } from '../protocol/statement.ts';
import { type LogEntry, ProverTranscript } from '../protocol/transcript.ts';
import type { CommittedGroup, Kernels } from './kernels/kernels.ts';
import { reference } from './kernels/reference/index.ts';
import { provePass } from './pass.ts';
import { buildWitness } from './witness.ts';

/** What a prover holds: the key, what it derives, and the weights and tables behind it. */
export interface ProvingCircuit extends Runnable {
  readonly fields: Key;
}

export interface ProveOptions extends PaceOptions {
  /** Nonce, chain id, prover id: compared by the verifier, bound by the proof. Default: empty. */
  readonly context?: Uint8Array | undefined;
  /** 32 bytes; default: the vkHash, as it must be without a registry (§11.1). */
  readonly modelId?: Uint8Array | undefined;
  readonly kernels?: Kernels | undefined;
  /** `commitWeights` of this circuit by these kernels, when the caller keeps it; it is not freed. */
  readonly weights?: CommittedGroup | undefined;
  /** Keep the transcript's log. */
  readonly log?: boolean | undefined;
}

export interface Proved {
  readonly envelope: Uint8Array;
  /** Raw values of the outputs, in the key's order. */
  readonly outputs: readonly Int32Array[];
  readonly log: readonly LogEntry[];
}

/** Centred inputs from raw ones; refuses a wrong length or a value outside the bounds of its tensor (`input.range`). */
export function centredInputs(key: Key, raw: readonly ArrayLike<number>[]): Int32Array[] {
  if (raw.length !== key.inputs.length) throw new Refused('input.count', `${raw.length} inputs, the circuit has ${key.inputs.length}`);
  return key.inputs.map(({ tensor, zp }, k) => {
    const { dims, lo, hi } = key.tensors[tensor] as Tensor & { lo: number; hi: number };
    const values = raw[k] as ArrayLike<number>;
    const count = dims.reduce((n, d) => n * d, 1);
    if (values.length !== count) throw new Refused('input.length', `input ${k} has ${values.length} values, the circuit wants ${count}`);
    return Int32Array.from({ length: count }, (_, i) => {
      const v = (values[i] as number) - zp;
      if (!Number.isInteger(v) || v < lo || v > hi)
        throw new Refused('input.range', `input ${k}, value ${i}: ${values[i]} is no integer in [${lo + zp}, ${hi + zp}]`, {
          input: k,
          index: i,
        });
      return v;
    });
  });
}

/** The integer network alone: raw inputs to raw outputs, with every intermediate value. */
export function infer(
  circuit: ProvingCircuit,
  raw: readonly ArrayLike<number>[],
  accumulate?: Accumulate,
): { values: ValueMap; outputs: Int32Array[] } {
  const values = evaluate(circuit, centredInputs(circuit.fields, raw), undefined, accumulate);
  return { values, outputs: outputsOf(circuit, values) };
}

/** The same accumulators without computing any twice: for one run, whose values do not change between. */
function once(accumulate: Accumulate): Accumulate {
  const known = new Map<Form, Int32Array>();
  return (tensors, form, values, outDims) => {
    const acc = known.get(form) ?? accumulate(tensors, form, values, outDims);
    known.set(form, acc);
    return acc;
  };
}

/**
 * Proves that the circuit maps these raw inputs (one array a key input, row-major) to its outputs. Throws `Refused` for inputs that do
 * not fit and for a circuit whose weights are not those of its key; an AbortError when cancelled.
 */
export async function prove(circuit: ProvingCircuit, raw: readonly ArrayLike<number>[], options: ProveOptions = {}): Promise<Proved> {
  const pace = new Pace(options);
  await pace.at('inference', 0.15);
  const accumulate = once((options.kernels ?? reference).accumulate);
  const { values } = infer(circuit, raw, accumulate);
  return proveValues(circuit, values, options, pace, accumulate);
}

/**
 * Commits to the weights of a circuit: they are the same in every proof of it. Throws `Refused` (circuit.root) where they are not those of
 * its key.
 */
export async function commitWeights(circuit: ProvingCircuit, kernels: Kernels, pace = new Pace()): Promise<CommittedGroup> {
  const { fields: key, plan, contents } = circuit;
  const stack = stackOf(plan, key.h, 'W', (t) => contents.get(t) as Int32Array);
  const g = await kernels.commit(stack, key.h, key.lr, (f) => pace.at('commit to the weights', 0.01 + 0.14 * f));
  if (equalBytes(g.root, key.wroot)) return g;
  g.free();
  throw new Refused('circuit.root', 'the weights of this circuit are not those its key commits to');
}

/** Proves a run whose values are already there; `values` gains the multiplicities. */
export async function proveValues(
  circuit: ProvingCircuit,
  values: ValueMap,
  options: ProveOptions = {},
  pace = new Pace(options),
  accumulate = (options.kernels ?? reference).accumulate,
): Promise<Proved> {
  const { fields: key, plan } = circuit;
  const kernels = options.kernels ?? reference;
  const context = options.context ?? new Uint8Array(0);
  const modelId = options.modelId ?? key.hash;
  if (!(context instanceof Uint8Array)) throw new Refused('context', 'the context is no Uint8Array');
  if (!(modelId instanceof Uint8Array) || modelId.length !== 32) throw new Refused('modelId', 'the model id is no Uint8Array of 32 bytes');
  await pace.at('witness', 0.17);
  const witness = buildWitness(circuit, values, accumulate);
  const committed = new Map<string, CommittedGroup>();
  const made: CommittedGroup[] = [];
  const keep = (group: string, g: CommittedGroup): void => {
    made.push(g);
    committed.set(group, g);
  };
  try {
    for (const { group } of plan.groups) {
      if (group === 'W' && options.weights !== undefined) committed.set(group, options.weights);
      else if (group === 'W') keep(group, await commitWeights(circuit, kernels, pace));
      else if (group === 'X') {
        const stack = stackOf(plan, key.h, group, (t) => values.get(t) as Int32Array);
        keep(group, await kernels.commit(stack, key.h, key.lr, (f) => pace.at('commit to the input', 0.18 + 0.02 * f)));
      }
    }
    const inputs = key.inputs.map(({ tensor, dtype, zp }) => {
      const { dims, home } = key.tensors[tensor] as Tensor;
      return home === 'X'
        ? committedItem(dtype, dims, (committed.get('X') as CommittedGroup).root)
        : publicItem(dtype, dims, rawOf(values, tensor, dims, zp));
    });
    const outputs = outputsOf(circuit, values);
    const items = key.outputs.map(({ tensor, dtype }, i) =>
      publicItem(dtype, (key.tensors[tensor] as Tensor).dims, outputs[i] as Int32Array),
    );
    const statement = { system: SYSTEM, profile: key.profile, vkHash: key.hash, modelId, inputs, outputs: items, context };
    const t = new ProverTranscript(key.profile, options.log ?? false);
    await provePass(t, kernels, { circuit, witness, committed, statementDigest: statementDigest(statement) }, pace);
    return { envelope: encodeEnvelope({ ...statement, proof: t.proof() }), outputs, log: t.log ?? [] };
  } finally {
    for (const g of made) g.free();
  }
}

function rawOf(values: ValueMap, tensor: number, dims: readonly number[], zp: number): Int32Array {
  return unpad(values.get(tensor) as Int32Array, dims).map((v) => v + zp);
}
