/**
 * Compiles a model and checks what is timed later: every output against the truth (recorded, or for a synthetic model onnxruntime's), and a
 * proof that the verifier accepts. Leaves the artefacts in a folder.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeKeyFile } from '../circuits/files.ts';
import { planOf } from '../circuits/plan.ts';
import { chooseKernels, compile, type NamedTensor, prove, run, verify } from '../index.ts';
import type { NamedInputs } from '../prover/index.ts';
import { differing, recorded } from '../scripts/recorded.ts';
import { onnxruntime } from './onnxruntime.ts';
import { type Artefacts, digestOf } from './rounds.ts';
import { median } from './statistics.ts';
import { synthetic, syntheticSize } from './synthetic.ts';

export interface Prepared {
  readonly name: string;
  /** Inputs whose outputs were compared, element by element. */
  readonly checkedInputs: number;
  /** With what: `onnxruntime 1.31.1, recorded`; null for a synthetic model where onnxruntime is missing. */
  readonly checkedAgainst: string | null;
  readonly lookups: number;
  readonly tableRows: number;
  readonly weights: number;
  readonly bytes: { readonly circuit: number; readonly key: number; readonly proof: number };
  readonly digest: string;
  /** Median milliseconds. */
  readonly compile: number;
  readonly run: number;
  /** onnxruntime-node, CPU, one thread; null where it is not installed. */
  readonly onnxruntime: { readonly version: string; readonly ms: number } | null;
}

export interface Subject {
  readonly model: Uint8Array;
  readonly inputs: readonly Readonly<Record<string, NamedTensor>>[];
  /** Null: to be had from onnxruntime. */
  readonly outputs: readonly (readonly NamedTensor[])[] | null;
}

function subjectOf(name: string): Subject {
  const k = syntheticSize(name);
  if (k !== null) {
    const { model, inputs } = synthetic(k);
    return { model, inputs: [inputs], outputs: null };
  }
  const r = recorded(name);
  const all = <T>(of: (i: number) => T): T[] => Array.from({ length: r.count }, (_, i) => of(i));
  return { model: r.model, inputs: all(r.inputs), outputs: all(r.outputs) };
}

function times<T>(count: number, work: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => work(i));
}

export async function prepare(name: string, folder: string, repeats: number): Promise<Prepared> {
  const { model, inputs, outputs } = subjectOf(name);
  // The synthetic models are there for what a lookup costs.
  const options = { reveal: syntheticSize(name) === null };
  const { circuit, key } = await compile(model, options);
  const beside = await onnxruntime(model, inputs, 500);
  const truths = outputs ?? beside?.outputs ?? [];
  truths.forEach((truth, i) => {
    const wrong = differing(run(circuit, inputs[i] as NamedInputs).outputs, truth);
    if (wrong > 0) throw new Error(`${name}: ${wrong} elements of the outputs of input ${i} are wrong`);
  });

  const chosen = chooseKernels();
  const { envelope } = await prove(circuit, inputs[0] as NamedInputs, { kernels: chosen.kernels });
  chosen.close();
  const verdict = verify(envelope, key);
  if (verdict.verdict !== 'accepted') throw new Error(`${name}: the proof is refused: ${verdict.code}, ${verdict.sentence}`);

  const compiles: number[] = [];
  for (let i = 0; i < Math.min(3, repeats); i++) {
    const started = performance.now();
    await compile(model, options);
    compiles.push(performance.now() - started);
  }
  const runs = times(repeats, (i) => {
    const started = performance.now();
    run(circuit, inputs[i % inputs.length] as NamedInputs);
    return performance.now() - started;
  });
  const { key: fields } = decodeKeyFile(key);
  const plan = planOf(fields);
  const prepared: Prepared = {
    name,
    checkedInputs: truths.length,
    checkedAgainst: outputs !== null ? 'recorded by onnxruntime' : beside === null ? null : `onnxruntime-node ${beside.version}`,
    lookups: plan.lookupCount,
    tableRows: plan.tableCount,
    weights: fields.tensors.reduce((n, t) => n + (t.home === 'W' ? t.dims.reduce((a, b) => a * b, 1) : 0), 0),
    bytes: { circuit: circuit.length, key: key.length, proof: envelope.length },
    digest: digestOf(envelope),
    compile: median(compiles),
    run: median(runs),
    onnxruntime: beside === null ? null : { version: beside.version, ms: beside.ms },
  };
  const values = Object.entries(inputs[0] as Subject['inputs'][number]).map(([n, t]) => [
    n,
    Array.from<number | bigint, number>(t.data, Number),
  ]);
  writeFileSync(join(folder, 'circuit'), circuit);
  writeFileSync(join(folder, 'key'), key);
  writeFileSync(join(folder, 'proof'), envelope);
  writeFileSync(join(folder, 'given.json'), JSON.stringify({ digest: prepared.digest, inputs: Object.fromEntries(values) }));
  return prepared;
}

/** What `prepare` left. */
export function artefactsIn(folder: string): Artefacts & { readonly key: Uint8Array; readonly proof: Uint8Array } {
  const bytes = (file: string): Uint8Array => readFileSync(join(folder, file));
  const given = JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8')) as Pick<Artefacts, 'digest' | 'inputs'>;
  return { ...given, circuit: bytes('circuit'), key: bytes('key'), proof: bytes('proof') };
}
