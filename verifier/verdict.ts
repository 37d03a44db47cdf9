/** The verdict: one form for every proof system. */
import type { NamedTensor } from '../circuits/named.ts';
import type { Trust } from '../protocol/trust.ts';

/** A tensor that the statement shows a commitment to. */
export interface CommittedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly root: Uint8Array;
}

export interface Accepted {
  readonly verdict: 'accepted';
  /** Of the native system: -log2 of the sum of the ledger, provable (docs/protocol.md §10.3); of others: see `trust.security`. */
  readonly securityBits: number;
  /** Terms of the provable bound; none where the bits are an estimate. */
  readonly ledger: readonly { readonly id: string; readonly event: string; readonly bits: number }[];
  readonly system: string;
  readonly profile: string;
  /** I1, I0; of other systems what their key says of the input. */
  readonly mode: string;
  /** What the verdict rests on. */
  readonly trust: Trust;
  readonly vkHash: Uint8Array;
  readonly keyDigest: Uint8Array;
  readonly modelId: Uint8Array;
  readonly statementDigest: Uint8Array;
  readonly context: Uint8Array;
  /** The integer inputs of the statement, as the key lays them out; a committed input has its root alone. */
  readonly inputs: readonly (NamedTensor | CommittedTensor)[];
  /** The model's outputs, recomputed from the proven integers; none of a hidden output. */
  readonly outputs: readonly NamedTensor[];
  /** The integer tensors the proof binds; of a hidden output the commitment. */
  readonly proven: readonly (NamedTensor | CommittedTensor)[];
}

export interface RefusedVerdict {
  readonly verdict: 'refused';
  /** The id of the check that failed: a check of docs/protocol.md §13, or a word for the key file. */
  readonly code: string;
  readonly sentence: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type Verdict = Accepted | RefusedVerdict;
