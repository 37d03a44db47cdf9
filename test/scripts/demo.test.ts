/** The demo as `npm run demo` runs it, without a terminal. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const demo = (...args: string[]) => spawnSync(process.execPath, ['dist/scripts/demo.js', ...args], { encoding: 'utf8' });

test('the demo proves a digit, is accepted, and is refused after one bit is flipped', () => {
  const { status, stdout, stderr } = demo();
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^input +a handwritten 5, 28×28 pixels$/m);
  expect(stdout).toMatch(/█▀▀|▄█/);
  expect(stdout).toMatch(/^accepted +1\d\d\.\d bits/m);
  expect(stdout).toMatch(/^ +5 .* largest$/m);
  expect(stdout).toMatch(/^refused +V\d+: .*, \d+ ms$/m);
  expect(stdout).not.toContain('NOT TRUE');
  expect(status).toBe(0);
});

test('the demo fails when something is not as it should be', () => {
  const { status, stdout } = demo('99');
  expect(stdout).toBe('NOT TRUE    there is no digit 99; there are 0 to 31\n');
  expect(status).toBe(1);
});
