/** The last line of `npm test`: what counts as failed, and what is said of tests that were not run. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from './cli/files.helpers.ts';

const FILES = {
  'good.test.js': `test('a', () => {}); test('b', () => {}); test('c', (c) => c.skip('no such machine')); test.skip('d', () => {});`,
  'failing.test.js': `test('a', () => expect(1).toBe(2)); test('b', () => {});`,
  'unloadable.test.js': `import './nothing.js'; test('a', () => {});`,
  'empty.test.js': 'export {};',
  'hook.test.js': `describe('s', () => { beforeAll(() => { throw new Error('hook') }); test('a', () => {}); });`,
  'late.test.js': `test('a', () => { setTimeout(() => { throw new Error('late') }, 0); return new Promise((done) => setTimeout(done, 50)); });`,
};

/** Runs vitest with our reporter on some of the files; returns its last lines and its exit code. */
function run(...names: (keyof typeof FILES)[]): { lines: string[]; status: number | null } {
  const root = folder();
  for (const name of names) writeFileSync(join(root, name), FILES[name]);
  const vitest = resolve('node_modules/vitest/vitest.mjs');
  const args = ['run', '--globals', '--root', root, '--reporter', resolve('test/reporter.ts')];
  const { stdout, status } = spawnSync(process.execPath, [vitest, ...args], { encoding: 'utf8' });
  return { lines: stdout.trimEnd().split('\n').slice(-4), status };
}

test('ends with the count, and says before what was not run and why', () => {
  const { lines, status } = run('good.test.js');
  expect(lines.slice(-3)).toEqual(['not run: good.test.js: c: no such machine', 'not run: good.test.js: d: skipped', '2 passed, 0 failed']);
  expect(status).toBe(0);
});

test.each([
  ['failing.test.js', '1 passed, 1 failed'],
  ['unloadable.test.js', '0 passed, 1 failed'],
  ['empty.test.js', '0 passed, 1 failed'],
  ['hook.test.js', '0 passed, 1 failed'],
  ['late.test.js', '1 passed, 1 failed'],
] as const)('counts what went wrong in %s', (name, last) => {
  const { lines, status } = run(name, 'good.test.js');
  const [passed] = last.split(' ');
  expect(lines.at(-1)).toBe(last.replace(/^\d+/, String(Number(passed) + 2)));
  expect(status).toBe(1);
});
