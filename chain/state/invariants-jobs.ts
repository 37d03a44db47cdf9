/** The invariants of jobs (settlement §14: I3–I6, I11): which ways they go, who is paid on each, and what was proven. */
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { readAmount } from '../amounts.ts';
import type { Job } from '../generated/records_pb.ts';
import { SWEEP_CAP } from '../limits.ts';
import { describeState, isTerminal, JOB_STATES, REASONS } from '../states.ts';
import { inputCommitment, outputCommitment } from '../tensors.ts';
import { textOf } from '../text.ts';
import { readDoor } from './door.ts';
import type { LedgerEnv } from './env.ts';
import { type BlockRun, type Moved, movedOf, ownerOf, violated } from './invariants.ts';
import { orderOf } from './jobs.ts';
import { models, paramsOf } from './records.ts';
import type { State } from './state.ts';
import { statementOf } from './statement.ts';

export interface JobRecord {
  readonly id: Uint8Array;
  readonly job: Job;
  readonly bytes: Uint8Array;
  readonly held: { readonly escrow: bigint; readonly locked: bigint; readonly bounty: bigint };
}
type Jobs = ReadonlyMap<string, JobRecord>;

export function checkJobs(
  before: State,
  after: State,
  block: BlockRun,
  were: Jobs,
  are: Jobs,
  env: Pick<LedgerEnv, 'systems' | 'sweepCap'>,
): void {
  for (const [id, { job, bytes }] of were) {
    const now = are.get(id);
    if (now === undefined) violated('I4', `the job ${id} is gone`);
    if (isTerminal(job.state) && !equalBytes(bytes, now.bytes))
      violated('I3', `the job ${id} was over (${describeState(job)}) and changed`);
  }
  for (const record of are.values()) checkHeld(record);
  checkWays(block, were, are);
  const proven = checkProofs(after, block, are, env);
  for (const [id, { job }] of are) {
    const was = were.get(id);
    const new_ = was === undefined || !isTerminal(was.job.state);
    const needs = job.state === JOB_STATES.FINAL || (job.state === JOB_STATES.FAILED && job.reason === REASONS.fraud);
    if (new_ && needs && !proven.has(id)) violated('I5', `the job ${id} is ${describeState(job)} without a proof`);
  }
  checkDeadlines(before, after, block, are, env);
}

/** I4, I6: what a job of this state holds. */
function checkHeld({ id, job, held }: JobRecord): void {
  const wanted = { escrow: 0n, locked: 0n, bounty: 0n };
  if (job.state === JOB_STATES.PENDING) {
    wanted.escrow = readAmount(orderOf(job).price, 'price');
    wanted.locked = readAmount(orderOf(job).bond, 'bond');
  } else if (job.state === JOB_STATES.RESCUE) {
    wanted.bounty = readAmount(orderOf(job).bond, 'bond') / 2n;
  } else if (!isTerminal(job.state)) violated('I4', `the job ${toHex(id)} is in state ${job.state}`);
  for (const pot of ['escrow', 'locked', 'bounty'] as const)
    if (held[pot] !== wanted[pot])
      violated(job.state === JOB_STATES.PENDING ? 'I6' : 'I4', `${describeState(job)} holds ${held[pot]} in ${pot}, not ${wanted[pot]}`);
}

/** The moves on each way of §5.1, as §5.2 pays them; an empty state is none. */
function wayOf(from: string, to: string, hex: string, job: Job): Omit<Moved, 'why'>[] | null {
  const [requester, prover, winner] = [job.requester, job.prover, job.provenBy].map((a) => `balance/${toHex(a)}`) as [
    string,
    string,
    string,
  ];
  if (from === '' && to === 'FINAL(PROVEN)') return job.solo === undefined ? null : [];
  if (job.solo !== undefined) return null;
  const order = orderOf(job);
  const denom = textOf(order.denom);
  const bond = readAmount(order.bond, 'bond');
  const half = (bond + 1n) / 2n;
  const [escrow, locked, bounty, free] = [`escrow/${hex}`, `locked/${hex}`, `bounty/${hex}`, `free/${toHex(job.prover)}`];
  const price = (a: string, b: string): Omit<Moved, 'why'> => ({ from: a, to: b, denom, amount: readAmount(order.price, 'price') });
  const opg = (a: string, b: string, amount: bigint): Omit<Moved, 'why'> => ({ from: a, to: b, denom: 'opg', amount });
  const slashed = (rest: string): Omit<Moved, 'why'>[] => [
    price(escrow, requester),
    opg(locked, 'burned/', half),
    opg(locked, rest, bond - half),
  ];
  switch (`${from} > ${to}`) {
    case ' > PENDING':
      return [price(order.tabId.length === 0 ? requester : `tab/${toHex(order.tabId)}`, escrow), opg(free, locked, bond)];
    case 'PENDING > FINAL(PROVEN)':
      return [price(escrow, prover), opg(locked, free, bond)];
    case 'PENDING > RESCUE':
      return order.rescueBlocks > 0 ? slashed(bounty) : null;
    case 'PENDING > FAILED(unproven)':
      return order.rescueBlocks === 0 ? slashed(requester) : null;
    case 'PENDING > FAILED(fraud)':
      return slashed(winner);
    case 'RESCUE > FINAL(PROVEN, late)':
    case 'RESCUE > FAILED(fraud)':
      return [opg(bounty, winner, bond - half)];
    case 'RESCUE > FAILED(unproven)':
      return [opg(bounty, requester, bond - half)];
    default:
      return null;
  }
}

/** I4: jobs go the ways of §5.1 alone, and each pays as its row of §5.2. */
function checkWays(block: BlockRun, were: Jobs, are: Jobs): void {
  const states = new Map([...were].map(([id, { job }]) => [id, describeState(job)]));
  const moved = new Map<string, string[]>();
  const show = (m: Omit<Moved, 'why'>): string => `${m.from} → ${m.to} ${m.amount} ${m.denom}`;
  for (const e of [...block.begun, ...block.results.flatMap((r) => r.events)]) {
    if (e.type === 'move') {
      const m = movedOf(e);
      const pot = [m.to, m.from].find((p) => /^(escrow|locked|bounty)\//.test(p));
      if (pot !== undefined) moved.set(ownerOf(pot), [...(moved.get(ownerOf(pot)) ?? []), show(m)]);
    } else if (e.type === 'job') {
      const [id, to] = [e.attributes.job_id as string, e.attributes.state as string];
      const record = are.get(id);
      if (record === undefined) violated('I4', `${to}: no job ${id}`);
      const from = states.get(id) ?? '';
      const way = wayOf(from, to, id, record.job);
      if (way === null) violated('I4', `the job ${id} went from ${from || 'nothing'} to ${to}`);
      const wanted = way.filter((m) => m.amount > 0n).map(show);
      const seen = moved.get(id) ?? [];
      if (wanted.sort().join('; ') !== seen.sort().join('; '))
        violated('I4', `${from || 'nothing'} to ${to} moved ${seen.join('; ')}, its row says ${wanted.join('; ')}`);
      moved.delete(id);
      states.set(id, to);
    }
  }
  for (const [id, seen] of moved) violated('I4', `moves of the job ${id} on no way: ${seen.join('; ')}`);
  for (const [id, { job }] of are)
    if (states.get(id) !== describeState(job)) violated('I4', `the job ${id} is ${describeState(job)}, was told to be ${states.get(id)}`);
}

/** I3, I5: the accepted proofs of this block, by job; each verifies for the statement of its record. */
function checkProofs(after: State, block: BlockRun, are: Jobs, env: Pick<LedgerEnv, 'systems'>): ReadonlySet<string> {
  const proven = new Set<string>();
  for (const [i, result] of block.results.entries()) {
    if (result.code !== 0) continue;
    const { body, sender } = readDoor(block.txs[i] as Uint8Array);
    const { msg } = body;
    if (msg.case !== 'postProof' && msg.case !== 'challenge' && msg.case !== 'verifyInference') continue;
    const id = toHex(result.data);
    if (proven.has(id)) violated('I3', `the job ${id} has two accepted proofs`);
    proven.add(id);
    const record = are.get(id);
    if (record === undefined) violated('I5', `a proof of ${id}, which is no job`);
    const { job } = record;
    const m = msg.value;
    const input = inputCommitment(m.inputNonce, m.input);
    const output = outputCommitment(m.output);
    const wanted = job.solo?.inputCommitment ?? orderOf(job).inputCommitment;
    if (!equalBytes(input, wanted)) violated('I5', `the proof of ${id} has another input than its record`);
    if (!equalBytes(output, job.provenCommitment) || !equalBytes(sender, job.provenBy))
      violated('I5', `the record ${id} names another output or prover than its proof`);
    if ((job.state === JOB_STATES.FINAL) !== equalBytes(job.provenCommitment, job.outputCommitment))
      violated('I5', `the job ${id} is ${describeState(job)}, posted and proven output say otherwise`);
    const model = models.get(after, job.modelId);
    const system = env.systems.find((s) => equalBytes(s.id, model?.commitment?.proofSystemId ?? new Uint8Array(0)));
    if (model === undefined || system === undefined) violated('I5', `the job ${id} has a model that nobody can verify`);
    const statement = statementOf(paramsOf(after), model, {
      modelId: job.modelId,
      jobId: record.id,
      prover: sender,
      inputCommitment: input,
      outputCommitment: output,
    });
    if (!equalBytes(statement, job.statement)) violated('I5', `the record ${id} has another statement than its proof`);
    const verdict = system.verify({ key: model.key, input: m.input, output: m.output, context: statement, proof: m.proof });
    if (!verdict.ok) violated('I5', `the proof of ${id} does not verify: ${verdict.sentence}`);
  }
  return proven;
}

/** I11: what is past its deadline is what one sweep could not hold. */
function checkDeadlines(before: State, after: State, block: BlockRun, are: Jobs, env: Pick<LedgerEnv, 'sweepCap'>): void {
  const overdue = after.due(block.height).length;
  const held = Math.max(0, before.due(block.height).length - (env.sweepCap ?? SWEEP_CAP));
  if (overdue > held) violated('I11', `${overdue} jobs and tabs are past their deadline at ${block.height}, at most ${held} may wait`);
  const due = new Set(after.deadlines().map((d) => `${d.store}/${toHex(d.id)}`));
  for (const [id, { job }] of are) {
    const open = !isTerminal(job.state);
    if (open !== due.has(`job/${id}`))
      violated('I11', `the job ${id} ${open ? 'is open and has no deadline' : 'is over and has a deadline'}`);
  }
}
