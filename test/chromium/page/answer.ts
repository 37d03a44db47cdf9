import type { Told } from './vitest.ts';

/** What the worker says. */
export interface Answer {
  readonly told: readonly Told[];
  /** Digests: of the key, and by the name of the kernels of the envelope. */
  readonly proofs: Readonly<Record<string, string>>;
  /** What the choice of the kernels had to say, one and two threads. */
  readonly notes: readonly (string | null)[];
}
