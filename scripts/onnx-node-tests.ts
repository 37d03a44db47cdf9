/**
 * `node dist/scripts/onnx-node-tests.js [--write]`: the node tests of ONNX that are about integers (scripts/python/onnx-node-tests.py says which),
 * each checked, compiled, run, proven and verified. Exit 1 if a result is not the suite's, 2 without Python and its packages. `--write` writes docs/onnx-node-tests.md.
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
  process.stderr.write(made.stderr ?? '');
  if (made.status !== 0) {
    console.error(`${python} ${SCRIPT} failed${made.error === undefined ? '' : `: ${made.error.message}`}; PYTHON names the interpreter`);
    process.exit(2);
  }
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
  const named = Object.fromEntries(
    inputs.map((t) => [t.name, t.dtype === 'int64' ? { ...t, data: BigInt64Array.from(t.data, BigInt) } : t]),
  );
  const ran = difference(outputs, open.run(named as never).outputs);
  if (ran !== null) return { outcome: 'failed', why: ran };
  const { envelope } = await open.prove(named as never);
  open.close();
  const verdict = verify(envelope, key);
  if (verdict.verdict === 'refused') return { outcome: 'failed', why: `${verdict.code}: ${verdict.sentence}` };
  const proven = difference(outputs, verdict.outputs);
  return proven === null ? { outcome: 'passed' } : { outcome: 'failed', why: proven };
}

/** A reason without the names of nodes and tensors. */
const reasonOf = (why: string): string =>
  why
    .replace(/^\S+ "[^"]*": /, '')
    .replace(/^this operator .*/, 'no such operator here')
    .replace(/ \(?"[^"]*"\)?(?= is)/g, '')
    .replace(/; supported: .*/, '');

function page(results: readonly (Case & Outcome)[], versions: Readonly<Record<string, string>>, totals: string): string {
  const rows = [...new Set(results.map((r) => r.op))].sort().flatMap((op) => {
    const own = results.filter((r) => r.op === op);
    const reasons = [...new Set(own.map((r) => ('why' in r ? reasonOf(r.why) : '')))].sort();
    return reasons.map((reason) => {
      const list = own.filter((r) => ('why' in r ? reasonOf(r.why) : '') === reason);
      const names = list.map((r) => (r.kind === 'as it is' ? `**${r.name}**` : r.name)).join(', ');
      return `| ${op} | ${list.length} ${list[0]?.outcome} | ${reason} | ${names} |`;
    });
  });
  return `# The node tests of ONNX

${totals}, of ${results.length} (onnx ${versions.onnx}). Written by

\`\`\`
pip install onnx numpy
npm run build && PYTHON=python3 node dist/scripts/onnx-node-tests.js --write
\`\`\`

Each case is checked, compiled and run; its outputs are compared with the suite's, element for element; then it is proven, the proof is verified,
and the outputs that the verifier gives are compared again. **Bold**: as the suite has it, types and expected outputs. The others move float32
elements in the suite; here they move random uint8, and onnx.reference says what is expected. Scales, zero points, weights' parameters, shapes
and indices are constants, as in an exported model. What is unsupported is refused by \`check\`, with the reason that stands here.

| operator | cases | reason | names |
|---|---|---|---|
${rows.join('\n')}
`;
}

const { versions, cases } = exported();
const results: (Case & Outcome)[] = [];
for (const c of cases) {
  const outcome = await outcomeOf(c).catch((e: Error): Outcome => ({ outcome: 'failed', why: e.message }));
  results.push({ ...c, ...outcome });
  console.log(`${outcome.outcome.padEnd(12)}${c.name} (${c.kind})${'why' in outcome ? `: ${outcome.why}` : ''}`);
}
const count = (outcome: Outcome['outcome']): number => results.filter((r) => r.outcome === outcome).length;
const totals = `${count('passed')} passed, ${count('unsupported')} unsupported, ${count('failed')} failed`;
console.log(totals);
if (process.argv.includes('--write')) writeFileSync(PAGE, page(results, versions, totals));
process.exitCode = count('failed') > 0 ? 1 : 0;
