import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFile, target, writeFiles } from '../../cli/files.ts';
import { CannotTell } from '../../cli/outcome.ts';
import { bytesOf, folder, refusal } from './files.helpers.ts';

const CONTENT = bytesOf('new');

/** The code of the CannotTell that the work throws. */
async function untold(work: () => unknown): Promise<string> {
  const error = await Promise.resolve()
    .then(work)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CannotTell);
  return (error as CannotTell).code;
}

describe('reading', () => {
  it('reads a file whole, an empty one too', () => {
    const dir = folder();
    writeFileSync(join(dir, 'a'), 'hello');
    writeFileSync(join(dir, 'empty'), '');
    expect(readFile(join(dir, 'a'), 'proof', 5)).toEqual(bytesOf('hello'));
    expect(readFile(join(dir, 'empty'), 'proof', 5)).toEqual(new Uint8Array(0));
  });

  it('cannot tell of what is missing or a folder, and refuses what is too large', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'a'), 'hello');
    expect(await untold(() => readFile(join(dir, 'b'), 'proof', 5))).toBe('file.missing');
    expect(await untold(() => readFile(join(dir, 'a', 'b'), 'proof', 5))).toBe('file.missing');
    expect(await untold(() => readFile(`${dir}/a\0`, 'proof', 5))).toBe('file.missing');
    expect(await untold(() => readFile('', 'proof', 5))).toBe('file.missing');
    expect(await untold(() => readFile(dir, 'proof', 5))).toBe('file.directory');
    expect(await untold(() => readFile(join(dir, 'x'.repeat(5000)), 'proof', 5))).toBe('file.unreadable');
    expect(refusal(() => readFile(join(dir, 'a'), 'proof', 4)).code).toBe('file.too-large');
  });

  it.skipIf(!existsSync('/dev/zero'))('stops reading a file without end at the limit', () => {
    expect(refusal(() => readFile('/dev/zero', 'proof', 1_000_000)).code).toBe('file.too-large');
  });
});

describe('writing', () => {
  it('replaces an old file and leaves no temporary one', () => {
    const dir = folder();
    writeFileSync(join(dir, 'a'), 'something older and longer');
    writeFiles([
      { path: join(dir, 'a'), bytes: CONTENT },
      { path: join(dir, 'b'), bytes: CONTENT },
    ]);
    expect(readdirSync(dir)).toEqual(['a', 'b']);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('new');
  });

  it('writes none of several files when one cannot be written', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'a'), 'old');
    const files = [
      { path: join(dir, 'a'), bytes: CONTENT },
      { path: join(dir, 'nowhere', 'b'), bytes: CONTENT },
    ];
    expect(await untold(() => writeFiles(files))).toBe('file.unwritable');
    expect(readdirSync(dir)).toEqual(['a']);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('old');
  });

  it('writes nothing when the signal has aborted', () => {
    const dir = folder();
    expect(() => writeFiles([{ path: join(dir, 'a'), bytes: CONTENT }], AbortSignal.abort())).toThrow();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('finds out before the work that the target cannot be written', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'a'), 'old');
    symlinkSync(join(dir, 'a'), join(dir, 'link'));
    expect(await untold(() => target(join(dir, 'nowhere', 'a'), []))).toBe('file.no-folder');
    expect(await untold(() => target(join(dir, 'a', 'b'), []))).toBe('file.no-folder');
    expect(await untold(() => target(join(dir, 'sub'), []))).toBe('file.directory');
    expect(await untold(() => target(join(dir, 'a'), [join(dir, 'a')]))).toBe('usage');
    expect(await untold(() => target(join(dir, 'link'), [join(dir, 'a')]))).toBe('usage');
    expect(await target(join(dir, 'new'), [join(dir, 'a')])).toBe(join(dir, 'new'));
    if (existsSync('/dev/null')) expect(await untold(() => target('/dev/null', []))).toBe('file.special');
  });

  it('writes through a link to its file', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'a'), 'old');
    symlinkSync(join(dir, 'a'), join(dir, 'link'));
    writeFiles([{ path: await target(join(dir, 'link'), []), bytes: CONTENT }]);
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('new');
  });
});
