/**
 * `npm run bench [-- model… --repeats N --json]`: checks, then times, the models of fixtures, each in a process of its own (one thread,
 * reference kernels), with onnxruntime beside it. Writes bench/results/latest.json and latest.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Measured } from './measure.ts';

const DEFAULT = ['digits-mlp.qop', 'mnist-cnn.qop-pt', 'mnist-cnn.qop', 'lenet5-max.qop', 'cifar-cnn-264k.qop', 'dense-4m.qop'];

/** What this version set out to reach: prove and verify in ms, proof, key and peak memory in bytes. */
const GOALS: Readonly<Record<string, readonly [prove: number, verify: number, proof: number, key: number, memory: number]>> = {
  'mnist-cnn.qop-pt': [1500, 100, 100e3, 20e3, 400e6],
  'mnist-cnn.qop': [2500, 150, 128e3, 20e3, 500e6],
  'cifar-cnn-264k.qop': [5000, 250, 300e3, 40e3, 800e6],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { repeats: { type: 'string', default: '7' }, json: { type: 'boolean', default: false } },
});
const names = positionals.length > 0 ? positionals : DEFAULT;
const script = fileURLToPath(new URL('measure.js', import.meta.url));
const results = names.map((name) => {
  process.stderr.write(`${name} …\n`);
  const out = execFileSync(process.execPath, ['--expose-gc', script, name, values.repeats], {
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(out.toString()) as Measured;
});
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory: totalmem(),
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
  kernels: 'reference (plain TypeScript), 1 thread',
  repeats: Number(values.repeats),
};

const ms = (v: number): string => (v < 10 ? v.toFixed(2) : v.toFixed(0));
const kb = (v: number): string => (v / 1e3).toFixed(1);
const mb = (v: number): string => (v / 1e6).toFixed(0);
/** A figure, with its goal and whether it is met. */
const against = (figure: number, goal: number | undefined, text: (v: number) => string): string =>
  goal === undefined ? text(figure) : `${text(figure)} (${figure <= goal ? 'within' : 'OVER'} ${text(goal)})`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');
}

const report = [
  `# Benchmark, ${machine.date}`,
  '',
  `${machine.cpu}, ${machine.cores} cores, ${mb(machine.memory)} MB; Node ${machine.node}; kernels: ${machine.kernels}; medians of ${machine.repeats}. Outputs of all recorded inputs and the verdict of every proof were checked before anything was timed. In brackets: the goal.`,
  '',
  table(
    [
      'model',
      'lookups + rows',
      'compile ms',
      'run ms',
      'prove ms',
      'verify ms',
      'proof kB',
      'key kB',
      'circuit kB',
      'peak of the process MB',
      'onnxruntime ms',
      'prove / onnxruntime',
    ],
    results.map((r) => {
      const g = GOALS[r.name];
      return [
        r.name,
        `${r.lookups} + ${r.tableRows}`,
        ms(r.ms.compile),
        ms(r.ms.run),
        against(r.ms.prove, g?.[0], ms),
        against(r.ms.verify, g?.[1], ms),
        against(r.bytes.proof, g?.[2], kb),
        against(r.bytes.key, g?.[3], kb),
        kb(r.bytes.circuit),
        against(r.memory.process, g?.[4], mb),
        r.onnxruntime === null ? 'not run' : r.onnxruntime.ms.toFixed(3),
        r.onnxruntime === null ? '' : `${Math.round(r.ms.prove / r.onnxruntime.ms)}`,
      ];
    }),
  ),
  '',
  'Milliseconds of the stages of a proof, and nanoseconds a lookup or row:',
  '',
  table(
    ['model', ...Object.keys((results[0] as Measured).phases), 'ns a lookup or row'],
    results.map((r) => [r.name, ...Object.values(r.phases).map(ms), ((r.ms.prove * 1e6) / (r.lookups + r.tableRows)).toFixed(0)]),
  ),
  '',
].join('\n');
const folder = new URL('../../bench/results/', import.meta.url);
if (positionals.length === 0) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('latest.json', folder), `${JSON.stringify({ machine, results }, null, 1)}\n`);
  writeFileSync(new URL('latest.md', folder), report);
}
process.stdout.write(values.json ? `${JSON.stringify({ machine, results })}\n` : report);
