/**
 * Invariants of the ledger (settlement §14), checked from outside: figures are summed anew from the records. For tests and for whoever
 * replays a chain; the ledger itself does not call this.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { toHex } from '../../protocol/bytes.ts';
import { MAX_AMOUNT, readAmount } from '../amounts.ts';
import type { LedgerEvent } from '../application.ts';
import { AccountSchema, JobSchema, ProverSchema, SupplySchema, TabSchema } from '../generated/records_pb.ts';
import { isTerminal, JOB_STATES, stateName } from '../states.ts';
import { textOf } from '../text.ts';
import type { Applied } from './apply.ts';
import { MOVES } from './moves.ts';
import type { Job } from './records.ts';
import { State } from './state.ts';

export interface BlockDone {
  readonly height: bigint;
  /** Events of beginBlock. */
  readonly swept: readonly LedgerEvent[];
  readonly results: readonly Applied[];
}

/** States that a job may go to within one block. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  '': ['PENDING', 'FINAL', 'FAILED'],
  PENDING: ['FINAL', 'RESCUE', 'FAILED'],
  RESCUE: ['FINAL', 'FAILED'],
};

const fail = (invariant: string, what: string): never => {
  throw new Error(`${invariant}: ${what}`);
};

/** Throws an Error that names the first invariant that the step from `before` to `after` breaks. */
export function checkInvariants(before: State, after: State, done: BlockDone): void {
  checkMoney(after);
  checkSupplies(before, after);
  checkNonces(before, after, done);
  checkJobs(before, after, done.height);
  checkMoves(done);
  checkDeadlines(after);
}

const amount = (bytes: Uint8Array, what: string): bigint => {
  const n = readAmount(bytes, what);
  return n >= 0n && n <= MAX_AMOUNT ? n : fail('I8', `${what} is ${n}`);
};

function jobsIn(state: State): Map<string, Job> {
  return new Map([...state.records('job')].map(({ key, value }) => [toHex(key), fromBinary(JobSchema, value)]));
}

/** I1, I6: minted is the sum of all pots; a prover's locked bond is the sum over its jobs. */
function checkMoney(state: State): void {
  const sums = new Map<string, bigint>();
  const add = (denom: string, n: bigint): void => void sums.set(denom, (sums.get(denom) ?? 0n) + n);
  const locked = new Map<string, bigint>();
  for (const { value } of state.records('acct')) {
    let last = '';
    for (const { denom, amount: a } of fromBinary(AccountSchema, value).balances) {
      const name = textOf(denom);
      if (name <= last) fail('I8', `balances out of order: ${name} after ${last}`);
      last = name;
      const n = amount(a, 'balance');
      if (n === 0n) fail('I8', 'a balance of zero is kept');
      add(name, n);
    }
  }
  for (const { value } of state.records('tab')) {
    const tab = fromBinary(TabSchema, value);
    add(textOf(tab.denom), amount(tab.amount, 'tab'));
  }
  for (const { value } of state.records('job')) {
    const job = fromBinary(JobSchema, value);
    if (job.order.length > 0) add(textOf(job.denom), amount(job.escrow, 'escrow'));
    const bond = amount(job.bond, 'bond');
    add('opg', bond + amount(job.bounty, 'bounty'));
    locked.set(toHex(job.prover), (locked.get(toHex(job.prover)) ?? 0n) + bond);
  }
  for (const { key, value } of state.records('prover')) {
    const prover = fromBinary(ProverSchema, value);
    add('opg', amount(prover.free, 'free'));
    const at = amount(prover.locked, 'locked');
    const wanted = locked.get(toHex(key)) ?? 0n;
    if (at !== wanted) fail('I6', `prover ${toHex(key)} has ${at} locked, its jobs ${wanted}`);
  }
  for (const { key, value } of state.records('meta')) {
    const denom = /^supply\/(.+)$/.exec(textOf(key))?.[1];
    if (denom === undefined) continue;
    const { minted, burned } = fromBinary(SupplySchema, value);
    const total = (sums.get(denom) ?? 0n) + amount(burned, 'burned');
    sums.delete(denom);
    if (total !== amount(minted, 'minted')) fail('I1', `the pots hold ${total} ${denom}, ${amount(minted, 'minted')} were minted`);
  }
  for (const [denom, n] of sums) if (n !== 0n) fail('I1', `${n} ${denom} without a supply`);
}

/** I1, I2: minted never changes, burned never falls. */
function checkSupplies(before: State, after: State): void {
  for (const { key, value } of before.records('meta')) {
    if (!textOf(key).startsWith('supply/')) continue;
    const was = fromBinary(SupplySchema, value);
    const is = fromBinary(SupplySchema, after.get('meta', key) ?? fail('I1', `${textOf(key)} is gone`));
    if (amount(was.minted, 'minted') !== amount(is.minted, 'minted')) fail('I1', `${textOf(key)}: minted changed`);
    if (amount(is.burned, 'burned') < amount(was.burned, 'burned')) fail('I2', `${textOf(key)}: burned fell`);
  }
}

/** I3, I10: nonces grow by one for every transaction behind the door. */
function checkNonces(before: State, after: State, { results }: BlockDone): void {
  let grown = 0n;
  for (const { key, value } of after.records('acct')) {
    const was = before.get('acct', key);
    const nonce = was === undefined ? 0n : fromBinary(AccountSchema, was).nonce;
    const now = fromBinary(AccountSchema, value).nonce;
    if (now < nonce) fail('I3', `the nonce of ${toHex(key)} fell from ${nonce} to ${now}`);
    grown += now - nonce;
  }
  const passed = BigInt(results.filter((r) => r.door).length);
  if (grown !== passed) fail('I3', `nonces grew by ${grown}, ${passed} transactions passed the door`);
}

/** I3, I4, I5, I11: states go along their edges, and what is over holds nothing. */
function checkJobs(before: State, after: State, height: bigint): void {
  const was = jobsIn(before);
  const is = jobsIn(after);
  for (const id of was.keys()) if (!is.has(id)) fail('I4', `the job ${id} is gone`);
  for (const [id, job] of is) {
    const old = was.get(id);
    const [from, to] = [old === undefined ? '' : stateName(old.state), stateName(job.state)];
    if (old !== undefined && isTerminal(old.state)) {
      if (toHex(old.order) !== toHex(job.order) || from !== to || toHex(old.provenCommitment) !== toHex(job.provenCommitment))
        fail('I3', `the job ${id} was over and changed`);
    } else if (from !== to && !(EDGES[from] ?? []).includes(to)) fail('I4', `the job ${id} went from ${from || 'nothing'} to ${to}`);
    const held = [job.escrow, job.bond, job.bounty].map((b) => amount(b, 'job'));
    if (isTerminal(job.state) && held.some((n) => n !== 0n)) fail('I4', `the job ${id} is ${to} and holds ${held.join(', ')}`);
    if (job.state === JOB_STATES.FINAL && (job.provenBy.length !== 20 || job.statement.length !== 32 || job.provenCommitment.length !== 32))
      fail('I5', `the job ${id} is FINAL without what was proven`);
    if (job.state === JOB_STATES.PENDING && (held[1] === 0n || job.proveBy < job.openedAt))
      fail('I6', `the job ${id} is PENDING without a bond`);
    if (!isTerminal(job.state)) {
      const due = job.state === JOB_STATES.PENDING ? job.proveBy : job.hardBy;
      if (due + 1n < height && due === 0n) fail('I11', `the job ${id} is ${to} without a deadline`);
    }
  }
}

/** I7: every recorded move is a row of the table; only tabs' and requesters' money goes to escrow, nothing from there is burned. */
function checkMoves({ swept, results }: BlockDone): void {
  for (const { type, attributes: a } of [...swept, ...results.flatMap((r) => r.events)]) {
    if (type !== 'move') continue;
    if (!MOVES.some(([f, t, w]) => f === a.from && t === a.to && w === a.why)) fail('I7', `a move from ${a.from} to ${a.to} for ${a.why}`);
    if (a.to === 'burned' && (a.from === 'tab' || a.from === 'escrow' || a.denom !== 'opg')) fail('I7', `${a.from} ${a.denom} was burned`);
  }
}

/** The index of deadlines is the one that the records give. */
function checkDeadlines(state: State): void {
  const show = (s: State): string =>
    s
      .deadlines()
      .map((d) => `${d.deadline} ${d.store} ${toHex(d.id)}`)
      .join('\n');
  const rebuilt = State.fromRows(state.rows());
  if (show(rebuilt) !== show(state)) fail('I9', 'the index of deadlines is not what the records give');
  if (toHex(rebuilt.appHash()) !== toHex(state.appHash())) fail('I9', 'the trees are not what the records give');
}
