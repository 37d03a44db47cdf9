/** One process a folder: two that write to one store would each undo the other's blocks. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The folder is another process's. */
export class FolderInUse extends Error {
  constructor(dir: string, pid: number) {
    super(`${dir} is in use by process ${pid}`);
    this.name = 'FolderInUse';
  }
}

/** Takes the folder, making it where it is missing (its parent must be there); returns what gives it back. A lock that a dead process left is taken over. */
export function lockFolder(dir: string): () => void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
  }
  const path = join(dir, 'process');
  for (let attempt = 0; ; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, `${process.pid}\n`);
      closeSync(file);
      break;
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 2) throw e;
      const pid = Number(readFileSync(path, 'utf8').trim());
      if (pid !== process.pid && Number.isInteger(pid) && pid > 0 && isAlive(pid)) throw new FolderInUse(dir, pid);
      rmSync(path, { force: true });
    }
  }
  return () => rmSync(path, { force: true });
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
