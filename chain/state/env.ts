/** What the ledger is given besides state and block: pure functions, which a node may replace by faster ones that answer the same. */
import { type SignatureCheck, verifySignature } from '../accounts.ts';
import type { LedgerEvent } from '../application.ts';
import type { ProofQuestion, ProofSystem, ProofVerdict } from '../systems/system.ts';
import type { Move } from './moves.ts';
import type { State } from './state.ts';

export interface LedgerEnv {
  readonly systems: readonly ProofSystem[];
  readonly verifySignature: SignatureCheck;
  /** `system.verify(question)`, or a verdict that was reached before. `statement` is the question's context. */
  readonly verify: (system: ProofSystem, question: ProofQuestion, statement: Uint8Array) => ProofVerdict;
  /** Jobs and tabs that one sweep moves; SWEEP_CAP of limits.ts unless a test says otherwise. */
  readonly sweepCap?: number;
}

export interface BlockContext {
  readonly height: bigint;
  /** Nanoseconds since 1970. Nothing in stage 1 depends on it. */
  readonly time: bigint;
  readonly proposer: Uint8Array;
}

/** An environment that computes everything itself. */
export const plainEnv = (systems: readonly ProofSystem[]): LedgerEnv => ({
  systems,
  verifySignature,
  verify: (system, question) => system.verify(question),
});

/** What a message works with: a state to change, and where to tell what happened. */
export interface Work {
  readonly state: State;
  readonly height: bigint;
  readonly env: LedgerEnv;
  readonly events: LedgerEvent[];
  readonly record: (m: Move) => void;
}
