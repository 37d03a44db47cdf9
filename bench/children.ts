/** Runs the tasks of `child.ts`, one at a time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tasks } from './child.ts';

const SCRIPT = fileURLToPath(new URL('child.js', import.meta.url));
let running: ChildProcess | null = null;

/** The answer of a task; what it says on stderr when it fails is the error. */
export function child<T extends keyof Tasks>(task: T, order: Parameters<Tasks[T]>[0]): Promise<Awaited<ReturnType<Tasks[T]>>> {
  return new Promise((done, fail) => {
    const process_ = spawn(process.execPath, ['--expose-gc', SCRIPT, task], { stdio: 'pipe' });
    running = process_;
    const said = { out: '', err: '' };
    process_.stdout.on('data', (b: Buffer) => {
      said.out += b.toString();
    });
    process_.stderr.on('data', (b: Buffer) => {
      said.err += b.toString();
    });
    process_.on('error', fail);
    process_.on('close', (code, signal) => {
      running = null;
      if (code === 0) done(JSON.parse(said.out));
      else fail(new Error(said.err.trim() || `the process for "${task}" ended with ${signal ?? code}`));
    });
    process_.stdin.end(JSON.stringify(order));
  });
}

/** Ends the task that runs. */
export function endChild(): void {
  running?.kill('SIGKILL');
}
