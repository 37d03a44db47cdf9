/** What `assay check` says of a prover's memory is what one takes: the peak of a process of its own, as Linux counts it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { check, compile } from '../../index.ts';
import { named, recorded } from '../compiler/models.helpers.ts';

/** Writes its own peak where ASSAY_PEAK says. */
const HOOK = `
import { writeFileSync } from 'node:fs';
import { peak } from '${pathToFileURL(resolve('dist/bench/peak.js'))}';
process.on('exit', () => writeFileSync(process.env.ASSAY_PEAK, String(peak())));
`;

beforeEach((context) => {
  if (process.platform !== 'linux') context.skip('memory is predicted for Linux');
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-memory-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['digits-mlp.qop', {}],
  ['mnist-cnn.qop', {}],
  ['mnist-cnn.qop', { reveal: false }],
  ['cifar-cnn-264k.qop', {}],
  ['cifar-cnn-264k.qop', { reveal: false }],
  ['resnet8.qop', {}],
  ['dense-4m.qop', {}],
] as const)(
  '%s %j',
  async (name, options) => {
    const model = recorded(`fixtures/models/${name}`);
    const { circuit } = await compile(model.model, options);
    const [file, input, peak, hook] = ['m.circuit', 'in.json', 'peak', 'hook.mjs'].map((f) => join(folder, f)) as [
      string,
      string,
      string,
      string,
    ];
    writeFileSync(file, circuit);
    writeFileSync(hook, HOOK);
    writeFileSync(input, JSON.stringify(Object.fromEntries(Object.entries(named(model, 0)).map(([n, t]) => [n, Array.from(t.data)]))));
    const args = ['--import', hook, 'dist/cli/main.js', 'prove', file, '--input', input, '-o', join(folder, 'proof'), '--threads', '1'];
    const { status: code, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ASSAY_PEAK: peak } });
    expect([code, stderr.includes('internal')]).toEqual([0, false]);
    const taken = Number(readFileSync(peak, 'utf8'));
    const predicted = check(model.model, options).predicted?.proverMemoryBytes ?? 0;
    console.info(`${name}: ${(taken / 1e6).toFixed(0)} MB, predicted ${(predicted / 1e6).toFixed(0)} MB`);
    expect(Math.abs(predicted / taken - 1)).toBeLessThan(0.2);
  },
  60_000,
);
