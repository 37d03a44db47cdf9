/** How a job goes on by time, and how it ends: who gets the price, the bond and the bounty (settlement §5.2). */
import { fromBinary } from '@bufbuild/protobuf';
import { toHex } from '../../protocol/bytes.ts';
import { readAmount } from '../amounts.ts';
import { type Order, OrderSchema } from '../generated/messages_pb.ts';
import { describeState, JOB_STATES, REASONS } from '../states.ts';
import { textOf } from '../text.ts';
import type { Work } from './env.ts';
import { balance, bounty, burned, escrow, free, locked, move, type Pot, type Why } from './moves.ts';
import { type Job, jobs } from './records.ts';

/** The order of a job that has one. */
export const orderOf = (job: Job): Order => fromBinary(OrderSchema, job.order);

export const priceOf = (job: Job): bigint => readAmount(job.escrow, 'escrow');
const bondOf = (job: Job): bigint => readAmount(job.bond, 'bond');

export function getJob(work: Work, id: Uint8Array): Job {
  const job = jobs.get(work.state, id);
  if (job === undefined) throw new Error(`state: no job ${toHex(id)}`);
  return job;
}

/** Changes fields of a job that are not money. */
export function changeJob(work: Work, id: Uint8Array, change: Partial<Job>): void {
  const job = getJob(work, id);
  Object.assign(job, change);
  jobs.put(work.state, id, job);
  if (change.state !== undefined) work.events.push({ type: 'job', attributes: { job_id: toHex(id), state: describeState(job) } });
}

function pay(work: Work, from: Pot, to: Pot, denom: string, amount: bigint, why: Why): void {
  move(work.state, { from, to, denom, amount, why }, work.record);
}

/** Brings a job up to date: what its deadlines did before `height`, at most two steps. */
export function advance(work: Work, id: Uint8Array): void {
  let job = getJob(work, id);
  if (job.state === JOB_STATES.PENDING && work.height > job.proveBy) {
    const { rescueBlocks } = orderOf(job);
    returnPrice(work, id);
    if (rescueBlocks === 0) {
      // No time for a rescue: the bounty's way is the requester's (hardBy = proveBy).
      slash(work, id, balance(job.requester), 'slash');
      changeJob(work, id, { state: JOB_STATES.FAILED, reason: REASONS.unproven, hardBy: job.proveBy, endedAt: job.proveBy + 1n });
      return;
    }
    slash(work, id, bounty(id), 'slash');
    changeJob(work, id, { state: JOB_STATES.RESCUE, hardBy: job.proveBy + BigInt(rescueBlocks) });
    job = getJob(work, id);
  }
  if (job.state === JOB_STATES.RESCUE && work.height > job.hardBy) {
    payBounty(work, id, job.requester);
    changeJob(work, id, { state: JOB_STATES.FAILED, reason: REASONS.unproven, endedAt: job.hardBy + 1n });
  }
}

/** The proof came in time: 100 % of the price to the prover, and its bond is free again. */
export function payProver(work: Work, id: Uint8Array): void {
  const job = getJob(work, id);
  pay(work, escrow(id), balance(job.prover), textOf(job.denom), priceOf(job), 'paid');
  pay(work, locked(id), free(job.prover), 'opg', bondOf(job), 'unlock');
}

/** A price goes back to the requester's balance, never to a tab. */
export function returnPrice(work: Work, id: Uint8Array): void {
  const job = getJob(work, id);
  pay(work, escrow(id), balance(job.requester), textOf(job.denom), priceOf(job), 'refund');
}

/** Half of the bond is burned, rounded up; the rest goes to `winner`. */
export function slash(work: Work, id: Uint8Array, winner: Pot, why: 'slash'): void {
  const bond = bondOf(getJob(work, id));
  const half = (bond + 1n) / 2n;
  pay(work, locked(id), burned, 'opg', half, why);
  pay(work, locked(id), winner, 'opg', bond - half, why);
}

export function payBounty(work: Work, id: Uint8Array, to: Uint8Array): void {
  pay(work, bounty(id), balance(to), 'opg', readAmount(getJob(work, id).bounty, 'bounty'), 'bounty');
}
