/**
 * `node dist/scripts/onnx-node-tests.js [--write]`: the node tests of ONNX that are about integers (scripts/python/onnx-node-tests.py says which),
 * each checked, compiled, run, proven and verified. Exit 1 if a result is not the suite's, 2 without Python and its packages. `--write` writes docs/onnx-node-tests.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { catalogue } from '../compiler/quantized/ops/catalogue.ts';
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

type Outcome = { readonly outcome: 'passed' | 'a step away' } | { readonly outcome: 'unsupported' | 'failed'; readonly why: string };

function exported(): { versions: Record<string, string>; cases: Case[] } {
  const python = process.env.PYTHON ?? 'python3';
  const made = spawnSync(python, [SCRIPT, ...Object.keys(catalogue)], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  process.stderr.write(made.stderr ?? '');
  if (made.status !== 0) {
    console.error(`${python} ${SCRIPT} failed${made.error === undefined ? '' : `: ${made.error.message}`}; PYTHON names the interpreter`);
    process.exit(2);
  }
  const [versions, ...cases] = made.stdout.trim().split('\n');
  return { versions: JSON.parse(versions as string), cases: cases.map((line) => JSON.parse(line)) };
}

/** The first element that is further than `most` from what is expected, in words. */
function difference(expected: readonly Tensor[], outputs: readonly NamedTensor[], most = 0): string | null {
  for (const e of expected) {
    const o = outputs.find((t) => t.name === e.name);
    if (o?.dtype !== e.dtype || o.shape.join() !== e.shape.join())
      return `"${e.name}" is ${o?.dtype} [${o?.shape}], expected ${e.dtype} [${e.shape}]`;
    const at = Array.from(o.data as ArrayLike<number>, Number).findIndex((v, i) => !(Math.abs(v - (e.data[i] as number)) <= most));
    if (at >= 0) return `"${e.name}" is ${o.data[at]} at position ${at}, expected ${e.data[at]}`;
  }
  return null;
}

const kernels = wasmKernels();

async function outcomeOf({ kind, model, inputs, outputs }: Case): Promise<Outcome> {
  const bytes = Buffer.from(model, 'base64');
  const { supported, reasons } = check(bytes);
  if (!supported) return { outcome: 'unsupported', why: reasons[0]?.sentence ?? '' };
  const { circuit, key } = await compile(bytes);
  const open = openCircuit(circuit, { kernels });
  const proved = await open.prove(Object.fromEntries(inputs.map((t) => [t.name, t])));
  open.close();
  // The reference computes float operators in an arithmetic of its own.
  const wrong = difference(outputs, proved.outputs, kind === 'between pairs' ? 1 : 0);
  if (wrong !== null) return { outcome: 'failed', why: wrong };
  const verdict = verify(proved.envelope, key);
  if (verdict.verdict === 'refused') return { outcome: 'failed', why: `${verdict.code}: ${verdict.sentence}` };
  const other = difference(proved.outputs.map(plain), verdict.outputs);
  if (other !== null) return { outcome: 'failed', why: other };
  return { outcome: difference(outputs, proved.outputs) === null ? 'passed' : 'a step away' };
}

const plain = (t: NamedTensor): Tensor => ({ ...t, data: Array.from(t.data as ArrayLike<number>, Number) });

/** A reason without the names of nodes and tensors. */
const reasonOf = (why: string): string =>
  why
    .replace(/^\S+ "[^"]*": /, '')
    .replace(/^this operator .*/, 'no such operator here')
    .replace(/ \(?"[^"]*"\)?(?= is)/g, '')
    .replace(/; supported: .*/, '');

const shown = ({ name, kind }: Case): string => (kind === 'as it is' ? `**${name}**` : kind === 'as uint8' ? name : `*${name}*`);

function page(results: readonly (Case & Outcome)[], versions: Readonly<Record<string, string>>, totals: string): string {
  const rows = [...new Set(results.map((r) => r.op))].sort().flatMap((op) => {
    const own = results.filter((r) => r.op === op);
    const label = (r: Outcome): string =>
      'why' in r ? reasonOf(r.why) : r.outcome === 'passed' ? '' : "onnxruntime's kernel rounds otherwise";
    const reasons = [...new Set(own.map(label))].sort();
    return reasons.map((reason) => {
      const list = own.filter((r) => label(r) === reason);
      return `| ${op} | ${list.length} ${list[0]?.outcome} | ${reason} | ${list.map(shown).join(', ')} |`;
    });
  });
  return `# The node tests of ONNX

${totals}, of ${results.length} (onnx ${versions.onnx}). Written by

\`\`\`
pip install onnx numpy
npm run build && PYTHON=python3 node dist/scripts/onnx-node-tests.js --write
\`\`\`

Each case is checked, compiled, run and proven; its outputs are compared with the suite's, element for element; the proof is
verified, and the outputs that the verifier gives are compared again. **Bold**: as the suite has it, types and expected outputs. Plain: moves float32
in the suite, random uint8 here. *Italic*: a float32 operator, put between DequantizeLinear and QuantizeLinear of the case's own data. For both
onnx.reference says what is expected; the float operators may be a step away from it, where its float32 differs from onnxruntime's. Scales,
zero points, weights, shapes and indices are constants, as in an exported model. What is unsupported is refused by \`check\`, with the reason that stands here.

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
const totals = `${count('passed')} passed, ${count('a step away')} a step away, ${count('unsupported')} unsupported, ${count('failed')} failed`;
console.log(totals);
if (process.argv.includes('--write')) writeFileSync(PAGE, page(results, versions, totals));
process.exitCode = count('failed') > 0 ? 1 : 0;
