/**
 * The three proof systems side by side: `npm run bench:systems`. Each task is a process of its own, so that its memory is its own; every proof is
 * verified, and every output compared with what was recorded from onnxruntime, before a figure is taken.
 *
 * EZKL sets up and proves with its Python package where `EZKL_PYTHON` names an interpreter that has it (scripts/python/make-ezkl.py); its
 * proof is then verified here, by its engine. Without it those rows are left out, and that is said.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ezkl, importKey, importProof } from '../ezkl/index.ts';
import { compileGroth16, openGroth16, setUpInsecurely } from '../groth16/index.ts';
import { compile, openCircuit, type Verdict, verifyAny } from '../index.ts';
import { differing, MODELS, recorded } from '../scripts/recorded.ts';
import { peak } from './peak.ts';
import { table } from './report.ts';
import { median } from './statistics.ts';

const NAMES = ['digits-mlp.qop', 'digits-cnn.qop'];
const REPEATS = 9;

interface Step {
  readonly milliseconds: number;
  readonly peak: number;
}

interface Row {
  readonly system: string;
  readonly setup: Step | null;
  readonly prove: Step | null;
  /** Median and first of a process. */
  readonly verify: { readonly median: number; readonly first: number; readonly peak: number };
  readonly proofBytes: number;
  readonly envelopeBytes: number;
  readonly keyBytes: number;
  readonly provingKeyBytes: number;
  readonly hidden: string;
}

const clock = async <T>(work: () => T | Promise<T>): Promise<[T, number]> => {
  const from = performance.now();
  const value = await work();
  return [value, performance.now() - from];
};

function accepted(verdict: Verdict): Extract<Verdict, { verdict: 'accepted' }> {
  if (verdict.verdict !== 'accepted') throw new Error(`refused ${verdict.code}: ${verdict.sentence}`);
  return verdict;
}

/** What runs in a process of its own; files pass through `folder`. */
const TASKS = {
  async 'gkr setup'(folder: string, name: string): Promise<Step> {
    const [made, milliseconds] = await clock(() => compile(recorded(name).model));
    writeFileSync(join(folder, 'circuit'), made.circuit);
    writeFileSync(join(folder, 'key'), made.key);
    return { milliseconds, peak: peak() };
  },
  async 'gkr prove'(folder: string, name: string): Promise<Step> {
    const open = openCircuit(readFileSync(join(folder, 'circuit')));
    const [made, milliseconds] = await clock(() => open.prove(recorded(name).inputs(0)));
    writeFileSync(join(folder, 'proof'), made.envelope);
    return { milliseconds, peak: peak() };
  },
  async 'groth16 setup'(folder: string, name: string): Promise<Step> {
    const [made, milliseconds] = await clock(async () => {
      const { circuit } = await compileGroth16(recorded(name).model);
      return { circuit, ...(await setUpInsecurely(circuit, new Uint8Array(32).fill(9))) };
    });
    for (const [file, bytes] of Object.entries(made)) writeFileSync(join(folder, file), bytes);
    return { milliseconds, peak: peak() };
  },
  async 'groth16 prove'(folder: string, name: string): Promise<Step> {
    const file = (f: string): Uint8Array => new Uint8Array(readFileSync(join(folder, f)));
    const open = openGroth16(file('circuit'), { key: file('key'), zkey: file('zkey') });
    const [made, milliseconds] = await clock(() => open.prove(recorded(name).inputs(0)));
    writeFileSync(join(folder, 'proof'), made.envelope);
    return { milliseconds, peak: peak() };
  },
  async verify(folder: string, name: string): Promise<Row['verify'] & { readonly exact: boolean }> {
    const proof = new Uint8Array(readFileSync(join(folder, 'proof')));
    const key = new Uint8Array(readFileSync(join(folder, 'key')));
    const times: number[] = [];
    let exact = true;
    for (let i = 0; i <= REPEATS; i++) {
      const [verdict, milliseconds] = await clock(() => verifyAny(proof, key, { ezkl }));
      exact = differing(accepted(verdict).outputs, recorded(name).outputs(0)) === 0;
      times.push(milliseconds);
    }
    return { first: times[0] as number, median: median(times.slice(1)), peak: peak(), exact };
  },
};

type Task = keyof typeof TASKS;

function child<T extends Task>(task: T, folder: string, name: string): Awaited<ReturnType<(typeof TASKS)[T]>> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), task, folder, name], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${task} of ${name}: ${stderr}`);
  return JSON.parse(stdout) as Awaited<ReturnType<(typeof TASKS)[T]>>;
}

const size = (folder: string, file: string): number => readFileSync(join(folder, file)).length;

function ours(folder: string, name: string, system: 'gkr' | 'groth16'): Row {
  const setup = child(`${system} setup`, folder, name);
  const proofs = Array.from({ length: 3 }, () => child(`${system} prove`, folder, name));
  const { exact, ...verify } = child('verify', folder, name);
  if (!exact) throw new Error(`${system} ${name}: the proven output is not onnxruntime's`);
  return {
    system,
    setup,
    prove: { milliseconds: median(proofs.map((p) => p.milliseconds)), peak: Math.max(...proofs.map((p) => p.peak)) },
    verify,
    proofBytes: system === 'groth16' ? 256 : size(folder, 'proof'),
    envelopeBytes: size(folder, 'proof'),
    keyBytes: size(folder, 'key'),
    provingKeyBytes: size(folder, 'circuit') + (system === 'groth16' ? size(folder, 'zkey') : 0),
    hidden: system === 'groth16' ? 'zero knowledge; input and output on request' : 'nothing',
  };
}

/** EZKL proves the float model: its own rounding, not onnxruntime's integers. */
async function theirs(folder: string, name: string): Promise<Row | null> {
  const python = process.env.EZKL_PYTHON;
  if (python === undefined) return null;
  const out = join(folder, 'ezkl');
  const script = fileURLToPath(new URL('../../scripts/python/make-ezkl.py', import.meta.url));
  const made = spawnSync(python, [script, `${MODELS}/${name}/float.onnx`, `${MODELS}/${name}`, out, '--srs', join(folder, 'kzg.srs')], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`make-ezkl.py: ${made.stderr}`);
  const file = (f: string): Uint8Array => new Uint8Array(readFileSync(join(out, f)));
  const measured = JSON.parse(new TextDecoder().decode(file('measured.json'))) as {
    readonly steps: Record<string, { readonly seconds: number; readonly peak_rss_mb: number }>;
    readonly bytes: { readonly proof: number; readonly pk: number };
  };
  const step = (s: string): Step => ({
    milliseconds: 1000 * (measured.steps[s]?.seconds ?? Number.NaN),
    peak: 2 ** 20 * (measured.steps[s]?.peak_rss_mb ?? Number.NaN),
  });
  const key = await importKey(
    { settings: file('settings.json'), vk: file('vk.key'), srs: file('verifier.srs') },
    { insecureDev: true, proof: file('proof.json') },
  );
  writeFileSync(join(folder, 'key'), key);
  writeFileSync(join(folder, 'proof'), (await importProof(file('proof.json'), key)).envelope);
  const { exact: _, ...verify } = child('verify', folder, name);
  return {
    system: 'ezkl',
    setup: { milliseconds: step('compile_circuit').milliseconds + step('setup').milliseconds, peak: step('setup').peak },
    prove: step('prove'),
    verify,
    proofBytes: measured.bytes.proof,
    envelopeBytes: size(folder, 'proof'),
    keyBytes: size(folder, 'key'),
    provingKeyBytes: measured.bytes.pk,
    hidden: 'nothing of input and output',
  };
}

const ms = (v: number): string => (v < 100 ? v.toFixed(1) : v.toLocaleString('en-US', { maximumFractionDigits: 0 }));
const kb = (v: number): string => (v / 1e3).toLocaleString('en-US', { maximumFractionDigits: 1 });
const mb = (v: number): string => (v / 1e6).toFixed(0);

function text(name: string, rows: readonly Row[]): string {
  const step = (s: Step | null): [string, string] => (s === null ? ['–', '–'] : [ms(s.milliseconds), mb(s.peak)]);
  return `## ${name}\n\n${table(
    [
      'system',
      'set-up ms',
      'MB',
      'prove ms',
      'MB',
      'verify ms',
      'verify, first',
      'MB',
      'proof B',
      'envelope B',
      'key kB',
      'proving key kB',
      'hidden',
    ],
    rows.map((r) => [
      r.system,
      ...step(r.setup),
      ...step(r.prove),
      ms(r.verify.median),
      ms(r.verify.first),
      mb(r.verify.peak),
      r.proofBytes.toLocaleString('en-US'),
      r.envelopeBytes.toLocaleString('en-US'),
      kb(r.keyBytes),
      kb(r.provingKeyBytes),
      r.hidden,
    ]),
  )}\n`;
}

async function main(): Promise<void> {
  const parts = [
    '# Three proof systems, one run',
    `\`npm run bench:systems\`, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version.slice(1)}. Milliseconds, each step by a process that does it alone and so cold; memory is its peak, without that of processes it starts (circom, the witness program); prove is the median of three processes, verify of ${REPEATS} calls after the first.
gkr and groth16 prove the quantized model, exactly as onnxruntime computes it; set-up is compile, and of groth16 the development set-up. EZKL proves the float model in its own fixed point; set-up (compile_circuit and setup; calibration and SRS not counted) and prove by its Python package with an SRS of the right size, verify by its WebAssembly engine in a thread started for each proof.`,
  ];
  for (const name of NAMES) {
    const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
    try {
      const rows = [ours(folder, name, 'gkr'), ours(folder, name, 'groth16')];
      const ezklRow = await theirs(folder, name);
      parts.push(text(name, ezklRow === null ? rows : [...rows, ezklRow]));
      if (ezklRow === null) parts.push('EZKL: not run (EZKL_PYTHON names no interpreter that has the package).\n');
      process.stderr.write(`${name} done\n`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const result = `${parts.join('\n\n')}`;
  writeFileSync('bench/results/systems.md', result);
  process.stdout.write(`${result}\n`);
}

const [task, folder, name] = process.argv.slice(2);
if (task !== undefined && folder !== undefined && name !== undefined) {
  const answer = await (TASKS[task as Task] as (folder: string, name: string) => Promise<unknown>)(folder, name);
  // snarkjs and the engine print to stdout at times: the answer is all that this process says there.
  process.stdout.write(JSON.stringify(answer));
} else await main();
