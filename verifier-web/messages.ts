/** The worker boundary: one question, one answer. */
import type { Verdict } from '../verifier/index.ts';

export interface Question {
  readonly proof: Uint8Array;
  readonly key: Uint8Array;
  /** What the proof must be bound to; empty: nothing. */
  readonly context: Uint8Array;
  /** For keys of mode I0. */
  readonly circuit: Uint8Array | null;
}

/** A verdict, or a crash of ours: never shown as a refusal. */
export type Answer = { readonly verdict: Verdict; readonly milliseconds: number } | { readonly crashed: string };
