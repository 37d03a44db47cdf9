/** A ledger without a chain around it: people, a model of the test system, blocks of transactions, and the invariants after each. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import { readAmount, writeAmount } from '../../../chain/amounts.ts';
import { serverSignatures } from '../../../chain/app/signatures.ts';
import { type Msg, type Signer, signOrder, signTx, type TxTerms } from '../../../chain/client/index.ts';
import { codeName } from '../../../chain/codes.ts';
import type { Order, OrderSchema } from '../../../chain/generated/messages_pb.ts';
import { type Job, JobSchema } from '../../../chain/generated/records_pb.ts';
import { DEFAULT_PARAMS, type Genesis, type GenesisParams } from '../../../chain/genesis.ts';
import { jobIdOf, modelIdOf, statementDigestOf, tabIdOf } from '../../../chain/identities.ts';
import { VERIFIER_VERSION } from '../../../chain/limits.ts';
import {
  type Applied,
  accountOf as account,
  applyTx,
  beginBlock,
  endBlock,
  type LedgerEnv,
  priceAt,
  State,
} from '../../../chain/state/index.ts';
import { checkInvariants } from '../../../chain/state/invariants.ts';
import { describeState } from '../../../chain/states.ts';
import type { ProofSystem } from '../../../chain/systems/system.ts';
import { encodeTensors, inputCommitment, outputCommitment } from '../../../chain/tensors.ts';
import { ascii, toHex } from '../../../protocol/bytes.ts';
import { person } from './chains.ts';
import { testKey, testProof, testSystem } from './hash-system.ts';

export const OPG = 10n ** 18n;
export const CHAIN = 'test-1';

const signatures = serverSignatures();

/** Fields of an order that a test changes. */
export type Change = Omit<Partial<Order>, '$typeName' | '$unknown'>;

/** What every message with a proof brings. */
export interface Evidence {
  readonly jobId: Uint8Array;
  readonly inputNonce: Uint8Array;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly proof: Uint8Array;
}

/** One tensor of one byte: an input or output of the test models. */
export const tensor = (value: number): Uint8Array => encodeTensors([{ name: 'x', dtype: 'int8', shape: [1], data: Uint8Array.of(value) }]);

export interface LedgerOptions {
  readonly systems?: readonly ProofSystem[];
  readonly on?: readonly string[];
  readonly params?: Partial<GenesisParams>;
  readonly people?: readonly Signer[];
  readonly sweepCap?: number;
}

export class Ledger {
  state: State;
  height = 0n;
  readonly env: LedgerEnv;
  readonly system: ProofSystem;
  readonly genesis: Genesis;
  /** The transactions of every block so far. */
  readonly blocks: (readonly Uint8Array[])[] = [];

  constructor({ systems = [testSystem()], on, params = {}, people = [1, 2, 3, 4, 5].map(person), sweepCap }: LedgerOptions = {}) {
    const riches = { opg: 10_000n * OPG, usd: 10n ** 9n };
    this.genesis = {
      denoms: ['usd'],
      systems: on ?? systems.map((s) => s.name),
      params: { ...DEFAULT_PARAMS, ...params },
      accounts: people.map((p) => ({ address: p.address, balances: riches })),
      supply: { opg: riches.opg * BigInt(people.length), usd: riches.usd * BigInt(people.length) },
    };
    this.state = State.fromGenesis(CHAIN, this.genesis);
    this.system = systems[0] as ProofSystem;
    this.env = {
      systems,
      verifySignature: signatures,
      verify: (system, question) => system.verify(question),
      ...(sweepCap === undefined ? {} : { sweepCap }),
    };
  }

  /** Runs the next block; checks every invariant behind it. */
  block(...txs: readonly Uint8Array[]): Applied[] {
    const { next, results } = this.preview(...txs);
    this.height++;
    this.blocks.push(txs);
    next.merge();
    return results;
  }

  /** The next block on a state that nobody has to keep. */
  preview(...txs: readonly Uint8Array[]): { readonly next: State; readonly results: Applied[] } {
    const height = this.height + 1n;
    const context = { height, time: height * 1_000_000_000n, proposer: new Uint8Array(20) };
    const next = this.state.overlay();
    const swept = beginBlock(next, context, this.env);
    const results = txs.map((tx) => applyTx(next, tx, context, this.env));
    endBlock(
      next,
      context,
      results.reduce((n, r) => (r.door ? n + r.gasUsed : n), 0n),
    );
    checkInvariants(this.state, next, { height, txs, begun: swept, results }, this.env);
    return { next, results };
  }

  /** Empty blocks up to and including this height. */
  until(height: bigint): void {
    while (this.height < height) this.block();
  }

  nonce(who: Signer): bigint {
    return account(this.state, who.address).nonce;
  }

  tx(who: Signer, msg: Msg, terms: Partial<TxTerms> = {}): Uint8Array {
    return signTx(who, {
      chainId: CHAIN,
      nonce: this.nonce(who) + 1n,
      validUntil: this.height + 10n,
      maxPrice: priceAt(this.state, this.height + 1n),
      msg,
      vgasLimit: msg.case === 'registerModel' ? this.genesis.params.registerVgas : 0n,
      ...terms,
    }).bytes;
  }

  /** Runs one transaction in a block of its own; returns its code's name. */
  run(who: Signer, msg: Msg, terms: Partial<TxTerms> = {}): string {
    return codeName((this.block(this.tx(who, msg, terms))[0] as Applied).code);
  }

  /** `run`, and it must succeed. */
  do(who: Signer, msg: Msg, terms: Partial<TxTerms> = {}): Uint8Array {
    const [result] = this.block(this.tx(who, msg, terms));
    if (result?.code !== 0) throw new Error(`refused: ${result?.log}`);
    return result.data;
  }

  balance(who: Uint8Array, denom: string): bigint {
    const coin = account(this.state, who).balances.find((b) => new TextDecoder().decode(b.denom) === denom);
    return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
  }

  job(id: Uint8Array): Job {
    const bytes = this.state.get('job', id);
    if (bytes === undefined) throw new Error(`no job ${toHex(id)}`);
    return fromBinary(JobSchema, bytes);
  }

  stateOf(id: Uint8Array): string {
    return describeState(this.job(id));
  }
}

/** A model, a bonded prover, a requester with a tab, and what they send. */
export class Market {
  readonly ledger: Ledger;
  readonly owner = person(1);
  readonly prover = person(2);
  readonly requester = person(3);
  readonly other = person(4);
  readonly key: Uint8Array;
  readonly modelId: Uint8Array;
  readonly tabId: Uint8Array;
  #orders = 0;

  constructor(options: LedgerOptions = {}, key = testKey()) {
    this.ledger = new Ledger(options);
    this.key = key;
    this.ledger.do(this.owner, this.registering(key));
    this.modelId = modelIdOf(this.owner.address, this.commitment(key));
    this.ledger.do(this.prover, {
      case: 'registerProver',
      value: { endpoint: ascii('http://a'), modes: [1], addBond: writeAmount(1000n * OPG) },
    });
    this.tabId = tabIdOf(this.requester.address, this.ledger.nonce(this.requester) + 1n);
    this.ledger.do(this.requester, {
      case: 'openTab',
      value: { denom: ascii('usd'), amount: writeAmount(10n ** 8n), prover: this.prover.address },
    });
  }

  commitment(key: Uint8Array) {
    const { modelHash, circuitHash, vkHash } = this.ledger.system.parseKey(key);
    return { modelHash, circuitHash, vkHash, proofSystemId: this.ledger.system.id, uri: ascii('') };
  }

  registering(key: Uint8Array, change: object = {}): Extract<Msg, { case: 'registerModel' }> {
    return { case: 'registerModel', value: { commitment: { ...this.commitment(key), ...change }, key } };
  }

  nonceOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

  /** The terms of a sound order, for input `input`. */
  terms(input: number, change: Change = {}): MessageInitShape<typeof OrderSchema> {
    return {
      chainId: ascii(CHAIN),
      requester: this.requester.address,
      orderNonce: new Uint8Array(32).fill(++this.#orders),
      modelId: this.modelId,
      mode: 1,
      inputCommitment: inputCommitment(this.nonceOf(input), tensor(input)),
      denom: ascii('usd'),
      price: writeAmount(1000n),
      bond: writeAmount(5n * OPG + 1n),
      prover: this.prover.address,
      openBy: this.ledger.height + 20n,
      proveBlocks: 20,
      rescueBlocks: 0,
      settlementMode: 2,
      ...change,
    };
  }

  opening(terms: MessageInitShape<typeof OrderSchema>, output: number, signer: Signer = this.requester) {
    const { order, orderSig } = signOrder(signer, terms);
    const result = { outputCommitment: outputCommitment(tensor(output)), output: tensor(output) };
    return {
      jobId: jobIdOf(order),
      msg: { case: 'openJob', value: { order, requesterPubkey: signer.pubkey, orderSig, result } } as const satisfies Msg,
    };
  }

  /** Opens a job for this input, answered with this output; returns its id. */
  open(input: number, output: number, change: Change = {}): Uint8Array {
    const { jobId, msg } = this.opening(this.terms(input, change), output);
    this.ledger.do(this.prover, msg);
    return jobId;
  }

  /** The proof that `sender` needs. */
  proof(jobId: Uint8Array, sender: Signer, input: number, output: number, { key = this.key, modelId = this.modelId } = {}): Uint8Array {
    const { vkHash, zkRoot } = this.ledger.system.parseKey(key);
    const context = statementDigestOf({
      chainId: ascii(CHAIN),
      proofSystemId: this.ledger.system.id,
      modelId,
      vkHash,
      zkRoot,
      inputCommitment: inputCommitment(this.nonceOf(input), tensor(input)),
      outputCommitment: outputCommitment(tensor(output)),
      prover: sender.address,
      jobId,
      verifierVersion: VERIFIER_VERSION,
    });
    return testProof({
      key,
      input: tensor(input),
      output: tensor(output),
      context: this.ledger.system.bindsContext ? context : new Uint8Array(32),
    });
  }

  evidence(jobId: Uint8Array, sender: Signer, input: number, output: number): Evidence {
    return {
      jobId,
      inputNonce: this.nonceOf(input),
      input: tensor(input),
      output: tensor(output),
      proof: this.proof(jobId, sender, input, output),
    };
  }

  /** What any message with a proof reserves. */
  readonly gas = { vgasLimit: 1000n } as const;
}
