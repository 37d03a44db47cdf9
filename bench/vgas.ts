/**
 * `npm run bench:vgas`: what a verification costs beside what its key reserves (settlement §9.2): 1 vgas is to be at least a microsecond of
 * the verifier on the reference machine, with a key that it has not seen before. Prints the terms that chain/systems/gkr-vgas.ts weighs.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { gkr } from '../chain/systems/gkr.ts';
import { vgasTerms } from '../chain/systems/gkr-vgas.ts';
import { decodeKeyFile } from '../circuits/files.ts';
import { compile, prove, verify } from '../index.ts';
import { recorded } from '../scripts/recorded.ts';
import { knownKey } from '../verifier/keys.ts';
import { checkedKey } from '../verifier/verify.ts';
import { median } from './statistics.ts';

const MODELS = [
  'digits-mlp.qop',
  'mnist-cnn.qop-pt',
  'mnist-cnn.qop',
  'lenet5-max.qop',
  'cifar-cnn-264k.qop',
  'dense-4m.qop',
  'mobilenet.qop',
  'resnet8.qop',
  'lenet5-avg.qop',
];
const RUNS = 15;

const lines = [
  '| model | hashes | products | steps | table rows | values | claims | spatial | key bytes | vgas | key, µs | verify, µs | vgas / µs |',
  '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
];
for (const name of MODELS) {
  const { model, inputs } = recorded(name);
  const { circuit, key } = await compile(model);
  const { envelope } = await prove(circuit, inputs(0));
  const times: number[] = [];
  const keys: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const begun = performance.now();
    checkedKey(decodeKeyFile(key).key);
    const started = performance.now();
    keys.push(1000 * (started - begun));
    const verdict = verify(envelope, key);
    times.push(1000 * (performance.now() - started));
    if (verdict.verdict !== 'accepted') throw new Error(`${name}: ${verdict.sentence}`);
  }
  const known = knownKey(key);
  const t = vgasTerms(known.file.key, known.checked().plan, key.length);
  const { vgas } = gkr.parseKey(key);
  const [check, micro] = [median(keys.slice(3)), median(times.slice(3))];
  const cells = [
    name,
    t.hash,
    Math.round(t.product),
    t.step,
    t.row,
    t.value,
    t.claim,
    Math.round(t.spatial),
    t.byte,
    vgas,
    check.toFixed(0),
    micro.toFixed(0),
    (Number(vgas) / (check + micro)).toFixed(1),
  ];
  lines.push(`| ${cells.join(' | ')} |`);
  process.stderr.write(`${name}: ${vgas} vgas, ${(check + micro).toFixed(0)} µs\n`);
}
const cpu = cpus();
const text = `Verification gas, ${new Date().toISOString().slice(0, 10)}: ${cpu.length} cores (${cpu[0]?.model.trim()}), Node ${process.version.slice(1)}. \`npm run bench:vgas\`, medians of ${RUNS - 3}.\n\n${lines.join('\n')}\n`;
process.stdout.write(text);
writeFileSync('bench/results/vgas.md', text);
