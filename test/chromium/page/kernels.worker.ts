/** In a worker of Chromium: the conformance of the prover's kernels, with and without threads; then the proof of a model, as a digest. */
import { compile, prove } from '../../../index.ts';
import { plain } from '../../../protocol/arithmetic.ts';
import { blake3 } from '../../../protocol/blake3.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { chooseKernels } from '../../../prover/kernels/index.ts';
import { pageThreads } from '../../../prover/kernels/wasm/start.ts';
import { wasmArithmetic } from '../../../verifier/wasm.ts';
import { conformance } from '../../prover/conformance.ts';
import { arithmeticConformance } from '../../verifier/conformance.ts';
import type { Answer } from './answer.ts';
import { runGathered } from './vitest.ts';

async function answer(): Promise<Answer> {
  const start = pageThreads(() => new Worker(new URL('./thread.worker.ts', import.meta.url), { type: 'module' }));
  const sets = [chooseKernels(), chooseKernels({ threads: 2, start })];
  for (const { kernels } of sets) conformance(kernels.name, kernels);
  arithmeticConformance('plain', plain);
  arithmeticConformance('WebAssembly', wasmArithmetic());
  const told = await runGathered();
  const [model, input] = await Promise.all(['/model.onnx', '/input.json'].map((url) => fetch(url)));
  const { circuit, key } = await compile(new Uint8Array(await (model as Response).arrayBuffer()));
  const inputs = (await (input as Response).json()) as Record<string, number[]>;
  const proofs: Record<string, string> = { key: toHex(blake3(key)) };
  for (const { kernels } of sets) proofs[kernels.name] = toHex(blake3((await prove(circuit, inputs, { kernels })).envelope));
  return { told, proofs, notes: sets.map((s) => s.note) };
}

answer().then(
  (a) => postMessage(a),
  (e: unknown) => postMessage({ told: [{ name: 'the worker', error: String(e) }], proofs: {}, notes: [] }),
);
