/** States of a job and how it can end (settlement §5.1). Numbers are consensus and append-only. */
export const JOB_STATES = { OPEN: 1, LOCKED: 2, PENDING: 3, DISPUTED: 4, RESCUE: 5, FINAL: 6, FAILED: 7, REFUNDED: 8 } as const;
export type JobState = keyof typeof JOB_STATES;

/** Why a FINAL job is final. */
export const BASES = { PROVEN: 1, TEE: 2, UNCHALLENGED: 3 } as const;

/** Why a FAILED job failed. */
export const REASONS = { fraud: 1, unproven: 2, noResult: 3 } as const;

/** What an order asks for; OpenGradient's numbers (settlement §13). Stage 1 settles ZKML. */
export const MODES = { VANILLA: 0, ZKML: 1, TEE: 2 } as const;

/** What of a result stays on chain: nothing but commitments (0, 1), or the output bytes up to 4 KiB (2). */
export const SETTLEMENT_MODES = { private: 0, batch: 1, individual: 2 } as const;

export const isTerminal = (state: number): boolean =>
  state === JOB_STATES.FINAL || state === JOB_STATES.FAILED || state === JOB_STATES.REFUNDED;

const nameIn = (table: Readonly<Record<string, number>>, n: number): string =>
  Object.entries(table).find(([, value]) => value === n)?.[0] ?? `unknown (${n})`;

export const stateName = (n: number): string => nameIn(JOB_STATES, n);

/** `FINAL(PROVEN)`, `FINAL(PROVEN, late)`, `FAILED(fraud)`, `PENDING`. */
export function describeState(job: {
  readonly state: number;
  readonly basis: number;
  readonly reason: number;
  readonly late: boolean;
}): string {
  const name = stateName(job.state);
  if (job.state === JOB_STATES.FINAL) return `${name}(${nameIn(BASES, job.basis)}${job.late ? ', late' : ''})`;
  return job.state === JOB_STATES.FAILED ? `${name}(${nameIn(REASONS, job.reason)})` : name;
}
