/** One process a folder: two that write to one store would each undo the other's blocks. */
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The folder is another process's. */
export class FolderInUse extends Error {
  constructor(dir: string, pid: number) {
    super(`${dir} is in use by process ${pid}`);
    this.name = 'FolderInUse';
  }
}

/** Milliseconds that a process may take between making its lock and writing its number into it, and how often another one looks. */
const WRITING = { patience: 500, pause: 10 } as const;

/** Takes the folder, making it where it is missing (its parent must be there); returns what gives it back. A lock that a dead process left is taken over. */
export function lockFolder(dir: string): () => void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
  }
  const path = join(dir, 'process');
  const mine = `${process.pid}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, mine);
      closeSync(file);
      break;
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 4) throw e;
      const held = holder(path);
      const pid = Number(held);
      if (pid !== process.pid && Number.isInteger(pid) && pid > 0 && isAlive(pid)) throw new FolderInUse(dir, pid);
      if (held !== null) clear(path, held);
    }
  }
  return () => {
    if (contentOf(path) === mine) rmSync(path, { force: true });
  };
}

/** What the lock says; null where it is gone. One that says nothing is waited for: who makes it writes next. */
function holder(path: string): string | null {
  for (let waited = 0; ; waited += WRITING.pause) {
    const content = contentOf(path);
    if (content !== '' || waited >= WRITING.patience) return content;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WRITING.pause);
  }
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
    return null;
  }
}

/** Removes the lock that said `dead`. Somebody else may have removed it meanwhile and made its own: that one is moved back. */
function clear(path: string, dead: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
    return;
  }
  if (contentOf(aside) !== dead) linkSync(aside, path);
  rmSync(aside, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ended, and nobody has asked how: it writes no more. Linux alone tells. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''));
  } catch {
    return false;
  }
}
