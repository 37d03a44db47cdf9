/**
 * What `assay check` predicts against what happens: `npm run bench:predict`. Every model is checked, compiled and proven by the command line
 * with one thread, each time a process of its own; the proof is verified. Time is the median of some runs, from start to end.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FullReport } from '../compiler/compile.ts';
import { MODELS, recorded } from '../scripts/recorded.ts';
import { table } from './report.ts';
import { median } from './statistics.ts';

const NAMES = [
  'tab-tanh.qop',
  'digits-mlp.qop',
  'mnist-cnn.qop',
  'lenet5-max.qop',
  'mobilenet.qop',
  'resnet8.qop',
  'cifar-cnn-264k.qop',
  'dense-4m.qop',
];
const REPEATS = 7;
const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'assay-predict-'));
const at = (name: string): string => join(folder, name);

function assay(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`assay ${args[0]}: ${stderr}`);
  return stdout;
}

const compare = (predicted: number, actual: number): string =>
  `${predicted.toPrecision(3)} / ${actual.toPrecision(3)} = ${(predicted / actual).toFixed(2)}`;

try {
  const rows = NAMES.map((name) => {
    const onnx = join(MODELS, name, 'model.onnx');
    const { predicted } = JSON.parse(assay('check', onnx, '--json')) as FullReport;
    if (predicted === undefined) throw new Error(`${name} is not supported`);
    assay('compile', onnx, '-o', at('model'));
    const inputs = Object.entries(recorded(name).inputs(0)).map(([n, t]) => [n, Array.from(t.data as ArrayLike<number>)]);
    writeFileSync(at('in.json'), JSON.stringify(Object.fromEntries(inputs)));
    const seconds = Array.from({ length: REPEATS }, () => {
      const started = performance.now();
      assay('prove', at('model.circuit'), '--input', at('in.json'), '-o', at('model.proof'), '--threads', '1');
      return (performance.now() - started) / 1000;
    });
    assay('verify', at('model.proof'), '--key', at('model.key'));
    const proof = readFileSync(at('model.proof')).length;
    return [name, compare(predicted.proofBytes / 1000, proof / 1000), compare(predicted.proverSeconds, median(seconds))];
  });
  console.log(table(['model', 'proof kB: predicted / actual', 'prove s: predicted / actual'], rows));
} finally {
  rmSync(folder, { recursive: true });
}
