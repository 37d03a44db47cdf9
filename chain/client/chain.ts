/**
 * A chain through its JSON-RPC, as a sender of transactions uses it (settlement §11.3, §12.5). What is read here is the node's word; whoever
 * must not take it uses the light client.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { CODES, codeName } from '../codes.ts';
import { Json } from '../comet/json.ts';
import {
  type Account,
  AccountSchema,
  type Job,
  JobSchema,
  type Model,
  ModelSchema,
  type Prover,
  ProverSchema,
  type Tab,
  TabSchema,
} from '../generated/records_pb.ts';
import { askRecord } from '../light/record.ts';
import { type Rpc, RpcError } from '../rpc/rpc.ts';
import type { Signer } from './signer.ts';
import { type Msg, type SignedTx, signTx } from './transactions.ts';

/** What became of a transaction that is in a block. */
export interface Outcome {
  readonly height: bigint;
  readonly code: number;
  readonly log: string;
  readonly data: Uint8Array;
  readonly gasUsed: bigint;
}

/** The node or the ledger refused a transaction: `code` of codes.ts; 0 where it never came into a block. */
export class TxRefused extends Error {
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.name = 'TxRefused';
    this.code = code;
  }
}

/** The node is of another chain than the one that was chosen. */
export class WrongChain extends Error {
  constructor(seen: string, wanted: string) {
    super(`the node is of chain ${JSON.stringify(seen)}, not of ${JSON.stringify(wanted)}`);
    this.name = 'WrongChain';
  }
}

export interface ChainStatus {
  readonly chainId: string;
  readonly height: bigint;
  readonly moniker: string;
  readonly catchingUp: boolean;
  /** Nanoseconds since 1970 of the newest header. */
  readonly time: bigint;
}

export interface ChainParams {
  readonly chainId: string;
  readonly denoms: readonly string[];
  readonly minBond: bigint;
  readonly minJobBond: bigint;
  readonly keyBurn: bigint;
  readonly priceFloor: bigint;
  readonly blockVgas: bigint;
  readonly maxTxVgas: bigint;
  readonly registerVgas: bigint;
  readonly tabDelay: bigint;
}

const POLL_MS = 200;
/** Blocks that a transaction stays valid, unless its sender says otherwise. */
const VALID_FOR = 500n;
/** How far above the present price a sender goes: the price may rise by an eighth a block. */
export const HEADROOM = 2n;
const MAX_TX = 2 ** 20;

export interface SendOptions {
  readonly vgasLimit?: bigint | undefined;
  readonly sponsor?: Signer | undefined;
  /** The chain that the transaction is for; without it, the one that the node says it is of. */
  readonly chainId?: string | undefined;
  /** Blocks that the transaction stays valid, 500 unless said: after them it is known to be lost. */
  readonly validFor?: bigint | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once the node has taken the transaction. */
  readonly onSent?: ((tx: SignedTx) => void) | undefined;
}

export interface ChainOptions {
  readonly pause?: ((ms: number) => Promise<void>) | undefined;
  /** The only chain that is talked to: nothing is signed for another, whatever the node says that it is of. */
  readonly chainId?: string | undefined;
}

export class Chain {
  readonly rpc: Rpc;
  readonly #pause: (ms: number) => Promise<void>;
  readonly #only: string | undefined;

  constructor(rpc: Rpc, { pause = (ms) => new Promise((done) => setTimeout(done, ms)), chainId }: ChainOptions = {}) {
    this.rpc = rpc;
    this.#pause = pause;
    this.#only = chainId;
  }

  pause(ms = POLL_MS): Promise<void> {
    return this.#pause(ms);
  }

  /** Throws WrongChain where the node is of another chain than the one that was chosen. */
  async status(signal?: AbortSignal): Promise<ChainStatus> {
    const s = new Json(await this.rpc.call('status', {}, signal), 'status');
    const sync = s.get('sync_info');
    const chainId = s.get('node_info').get('network').text(50);
    if (this.#only !== undefined && chainId !== this.#only) throw new WrongChain(chainId, this.#only);
    return {
      chainId,
      moniker: s.get('node_info').get('moniker').text(100),
      height: sync.get('latest_block_height').int(),
      time: sync.get('latest_block_time').time(),
      catchingUp: sync.get('catching_up').missing ? false : sync.get('catching_up').flag(),
    };
  }

  /** What an `abci_query` without a proof answers, as JSON. */
  async ask(path: string, signal?: AbortSignal): Promise<Json> {
    const r = new Json(await this.rpc.call('abci_query', { path, data: '', height: '0', prove: false }, signal), 'abci_query').get(
      'response',
    );
    const code = r.get('code');
    if (!code.missing && code.int() !== 0n) throw new RpcError('refused', `${path}: ${r.get('log').text()}`);
    try {
      return new Json(JSON.parse(new TextDecoder().decode(r.get('value').base64(MAX_TX))), path);
    } catch (e) {
      if (e instanceof SyntaxError) throw new RpcError('malformed', `${path}: the node answers with no JSON`);
      throw e;
    }
  }

  async params(signal?: AbortSignal): Promise<ChainParams> {
    const p = await this.ask('/params', signal);
    const amount = (name: string): bigint => p.get(name).amount();
    return {
      chainId: p.get('chainId').text(50),
      denoms: p
        .get('denoms')
        .list(64)
        .map((d) => d.text(16)),
      minBond: amount('minBond'),
      minJobBond: amount('minJobBond'),
      keyBurn: amount('keyBurn'),
      priceFloor: amount('priceFloor'),
      blockVgas: amount('blockVgas'),
      maxTxVgas: amount('maxTxVgas'),
      registerVgas: amount('registerVgas'),
      tabDelay: amount('tabDelay'),
    };
  }

  /** opg a unit of gas in the next block. */
  async price(signal?: AbortSignal): Promise<bigint> {
    return (await this.ask('/price', signal)).get('price').amount();
  }

  async #record<T>(store: string, key: Uint8Array, read: (bytes: Uint8Array) => T, signal?: AbortSignal): Promise<T | null> {
    const { value } = await askRecord(this.rpc, store, key, signal);
    if (value.length === 0 || (value.length === 1 && value[0] === 0)) return null;
    try {
      return read(value);
    } catch {
      throw new RpcError('malformed', `the node's record ${store}/${toHex(key)} does not decode`);
    }
  }

  account(address: Uint8Array, signal?: AbortSignal): Promise<Account | null> {
    return this.#record('acct', address, (b) => fromBinary(AccountSchema, b), signal);
  }

  job(id: Uint8Array, signal?: AbortSignal): Promise<Job | null> {
    return this.#record('job', id, (b) => fromBinary(JobSchema, b), signal);
  }

  model(id: Uint8Array, signal?: AbortSignal): Promise<Model | null> {
    return this.#record('model', id, (b) => fromBinary(ModelSchema, b), signal);
  }

  prover(address: Uint8Array, signal?: AbortSignal): Promise<Prover | null> {
    return this.#record('prover', address, (b) => fromBinary(ProverSchema, b), signal);
  }

  tab(id: Uint8Array, signal?: AbortSignal): Promise<Tab | null> {
    return this.#record('tab', id, (b) => fromBinary(TabSchema, b), signal);
  }

  /** The transactions of a block, with what they came to. */
  async block(height: bigint, signal?: AbortSignal): Promise<readonly { readonly bytes: Uint8Array; readonly outcome: Outcome }[]> {
    const at = { height: height.toString() };
    const [block, results] = await Promise.all([this.rpc.call('block', at, signal), this.rpc.call('block_results', at, signal)]);
    const txs = new Json(block, 'block').get('block').get('data').get('txs').list(100_000);
    const outcomes = new Json(results, 'block_results').get('txs_results').list(100_000);
    return txs.map((tx, i) => {
      const r = outcomes[i] ?? new Json(undefined, `block_results.txs_results[${i}]`);
      return {
        bytes: tx.base64(MAX_TX),
        outcome: {
          height,
          code: r.get('code').small(2 ** 32 - 1),
          log: r.get('log').missing ? '' : r.get('log').text(),
          data: r.get('data').base64(1024),
          gasUsed: r.get('gas_used').missing ? 0n : r.get('gas_used').int(),
        },
      };
    });
  }

  /** Signs with the account's next nonce, or the one given. */
  async prepare(
    signer: Signer,
    msg: Msg,
    { chainId: wanted, vgasLimit, sponsor, validFor = VALID_FOR, signal }: SendOptions = {},
    nonce?: bigint,
  ): Promise<SignedTx> {
    const [{ chainId, height }, account, price] = await Promise.all([
      this.status(signal),
      this.account(signer.address, signal),
      this.price(signal),
    ]);
    return signTx(signer, {
      chainId: wanted ?? chainId,
      nonce: nonce ?? (account?.nonce ?? 0n) + 1n,
      validUntil: height + validFor,
      msg,
      vgasLimit: vgasLimit ?? (msg.case === 'registerModel' ? (await this.params(signal)).registerVgas : 0n),
      sponsor,
      maxPrice: price * HEADROOM,
    });
  }

  /** Hands a transaction to the node. Throws TxRefused where its CheckTx fails. */
  async broadcast(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    let answer: Json;
    try {
      answer = new Json(await this.rpc.call('broadcast_tx_sync', { tx: base64.encode(bytes) }, signal), 'broadcast_tx_sync');
    } catch (e) {
      // It waits there already: what was wanted.
      if (e instanceof RpcError && e.message.includes('already exists in cache')) return;
      throw e;
    }
    const code = answer.get('code').small(2 ** 32 - 1);
    if (code !== 0) throw new TxRefused(code, answer.get('log').text() || codeName(code));
  }

  /**
   * Follows a transaction until a block has it, by looking through blocks: an index may have lost it. The same bytes are sent again while they
   * are valid, since a mempool forgets at a crash; a second inclusion would fail on its nonce. Throws TxRefused when it became too old.
   */
  async follow(tx: SignedTx, from: bigint, signal?: AbortSignal): Promise<Outcome> {
    const id = sha256(tx.bytes);
    let next = from;
    for (let poll = 1; ; poll++) {
      const { height } = await this.status(signal);
      for (; next <= height; next++) {
        const txs = await this.block(next, signal).catch(notYet);
        if (txs === null) break;
        const found = txs.find(({ bytes }) => equalBytes(sha256(bytes), id));
        if (found !== undefined) return found.outcome;
      }
      if (height > tx.validUntil)
        throw new TxRefused(0, `no block up to ${height} has the transaction, and it was valid until ${tx.validUntil}`);
      if (poll % 25 === 0) await this.broadcast(tx.bytes, signal).catch(ignoreRefusal);
      await this.#pause(POLL_MS);
      signal?.throwIfAborted();
    }
  }

  /** Prepares, sends, follows. Throws TxRefused where the ledger refuses it, at the door or behind. */
  async send(signer: Signer, msg: Msg, options: SendOptions = {}): Promise<Outcome> {
    const { height } = await this.status(options.signal);
    const tx = await this.prepare(signer, msg, options);
    await this.broadcast(tx.bytes, options.signal);
    options.onSent?.(tx);
    const outcome = await this.follow(tx, height + 1n, options.signal);
    if (outcome.code !== 0) throw new TxRefused(outcome.code, outcome.log || codeName(outcome.code));
    return outcome;
  }
}

/** A block is there a moment before its results are. */
function notYet(e: unknown): null {
  if (e instanceof RpcError && e.kind === 'refused') return null;
  throw e;
}

/** A second sending may find the nonce used: the block with it is about to be seen. On another chain (a devnet that began anew) it never is. */
function ignoreRefusal(e: unknown): void {
  if (!(e instanceof TxRefused) || e.code === CODES.E_CHAIN) throw e;
}
