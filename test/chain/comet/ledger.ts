/** The application that real nodes run in these tests, and all that the tests know of it. Another ledger is tested by changing this file. */
import type { Application } from '../../../chain/application.ts';
import { bytes, openNotes } from '../abci/notes.ts';

export const open = async (folder: string): Promise<Application> => openNotes(folder);
export const appState: unknown = { notes: { first: '1' } };
export const maxGas = 2_000_000n;

/** Transactions that are accepted in this order, each once. */
export const tx = (n: number): Uint8Array => bytes(`n${n}=${n}`);
/** A query that answers with code 0 and a value once `tx(n)` is settled. */
export const settled = (n: number): { readonly path: string; readonly data: Uint8Array } => ({ path: '', data: bytes(`n${n}`) });
