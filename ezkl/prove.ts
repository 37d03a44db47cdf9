/** Running and proving with EZKL's engine: witness, proving key, proof, in one thread; the proof is verified before it is handed out. */
import { decodeEzklCircuit, type EzklCircuit } from '../circuits/ezkl/key.ts';
import { integersOf, realsOf } from '../circuits/ezkl/named.ts';
import { elements, readProofJson, splitInstances } from '../circuits/ezkl/proof.ts';
import type { EzklSettings, FixedPoint } from '../circuits/ezkl/settings.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { ascii } from '../protocol/bytes.ts';
import type { PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { type Engine, withEngine } from './engine.ts';
import { accepted, asked, envelopeOf } from './import.ts';

export interface EzklInput {
  readonly name: string;
  readonly dtype: 'float32';
  readonly shape: readonly number[];
}

/** What the model of a circuit takes. EZKL quantises it: real number · 2^scale, rounded. */
export const describeEzklInputs = (circuit: Uint8Array): EzklInput[] =>
  decodeEzklCircuit(circuit).key.read.inputs.map(({ name, dims }) => ({ name, dtype: 'float32', shape: [...dims] }));

export interface EzklProveOptions extends PaceOptions {
  readonly modelId?: Uint8Array | undefined;
}

export interface EzklProved {
  readonly envelope: Uint8Array;
  readonly outputs: readonly NamedTensor[];
  readonly proven: readonly NamedTensor[];
}

const tensorsOf = ({ inputs, outputs }: EzklSettings, integers: readonly Int32Array[]): Omit<EzklProved, 'envelope'> => {
  const each = outputs.map((t, i) => [t, integers[inputs.length + i] as Int32Array] as const);
  return { outputs: each.map(([t, v]) => realsOf(t, v)), proven: each.map(([t, v]) => integersOf(t, v)) };
};

/** Integers of the statement, and the witness they are of. */
async function witnessOf(
  engine: Engine,
  { key, compiled }: EzklCircuit,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Promise<{ readonly witness: Uint8Array; readonly integers: Int32Array[] }> {
  const given = key.read.inputs.map((t) => valuesOf(t, inputs[t.name]));
  const witness = await asked(engine, 'genWitness', compiled, ascii(JSON.stringify({ input_data: given })));
  return { witness, integers: statementOf(witness, key.read) };
}

/** The outputs that a proof would show, without one. Throws what `proveEzkl` throws. */
export function runEzkl(
  circuit: Uint8Array,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  { signal }: Pick<EzklProveOptions, 'signal'> = {},
): Promise<Omit<EzklProved, 'envelope'>> {
  const c = decodeEzklCircuit(circuit);
  return withEngine(async (engine) => tensorsOf(c.key.read, (await witnessOf(engine, c, inputs)).integers), signal);
}

/** Proves one inference. Throws `input.value`, `circuit.ezkl` where the engine refuses the circuit, or what the signal says. */
export async function proveEzkl(
  circuit: Uint8Array,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  { signal, onProgress, modelId }: EzklProveOptions = {},
): Promise<EzklProved> {
  const c = decodeEzklCircuit(circuit);
  const { key, keyFile, compiled, srs } = c;
  const made = await withEngine(async (engine) => {
    onProgress?.({ stage: 'witness', fraction: 0 });
    // Before the long part: a value that no statement can show is the input's fault.
    const { witness, integers } = await witnessOf(engine, c, inputs);
    onProgress?.({ stage: 'proving key', fraction: 0.02 });
    const pk = await asked(engine, 'genPk', key.vk, compiled, srs);
    onProgress?.({ stage: 'proof', fraction: 0.4 });
    return { integers, json: await asked(engine, 'prove', witness, pk, compiled, srs) };
  }, signal);
  const { integers, proof } = readProofJson(made.json, key.read);
  if (integers.some((t, i) => t.some((v, j) => v !== made.integers[i]?.[j])))
    throw new Refused('circuit.ezkl', 'EZKL’s engine proved other values than those of its witness');
  onProgress?.({ stage: 'verify', fraction: 0.97 });
  const envelope = envelopeOf(key, integers, proof, modelId);
  await accepted(envelope, keyFile, { signal, modelId });
  return { envelope, ...tensorsOf(key.read, integers) };
}

function valuesOf(t: FixedPoint, values: ArrayLike<number> | undefined): number[] {
  const list = values === undefined ? [] : Array.from(values);
  if (list.length !== elements(t) || !list.every(Number.isFinite))
    throw new Refused('input.value', `${t.name} wants ${elements(t)} finite numbers`, { input: t.name });
  const most = (2 ** 31 - 1) / 2 ** t.scale;
  const far = list.findIndex((v) => Math.abs(v) > most);
  if (far >= 0) throw new Refused('input.value', `${t.name}: value ${far} is ${list[far]}; the circuit's integers reach ${most}`);
  return list;
}

function statementOf(witness: Uint8Array, read: Parameters<typeof splitInstances>[1]): Int32Array[] {
  const { inputs, outputs } = JSON.parse(new TextDecoder().decode(witness)) as { inputs: unknown[][]; outputs: unknown[][] };
  return splitInstances([...inputs, ...outputs].flat(), read, (sentence) => {
    throw new Refused('circuit.ezkl', `the witness has ${sentence}`);
  });
}
