/** Proving with EZKL's engine: witness, proving key, proof, in one thread; the proof is verified before it is handed out. */
import { decodeEzklCircuit } from '../circuits/ezkl/key.ts';
import { integersOf, realsOf } from '../circuits/ezkl/named.ts';
import { elements, readProofJson, splitInstances } from '../circuits/ezkl/proof.ts';
import type { FixedPoint } from '../circuits/ezkl/settings.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { ascii } from '../protocol/bytes.ts';
import type { PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { withEngine } from './engine.ts';
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

/** Proves one inference. Throws `input.value`, `circuit.ezkl` where the engine refuses the circuit, or what the signal says. */
export async function proveEzkl(
  circuit: Uint8Array,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  { signal, onProgress, modelId }: EzklProveOptions = {},
): Promise<EzklProved> {
  const { key, keyFile, compiled, srs } = decodeEzklCircuit(circuit);
  const given = key.read.inputs.map((t) => valuesOf(t, inputs[t.name]));
  const made = await withEngine(async (engine) => {
    onProgress?.({ stage: 'witness', fraction: 0 });
    const witness = await asked(engine, 'genWitness', compiled, ascii(JSON.stringify({ input_data: given })));
    // Before the long part: a value that no statement can show is the input's fault.
    const integers = statementOf(witness, key.read);
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
  const outputs = key.read.outputs.map((t, i) => [t, integers[key.read.inputs.length + i] as Int32Array] as const);
  return { envelope, outputs: outputs.map(([t, v]) => realsOf(t, v)), proven: outputs.map(([t, v]) => integersOf(t, v)) };
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
