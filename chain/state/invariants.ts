/**
 * What must hold after every block (settlement §14: I1–I8, I10, I11), from the states before and after it and from what the block said it
 * did. Pure, and written from the records rather than with the code that changes them: for tests, and for whoever replays a chain.
 * I9, I12 and I13 compare nodes or releases; they are not one block's.
 */
import { toHex } from '../../protocol/bytes.ts';
import { MAX_AMOUNT, readAmount } from '../amounts.ts';
import type { LedgerEvent } from '../application.ts';
import { decodeStrict } from '../codec.ts';
import { AccountSchema, JobSchema, ProverSchema, SupplySchema, TabSchema } from '../generated/records_pb.ts';
import { isTerminal } from '../states.ts';
import { textOf } from '../text.ts';
import type { Applied } from './apply.ts';
import { readDoor } from './door.ts';
import type { LedgerEnv } from './env.ts';
import { META } from './genesis-records.ts';
import { checkJobs, type JobRecord } from './invariants-jobs.ts';
import { MOVES, type PotName } from './moves.ts';
import { priceAt } from './price.ts';
import { type Row, State } from './state.ts';

/** A block as it ran. */
export interface BlockRun {
  readonly height: bigint;
  readonly txs: readonly Uint8Array[];
  /** What `beginBlock` told. */
  readonly begun: readonly LedgerEvent[];
  /** One a transaction. */
  readonly results: readonly Applied[];
}

/** A recorded move: pots as `kind/hex`. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  readonly denom: string;
  readonly amount: bigint;
  readonly why: string;
}

export function violated(invariant: string, what: string): never {
  throw new Error(`${invariant}: ${what}`);
}

/** Throws an Error that names the invariant and the figures. `before` and `after` must not share writes. */
export function checkInvariants(before: State, after: State, block: BlockRun, env: Pick<LedgerEnv, 'systems' | 'sweepCap'>): void {
  const moves = [...block.begun, ...block.results.flatMap((r) => r.events)].filter((e) => e.type === 'move').map(movedOf);
  const were = read(before);
  const are = read(after);
  checkSupply(were, are);
  checkMoves(were, are, moves);
  checkTransactions(before, block, were, are);
  checkJobs(before, after, block, were.jobs, are.jobs, env);
  checkProvers(are);
  checkIndex(after);
}

/** The money and the records of a state; every amount in it is one (I8). */
interface Reading {
  /** By `kind/hex denom`; without those that hold nothing. */
  readonly pots: ReadonlyMap<string, bigint>;
  readonly minted: ReadonlyMap<string, bigint>;
  readonly nonces: ReadonlyMap<string, bigint>;
  readonly jobs: ReadonlyMap<string, JobRecord>;
  /** What provers' records say is locked. */
  readonly locked: ReadonlyMap<string, bigint>;
  readonly tabOwners: ReadonlyMap<string, string>;
}

function read(state: State): Reading {
  const pots = new Map<string, bigint>();
  const put = (pot: string, denom: Uint8Array | string, amount: Uint8Array): bigint => {
    const n = readAmount(amount, pot);
    if (n > 0n) pots.set(`${pot} ${typeof denom === 'string' ? denom : textOf(denom)}`, n);
    return n;
  };
  const reading = {
    pots,
    minted: new Map<string, bigint>(),
    nonces: new Map<string, bigint>(),
    jobs: new Map<string, JobRecord>(),
    locked: new Map<string, bigint>(),
    tabOwners: new Map<string, string>(),
  };
  const records = (store: 'acct' | 'job' | 'meta' | 'prover' | 'tab'): { readonly id: string; readonly row: Row }[] =>
    [...state.records(store)].map((row) => ({ id: toHex(row.key), row }));
  const CAP = 2 ** 21;
  for (const { id, row } of records('acct')) {
    const account = decodeStrict(AccountSchema, row.value, CAP);
    reading.nonces.set(id, account.nonce);
    for (const c of account.balances) put(`balance/${id}`, c.denom, c.amount);
  }
  for (const { id, row } of records('prover')) {
    const prover = decodeStrict(ProverSchema, row.value, CAP);
    put(`free/${id}`, 'opg', prover.free);
    reading.locked.set(id, readAmount(prover.locked, `locked of ${id}`));
  }
  for (const { id, row } of records('tab')) {
    const tab = decodeStrict(TabSchema, row.value, CAP);
    put(`tab/${id}`, tab.denom, tab.amount);
    reading.tabOwners.set(id, toHex(tab.owner));
  }
  for (const { id, row } of records('job')) {
    const job = decodeStrict(JobSchema, row.value, CAP);
    const held = {
      escrow: put(`escrow/${id}`, job.denom, job.escrow),
      locked: put(`locked/${id}`, 'opg', job.bond),
      bounty: put(`bounty/${id}`, 'opg', job.bounty),
    };
    reading.jobs.set(id, { id: row.key, job, bytes: row.value, held });
  }
  const prefix = toHex(META.supply(''));
  for (const { id, row } of records('meta')) {
    if (!id.startsWith(prefix)) continue;
    const supply = decodeStrict(SupplySchema, row.value, CAP);
    const denom = textOf(supply.denom);
    reading.minted.set(denom, readAmount(supply.minted, `minted ${denom}`));
    put('burned/', denom, supply.burned);
  }
  return reading;
}

/** I1, I2, I8. */
function checkSupply(were: Reading, are: Reading): void {
  if (were.minted.size !== are.minted.size) violated('I1', `${were.minted.size} denominations before, ${are.minted.size} after`);
  const sums = new Map<string, bigint>();
  for (const [pot, n] of are.pots) {
    const denom = pot.slice(pot.indexOf(' ') + 1);
    sums.set(denom, (sums.get(denom) ?? 0n) + n);
  }
  for (const [denom, minted] of are.minted) {
    if (minted !== were.minted.get(denom)) violated('I1', `minted ${denom} was ${were.minted.get(denom)}, is ${minted}`);
    if (minted > MAX_AMOUNT) violated('I8', `minted ${denom} is ${minted}`);
    const sum = sums.get(denom) ?? 0n;
    if (sum !== minted) violated('I1', `minted ${minted} ${denom}, the pots hold ${sum}`);
    const burned = (r: Reading): bigint => r.pots.get(`burned/ ${denom}`) ?? 0n;
    if (burned(are) < burned(were)) violated('I2', `burned ${denom} was ${burned(were)}, is ${burned(are)}`);
  }
  for (const denom of sums.keys()) if (!are.minted.has(denom)) violated('I1', `${denom} was never minted`);
}

export function movedOf(e: LedgerEvent): Moved {
  const { from, from_of, to, to_of, denom, amount, why } = e.attributes as Record<string, string>;
  return { from: `${from}/${from_of}`, to: `${to}/${to_of}`, denom: `${denom}`, amount: BigInt(`${amount}`), why: `${why}` };
}

const kindOf = (pot: string): PotName => pot.slice(0, pot.indexOf('/')) as PotName;
export const ownerOf = (pot: string): string => pot.slice(pot.indexOf('/') + 1);

/** I7, and that the moves told are all that the pots did. */
function checkMoves(were: Reading, are: Reading, moves: readonly Moved[]): void {
  const pots = new Map(were.pots);
  const change = (pot: string, by: bigint): void => {
    const n = (pots.get(pot) ?? 0n) + by;
    if (n < 0n) violated('I8', `${pot} falls to ${n}`);
    pots.set(pot, n);
  };
  for (const m of moves) {
    const told = `${m.from} → ${m.to}, ${m.amount} ${m.denom}, ${m.why}`;
    const [from, to] = [kindOf(m.from), kindOf(m.to)];
    if (!MOVES.some(([f, t, w]) => f === from && t === to && w === m.why)) violated('I7', `no such move: ${told}`);
    if (to === 'burned' && from !== 'balance' && from !== 'locked') violated('I7', `burned from ${from}: ${told}`);
    if (from === 'burned') violated('I7', `from burned: ${told}`);
    if (m.why === 'slash' && from !== 'locked') violated('I7', `slashed, and no bond: ${told}`);
    if (from === 'tab') {
      const tabOwner = are.tabOwners.get(ownerOf(m.from)) ?? were.tabOwners.get(ownerOf(m.from));
      const payer = to === 'escrow' ? toHex(are.jobs.get(ownerOf(m.to))?.job.requester ?? new Uint8Array(0)) : ownerOf(m.to);
      if (tabOwner !== payer) violated('I7', `from a tab of ${tabOwner} for ${payer}: ${told}`);
    }
    change(`${m.from} ${m.denom}`, -m.amount);
    change(`${m.to} ${m.denom}`, m.amount);
  }
  for (const pot of new Set([...pots.keys(), ...are.pots.keys()])) {
    const [told, held] = [pots.get(pot) ?? 0n, are.pots.get(pot) ?? 0n];
    if (told !== held) violated('I1', `the moves leave ${told} in ${pot}, it holds ${held}`);
  }
}

/** I3 of nonces, I10, and that a failure at the door leaves nothing. */
function checkTransactions(before: State, block: BlockRun, were: Reading, are: Reading): void {
  const nonces = new Map(were.nonces);
  const price = priceAt(before, block.height);
  for (const [i, result] of block.results.entries()) {
    const burns = result.events.filter((e) => e.type === 'move' && e.attributes.why === 'gas').map(movedOf);
    if (!result.door) {
      if (result.events.length > 0 || result.gasUsed !== 0n) violated('I10', `transaction ${i} failed at the door and did something`);
      continue;
    }
    const { body, sender, payer, gas } = readDoor(block.txs[i] as Uint8Array);
    const id = toHex(sender);
    const expected = (nonces.get(id) ?? 0n) + 1n;
    if (body.nonce !== expected) violated('I3', `transaction ${i} has nonce ${body.nonce}, ${id} was at ${expected - 1n}`);
    nonces.set(id, expected);
    const [burn] = burns;
    if (burns.length !== 1 || burn === undefined || burn.amount !== gas * price || burn.from !== `balance/${toHex(payer)}`)
      violated('I10', `transaction ${i}: ${gas} gas at ${price}, burned ${burns.map((b) => b.amount).join(' and ')}`);
    const maxBurn = readAmount(body.maxBurn, 'max_burn');
    if (gas * price > maxBurn) violated('I10', `transaction ${i}: burned ${gas * price}, max_burn ${maxBurn}`);
  }
  for (const id of new Set([...nonces.keys(), ...are.nonces.keys()])) {
    const [told, is] = [nonces.get(id) ?? 0n, are.nonces.get(id) ?? 0n];
    if (told !== is) violated('I3', `the nonce of ${id} is ${is}, its transactions lead to ${told}`);
  }
}

/** I6, of the sums that provers' records keep. */
function checkProvers({ jobs, locked }: Reading): void {
  const sums = new Map<string, bigint>();
  for (const { job, held } of jobs.values()) {
    if (isTerminal(job.state)) continue;
    const id = toHex(job.prover);
    sums.set(id, (sums.get(id) ?? 0n) + held.locked);
  }
  for (const [id, sum] of sums) if (!locked.has(id)) violated('I6', `${id} has ${sum} locked and is no prover`);
  for (const [id, told] of locked)
    if (told !== (sums.get(id) ?? 0n)) violated('I6', `the prover ${id} has ${told} locked, its jobs ${sums.get(id) ?? 0n}`);
}

/** §7.1: what is not in a record is rebuilt from records, to the same. */
function checkIndex(after: State): void {
  const rebuilt = State.fromRows(after.rows());
  const told = (state: State): string => JSON.stringify(state.deadlines().map((d) => [String(d.deadline), d.store, toHex(d.id)]));
  if (told(after) !== told(rebuilt)) violated('§7.1', `the index of deadlines is ${told(after)}, the records make ${told(rebuilt)}`);
  if (toHex(after.appHash()) !== toHex(rebuilt.appHash()))
    violated('§7.1', `the AppHash is ${toHex(after.appHash())}, the records make ${toHex(rebuilt.appHash())}`);
}
