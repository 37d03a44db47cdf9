/**
 * Archives with a proof and a key inside, opened within bounds: what an archive claims about its sizes is not believed, output is counted
 * as it comes. 16 kB of deflate give at most 16.5 MB, so no step makes more than that at once.
 */
import { Unzip, UnzipInflate } from 'fflate';
import type { GivenFile, Stranger } from './messages.ts';

export const ZIP_LIMITS = { entries: 64, total: 128 * 2 ** 20 } as const;
const STEP = 16384;

export const isZip = (b: Uint8Array): boolean =>
  b[0] === 0x50 && b[1] === 0x4b && ((b[2] === 3 && b[3] === 4) || (b[2] === 5 && b[3] === 6));

/** What macOS puts into archives beside every file. */
const isShadow = (name: string): boolean => /(^|\/)(__MACOSX\/|\._[^/]*$)/.test(name);

class Stop extends Error {}

/** The files of an archive, or the archive itself as a stranger with the reason. Folders and archives inside archives are left out. */
export function openZip(
  { name, bytes }: GivenFile,
  limits: { readonly entries: number; readonly total: number } = ZIP_LIMITS,
): { files: GivenFile[]; strangers: Stranger[] } {
  const files: GivenFile[] = [];
  const refused = (why: string): { files: GivenFile[]; strangers: Stranger[] } => ({ files: [], strangers: [{ name, why }] });
  let total = 0;
  let open = 0;
  const unzip = new Unzip((entry) => {
    if (++open > limits.entries) throw new Stop(`the archive has more than ${limits.entries} entries`);
    const chunks: Uint8Array[] = [];
    entry.ondata = (error, chunk, final) => {
      if (error) throw error;
      total += chunk.length;
      if (total > limits.total) throw new Stop(`the archive unpacks to more than ${limits.total / 2 ** 20} MiB`);
      chunks.push(chunk);
      if (final && !entry.name.endsWith('/') && !isShadow(entry.name)) files.push({ name: entry.name, bytes: joined(chunks) });
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  try {
    for (let at = 0; at < bytes.length; at += STEP) unzip.push(bytes.subarray(at, at + STEP), at + STEP >= bytes.length);
  } catch (e) {
    return refused(
      e instanceof Stop ? e.message : `the archive is broken or of a kind that is not read: ${e instanceof Error ? e.message : String(e)}`,
    );
  }
  if (files.length === 0) return refused('the archive is empty or broken');
  if (entriesSaid(bytes) !== open) return refused('the archive is broken: it does not hold what its directory says');
  return { files, strangers: [] };
}

/** The number of entries in the record at an archive's end, which a cut archive lacks; null if there is none. */
function entriesSaid(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 65535); at--)
    if (view.getUint32(at, true) === 0x06054b50) return view.getUint16(at + 10, true);
  return null;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const c of chunks) {
    out.set(c, at);
    at += c.length;
  }
  return out;
}
