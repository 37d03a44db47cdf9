/**
 * The smallest application with everything that a block maker can get wrong: notes `key=value`, each key once, in one file.
 *
 * It is honest about crashes (tmp, fsync, rename, fsync of the folder, in Commit only) and strict about its driver: a call out of order, or
 * while another runs, throws.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Application, BlockToRun, TxResult } from '../../../chain/application.ts';

type Notes = Readonly<Record<string, string>>;
interface Kept {
  readonly height: number;
  readonly notes: Notes;
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);

export const notesHash = (notes: Notes): Uint8Array =>
  sha256(
    bytes(
      Object.keys(notes)
        .sort()
        .map((k) => `${k}=${notes[k]}\n`)
        .join(''),
    ),
  );

/** `appState` is `{notes: {…}}`. The note `throw=…` is one that the application cannot decide; `bad=…` one that no proposal may hold. */
export function openNotes(folder: string): Application {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'notes.json');
  let kept = read(file);
  let staged: Kept | null = null;
  let busy = false;

  const alone = async <T>(work: () => T): Promise<T> => {
    if (busy) throw new Error('two calls at once');
    busy = true;
    await new Promise((done) => setImmediate(done));
    busy = false;
    return work();
  };
  const note = (tx: Uint8Array, notes: Notes): { code: number; log: string; key: string; value: string } => {
    const [, key = '', value = ''] = /^([a-z0-9]+)=([a-z0-9]*)$/.exec(text(tx)) ?? [];
    if (key === '') return { code: 2, log: 'no note', key, value };
    return key in notes ? { code: 16, log: `${key} is there`, key, value } : { code: 0, log: '', key, value };
  };
  const result = (code: number, log: string, key: string, tx: Uint8Array): TxResult => ({
    code,
    data: bytes(key),
    log,
    gasWanted: BigInt(tx.length),
    gasUsed: code === 2 ? 0n : BigInt(tx.length),
    events: code === 0 ? [{ type: 'note', attributes: { key } }] : [],
  });
  const next = (height: bigint): void => {
    if (height !== BigInt(kept.height + 1)) throw new Error(`block ${height} on a state of height ${kept.height}`);
  };

  return {
    info: () => ({ height: BigInt(kept.height), appHash: kept.height === 0 ? new Uint8Array(0) : notesHash(kept.notes) }),
    initChain: ({ appState }) =>
      alone(() => {
        if (kept.height !== 0) throw new Error('InitChain after a commit');
        const { notes } = (appState ?? {}) as { notes?: Notes };
        if (notes === undefined) throw new Error('genesis: no notes');
        kept = { height: 0, notes };
        return { appHash: notesHash(notes) };
      }),
    checkTx: (tx) =>
      alone(() => {
        const { code, log, key } = note(tx, kept.notes);
        return result(code, log, key, tx);
      }),
    prepareProposal: ({ height, txs }) =>
      alone(() => {
        next(height);
        return txs.filter((tx) => note(tx, kept.notes).code === 0);
      }),
    processProposal: ({ height, txs }) =>
      alone(() => {
        next(height);
        return !txs.some((tx) => text(tx).startsWith('bad='));
      }),
    finalizeBlock: ({ height, txs }: BlockToRun) =>
      alone(() => {
        next(height);
        if (staged !== null) throw new Error('a block is staged already');
        const notes = { ...kept.notes };
        const results = txs.map((tx) => {
          const { code, log, key, value } = note(tx, notes);
          if (key === 'throw') throw new Error('cannot decide');
          if (code === 0) notes[key] = value;
          return result(code, log, key, tx);
        });
        staged = { height: Number(height), notes };
        return { results, appHash: notesHash(notes), events: [], validatorUpdates: [] };
      }),
    commit: () =>
      alone(() => {
        if (staged === null) throw new Error('nothing is staged');
        write(folder, file, staged);
        kept = staged;
        staged = null;
        return { retainHeight: 0n };
      }),
    discard() {
      if (busy) throw new Error('discarded during a call');
      if (staged === null) throw new Error('nothing to discard');
      staged = null;
    },
    query({ path, data }) {
      if (path === '/throw') throw new Error('a query that nobody foresaw');
      const value = kept.notes[text(data)];
      const code = value === undefined ? 1 : 0;
      const log = code === 0 ? '' : 'no such note';
      return { code, log, key: data, value: bytes(value ?? ''), height: BigInt(kept.height), proofOps: [] };
    },
    close: async () => {},
  };
}

function read(file: string): Kept {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return { height: 0, notes: {} };
    throw e;
  }
}

function write(folder: string, file: string, kept: Kept): void {
  const fd = openSync(`${file}.tmp`, 'w');
  writeSync(fd, JSON.stringify(kept));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.tmp`, file);
  const dir = openSync(folder, 'r');
  fsyncSync(dir);
  closeSync(dir);
}
