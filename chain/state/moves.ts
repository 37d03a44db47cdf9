/**
 * Money (settlement §6). Every move is one call of `move` between two pots, and which pots, for what reason, is one constant table: what it
 * does not list cannot happen. Minted is Σ pots, for every denomination, at every moment (I1).
 *
 * A: inference fee: balance or tab → escrow → prover, or back to the requester. B: verification: balance → burned. C: bonds, the only thing
 * that is slashed. No row leads from A to burned, or from a burn to anybody.
 */

import { create } from '@bufbuild/protobuf';
import { ascii } from '../../protocol/bytes.ts';
import { MAX_AMOUNT, readAmount, writeAmount } from '../amounts.ts';
import { Rejected } from '../codes.ts';
import { CoinSchema } from '../generated/records_pb.ts';
import { textOf } from '../text.ts';
import { accountOf, type Job, jobs, provers, putAccount, putSupply, supplyOf, tabs } from './records.ts';
import type { State } from './state.ts';

export type PotName = 'balance' | 'tab' | 'escrow' | 'free' | 'locked' | 'bounty' | 'burned';

/** A pot: a kind, and whose (an address, a tabId, a jobId; nobody's for `burned`). */
export interface Pot {
  readonly pot: PotName;
  readonly of: Uint8Array;
}

const NOBODY = new Uint8Array(0);
export const balance = (address: Uint8Array): Pot => ({ pot: 'balance', of: address });
export const tab = (id: Uint8Array): Pot => ({ pot: 'tab', of: id });
/** A prover's bond that secures nothing at the moment. */
export const free = (prover: Uint8Array): Pot => ({ pot: 'free', of: prover });
/** The price of a job, its prover's bond, and what waits for whoever proves it late: all of a jobId. */
export const escrow = (job: Uint8Array): Pot => ({ pot: 'escrow', of: job });
export const locked = (job: Uint8Array): Pot => ({ pot: 'locked', of: job });
export const bounty = (job: Uint8Array): Pot => ({ pot: 'bounty', of: job });
export const burned: Pot = { pot: 'burned', of: NOBODY };

/** [from, to, why]: everything that money can do. */
export const MOVES = [
  ['balance', 'balance', 'transfer'],
  ['balance', 'burned', 'gas'],
  ['balance', 'burned', 'burn'],
  ['balance', 'burned', 'key'],
  ['balance', 'free', 'bond'],
  ['free', 'balance', 'unbond'],
  ['balance', 'tab', 'open tab'],
  ['tab', 'balance', 'close tab'],
  ['balance', 'escrow', 'price'],
  ['tab', 'escrow', 'price'],
  ['escrow', 'balance', 'paid'],
  ['escrow', 'balance', 'refund'],
  ['free', 'locked', 'lock'],
  ['locked', 'free', 'unlock'],
  ['locked', 'burned', 'slash'],
  ['locked', 'bounty', 'slash'],
  ['locked', 'balance', 'slash'],
  ['bounty', 'balance', 'bounty'],
] as const satisfies readonly (readonly [PotName, PotName, string])[];

export type Why = (typeof MOVES)[number][2];

export interface Move {
  readonly from: Pot;
  readonly to: Pot;
  readonly denom: string;
  readonly amount: bigint;
  readonly why: Why;
}

/** Takes and puts `amount` of `denom`. Throws E_FUNDS where the pot has less; an Error for a move that the table does not list. */
export function move(state: State, m: Move, record: (m: Move) => void): void {
  const { from, to, denom, amount, why } = m;
  if (!MOVES.some(([f, t, w]) => f === from.pot && t === to.pot && w === why))
    throw new Error(`no move from ${from.pot} to ${to.pot} for ${why}`);
  if (amount < 0n || amount > MAX_AMOUNT) throw new RangeError(`${amount} is no amount`);
  if (amount === 0n) return;
  const held = holds(state, from, denom);
  if (held < amount) throw new Rejected('E_FUNDS', `${from.pot} holds ${held} ${denom}, ${amount} are needed`);
  hold(state, from, denom, held - amount);
  hold(state, to, denom, holds(state, to, denom) + amount);
  record(m);
}

const JOB_POTS = { escrow: 'escrow', locked: 'bond', bounty: 'bounty' } as const satisfies Partial<Record<PotName, keyof Job>>;

/** What a pot holds. Job pots are of the denomination that the job says; the caller names it. */
export function holds(state: State, { pot, of }: Pot, denom: string): bigint {
  if (pot === 'balance') {
    const coin = accountOf(state, of).balances.find((c) => textOf(c.denom) === denom);
    return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
  }
  if (pot === 'burned') return readAmount(supplyOf(state, denom).burned, 'burned');
  if (pot === 'tab') return readAmount(needed(tabs.get(state, of), 'tab').amount, 'tab');
  if (pot === 'free') return readAmount(needed(provers.get(state, of), 'prover').free, 'free');
  return readAmount(needed(jobs.get(state, of), 'job')[JOB_POTS[pot]], pot);
}

function hold(state: State, { pot, of }: Pot, denom: string, amount: bigint): void {
  const bytes = writeAmount(amount);
  if (pot === 'balance') {
    const account = accountOf(state, of);
    account.balances = account.balances.filter((c) => textOf(c.denom) !== denom);
    if (amount > 0n) account.balances.push(create(CoinSchema, { denom: ascii(denom), amount: bytes }));
    account.balances.sort((a, b) => (textOf(a.denom) < textOf(b.denom) ? -1 : 1));
    putAccount(state, of, account);
  } else if (pot === 'burned') {
    const supply = supplyOf(state, denom);
    supply.burned = bytes;
    putSupply(state, denom, supply);
  } else if (pot === 'tab') {
    const record = needed(tabs.get(state, of), 'tab');
    record.amount = bytes;
    tabs.put(state, of, record);
  } else if (pot === 'free') {
    const record = needed(provers.get(state, of), 'prover');
    record.free = bytes;
    provers.put(state, of, record);
  } else {
    const job = needed(jobs.get(state, of), 'job');
    if (pot === 'locked') {
      // The prover's record keeps the sum over its jobs, so that one record says what a prover has at stake.
      const prover = needed(provers.get(state, job.prover), 'prover');
      prover.locked = writeAmount(readAmount(prover.locked, 'locked') - readAmount(job.bond, 'bond') + amount);
      provers.put(state, job.prover, prover);
    }
    job[JOB_POTS[pot]] = bytes;
    jobs.put(state, of, job);
  }
}

function needed<T>(record: T | undefined, what: string): T {
  if (record === undefined) throw new Error(`state: a ${what} that a pot belongs to is missing`);
  return record;
}
