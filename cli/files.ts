/**
 * Files: read whole and bounded, written whole or not at all.
 *
 * Reading refuses nothing: a file that cannot be read is "could not tell". Only a file that is too large for its kind is refused.
 * Writing goes to a temporary file in the same folder, is flushed to the disk, and is renamed.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Refused } from '../protocol/refused.ts';
import { CannotTell } from './outcome.ts';
import { forget, remember } from './stop.ts';
import { printable, size } from './text.ts';

const MiB = 2 ** 20;

/** Largest file of each kind that is read at all. */
export const LIMITS = {
  model: 1024 * MiB,
  circuit: 2047 * MiB,
  key: 64 * MiB,
  proof: 64 * MiB,
  input: 256 * MiB,
  manifest: 16 * MiB,
} as const;

/** The bytes of a file (or of a pipe). `what` names its role in the sentences. */
export function readFile(path: string, what: string, limit: number): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw unreadable(error, path, what);
  }
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) throw new CannotTell('file.directory', `${printable(path)} is a folder, not a file (${what})`);
    if (status.size > limit) throw tooLarge(path, what, limit);
    return readBytes(file, status.isFile() ? status.size : 0, limit, () => tooLarge(path, what, limit));
  } catch (error) {
    if (error instanceof CannotTell || error instanceof Refused) throw error;
    throw unreadable(error, path, what);
  } finally {
    closeSync(file);
  }
}

/** Reads to the end; `expected` sizes the first buffer, but a file that grows meanwhile and a pipe are read whole too. */
function readBytes(file: number, expected: number, limit: number, refuse: () => Error): Uint8Array {
  let buffer = new Uint8Array(expected + 1 || 1);
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length > limit) throw refuse();
      const larger = new Uint8Array(Math.min(limit + 1, Math.max(64 * 1024, 2 * length)));
      larger.set(buffer);
      buffer = larger;
    }
    const got = readSync(file, buffer, length, buffer.length - length, null);
    if (got === 0) return buffer.subarray(0, length);
    length += got;
  }
}

function tooLarge(path: string, what: string, limit: number): Refused {
  return new Refused('file.too-large', `${printable(path)} is larger than ${size(limit)}, the most that is read of a ${what}`);
}

function unreadable(error: unknown, path: string, what: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const name = printable(path) || '""';
  // A NUL in a path (only a manifest can hold one) is ERR_INVALID_ARG_VALUE: no such file can exist.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE') {
    return new CannotTell('file.missing', `there is no file ${name} (${what})`);
  }
  if (code === 'EACCES' || code === 'EPERM') return new CannotTell('file.unreadable', `${name} may not be read (${what})`);
  return /^E[A-Z0-9]+$/.test(code) ? new CannotTell('file.unreadable', `${name} cannot be read: ${code} (${what})`) : error;
}

/**
 * Where an artefact will be written, checked before the work starts: the folder exists and may be written to, and the target is
 * nothing but a regular file that is not one of the `inputs`. Follows a link to its file, so that the link stays.
 */
export async function target(path: string, inputs: readonly string[]): Promise<string> {
  const name = printable(path);
  const folder = dirname(path);
  const place = await stat(folder).catch(() => null);
  if (!place) throw new CannotTell('file.no-folder', `there is no folder ${printable(folder)} to write ${name} into`);
  if (!place.isDirectory()) throw new CannotTell('file.no-folder', `${printable(folder)} is not a folder, so ${name} cannot be written`);
  const real = await realpath(path).catch(() => join(folder, basename(path)));
  const old = await stat(real).catch(() => null);
  if (old?.isDirectory()) throw new CannotTell('file.directory', `${name} is a folder, so it cannot be written`);
  if (old && !old.isFile()) throw new CannotTell('file.special', `${name} is not a regular file, so it cannot be replaced`);
  for (const input of inputs) {
    if (old && (await realpath(input).catch(() => null)) === (await realpath(real))) {
      throw new CannotTell('usage', `${name} is an input of this command and would be overwritten`);
    }
  }
  await access(dirname(real), constants.W_OK).catch(() => {
    throw new CannotTell('file.unwritable', `nothing may be written into ${printable(dirname(real))}`);
  });
  return real;
}

/** Writes all of them or, when one cannot be written or the signal aborts, none. */
export function writeFiles(files: readonly { path: string; bytes: Uint8Array; mode?: number }[], signal?: AbortSignal): void {
  const written: { temporary: string; path: string }[] = [];
  let at = '';
  try {
    for (const { path, bytes, mode } of files) {
      at = path;
      const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
      remember(temporary);
      written.push({ temporary, path });
      writeWhole(temporary, bytes, mode);
    }
    signal?.throwIfAborted();
    for (const { temporary, path } of written) {
      at = path;
      renameSync(temporary, path);
      forget(temporary);
    }
  } catch (error) {
    for (const { temporary } of written) {
      rmSync(temporary, { force: true });
      forget(temporary);
    }
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (/^E[A-Z]+$/.test(code)) throw new CannotTell('file.unwritable', `${printable(at)} cannot be written: ${code}`);
    throw error;
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) flushFolder(folder);
}

function writeWhole(path: string, bytes: Uint8Array, mode?: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The rename itself reaches the disk; some systems cannot open a folder, and then there is nothing to do. */
function flushFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {}
}
