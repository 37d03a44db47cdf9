/** Databases that were cut, overwritten or replaced: an error with the file's name, where LMDB alone would end the process. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDatabase } from '../../chain/store/damaged.ts';
import { lmdbStore } from '../../chain/store/lmdb.ts';
import { DamagedStore } from '../../chain/store/store.ts';
import { Queue } from '../../node/queue.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'damaged-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let made = 0;
async function database(transactions: number): Promise<string> {
  const path = join(dir, String(made++));
  const db = open<Uint8Array, number>({ path, encoding: 'binary', overlappingSync: false });
  for (let i = 0; i < transactions; i++) db.transactionSync(() => db.putSync(i % 40, new Uint8Array(3000).fill(i)));
  await db.close();
  return path;
}

test('a database is taken after every number of transactions, and so is an empty folder', async () => {
  checkDatabase(join(dir, 'nothing'));
  for (const n of [0, 1, 2, 3, 20, 101]) checkDatabase(await database(n));
});

test('one that another process is writing to is taken', async () => {
  const path = join(dir, 'busy');
  const script = `import { open } from 'lmdb';
    const db = open({ path: ${JSON.stringify(path)}, encoding: 'binary', overlappingSync: false });
    for (let i = 0; i < 60; i++) db.transactionSync(() => db.putSync(i % 7, new Uint8Array(9000).fill(i)));
    process.kill(process.pid, 'SIGKILL');`;
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })).toThrow();
  checkDatabase(path);
});

test('what is none is named, and not mapped', async () => {
  const whole = await database(101);
  const damages: [string, (file: string) => void][] = [
    ['noise', (file) => writeFileSync(file, new Uint8Array(5000).fill(0x5a))],
    ['one byte', (file) => truncateSync(file, 1)],
    ['one page', (file) => truncateSync(file, 4096)],
    ['the heads alone', (file) => truncateSync(file, 8192)],
    ['a second head of zeros', (file) => writeFileSync(file, readFileSync(file).fill(0, 4096, 8192))],
  ];
  for (const [name, damage] of damages) {
    const path = join(dir, name);
    cpSync(whole, path, { recursive: true });
    damage(join(path, 'data.mdb'));
    expect(() => checkDatabase(path), name).toThrow(DamagedStore);
    expect(() => lmdbStore(path), name).toThrow(/data\.mdb is damaged/);
    expect(() => new Queue(path), name).toThrow(DamagedStore);
  }
});
