/**
 * The ledger a second time, as naively as settlement.md can be read: numbers in maps, every deadline looked at in every block, no bytes, no
 * trees, no layers. It is told what a transaction means; the ledger under test is given its bytes.
 */
import type { CodeName } from '../../../chain/codes.ts';

/** People are numbers, ids are hexadecimal names. */
export type Message =
  | { readonly is: 'transfer'; readonly to: number; readonly denom: string; readonly amount: bigint }
  | { readonly is: 'burn'; readonly amount: bigint }
  | { readonly is: 'registerModel'; readonly id: string; readonly keyBytes: bigint }
  | { readonly is: 'deprecateModel'; readonly id: string }
  | { readonly is: 'registerProver'; readonly add: bigint }
  | { readonly is: 'unbond'; readonly amount: bigint }
  | { readonly is: 'openTab'; readonly id: string; readonly denom: string; readonly amount: bigint; readonly prover: number }
  | { readonly is: 'closeTab'; readonly id: string }
  | { readonly is: 'openJob'; readonly id: string; readonly order: Order; readonly signed: boolean; readonly truth: boolean }
  | ({ readonly is: 'postProof' | 'challenge'; readonly id: string } & Proof)
  | ({ readonly is: 'verifyInference'; readonly id: string; readonly model: string } & Proof);

export interface Order {
  readonly requester: number;
  readonly prover: number;
  readonly model: string;
  readonly denom: string;
  readonly price: bigint;
  readonly bond: bigint;
  readonly tab: string | null;
  readonly openBy: bigint;
  readonly prove: number;
  readonly rescue: number;
}

export interface Proof {
  /** The input is the committed one; the output shown is the model's; the proof is a proof of that, by its sender. */
  readonly opens: boolean;
  readonly truth: boolean;
  readonly good: boolean;
}

export interface Transaction {
  readonly by: number;
  readonly size: number;
  readonly chain: boolean;
  readonly validUntil: bigint;
  readonly signed: boolean;
  readonly sponsor: number | null;
  readonly sponsorSigned: boolean;
  readonly nonce: bigint;
  readonly vgas: bigint;
  readonly maxBurn: bigint;
  readonly message: Message;
}

interface RefJob extends Order {
  state: 'PENDING' | 'RESCUE' | 'FINAL(PROVEN)' | 'FINAL(PROVEN, late)' | 'FAILED(fraud)' | 'FAILED(unproven)';
  readonly truth: boolean;
  readonly proveBy: bigint;
  readonly hardBy: bigint;
}

export interface Rules {
  readonly minBond: bigint;
  readonly minJobBond: bigint;
  readonly keyBurn: bigint;
  readonly priceFloor: bigint;
  readonly blockVgas: bigint;
  readonly registerVgas: bigint;
  readonly maxTxVgas: bigint;
  readonly tabDelay: bigint;
  /** What a proof of any model takes. */
  readonly vgas: bigint;
}

export class Reference {
  height = 0n;
  price: bigint;
  #used = 0n;
  readonly nonces = new Map<number, bigint>();
  /** `3 usd`, `burned opg`. */
  readonly coins = new Map<string, bigint>();
  /** Free bonds. */
  readonly provers = new Map<number, bigint>();
  readonly tabs = new Map<string, { owner: number; prover: number; denom: string; amount: bigint; closeAt: bigint | null }>();
  readonly models = new Map<string, { owner: number; deprecated: boolean }>();
  readonly jobs = new Map<string, RefJob>();
  readonly solos = new Set<string>();
  readonly rules: Rules;

  constructor(rules: Rules) {
    this.rules = rules;
    this.price = rules.priceFloor;
  }

  has(who: number | 'burned', denom: string): bigint {
    return this.coins.get(`${who} ${denom}`) ?? 0n;
  }

  give(who: number | 'burned', denom: string, amount: bigint): void {
    this.coins.set(`${who} ${denom}`, this.has(who, denom) + amount);
  }

  begin(): void {
    this.height++;
    const h = this.height;
    for (const job of this.jobs.values()) {
      if (job.state === 'PENDING' && h > job.proveBy) {
        this.give(job.requester, job.denom, job.price);
        this.give('burned', 'opg', job.bond - job.bond / 2n);
        job.state = 'RESCUE';
      }
      if (job.state === 'RESCUE' && h > job.hardBy) {
        this.give(job.requester, 'opg', job.bond / 2n);
        job.state = 'FAILED(unproven)';
      }
    }
    for (const [id, tab] of this.tabs)
      if (tab.closeAt !== null && h > tab.closeAt) {
        this.give(tab.owner, tab.denom, tab.amount);
        this.tabs.delete(id);
      }
  }

  end(): void {
    const { blockVgas, priceFloor } = this.rules;
    const target = blockVgas / 2n;
    if (this.#used > target) {
      const up = (this.price * (this.#used - target)) / target / 8n;
      this.price += up < 1n ? 1n : up;
    } else this.price -= (this.price * (target - this.#used)) / target / 8n;
    if (this.price < priceFloor) this.price = priceFloor;
    this.#used = 0n;
  }

  apply(tx: Transaction): CodeName {
    const { height: h, rules } = this;
    const proves = tx.message.is === 'postProof' || tx.message.is === 'challenge' || tx.message.is === 'verifyInference';
    const gas = 1000n + BigInt(tx.size + (tx.size % 2)) / 2n + tx.vgas;
    const payer = tx.sponsor ?? tx.by;
    if (!tx.chain) return 'E_CHAIN';
    if (tx.validUntil < h || tx.validUntil > h + 1000n) return 'E_EXPIRED';
    if (!tx.signed) return 'E_SIG';
    if (tx.sponsor !== null && !tx.sponsorSigned) return 'E_SPONSOR';
    if (tx.nonce !== (this.nonces.get(tx.by) ?? 0n) + 1n) return 'E_NONCE';
    if (tx.vgas > (proves || tx.message.is === 'registerModel' ? rules.maxTxVgas : 0n)) return 'E_VGAS_LIMIT';
    if (gas * this.price > tx.maxBurn) return 'E_MAXBURN';
    if (this.has(payer, 'opg') < tx.maxBurn) return 'E_FUNDS';
    this.nonces.set(tx.by, tx.nonce);
    this.give(payer, 'opg', -gas * this.price);
    this.give('burned', 'opg', gas * this.price);
    this.#used += gas;
    return this.#act(tx.by, tx.vgas, tx.message);
  }

  #act(by: number, vgas: bigint, m: Message): CodeName {
    const { rules } = this;
    const known = (denom: string): boolean => denom === 'opg' || denom === 'usd';
    switch (m.is) {
      case 'transfer':
        if (!known(m.denom)) return 'E_DENOM';
        if (this.has(by, m.denom) < m.amount) return 'E_FUNDS';
        this.give(by, m.denom, -m.amount);
        this.give(m.to, m.denom, m.amount);
        return 'OK';
      case 'burn':
        if (this.has(by, 'opg') < m.amount) return 'E_FUNDS';
        this.give(by, 'opg', -m.amount);
        this.give('burned', 'opg', m.amount);
        return 'OK';
      case 'registerModel':
        if (vgas < rules.registerVgas) return 'E_VGAS_LIMIT';
        if (this.models.has(m.id)) return 'E_MODEL_EXISTS';
        if (this.has(by, 'opg') < m.keyBytes * rules.keyBurn) return 'E_FUNDS';
        this.give(by, 'opg', -m.keyBytes * rules.keyBurn);
        this.give('burned', 'opg', m.keyBytes * rules.keyBurn);
        this.models.set(m.id, { owner: by, deprecated: false });
        return 'OK';
      case 'deprecateModel': {
        const model = this.models.get(m.id);
        if (model === undefined) return 'E_MODEL';
        if (model.owner !== by) return 'E_OWNER';
        if (model.deprecated) return 'E_MODEL_DEPRECATED';
        model.deprecated = true;
        return 'OK';
      }
      case 'registerProver': {
        const locked = [...this.jobs.values()].filter((j) => j.state === 'PENDING' && j.prover === by).reduce((n, j) => n + j.bond, 0n);
        if ((this.provers.get(by) ?? 0n) + locked + m.add < rules.minBond) return 'E_BOND';
        if (this.has(by, 'opg') < m.add) return 'E_FUNDS';
        this.give(by, 'opg', -m.add);
        this.provers.set(by, (this.provers.get(by) ?? 0n) + m.add);
        return 'OK';
      }
      case 'unbond': {
        const free = this.provers.get(by);
        if (free === undefined) return 'E_PROVER';
        if (free < m.amount) return 'E_BOND';
        this.provers.set(by, free - m.amount);
        this.give(by, 'opg', m.amount);
        return 'OK';
      }
      case 'openTab':
        if (!known(m.denom)) return 'E_DENOM';
        if (!this.provers.has(m.prover)) return 'E_PROVER';
        if (this.has(by, m.denom) < m.amount) return 'E_FUNDS';
        this.give(by, m.denom, -m.amount);
        this.tabs.set(m.id, { owner: by, prover: m.prover, denom: m.denom, amount: m.amount, closeAt: null });
        return 'OK';
      case 'closeTab': {
        const tab = this.tabs.get(m.id);
        if (tab?.owner !== by) return 'E_OWNER';
        if (tab.closeAt !== null) return 'E_STATE';
        tab.closeAt = this.height + rules.tabDelay;
        return 'OK';
      }
      case 'openJob':
        return this.#openJob(by, m);
      case 'verifyInference': {
        const model = this.models.get(m.model);
        if (model === undefined) return 'E_MODEL';
        if (model.deprecated) return 'E_MODEL_DEPRECATED';
        if (this.solos.has(m.id)) return 'E_JOB_EXISTS';
        if (vgas < rules.vgas) return 'E_VGAS_LIMIT';
        if (!m.truth || !m.good) return 'E_PROOF_INVALID';
        this.solos.add(m.id);
        return 'OK';
      }
      default:
        return this.#prove(by, vgas, m);
    }
  }

  #openJob(by: number, { id, order: o, signed, truth }: Message & { is: 'openJob' }): CodeName {
    const h = this.height;
    const free = this.provers.get(o.prover);
    if (!signed) return 'E_ORDER';
    if (h > o.openBy) return 'E_LATE';
    if (this.jobs.has(id)) return 'E_JOB_EXISTS';
    const model = this.models.get(o.model);
    if (model === undefined) return 'E_MODEL';
    if (model.deprecated) return 'E_MODEL_DEPRECATED';
    if (free === undefined) return 'E_PROVER';
    if (o.denom !== 'usd' && o.denom !== 'opg') return 'E_DENOM';
    if (o.bond < this.rules.minJobBond || o.prove < 20 || o.prove > 10_000 || o.rescue > 10_000) return 'E_FIELD';
    if (by !== o.prover) return 'E_NOT_PROVER';
    if (free < o.bond) return 'E_BOND';
    if (o.tab !== null) {
      const tab = this.tabs.get(o.tab);
      if (tab === undefined) return 'E_ESCROW';
      if (tab.owner !== o.requester) return 'E_OWNER';
      if (tab.prover !== o.prover || tab.denom !== o.denom || (tab.closeAt !== null && h > tab.closeAt) || tab.amount < o.price)
        return 'E_ESCROW';
      tab.amount -= o.price;
    } else {
      if (this.has(o.requester, o.denom) < o.price) return 'E_ESCROW';
      this.give(o.requester, o.denom, -o.price);
    }
    this.provers.set(o.prover, free - o.bond);
    const proveBy = h + BigInt(o.prove);
    this.jobs.set(id, { ...o, truth, state: 'PENDING', proveBy, hardBy: proveBy + BigInt(o.rescue) });
    return 'OK';
  }

  #prove(by: number, vgas: bigint, m: Message & { is: 'postProof' | 'challenge' }): CodeName {
    const job = this.jobs.get(m.id);
    if (job === undefined) return this.solos.has(m.id) ? 'E_STATE' : 'E_JOB';
    const challenge = m.is === 'challenge';
    const posted = m.truth === job.truth;
    // Time took the job from PENDING (and from RESCUE): late. A proof did: wrong state.
    if (job.state === 'FAILED(unproven)' || (challenge && job.state === 'RESCUE')) return 'E_LATE';
    if (job.state !== 'PENDING' && job.state !== 'RESCUE') return 'E_STATE';
    if (challenge && posted) return 'E_SAME_OUTPUT';
    if (!challenge && job.state === 'PENDING' && by !== job.prover) return 'E_NOT_PROVER';
    if (!m.opens) return 'E_INPUT';
    if (!challenge && job.state === 'PENDING' && !posted) return 'E_OUTPUT';
    if (vgas < this.rules.vgas) return 'E_VGAS_LIMIT';
    if (!m.truth || !m.good) return 'E_PROOF_INVALID';
    if (job.state === 'RESCUE') {
      this.give(by, 'opg', job.bond / 2n);
      job.state = posted ? 'FINAL(PROVEN, late)' : 'FAILED(fraud)';
    } else if (challenge) {
      this.give(job.requester, job.denom, job.price);
      this.give('burned', 'opg', job.bond - job.bond / 2n);
      this.give(by, 'opg', job.bond / 2n);
      job.state = 'FAILED(fraud)';
    } else {
      this.give(job.prover, job.denom, job.price);
      this.provers.set(job.prover, (this.provers.get(job.prover) ?? 0n) + job.bond);
      job.state = 'FINAL(PROVEN)';
    }
    return 'OK';
  }
}
