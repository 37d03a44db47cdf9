/** Headers, commits and validators of CometBFT (0.38), as its RPC serves them. */

export interface PartSet {
  readonly total: number;
  readonly hash: Uint8Array;
}

/** Both hashes empty: the block before the first, or a vote for nil. */
export interface BlockIdentity {
  readonly hash: Uint8Array;
  readonly parts: PartSet;
}

export interface BlockHeader {
  readonly version: { readonly block: bigint; readonly app: bigint };
  readonly chainId: string;
  readonly height: bigint;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly lastBlockId: BlockIdentity;
  readonly lastCommitHash: Uint8Array;
  readonly dataHash: Uint8Array;
  readonly validatorsHash: Uint8Array;
  readonly nextValidatorsHash: Uint8Array;
  readonly consensusHash: Uint8Array;
  readonly appHash: Uint8Array;
  readonly lastResultsHash: Uint8Array;
  readonly evidenceHash: Uint8Array;
  readonly proposerAddress: Uint8Array;
}

/** 1 absent, 2 for the block, 3 for nil. */
export const FLAGS = { absent: 1, commit: 2, nil: 3 } as const;

export interface CommitVote {
  readonly flag: number;
  readonly address: Uint8Array;
  readonly time: bigint;
  readonly signature: Uint8Array;
}

export interface BlockCommit {
  readonly height: bigint;
  readonly round: number;
  readonly blockId: BlockIdentity;
  readonly votes: readonly CommitVote[];
}

/** A validator's consensus key (ed25519) and power; the order of a set is part of it. */
export interface Validator {
  readonly pubkey: Uint8Array;
  readonly power: bigint;
}
