/** What the page is asked, and answers. */
import type { Limits, Proofs, Verifications, Way } from '../rounds.ts';

export interface ProveOrder {
  readonly task: 'prove';
  readonly ways: readonly Way[];
  readonly limits: Limits;
}

export interface VerifyOrder {
  readonly task: 'verify';
  readonly repeats: number;
}

/** Milliseconds of each check of the signed header in `/subject/header.json`. */
export interface HeadersOrder {
  readonly task: 'headers';
  readonly repeats: number;
}

export type Order = ProveOrder | VerifyOrder | HeadersOrder;
export type Answer = Proofs[] | Verifications | number[];
