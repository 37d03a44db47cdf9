/** A chain of the ledger alone: a genesis, then blocks of transactions; the invariants are checked after each. */
import type { LedgerEvent } from '../../../chain/application.ts';
import { CODES, type CodeName, codeName } from '../../../chain/codes.ts';
import { DEFAULT_PARAMS, type Genesis, type GenesisParams } from '../../../chain/genesis.ts';
import { type Applied, applyTx, beginBlock, endBlock, type LedgerEnv, plainEnv, State } from '../../../chain/state/index.ts';
import { checkInvariants } from '../../../chain/state/invariants.ts';
import { balance, free, holds } from '../../../chain/state/moves.ts';
import { accountOf, type Job, jobs } from '../../../chain/state/records.ts';
import { describeState } from '../../../chain/states.ts';
import type { ProofSystem } from '../../../chain/systems/system.ts';
import { type Key, keyOf, type Sign, sign } from './keys.ts';
import { testSystem } from './system.ts';
import { type Body, bodyOf, CHAIN, type Msg, OPG, sealTx, USD } from './txs.ts';

export interface LedgerOptions {
  readonly params?: Partial<GenesisParams>;
  readonly systems?: readonly ProofSystem[];
  /** Systems that are on; all unless said. */
  readonly on?: readonly string[];
  /** Besides the keys 0 to 9, which have 10,000 opg and 1,000 usd each. */
  readonly accounts?: Genesis['accounts'];
  readonly env?: Partial<LedgerEnv>;
  readonly sign?: Sign;
  readonly checked?: boolean;
}

export function genesisOf({ params = {}, systems = [testSystem()], on, accounts = [] }: LedgerOptions = {}): Genesis {
  const all = [
    ...Array.from({ length: 10 }, (_, i) => ({ address: keyOf(i).address, balances: { opg: 10_000n * OPG, usd: 1000n * USD } })),
    ...accounts,
  ];
  const supply: Record<string, bigint> = { opg: 0n, usd: 0n };
  for (const a of all) for (const [d, n] of Object.entries(a.balances)) supply[d] = (supply[d] ?? 0n) + n;
  return {
    denoms: ['usd'],
    systems: on ?? systems.map((s) => s.name),
    params: { ...DEFAULT_PARAMS, registerVgas: 0n, ...params },
    accounts: all,
    supply,
  };
}

/** What a transaction has besides its message. */
export type TxOptions = Omit<Body, 'msg' | '$typeName'> & { readonly by?: Key; readonly sponsoredBy?: Key };

export class Ledger {
  readonly state: State;
  readonly env: LedgerEnv;
  readonly sign: Sign;
  readonly #options: LedgerOptions;
  readonly #checked: boolean;
  /** Of the last block. */
  height = 0n;
  /** What the last block's beginning said. */
  begun: readonly LedgerEvent[] = [];
  /** Transactions made since the last block, by sender: their nonces follow each other. */
  readonly #made = new Map<Key, bigint>();

  constructor(options: LedgerOptions = {}, state?: State) {
    const systems = options.systems ?? [testSystem()];
    this.#options = options;
    this.state = state ?? State.fromGenesis(CHAIN, genesisOf({ ...options, systems }));
    this.env = { ...plainEnv(systems), ...options.env };
    this.sign = options.sign ?? sign;
    this.#checked = options.checked ?? true;
  }

  /** A chain that goes on from here by itself; this one must stay as it is meanwhile. */
  fork(options: LedgerOptions = {}): Ledger {
    const fork = new Ledger({ ...this.#options, ...options }, this.state.overlay());
    fork.height = this.height;
    return fork;
  }

  /** A transaction with the sender's next nonce. */
  tx(sender: Key, msg: Msg, { sponsoredBy, ...fields }: TxOptions = {}): Uint8Array {
    const made = this.#made.get(sender) ?? 0n;
    const nonce = fields.nonce ?? accountOf(this.state, sender.address).nonce + 1n + made;
    if (fields.nonce === undefined) this.#made.set(sender, made + 1n);
    const sponsor = sponsoredBy === undefined ? {} : { sponsor: sponsoredBy.address };
    return sealTx(sender, bodyOf({ validUntil: this.height + 500n, nonce, ...sponsor, ...fields, msg }), {
      sponsor: sponsoredBy,
      with: this.sign,
    });
  }

  /** Runs the next block and keeps it. */
  block(...txs: readonly Uint8Array[]): Applied[] {
    const height = this.height + 1n;
    const context = { height, time: height * 10n ** 9n, proposer: new Uint8Array(20) };
    const after = this.state.overlay();
    const begun = beginBlock(after, context, this.env);
    const results = txs.map((tx) => applyTx(after, tx, context, this.env));
    endBlock(
      after,
      context,
      results.reduce((n, r) => n + (r.door ? r.gasUsed : 0n), 0n),
    );
    if (this.#checked) checkInvariants(this.state, after, { height, txs, begun, results }, this.env);
    after.merge();
    this.height = height;
    this.begun = begun;
    this.#made.clear();
    return results;
  }

  /** Runs the next block; each transaction must get code 0. Answers their data. */
  ok(...txs: readonly Uint8Array[]): Uint8Array[] {
    return this.block(...txs).map((r, i) => {
      if (r.code !== CODES.OK) throw new Error(`transaction ${i} of block ${this.height}: ${r.log}`);
      return r.data;
    });
  }

  /** Runs a block with one transaction; the name of its code. */
  code(tx: Uint8Array): CodeName {
    return codeName((this.block(tx)[0] as Applied).code) as CodeName;
  }

  /** Empty blocks until `height` is the last. */
  runTo(height: bigint): void {
    while (this.height < height) this.block();
  }

  balance(of: Key, denom: string): bigint {
    return holds(this.state, balance(of.address), denom);
  }

  /** A prover's bond that is free. */
  free(of: Key): bigint {
    return holds(this.state, free(of.address), 'opg');
  }

  job(id: Uint8Array): Job {
    const job = jobs.get(this.state, id);
    if (job === undefined) throw new Error('no such job');
    return job;
  }

  stateOf(id: Uint8Array): string {
    return describeState(this.job(id));
  }
}
