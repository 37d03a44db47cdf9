/**
 * The ledger against a naive one (helpers/reference.ts): long runs of transactions, good and bad, must get the same codes, and after every
 * block the same balances, bonds, tabs, jobs and price, with the invariants of settlement §14 in between. fast-check prints the seed and the
 * shortest run that differs.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import type { LedgerEvent } from '../../chain/application.ts';
import { codeName } from '../../chain/codes.ts';
import { soloIdOf, statementDigestOf, tabIdOf } from '../../chain/identities.ts';
import { type Applied, applyTx, beginBlock, endBlock, type LedgerEnv, plainEnv, priceAt, State } from '../../chain/state/index.ts';
import { checkInvariants } from '../../chain/state/invariants.ts';
import { balance, burned, escrow, free, holds, locked, tab } from '../../chain/state/moves.ts';
import { accountOf, jobs, models, provers, tabs } from '../../chain/state/records.ts';
import { describeState } from '../../chain/states.ts';
import { inputCommitment, outputCommitment } from '../../chain/tensors.ts';
import { ascii, fromHex, toHex } from '../../protocol/bytes.ts';
import { cheapCheck, cheapSign, keyOf } from './helpers/keys.ts';
import { genesisOf } from './helpers/ledger.ts';
import { type Message, Reference, type Rules, type Transaction } from './helpers/reference.ts';
import { answerOf, keyFile, prove, testSystem } from './helpers/system.ts';
import {
  bodyOf,
  bytes,
  CHAIN,
  type ModelFixture,
  type Msg,
  modelFixture,
  openJob,
  orderFields,
  question,
  registerModel,
  sealTx,
} from './helpers/txs.ts';

/** Long runs reach what takes time; short ones, from a job that is open, many beginnings. */
const LONG = { runs: 100, least: 120, most: 120 };
const SHORT = { runs: 10_000, least: 1, most: 6 };
const PEOPLE = 5;
const RULES: Rules = {
  minBond: 100n,
  minJobBond: 2n,
  keyBurn: 3n,
  priceFloor: 8n,
  blockVgas: 10_000n,
  maxTxVgas: 200n,
  registerVgas: 60n,
  tabDelay: 7n,
  vgas: 50n,
};
const MESSAGES = [
  'transfer',
  'burn',
  'registerModel',
  'deprecateModel',
  'registerProver',
  'unbond',
  'openTab',
  'closeTab',
  'openJob',
  'postProof',
  'challenge',
  'verifyInference',
] as const;
const ENDS = ['FINAL(PROVEN)', 'FINAL(PROVEN, late)', 'FAILED(fraud)', 'FAILED(unproven)'];
const SYSTEM = testSystem();
const OPG = 600_000n;
const USD = 100n;

/** A draw from which a transaction is made once the chain says who and what there is. */
const draws = fc.record({
  what: fc.constantFrom(
    ...MESSAGES,
    'openJob' as const,
    'openJob' as const,
    'postProof' as const,
    'block' as const,
    'block' as const,
    'blocks' as const,
  ),
  by: fc.nat(PEOPLE - 1),
  who: fc.nat(PEOPLE - 1),
  pick: fc.nat(1000),
  amount: fc.oneof(fc.bigInt(0n, 150n), fc.bigInt(0n, 2000n)),
  /** Mostly what is right; sometimes one thing that is wrong. */
  defect: fc.oneof(
    { weight: 5, arbitrary: fc.constant('none') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'chain',
        'expired',
        'early',
        'signature',
        'sponsored',
        'sponsor signature',
        'nonce',
        'vgas',
        'no vgas',
        'max burn',
        'all burn',
        'denom',
        'amount',
        'who',
        'order signature',
        'late',
        'again',
        'rescue',
        'lie',
        'prove',
        'input',
        'proof',
        'tab',
        'opg',
        'actor',
        'unknown',
      ),
    },
  ),
});
type Draw = typeof draws extends fc.Arbitrary<infer T> ? T : never;

class Pair {
  readonly reference = new Reference(RULES);
  readonly env: LedgerEnv = { ...plainEnv([SYSTEM]), verifySignature: cheapCheck };
  state: State;
  #before: State;
  #txs: Uint8Array[] = [];
  #results: Applied[] = [];
  #begun: readonly LedgerEvent[] = [];
  /** How often each message got each code. */
  readonly counts = new Map<string, number>();
  readonly #jobs: { id: string; q: number; model: ModelFixture; truth: boolean; prover: number }[] = [];
  readonly #tabs: { id: string; owner: number; prover: number }[] = [];
  readonly #models: ModelFixture[] = [];

  constructor() {
    const { vgas: _, ...params } = RULES;
    const accounts = Array.from({ length: PEOPLE }, (_, i) => ({ address: keyOf(i).address, balances: { opg: OPG, usd: USD } }));
    const genesis = {
      ...genesisOf({ systems: [SYSTEM], params }),
      accounts,
      supply: { opg: OPG * BigInt(PEOPLE), usd: USD * BigInt(PEOPLE) },
    };
    this.#before = State.fromGenesis(CHAIN, genesis);
    this.state = this.#before;
    for (let i = 0; i < PEOPLE; i++) {
      this.reference.give(i, 'opg', OPG);
      this.reference.give(i, 'usd', USD);
    }
    this.#begin();
  }

  get #context() {
    return { height: this.reference.height, time: 0n, proposer: bytes(20) };
  }

  #begin(): void {
    this.reference.begin();
    this.state = this.#before.overlay();
    this.#begun = beginBlock(this.state, this.#context, this.env);
    this.#txs = [];
    this.#results = [];
  }

  /** Ends the block, compares everything, begins the next. */
  block(): void {
    this.reference.end();
    endBlock(
      this.state,
      this.#context,
      this.#results.reduce((n, r) => n + (r.door ? r.gasUsed : 0n), 0n),
    );
    const run = { height: this.reference.height, txs: this.#txs, begun: this.#begun, results: this.#results };
    checkInvariants(this.#before, this.state, run, this.env);
    this.state.merge();
    this.state = this.#before;
    expect(this.#ledger()).toEqual(this.#naive());
    this.#begin();
  }

  #ledger(): unknown {
    const s = this.state;
    const people = Array.from({ length: PEOPLE }, (_, i) => keyOf(i).address);
    return {
      people: people.map((a) => [accountOf(s, a).nonce, holds(s, balance(a), 'opg'), holds(s, balance(a), 'usd')]),
      free: people.map((a) => (provers.get(s, a) === undefined ? null : holds(s, free(a), 'opg'))),
      burned: holds(s, burned, 'opg'),
      price: priceAt(s, this.reference.height + 1n),
      tabs: this.#tabs.map(({ id }) => (tabs.get(s, at(id)) === undefined ? null : holds(s, tab(at(id)), 'usd'))),
      models: this.#models.map((m) => models.get(s, m.id)?.deprecated ?? null),
      jobs: this.#jobs.map(({ id }) => {
        const job = jobs.get(s, at(id));
        return job === undefined ? null : [describeState(job), holds(s, escrow(at(id)), 'usd'), holds(s, locked(at(id)), 'opg')];
      }),
    };
  }

  #naive(): unknown {
    const r = this.reference;
    const people = Array.from({ length: PEOPLE }, (_, i) => i);
    return {
      people: people.map((i) => [r.nonces.get(i) ?? 0n, r.has(i, 'opg'), r.has(i, 'usd')]),
      free: people.map((i) => r.provers.get(i) ?? null),
      burned: r.has('burned', 'opg'),
      price: r.price,
      tabs: this.#tabs.map(({ id }) => r.tabs.get(id)?.amount ?? null),
      models: this.#models.map((m) => r.models.get(toHex(m.id))?.deprecated ?? null),
      jobs: this.#jobs.map(({ id }) => {
        const job = r.jobs.get(id);
        return job === undefined ? null : [job.state, job.state === 'PENDING' ? job.price : 0n, job.state === 'PENDING' ? job.bond : 0n];
      }),
    };
  }

  step(d: Draw): void {
    if (d.what === 'block' || d.what === 'blocks') {
      for (let n = d.what === 'block' ? 0 : d.pick % 15; n >= 0; n--) this.block();
      return;
    }
    const { by, message, msg } = this.#message(d);
    const [meant, encoded] = this.#transaction(d, by, msg, message);
    const wanted = this.reference.apply(meant);
    const result = applyTx(this.state, encoded, this.#context, this.env);
    this.#txs.push(encoded);
    this.#results.push(result);
    const told = `${d.what} ${codeName(result.code)}`;
    this.counts.set(told, (this.counts.get(told) ?? 0) + 1);
    expect(`${codeName(result.code)} ${d.what}: ${result.log}`).toBe(`${wanted} ${d.what}: ${result.log}`);
  }

  #transaction(d: Draw, by: number, msg: Msg, message: Message): [Transaction, Uint8Array] {
    const { reference: r } = this;
    const proves = d.what === 'postProof' || d.what === 'challenge' || d.what === 'verifyInference';
    const sponsor = d.defect.startsWith('sponsor') && d.who !== by ? d.who : null;
    const needed = proves ? 50n : d.what === 'registerModel' ? 60n : 0n;
    const vgas = d.defect === 'vgas' ? (needed > 0n ? 201n : 1n) : d.defect === 'no vgas' ? 0n : needed;
    const nonce = (r.nonces.get(by) ?? 0n) + (d.defect === 'nonce' ? BigInt(d.pick % 2) * 2n : 1n);
    const validUntil = r.height + (d.defect === 'expired' ? -1n : d.defect === 'early' ? 1001n : BigInt(d.pick));
    const payer = r.has(sponsor ?? by, 'opg');
    const maxBurn = d.defect === 'max burn' ? 1000n * r.price : d.defect === 'all burn' ? payer + BigInt(d.pick % 2) : 3000n * r.price;
    const body = bodyOf({
      chainId: ascii(d.defect === 'chain' ? 'other' : CHAIN),
      nonce,
      validUntil,
      vgasLimit: vgas,
      maxBurn: writeAmount(maxBurn),
      ...(sponsor === null ? {} : { sponsor: keyOf(sponsor).address }),
      msg,
    });
    const wrong = bytes(64, 3);
    const encoded = sealTx(keyOf(by), body, {
      sponsor: sponsor === null ? undefined : keyOf(sponsor),
      with: cheapSign,
      change: {
        ...(d.defect === 'signature' ? { sig: wrong } : {}),
        ...(d.defect === 'sponsor signature' && sponsor !== null ? { sponsorSig: wrong } : {}),
      },
    });
    const meant = {
      by,
      sponsor,
      nonce,
      validUntil,
      maxBurn,
      vgas,
      message,
      size: encoded.length,
      chain: d.defect !== 'chain',
      signed: d.defect !== 'signature',
      sponsorSigned: d.defect !== 'sponsor signature',
    };
    return [meant, encoded];
  }

  /** Who sends what, in both languages. */
  #message(d: Draw): { readonly by: number; readonly message: Message; readonly msg: Msg } {
    const { by, who, defect } = d;
    const amount = defect === 'amount' ? OPG * 2n : d.amount;
    const denom = defect === 'denom' ? 'eur' : defect === 'opg' ? 'opg' : 'usd';
    const coins = writeAmount(amount);
    switch (d.what) {
      case 'transfer': {
        const value = { to: keyOf(who).address, denom: ascii(denom), amount: coins };
        return { by, message: { is: 'transfer', to: who, denom, amount }, msg: { case: 'transfer', value } };
      }
      case 'burn':
        return { by, message: { is: 'burn', amount }, msg: { case: 'burn', value: { amount: coins } } };
      case 'registerModel': {
        const model = modelFixture(keyOf(by), SYSTEM, keyFile({ vgas: 50, salt: d.pick % 2 }));
        if (!this.#models.some((m) => toHex(m.id) === toHex(model.id))) this.#models.push(model);
        return { by, message: { is: 'registerModel', id: toHex(model.id), keyBytes: BigInt(model.key.length) }, msg: registerModel(model) };
      }
      case 'deprecateModel': {
        // Rarely the owner's: models are for use.
        const model = this.#model(d);
        const sender = d.pick % 12 === 0 ? [...Array(PEOPLE).keys()].findIndex((i) => keyOf(i) === model.owner) : by;
        return {
          by: sender,
          message: { is: 'deprecateModel', id: toHex(model.id) },
          msg: { case: 'deprecateModel', value: { modelId: model.id } },
        };
      }
      case 'registerProver': {
        const add = amount * 5n;
        const value = { endpoint: ascii('https://p.example'), modes: [1], addBond: writeAmount(add) };
        return { by, message: { is: 'registerProver', add }, msg: { case: 'registerProver', value } };
      }
      case 'unbond':
        return { by, message: { is: 'unbond', amount }, msg: { case: 'unbond', value: { amount: coins } } };
      case 'openTab': {
        const id = tabIdOf(keyOf(by).address, (this.reference.nonces.get(by) ?? 0n) + 1n);
        const prover = defect === 'who' ? who : this.#prover(d);
        const put = defect === 'amount' ? amount : amount % 40n;
        this.#tabs.push({ id: toHex(id), owner: by, prover });
        const value = { denom: ascii(denom), amount: writeAmount(put), prover: keyOf(prover).address };
        return { by, message: { is: 'openTab', id: toHex(id), denom, amount: put, prover }, msg: { case: 'openTab', value } };
      }
      case 'closeTab': {
        const known = this.#one(d, this.#tabs, ({ id }) => this.reference.tabs.has(id));
        const id = defect === 'unknown' || known === undefined ? bytes(32, 5) : at(known.id);
        const sender = defect === 'who' ? by : (known?.owner ?? by);
        return { by: sender, message: { is: 'closeTab', id: toHex(id) }, msg: { case: 'closeTab', value: { tabId: id } } };
      }
      case 'openJob':
        return this.#openJob(d, amount, denom);
      case 'verifyInference': {
        const model = this.#model(d);
        const salt = bytes(32, defect === 'again' ? 1 : d.pick % 250);
        const id = soloIdOf(keyOf(by).address, salt);
        const [proof, value] = this.#proof(d, by, id, model, d.pick % 5, defect !== 'lie');
        return {
          by,
          message: { is: 'verifyInference', id: toHex(id), model: toHex(model.id), ...proof, opens: true },
          msg: { case: 'verifyInference', value: { modelId: model.id, salt, ...value } },
        };
      }
      default: {
        const what = d.what as 'postProof' | 'challenge';
        const job = this.#one(d, this.#jobs, ({ id }) => this.reference.jobs.has(id));
        const id = defect === 'unknown' || job === undefined ? bytes(32, 6) : at(job.id);
        const sender = what === 'postProof' && defect !== 'actor' && d.pick % 3 > 0 ? (job?.prover ?? by) : by;
        const [proof, value] = this.#proof(d, sender, id, job?.model ?? this.#model(d), job?.q ?? 0, defect !== 'lie');
        return { by: sender, message: { is: what, id: toHex(id), ...proof }, msg: { case: what, value: { jobId: id, ...value } } };
      }
    }
  }

  /** One of those that are there, or where there is none (and now and then) one of all. */
  #one<T>(d: Draw, all: readonly T[], isThere: (x: T) => boolean): T | undefined {
    const there = d.pick % 10 === 0 ? [] : all.filter(isThere);
    const from = there.length === 0 ? all : there;
    return from[d.pick % (from.length || 1)];
  }

  /** A registered model, or one that nobody registered. */
  #model(d: Draw): ModelFixture {
    const some = this.#one(d, this.#models, (m) => this.reference.models.get(toHex(m.id))?.deprecated === false);
    return some === undefined || d.defect === 'unknown' ? modelFixture(keyOf(9), SYSTEM, keyFile({ vgas: 50, salt: 9 })) : some;
  }

  /** Somebody who is one. */
  #prover(d: Draw): number {
    const all = [...this.reference.provers.keys()];
    return all[d.pick % all.length] as number;
  }

  #openJob(d: Draw, amount: bigint, denom: string): { readonly by: number; readonly message: Message; readonly msg: Msg } {
    const { defect, who } = d;
    const prover = defect === 'who' ? d.by : this.#prover(d);
    const model = this.#model(d);
    const tab_ = defect === 'tab' || d.pick % 3 === 0 ? this.#one(d, this.#tabs, ({ id }) => this.reference.tabs.has(id)) : undefined;
    const requester = tab_ !== undefined && defect !== 'actor' ? tab_.owner : who;
    const q = d.pick % 5;
    const order = {
      requester,
      prover: tab_ !== undefined && defect === 'tab' ? prover : (tab_?.prover ?? prover),
      model: toHex(model.id),
      denom,
      price: amount % 13n,
      bond: amount,
      tab: tab_?.id ?? null,
      openBy: defect === 'late' ? this.reference.height - 1n : this.reference.height + 5n,
      prove: defect === 'prove' ? 19 : 20 + (d.pick % 2),
      rescue: d.pick % 4,
    };
    const fields = orderFields(keyOf(requester), keyOf(order.prover), model, question(q), {
      orderNonce: bytes(32, defect === 'again' ? 1 : d.pick % 200),
      denom: ascii(denom),
      price: writeAmount(order.price),
      bond: writeAmount(order.bond),
      openBy: order.openBy < 0n ? 0n : order.openBy,
      proveBlocks: order.prove,
      rescueBlocks: order.rescue,
      ...(order.tab === null ? {} : { tabId: at(order.tab) }),
    });
    const truth = d.pick % 4 > 0;
    const output = answerOf(truth ? model.key : keyFile({ salt: 77 }), question(q).input);
    const { id, msg } = openJob(keyOf(defect === 'order signature' ? (requester + 1) % PEOPLE : requester), fields, output, {
      with: cheapSign,
    });
    if (!this.#jobs.some((j) => j.id === toHex(id))) this.#jobs.push({ id: toHex(id), q, model, truth, prover: order.prover });
    const by = defect === 'actor' ? d.by : order.prover;
    return { by, message: { is: 'openJob', id: toHex(id), order, signed: defect !== 'order signature', truth }, msg };
  }

  #proof(d: Draw, by: number, id: Uint8Array, model: ModelFixture, q: number, truth: boolean) {
    const { input, nonce } = question(q);
    const output = answerOf(truth ? model.key : keyFile({ salt: 77 }), input);
    const opens = d.defect !== 'input';
    const inputNonce = opens ? nonce : bytes(32, 99);
    const context = statementDigestOf({
      chainId: ascii(CHAIN),
      proofSystemId: SYSTEM.id,
      modelId: model.id,
      vkHash: model.commitment.vkHash,
      zkRoot: SYSTEM.parseKey(model.key).zkRoot,
      inputCommitment: inputCommitment(inputNonce, input),
      outputCommitment: outputCommitment(output),
      prover: keyOf(by).address,
      jobId: id,
      verifierVersion: 1,
    });
    const proof = d.defect === 'proof' ? bytes(32, 1) : prove(SYSTEM, { key: model.key, input, output, context });
    return [
      { opens, truth, good: d.defect !== 'proof' },
      { inputNonce, input, output, proof },
    ] as const;
  }
}

const at = (hex: string): Uint8Array => fromHex(hex) as Uint8Array;

/** Something to work with: a model, two provers, and for short runs a tab and a job. */
const good = { who: 0, pick: 0, amount: 2000n, defect: 'none' } as const;
const PRELUDE: readonly Draw[] = [
  { ...good, what: 'registerModel', by: 0 },
  { ...good, what: 'registerProver', by: 1 },
  { ...good, what: 'registerProver', by: 2 },
];
const OPENED: readonly Draw[] = [
  ...PRELUDE,
  { ...good, what: 'openTab', by: 0, amount: 39n },
  { ...good, what: 'openJob', by: 0, amount: 12n },
];

/** Runs of draws behind a prelude; returns how often each message got each code, and each end of a job. */
function runs({ runs: numRuns, least, most }: typeof LONG, prelude: readonly Draw[]): Map<string, number> {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(draws, { minLength: least, maxLength: most }), (run) => {
      const pair = new Pair();
      for (const d of [...prelude, ...run]) pair.step(d);
      pair.block();
      for (const { state } of pair.reference.jobs.values()) pair.counts.set(state, (pair.counts.get(state) ?? 0) + 1);
      for (const [what, n] of pair.counts) counts.set(what, (counts.get(what) ?? 0) + n);
    }),
    { numRuns },
  );
  return counts;
}

// Else a run would say little: every message got through, and every way of a job was gone.
const got = MESSAGES.map((m) => `${m} OK`);

test('a hundred long runs are the naive ledger’s', { timeout: 600_000 }, () => {
  expect([...runs(LONG, PRELUDE).keys()]).toEqual(expect.arrayContaining([...got, ...ENDS]));
});

test('ten thousand short runs are, too', { timeout: 900_000 }, () => {
  const counts = runs(SHORT, OPENED);
  expect(counts.get('openJob OK')).toBeGreaterThanOrEqual(SHORT.runs);
  expect([...counts.keys()]).toEqual(expect.arrayContaining([...got, 'FINAL(PROVEN)', 'FAILED(fraud)']));
});
