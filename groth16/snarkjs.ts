/**
 * snarkjs behind a door that closes: its curve starts threads that outlive every call, so each use starts the curve and ends it, one use at a
 * time. The package is GPL-3.0, and installed by those who set up and prove for this system.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type * as Snarkjs from 'snarkjs';
import { Refused } from '../protocol/refused.ts';
import { unlessAborted } from './abort.ts';
import { MissingPackage } from './circom.ts';

export type Library = typeof Snarkjs;

/** Its process ended without an answer, for want of memory say: nothing follows from it. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

let last: Promise<unknown> = Promise.resolve();

/** Runs work with snarkjs when the work before has ended. When `signal` aborts, the threads end at once and the call rejects with its reason. */
export function withSnarkjs<T>(work: (library: Library) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const mine = last.then(() => use(work, signal));
  last = mine.catch(() => {});
  return unlessAborted(mine, signal);
}

async function use<T>(work: (library: Library) => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const library = await load();
  // The library keeps this one for its own calls until it is terminated.
  const curve = await library.curves.getCurveFromName('bn128');
  try {
    // A signal that aborted while the threads started tells nobody again.
    signal?.throwIfAborted();
    return await unlessAborted(work(library), signal);
  } finally {
    await curve.terminate();
  }
}

/** What `snarkjs` checks in a process of its own: it hashes for minutes without a pause, and talks to stdout. */
export type Question = 'powersOfTau.verify' | 'zKey.verifyFromR1cs';

/** Asks it about files, in order. Its process ends when `signal` aborts, and the call rejects with its reason. */
export async function askSnarkjs(question: Question, files: readonly Uint8Array[], signal?: AbortSignal): Promise<boolean> {
  signal?.throwIfAborted();
  const lengths = files.map((f) => f.length).join();
  const child = spawn(process.execPath, ['-e', `(${answer})()`, snarkjsPath(), question, lengths], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  child.stdin.on('error', () => {}); // it ended before it had read all: its code says why
  for (const file of files) child.stdin.write(file);
  child.stdin.end();
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  try {
    const code = await unlessAborted(ended, signal);
    if (code === ANSWERS.yes || code === ANSWERS.no) return code === ANSWERS.yes;
    if (code === ANSWERS.error) throw new Error(said);
    throw new Unanswered(`snarkjs ended with code ${code}: ${said}`);
  } finally {
    child.kill('SIGKILL');
  }
}

/** Exit codes of the process. */
const ANSWERS = { yes: 40, no: 41, error: 42 };

/** As text: it names nothing outside itself. Its arguments are the package, the question and the lengths of the files on stdin. */
function answer(): void {
  const [, path, question, lengths] = process.argv as [string, string, string, string];
  const { readFileSync } = require('node:fs') as typeof import('node:fs');
  const all = new Uint8Array(readFileSync(0));
  const files: Uint8Array[] = [];
  let at = 0;
  for (const n of lengths.split(',')) {
    files.push(all.subarray(at, at + Number(n)));
    at += Number(n);
  }
  const [part, call] = question.split('.') as [string, string];
  const library = require(path) as Record<string, Record<string, (...files: Uint8Array[]) => Promise<boolean>>>;
  const work = library[part]?.[call] as (...files: Uint8Array[]) => Promise<boolean>;
  work(...files).then(
    (good) => process.exit(good ? 40 : 41),
    (e: unknown) => {
      process.stderr.write(e instanceof Error ? e.message : String(e));
      process.exit(42);
    },
  );
}

function snarkjsPath(): string {
  try {
    return createRequire(import.meta.url).resolve('snarkjs');
  } catch {
    throw new MissingPackage('snarkjs');
  }
}

/** snarkjs throws plain errors at bytes that it cannot read: they speak about the file. */
export async function guarded<T>(code: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    const error = e as Error & { code?: string };
    if (
      error instanceof Refused ||
      error.name === 'AbortError' ||
      error.name === 'MissingPackage' ||
      error.name === 'Unanswered' ||
      error.name === 'Stopped'
    )
      throw e;
    // Where a file has no name its messages begin with all of its bytes in decimal.
    throw new Refused(code, `${what} cannot be read: ${error.message.slice(-200).replace(/^[\d,]+(: )?/, '')}`);
  }
}

async function load(): Promise<Library> {
  try {
    return await import('snarkjs');
  } catch (e) {
    if ((e as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') throw new MissingPackage('snarkjs');
    throw e;
  }
}
