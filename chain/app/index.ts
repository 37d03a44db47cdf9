/** The ledger behind the seam of application.ts. */
export { type LedgerAppOptions, openLedger } from './app.ts';
export type { HistoryEntry } from './history.ts';
export { inlinePool, VerifierDied, type VerifierPool } from './verdicts.ts';
export { workerPool } from './worker-pool.ts';
