/** One model measured in a process of its own: results are checked first, then timed. Prints one JSON object. */

import { decodeKeyFile } from '../circuits/files.ts';
import { planOf } from '../circuits/plan.ts';
import { compile, prove, run, verify } from '../index.ts';
import { differing, recorded } from '../scripts/recorded.ts';

export interface Measured {
  readonly name: string;
  readonly checkedInputs: number;
  readonly lookups: number;
  readonly tableRows: number;
  readonly bytes: { readonly circuit: number; readonly key: number; readonly proof: number };
  /** Medians, in milliseconds. */
  readonly ms: { readonly compile: number; readonly run: number; readonly prove: number; readonly verify: number };
  /** Milliseconds of each stage of the median proof. */
  readonly phases: Readonly<Record<string, number>>;
  /** Most bytes of heap and array buffers seen at a stage of a proof, and the peak of the whole process. */
  readonly memory: { readonly prover: number; readonly process: number };
  /** onnxruntime-node, CPU, one thread, in milliseconds; null where it is not installed. */
  readonly onnxruntime: { readonly version: string; readonly ms: number; readonly differing: number } | null;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

export async function measure(name: string, repeats: number): Promise<Measured> {
  const model = recorded(name);
  const compiled = await compile(model.model);

  // Check: every recorded input to the bit, and a proof that the verifier accepts.
  for (let i = 0; i < model.count; i++) {
    const wrong = differing(run(compiled.circuit, model.inputs(i)).outputs, model.outputs(i));
    if (wrong > 0) throw new Error(`${name}: ${wrong} elements of input ${i} differ from onnxruntime; nothing is timed`);
  }
  const first = await prove(compiled.circuit, model.inputs(0));
  const verdict = verify(first.envelope, compiled.key);
  if (verdict.verdict !== 'accepted') throw new Error(`${name}: the proof is refused, ${verdict.code} ${verdict.sentence}`);

  const compiles: number[] = [];
  for (let i = 0; i < Math.min(3, repeats); i++) compiles.push((await timed(() => compile(model.model))).ms);
  const runs: number[] = [];
  for (let i = 0; i < repeats; i++) runs.push((await timed(() => run(compiled.circuit, model.inputs(i % model.count)))).ms);

  const proofs: { ms: number; phases: Record<string, number>; bytes: number; envelope: Uint8Array }[] = [];
  let prover = 0;
  for (let i = 0; i < repeats; i++) {
    globalThis.gc?.();
    const phases: Record<string, number> = {};
    let stage = '';
    let since = performance.now();
    const onProgress = (p: { stage: string }): void => {
      const now = performance.now();
      if (stage !== '') phases[stage] = (phases[stage] ?? 0) + now - since;
      stage = p.stage;
      since = now;
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      prover = Math.max(prover, heapUsed + arrayBuffers);
    };
    const { ms, value } = await timed(() => prove(compiled.circuit, model.inputs(i % model.count), { onProgress }));
    proofs.push({ ms, phases, bytes: value.envelope.length, envelope: value.envelope });
  }
  const verifies: number[] = [];
  for (let i = 0; i < 2 * repeats; i++) {
    const { ms, value } = await timed(() => verify((proofs[i % repeats] as { envelope: Uint8Array }).envelope, compiled.key));
    if (value.verdict !== 'accepted') throw new Error(`${name}: a timed proof is refused, ${value.code}`);
    verifies.push(ms);
  }
  // Before onnxruntime is loaded: its memory is not the prover's.
  const peak = process.resourceUsage().maxRSS * 1024;
  const prove_ = median(proofs.map((p) => p.ms));
  const plan = planOf(decodeKeyFile(compiled.key).key);
  return {
    name,
    checkedInputs: model.count,
    lookups: plan.lookupCount,
    tableRows: plan.tableCount,
    bytes: { circuit: compiled.circuit.length, key: compiled.key.length, proof: Math.max(...proofs.map((p) => p.bytes)) },
    ms: { compile: median(compiles), run: median(runs), prove: prove_, verify: median(verifies) },
    phases: (proofs.find((p) => p.ms === prove_) as { phases: Record<string, number> }).phases,
    memory: { prover, process: peak },
    onnxruntime: await onnxruntime(name, repeats),
  };
}

/** The same inferences by onnxruntime-node on the CPU, one thread. */
async function onnxruntime(name: string, repeats: number): Promise<Measured['onnxruntime']> {
  const ort = await import('onnxruntime-node').catch(() => null);
  if (ort === null) return null;
  const model = recorded(name);
  const session = await ort.InferenceSession.create(model.model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const feed = (i: number): Record<string, InstanceType<typeof ort.Tensor>> =>
    Object.fromEntries(
      Object.entries(model.inputs(i)).map(([n, t]) => [n, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, [...t.shape])]),
    );
  let wrong = 0;
  for (let i = 0; i < model.count; i++) {
    const result = await session.run(feed(i));
    for (const truth of model.outputs(i)) {
      const data = result[truth.name]?.data as ArrayLike<number | bigint>;
      wrong += Array.from<number | bigint>(truth.data).filter((v, k) => data[k] !== v).length;
    }
  }
  const feeds = Array.from({ length: model.count }, (_, i) => feed(i));
  const times: number[] = [];
  for (let i = 0; i < 20 * repeats; i++)
    times.push((await timed(() => session.run(feeds[i % feeds.length] as ReturnType<typeof feed>))).ms);
  return { version: ort.env.versions.node ?? 'unknown', ms: median(times), differing: wrong };
}

if (process.argv[1]?.endsWith('measure.js')) {
  const [, , name, repeats] = process.argv;
  process.stdout.write(`${JSON.stringify(await measure(name as string, Number(repeats)))}\n`);
}
