/**
 * A proof system as the ledger sees it (settlement §9.1): total, synchronous and pure. The ledger derives every public value from the
 * statement, the input and the output; a transaction never supplies them.
 */

/** What a registered key is; everything is computed from its bytes. */
export interface SystemKey {
  readonly vkHash: Uint8Array;
  readonly circuitHash: Uint8Array;
  readonly modelHash: Uint8Array;
  /** 32 zero bytes for systems without one. */
  readonly zkRoot: Uint8Array;
  /** Verification gas of the most expensive proof of this key; 1 is a microsecond of the reference machine. */
  readonly vgas: bigint;
  /** Bytes of the longest proof of this key. */
  readonly proofCap: number;
}

export type ProofVerdict =
  /** `securityBits`: provable bits of the key's profile, for people. */
  | { readonly ok: true; readonly securityBits?: number }
  /** `shape`: bytes that no proof has. `invalid`: a proof, of something else. */
  | { readonly ok: false; readonly kind: 'shape' | 'invalid'; readonly sentence: string };

export interface ProofQuestion {
  /** The registered key file. */
  readonly key: Uint8Array;
  /** Canonical tensors (tensors.ts), already decoded once by the ledger. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** The statement digest: 32 bytes. */
  readonly context: Uint8Array;
  readonly proof: Uint8Array;
}

export interface ProofSystem {
  readonly name: string;
  /** `proofSystemId(name)`. */
  readonly id: Uint8Array;
  /** Whether a proof is bound to its context; where not, copies must be refused by other means (settlement §3.2). */
  readonly bindsContext: boolean;
  /** Whether input and output can stay hidden from the chain (settlement mode `private`). */
  readonly hidesTensors: boolean;
  /** 0 transparent, 1 universal, 2 a set-up per circuit. */
  readonly setup: 0 | 1 | 2;
  /** Bytes of the longest proof of any key. */
  readonly proofCap: number;
  /** Throws `Rejected` E_KEY_BYTES for bytes that are no key this system takes on chain. */
  parseKey(bytes: Uint8Array): SystemKey;
  /** Throws nothing but what is no fault of the proof (settlement §8.3): a key that was registered and cannot be read is such a thing. */
  verify(question: ProofQuestion): ProofVerdict;
}
