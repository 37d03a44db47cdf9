/**
 * `node dist/scripts/onnx-node-tests.js [--write]`: the node tests of ONNX that are about integers (scripts/python/onnx-node-tests.py says which),
 * each checked, compiled, run, proven and verified. Exit 1 if a result is not the suite's. `--write` writes docs/onnx-node-tests.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { check, compile, type NamedTensor, openCircuit, verify } from '../index.ts';
import { wasmKernels } from '../prover/kernels/wasm/index.ts';

const SCRIPT = 'scripts/python/onnx-node-tests.py';
const PAGE = 'docs/onnx-node-tests.md';

interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly op: string;
  readonly model: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

type Outcome = { readonly outcome: 'passed' } | { readonly outcome: 'unsupported' | 'failed'; readonly why: string };

function exported(): { versions: Record<string, string>; cases: Case[] } {
  const python = process.env.PYTHON ?? 'python3';
  const made = spawnSync(python, [SCRIPT], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (made.status !== 0) throw new Error(`${python} ${SCRIPT}: ${made.error?.message ?? made.stderr.trim()}`);
  const [versions, ...cases] = made.stdout.trim().split('\n');
  return { versions: JSON.parse(versions as string), cases: cases.map((line) => JSON.parse(line)) };
}

function difference(expected: readonly Tensor[], outputs: readonly NamedTensor[]): string | null {
  for (const e of expected) {
    const o = outputs.find((t) => t.name === e.name);
    if (o?.dtype !== e.dtype || o.shape.join() !== e.shape.join())
      return `"${e.name}" is ${o?.dtype} [${o?.shape}], expected ${e.dtype} [${e.shape}]`;
    const at = Array.from(o.data as ArrayLike<number>, Number).findIndex((v, i) => v !== e.data[i]);
    if (at >= 0) return `"${e.name}" is ${o.data[at]} at position ${at}, expected ${e.data[at]}`;
  }
  return null;
}

const kernels = wasmKernels();

async function outcomeOf({ model, inputs, outputs }: Case): Promise<Outcome> {
  const bytes = Buffer.from(model, 'base64');
  const { supported, reasons } = check(bytes);
  if (!supported) return { outcome: 'unsupported', why: reasons[0]?.sentence ?? '' };
  const { circuit, key } = await compile(bytes);
  const open = openCircuit(circuit, { kernels });
  const named = Object.fromEntries(inputs.map((t) => [t.name, t.dtype === 'int64' ? { ...t, data: BigInt64Array.from(t.data, BigInt) } : t]));
  const ran = difference(outputs, open.run(named as never).outputs);
  if (ran !== null) return { outcome: 'failed', why: ran };
  const { envelope } = await open.prove(named as never);
  open.close();
  const verdict = verify(envelope, key);
  if (verdict.verdict === 'refused') return { outcome: 'failed', why: `${verdict.code}: ${verdict.sentence}` };
  const proven = difference(outputs, verdict.outputs);
  return proven === null ? { outcome: 'passed' } : { outcome: 'failed', why: proven };
}

const results: (Case & Outcome)[] = [];
const { versions, cases } = exported();
for (const c of cases) {
  const outcome = await outcomeOf(c).catch((e: Error): Outcome => ({ outcome: 'failed', why: e.message }));
  results.push({ ...c, ...outcome });
  console.log(`${outcome.outcome.padEnd(12)}${c.name} (${c.kind})${'why' in outcome ? `: ${outcome.why}` : ''}`);
}
const count = (outcome: string): number => results.filter((r) => r.outcome === outcome).length;
const totals = `${count('passed')} passed, ${count('unsupported')} unsupported, ${count('failed')} failed`;
console.log(totals);
process.exitCode = count('failed') > 0 ? 1 : 0;
