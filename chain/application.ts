/**
 * The ledger as a block maker sees it: the methods of ABCI 2.0 that stage 1 needs, with our types (settlement §8.2). The ABCI coat drives
 * it for CometBFT, the devnet drives it alone; both call it from one queue, never two calls at once.
 */

export interface TxResult {
  /** 0, or a number of codes.ts. */
  readonly code: number;
  /** jobId, modelId, tabId: what the transaction made or acted on; empty otherwise. */
  readonly data: Uint8Array;
  /** `E_NONCE: nonce 7, account expects 6`; empty for code 0. For people: no hash covers it. */
  readonly log: string;
  readonly gasWanted: bigint;
  readonly gasUsed: bigint;
  readonly events: readonly LedgerEvent[];
}

/** For display and indexing: no hash covers it. */
export interface LedgerEvent {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ValidatorUpdate {
  readonly pubkey: Uint8Array;
  readonly power: bigint;
}

export interface QueryAnswer {
  readonly code: number;
  readonly log: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The state that is proven: its AppHash stands in the header of height + 1. */
  readonly height: bigint;
  readonly proofOps: readonly { readonly type: string; readonly key: Uint8Array; readonly data: Uint8Array }[];
}

export interface BlockToRun {
  readonly height: bigint;
  /** Nanoseconds since 1970, the header's. */
  readonly time: bigint;
  readonly proposer: Uint8Array;
  readonly txs: readonly Uint8Array[];
}

export interface Application {
  /** Height and AppHash of the last commit; 0 and empty before any. */
  info(): { readonly height: bigint; readonly appHash: Uint8Array };
  /** `appState` is the parsed JSON of the genesis. Throws for a genesis that is none. Repeatable until the first commit. */
  initChain(genesis: {
    readonly chainId: string;
    readonly appState: unknown;
    readonly initialHeight: bigint;
  }): Promise<{ readonly appHash: Uint8Array }>;
  checkTx(tx: Uint8Array, recheck: boolean): Promise<TxResult>;
  prepareProposal(block: Omit<BlockToRun, 'proposer'> & { readonly maxTxBytes: bigint }): Promise<readonly Uint8Array[]>;
  processProposal(block: BlockToRun): Promise<boolean>;
  /** Stages the block; nothing is kept before `commit`. A throw means that this node cannot decide, and must end the process. */
  finalizeBlock(block: BlockToRun): Promise<{
    readonly results: readonly TxResult[];
    readonly appHash: Uint8Array;
    readonly events: readonly LedgerEvent[];
    readonly validatorUpdates: readonly ValidatorUpdate[];
  }>;
  commit(): Promise<{ readonly retainHeight: bigint }>;
  /** Drops a block that was staged and not committed: its driver went away. */
  discard(): void;
  /** `height` 0 means the newest; no other height is served. */
  query(q: { readonly path: string; readonly data: Uint8Array; readonly height: bigint; readonly prove: boolean }): QueryAnswer;
  close(): Promise<void>;
}
