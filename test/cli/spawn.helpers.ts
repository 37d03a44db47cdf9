/** Runs the built command line, as a user does. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Kill = (signal: NodeJS.Signals) => void;

export interface Options {
  readonly cwd?: string;
  /** Called once the process has been started. */
  readonly onStart?: (kill: Kill, pid: number) => void;
  /** Called when something has been printed on stdout. */
  readonly onFirstLine?: (kill: Kill) => void;
  /** Closes our end of stdout after so many bytes. */
  readonly closeAfter?: number;
  /** A file that stdout goes to. */
  readonly stdoutTo?: string;
}

export function assay(args: readonly string[], options: Options = {}): Promise<Ended> {
  if (!existsSync(MAIN)) throw new Error('dist/cli/main.js is missing: run `npm run build` before these tests');
  const { cwd, onStart, onFirstLine, closeAfter = Number.POSITIVE_INFINITY, stdoutTo } = options;
  const out = stdoutTo === undefined ? 'pipe' : openSync(stdoutTo, 'w');
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [MAIN, ...args], { ...(cwd !== undefined && { cwd }), stdio: ['ignore', out, 'pipe'] });
    const kill: Kill = (signal) => child.kill(signal);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (piece: Buffer) => {
      if (stdout === '') onFirstLine?.(kill);
      stdout += piece.toString();
      if (stdout.length >= closeAfter) child.stdout?.destroy();
    });
    child.stderr?.on('data', (piece: Buffer) => {
      stderr += piece.toString();
    });
    child.on('error', fail);
    child.on('close', (code, signal) => {
      if (typeof out === 'number') closeSync(out);
      done({ code, signal, stdout, stderr });
    });
    onStart?.(kill, child.pid ?? 0);
  });
}
