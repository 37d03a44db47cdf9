/** A folder is one process's, also while the lock is being made or taken over. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderInUse, lockFolder } from '../../../chain/store/lock.ts';

let dir = '';
let path = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(dir, 'process');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('a lock whose maker has not written its number yet is no dead one', () => {
  writeFileSync(path, '');
  const other = spawn('sh', ['-c', `sleep 0.1; echo $$ > ${path}; exec sleep 30`], { stdio: 'ignore' });
  try {
    expect(() => lockFolder(dir)).toThrow(FolderInUse);
    expect(readFileSync(path, 'utf8')).toBe(`${other.pid}\n`);
  } finally {
    other.kill();
  }
});

test.each(['', '999999999\n', 'no number\n'])('a lock that says %j for long is a dead one', (content) => {
  writeFileSync(path, content);
  const unlock = lockFolder(dir);
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  unlock();
  expect(() => readFileSync(path)).toThrow(/ENOENT/);
});

test('what is given back is one’s own lock', () => {
  const unlock = lockFolder(dir);
  writeFileSync(path, '1\n');
  unlock();
  expect(readFileSync(path, 'utf8')).toBe('1\n');
});
