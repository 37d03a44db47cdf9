/**
 * A block maker of one validator in this process (settlement §11): the same application as under CometBFT, and headers, commits and hashes
 * that are CometBFT's, so nothing that checks a chain needs to know the difference.
 *
 * Blocks are made when transactions wait, no closer than `blockMs`; one empty block follows each that altered the AppHash, so that it can be
 * proved at once; and one is made every `idleMs`, so that deadlines move.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import type { Application, TxResult } from '../application.ts';
import { encodeBlock } from '../comet/encode.ts';
import { commitHash, consensusHash, dataHash, headerHash, partsOf, resultsHash, validatorsHash, voteSignBytes } from '../comet/hashes.ts';
import { parseTime } from '../comet/time.ts';
import { type BlockCommit, type BlockHeader, type BlockIdentity, FLAGS, type Validator } from '../comet/types.ts';
import { MAX_BLOCK_BYTES, MAX_TX_BYTES } from '../limits.ts';
import { listRoot } from '../merkle.ts';
import { DamagedStore } from '../store/store.ts';
import type { BlockStore, DevnetBlock, StoredTxResult } from './blocks.ts';
import type { GenesisDoc } from './genesis.ts';

export interface DevnetOptions {
  readonly app: Application;
  readonly blocks: BlockStore;
  readonly genesis: GenesisDoc;
  /** The validator's ed25519 seed: 32 bytes. */
  readonly validator: Uint8Array;
  /** Least milliseconds between blocks; most milliseconds without one. */
  readonly blockMs?: number | undefined;
  readonly idleMs?: number | undefined;
  /** Nanoseconds since 1970. */
  readonly now?: (() => bigint) | undefined;
  /** This node cannot decide (settlement §8.3): the process must end. */
  readonly onFatal: (e: Error) => void;
  readonly onBlock?: ((block: DevnetBlock) => void) | undefined;
}

export interface WaitingTx {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Transactions that wait, and their bytes. */
const MEMPOOL = { txs: 5000, bytes: 64 * 2 ** 20 } as const;
const NOTHING = new Uint8Array(0);
const NOBODY: BlockIdentity = { hash: NOTHING, parts: { total: 0, hash: NOTHING } };
const NO_COMMIT: BlockCommit = { height: 0n, round: 0, blockId: NOBODY, votes: [] };
/** CometBFT's block protocol. */
const BLOCK_PROTOCOL = 11n;
const MS = 1_000_000n;

export class Devnet {
  readonly genesis: GenesisDoc;
  readonly validators: readonly Validator[];
  readonly #o: DevnetOptions;
  readonly #address: Uint8Array;
  readonly #now: () => bigint;
  readonly #mempool = new Map<string, WaitingTx>();
  #mempoolBytes = 0;
  /** AppHash and results after the newest block. */
  #appHash: Uint8Array = NOTHING;
  #results: readonly StoredTxResult[] = [];
  /** One thing at a time happens to the application. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #lastBlockAt = 0;
  #owed = true;
  #closed = false;
  readonly #listeners = new Set<(block: DevnetBlock) => void>();

  private constructor(o: DevnetOptions) {
    this.#o = o;
    this.genesis = o.genesis;
    const pubkey = ed25519.getPublicKey(o.validator);
    this.#address = addressOf(pubkey);
    this.validators = [{ pubkey, power: 10n }];
    this.#now = o.now ?? (() => BigInt(Date.now()) * MS);
  }

  /** Opens the chain: replays what the application lacks, then makes blocks. */
  static async start(o: DevnetOptions): Promise<Devnet> {
    const net = new Devnet(o);
    const { app, blocks, genesis } = o;
    const info = app.info();
    if (info.height > blocks.height)
      throw new DamagedStore(`the ledger is at block ${info.height}, the blocks end at ${blocks.height}: the folder is damaged`);
    if (info.height === 0n) {
      const { appHash } = await app.initChain({ chainId: genesis.chain_id, appState: genesis.app_state, initialHeight: 1n });
      net.#appHash = appHash;
    } else {
      net.#appHash = info.appHash;
      net.#results = blocks.get(info.height)?.results ?? [];
    }
    // In one turn: each block that is executed sets the clock for the next one, which must wait for the last.
    await net.#queued(async () => {
      for (let h = info.height + 1n; h <= blocks.height; h++) await net.#execute(blocks.get(h) as DevnetBlock);
    });
    // A chain that is open has a first block: there is something to ask about.
    if (blocks.height === 0n) await net.step();
    net.#schedule();
    return net;
  }

  get height(): bigint {
    return this.#o.blocks.height;
  }

  block(height: bigint): DevnetBlock | undefined {
    return this.#o.blocks.get(height);
  }

  get app(): Application {
    return this.#o.app;
  }

  waiting(): readonly WaitingTx[] {
    return [...this.#mempool.values()];
  }

  onBlock(listener: (block: DevnetBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** CheckTx, and into the mempool where it passes. */
  broadcast(bytes: Uint8Array): Promise<{ readonly id: string; readonly result: TxResult }> {
    return this.#queued(async () => {
      const id = toHex(sha256(bytes));
      if (this.#mempool.has(id)) throw new MempoolRefused('tx already exists in cache');
      if (bytes.length > MAX_TX_BYTES + 1024) throw new MempoolRefused(`tx too large: ${bytes.length} bytes`);
      if (this.#mempool.size >= MEMPOOL.txs || this.#mempoolBytes + bytes.length > MEMPOOL.bytes)
        throw new MempoolRefused(`mempool is full: ${this.#mempool.size} transactions, ${this.#mempoolBytes} bytes`);
      const result = await this.app.checkTx(bytes, false);
      if (result.code === 0) {
        this.#mempool.set(id, { id, bytes });
        this.#mempoolBytes += bytes.length;
        this.#schedule();
      }
      return { id, result };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#turn;
    await this.app.close();
    await this.#o.blocks.close();
  }

  #queued<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** The next block: soon when something waits or is owed, else after the idle time. */
  #schedule(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const due = this.#mempool.size > 0 || this.#owed;
    const since = performance.now() - this.#lastBlockAt;
    const wait = Math.max(0, (due ? (this.#o.blockMs ?? 200) : (this.#o.idleMs ?? 10_000)) - since);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#queued(() => this.#make()).catch((e) => {
        this.#closed = true;
        this.#o.onFatal(e as Error);
      });
    }, wait);
  }

  /** Makes the next block now. For tests, and for whoever drives time by himself. */
  step(): Promise<void> {
    return this.#queued(() => this.#make());
  }

  async #make(): Promise<void> {
    if (this.#closed) return;
    const { app, blocks } = this.#o;
    const height = blocks.height + 1n;
    const last = blocks.get(blocks.height);
    const lastCommit = last?.commit ?? NO_COMMIT;
    const time = last === undefined ? (parseTime(this.genesis.genesis_time) as bigint) : (last.commit.votes[0]?.time as bigint);
    const maxTxBytes = BigInt(MAX_BLOCK_BYTES - 2048);
    const waiting = [...this.#mempool.values()].map((t) => t.bytes);
    let txs = await app.prepareProposal({ height, time, txs: waiting, maxTxBytes });
    if (!(await app.processProposal({ height, time, txs, proposer: this.#address }))) {
      // The application knows now which transaction it is that cannot be decided, and leaves it out.
      txs = await app.prepareProposal({ height, time, txs: waiting, maxTxBytes });
      if (!(await app.processProposal({ height, time, txs, proposer: this.#address }))) txs = [];
    }
    const header: BlockHeader = {
      version: { block: BLOCK_PROTOCOL, app: 0n },
      chainId: this.genesis.chain_id,
      height,
      time,
      lastBlockId: lastCommit.blockId,
      lastCommitHash: commitHash(lastCommit.votes),
      dataHash: dataHash(txs),
      validatorsHash: validatorsHash(this.validators),
      nextValidatorsHash: validatorsHash(this.validators),
      consensusHash: consensusHash(
        BigInt(this.genesis.consensus_params.block.max_bytes),
        BigInt(this.genesis.consensus_params.block.max_gas),
      ),
      appHash: this.#appHash,
      lastResultsHash: resultsHash(this.#results),
      evidenceHash: listRoot([]),
      proposerAddress: this.#address,
    };
    const blockId = { hash: headerHash(header), parts: partsOf(encodeBlock(header, txs, lastCommit)) };
    const block: DevnetBlock = { header, txs, lastCommit, commit: this.#vote(height, blockId, time), results: [] };
    blocks.put(block);
    await this.#execute(block);
  }

  /** This validator's precommit; its time is later than the block's, as CometBFT demands of a vote. */
  #vote(height: bigint, blockId: BlockIdentity, time: bigint): BlockCommit {
    const now = this.#now();
    const vote = { flag: FLAGS.commit, address: this.#address, time: now > time ? now : time + MS };
    const commit = { height, round: 0, blockId };
    const signature = ed25519.sign(voteSignBytes(this.genesis.chain_id, commit, vote), this.#o.validator);
    return { ...commit, votes: [{ ...vote, signature }] };
  }

  async #execute(block: DevnetBlock): Promise<void> {
    const { header, txs } = block;
    const { results, appHash } = await this.app.finalizeBlock({
      height: header.height,
      time: header.time,
      txs,
      proposer: header.proposerAddress,
    });
    this.#results = results.map(({ code, data, log, gasWanted, gasUsed }) => ({ code, data, log, gasWanted, gasUsed }));
    const done = { ...block, results: this.#results };
    this.#o.blocks.put(done);
    await this.app.commit();
    this.#owed = !equalBytes(appHash, this.#appHash);
    this.#appHash = appHash;
    this.#lastBlockAt = performance.now();
    for (const tx of txs) this.#drop(toHex(sha256(tx)));
    for (const { id, bytes } of [...this.#mempool.values()]) if ((await this.app.checkTx(bytes, true)).code !== 0) this.#drop(id);
    for (const listener of [...this.#listeners]) listener(done);
    this.#o.onBlock?.(done);
    this.#schedule();
  }

  #drop(id: string): void {
    const tx = this.#mempool.get(id);
    if (tx === undefined) return;
    this.#mempool.delete(id);
    this.#mempoolBytes -= tx.bytes.length;
  }
}

/** The mempool took no look at a transaction: known, too large, full. */
export class MempoolRefused extends Error {}
