/** Databases that are none, told before LMDB maps them: it reads what it maps, and a page that is not there ends the process. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DamagedStore } from './store.ts';

/** Where a meta page has what is looked at (LMDB's data version 2, as the binding builds it). */
const META = 24;
const [ROOTS, TRANSACTION] = [[META + 64, META + 112], META + 128] as const;
const MAGIC = 0xbeefc0de;

/** Throws DamagedStore where a folder's database has no head, or ends before the pages that its head names. */
export function checkDatabase(dir: string): void {
  const path = join(dir, 'data.mdb');
  const bad = (why: string): never => {
    throw new DamagedStore(`${path} is damaged: ${why}`);
  };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw e;
  }
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const head = Buffer.alloc(256);
    const readAt = (at: number): void => {
      if (readSync(file, head, 0, head.length, at) !== head.length || head.readUInt32LE(META) !== MAGIC) bad('it has no head');
    };
    let newest: { readonly transaction: bigint; readonly roots: readonly bigint[]; readonly page: number } | undefined;
    for (const which of [0, 1]) {
      readAt(which * (newest?.page ?? 0));
      const transaction = head.readBigUInt64LE(TRANSACTION);
      const page = head.readUInt32LE(META + 24);
      if (page < 512 || page > 65_536) bad('it has no head');
      if (newest === undefined || transaction > newest.transaction)
        newest = { transaction, roots: ROOTS.map((at) => head.readBigInt64LE(at)), page };
    }
    for (const root of newest?.roots ?? [])
      if ((root + 1n) * BigInt(newest?.page ?? 0) > BigInt(size)) bad(`it ends after ${size} bytes, and its head is at page ${root}`);
  } finally {
    closeSync(file);
  }
}
