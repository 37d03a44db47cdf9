/** The version that the ledger's node targets (settlement §8.8). */
export const COMETBFT_VERSION: string;
/** Its path, or null. */
export function findCometbft(): string | null;
/** Installs it where it is missing and allowed; returns what there is to say, or null. */
export function installCometbft(): string | null;
