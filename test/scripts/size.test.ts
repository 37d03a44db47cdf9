/** The weights that `npm run size` guards, guarded here too. Reads dist/, which `npm test` has just built. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { folder } from '../cli/files.helpers.ts';

interface Weighed {
  readonly name: string;
  readonly passed: boolean;
  readonly size: number;
}

function weigh(...args: readonly string[]): { weighed: readonly Weighed[]; status: number | null } {
  if (!existsSync('dist/bundle/verifier.js')) throw new Error('dist/bundle is missing: run `npm run build` before these tests');
  const { stdout, status } = spawnSync(process.execPath, [resolve('node_modules/size-limit/bin.js'), '--json', ...args], {
    encoding: 'utf8',
  });
  return { weighed: JSON.parse(stdout) as Weighed[], status };
}

test('the verifier with its WebAssembly weighs at most 120 kB gzipped, the page, its prover and its chain view what they may', () => {
  const { weighed, status } = weigh();
  expect(weighed.map(({ name, passed }) => ({ name, passed }))).toEqual([
    { name: 'verifier, JavaScript with its WebAssembly', passed: true },
    { name: 'page, first load', passed: true },
    { name: 'page, prover, loaded on demand', passed: true },
    { name: 'page, chain view, loaded on demand', passed: true },
    { name: 'page, groth16 verifier, loaded for its keys', passed: true },
    { name: 'page, EZKL verifier, loaded for its keys', passed: true },
    { name: 'page, EZKL’s engine, loaded for its keys and kept once it was used', passed: true },
  ]);
  expect(status).toBe(0);
  const bundle = readFileSync('dist/bundle/verifier.js');
  expect(Math.abs(gzipSync(bundle, { level: 9 }).length - (weighed[0]?.size ?? 0))).toBeLessThan(500);
  expect(weighed[0]?.size).toBeLessThanOrEqual(120_000);
  // Nothing of it is loaded from elsewhere: it is all that was weighed.
  expect(bundle.toString()).not.toMatch(/\bimport\s*\(|\bfrom\s*["']|\bimport\s*["']/);
  // All parts have a weight: a pattern that matches nothing would pass.
  for (const { size } of weighed) expect(size).toBeGreaterThan(5_000);
});

test('a bundle that is too heavy fails', () => {
  const at = folder();
  const config = join(at, '.size-limit.json');
  writeFileSync(config, JSON.stringify([{ name: 'x', path: resolve('dist/bundle/verifier.js'), limit: '1 kB', gzip: true }]));
  const { weighed, status } = weigh('--config', config);
  expect([weighed[0]?.passed, status]).toEqual([false, 1]);
});
