/**
 * circom, as a process of its own in a folder of its own: it ends when the work is cancelled, and leaves nothing behind. The package circom2
 * is circom compiled to WebAssembly; it is GPL-3.0, and installed by those who compile for this system.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A package of this system that is not installed: the work cannot be done here. */
export class MissingPackage extends Error {
  readonly package: string;

  constructor(name: string) {
    super(`the package ${name} is needed for this and is not installed: npm install ${name}`);
    this.name = 'MissingPackage';
    this.package = name;
  }
}

/** The templates lie beside the sources, and beside what is built of them. */
const TEMPLATES = fileURLToPath(new URL('../circuits/circom/', import.meta.url));

export interface CircomOutput {
  readonly r1cs: Uint8Array;
  /** WebAssembly that computes the witness. */
  readonly witnessProgram: Uint8Array;
}

/** Compiles a program over our templates with full linear simplification. The same text gives the same bytes. */
export async function runCircom(source: string, signal?: AbortSignal): Promise<CircomOutput> {
  const cli = circomPath();
  const folder = mkdtempSync(join(tmpdir(), 'assay-circom-'));
  try {
    cpSync(TEMPLATES, folder, { recursive: true });
    writeFileSync(join(folder, 'main.circom'), source);
    const { code, text } = await run(cli, ['main.circom', '--r1cs', '--wasm', '--O2'], folder, signal);
    if (code !== 0 || !existsSync(join(folder, 'main.r1cs'))) throw new Error(`circom ended with code ${code}: ${text.slice(-2000)}`);
    return {
      r1cs: new Uint8Array(readFileSync(join(folder, 'main.r1cs'))),
      witnessProgram: new Uint8Array(readFileSync(join(folder, 'main_js', 'main.wasm'))),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function circomPath(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('circom2/package.json')), 'cli.js');
  } catch {
    throw new MissingPackage('circom2');
  }
}

function run(cli: string, args: readonly string[], cwd: string, signal?: AbortSignal): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const hear = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-100_000);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    child.on('error', reject);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ code, text });
    });
  });
}
