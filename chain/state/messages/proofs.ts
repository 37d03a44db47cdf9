/**
 * postProof, challenge, verifyInference (settlement §4.2): the three messages that bring a proof. They share one sequence of checks; what
 * differs is who may send it, which output it must show, and what follows. A refused proof spoils nothing: its sender may try again.
 */
import { create } from '@bufbuild/protobuf';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { showAddress } from '../../accounts.ts';
import { Rejected } from '../../codes.ts';
import type { Challenge, ModelCommitment, PostProof, VerifyInference } from '../../generated/messages_pb.ts';
import { JobSchema, SoloSchema } from '../../generated/records_pb.ts';
import { inferenceIdOf, soloIdOf } from '../../identities.ts';
import { MAX_KEPT_OUTPUT } from '../../limits.ts';
import { BASES, describeState, JOB_STATES, REASONS, SETTLEMENT_MODES } from '../../states.ts';
import type { ProofSystem } from '../../systems/system.ts';
import { decodeTensors, inputCommitment, outputCommitment } from '../../tensors.ts';
import type { Work } from '../env.ts';
import { advance, changeJob, getJob, orderOf, payBounty, payProver, returnPrice, slash } from '../jobs.ts';
import { balance } from '../moves.ts';
import { type Job, jobs, type Model, paramsOf } from '../records.ts';
import { statementOf } from '../statement.ts';
import { activeModel, modelOf, systemOf } from './models.ts';

/** Input, output and proof as a message brings them. */
interface Evidence {
  readonly inputNonce: Uint8Array;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly proof: Uint8Array;
}

interface Proven {
  readonly outputCommitment: Uint8Array;
  readonly statement: Uint8Array;
  readonly inferenceId: Uint8Array;
}

export function postProof(work: Work, sender: Uint8Array, vgasLimit: bigint, m: PostProof): Uint8Array {
  const id = m.jobId;
  const job = currentJob(work, id);
  const rescue = job.state === JOB_STATES.RESCUE;
  if (job.state !== JOB_STATES.PENDING && !rescue) throw wrongState(work, job, 'a proof is wanted in PENDING or RESCUE');
  const model = modelOf(work, job.modelId);
  const system = systemOf(work, (model.commitment as ModelCommitment).proofSystemId);
  // A proof that is bound to nothing could be anybody's copy: it is taken from the prover alone (§3.2).
  if ((!rescue || !system.bindsContext) && !equalBytes(sender, job.prover))
    throw new Rejected('E_NOT_PROVER', `the job is ${showAddress(job.prover)}'s`);
  const shown = outputCommitment(m.output);
  const posted = equalBytes(shown, job.outputCommitment);
  checkInput(job, m);
  if (!rescue && !posted)
    throw new Rejected('E_OUTPUT', `the output hashes to ${toHex(shown)}, the job posted ${toHex(job.outputCommitment)}`);
  const proven = checkProof(work, sender, vgasLimit, { id, modelId: job.modelId, model, system }, m, shown);

  if (!rescue) payProver(work, id);
  else payBounty(work, id, sender);
  changeJob(work, id, {
    ...(posted
      ? { state: JOB_STATES.FINAL, basis: BASES.PROVEN, late: rescue }
      : { state: JOB_STATES.FAILED, reason: REASONS.fraud, late: true }),
    ...record(work, job, sender, m, proven),
  });
  return id;
}

export function challenge(work: Work, sender: Uint8Array, vgasLimit: bigint, m: Challenge): Uint8Array {
  const id = m.jobId;
  const job = currentJob(work, id);
  const model = modelOf(work, job.modelId);
  const { proofSystemId } = model.commitment as ModelCommitment;
  if (work.env.systems.some((s) => equalBytes(s.id, proofSystemId) && !s.bindsContext))
    throw new Rejected('E_MODE', 'proofs of this system are bound to no job, so they challenge none');
  if (job.state !== JOB_STATES.PENDING) throw wrongState(work, job, 'a challenge is possible in PENDING');
  const shown = outputCommitment(m.output);
  if (equalBytes(shown, job.outputCommitment)) throw new Rejected('E_SAME_OUTPUT', 'a challenge shows another output than the posted one');
  const system = systemOf(work, proofSystemId);
  checkInput(job, m);
  const proven = checkProof(work, sender, vgasLimit, { id, modelId: job.modelId, model, system }, m, shown);

  returnPrice(work, id);
  slash(work, id, balance(sender), 'slash');
  changeJob(work, id, { state: JOB_STATES.FAILED, reason: REASONS.fraud, ...record(work, job, sender, m, proven) });
  return id;
}

export function verifyInference(work: Work, sender: Uint8Array, vgasLimit: bigint, m: VerifyInference): Uint8Array {
  const { model, system } = activeModel(work, m.modelId);
  if (m.ppId.length > 0) throw new Rejected('E_PP', 'pp_id: this version has no plot points');
  const id = soloIdOf(sender, m.salt);
  if (jobs.get(work.state, id) !== undefined) throw new Rejected('E_JOB_EXISTS', `this salt was used: ${toHex(id)} exists already`);
  const shown = outputCommitment(m.output);
  const proven = checkProof(work, sender, vgasLimit, { id, modelId: m.modelId, model, system }, m, shown);

  const job = create(JobSchema, {
    solo: create(SoloSchema, { sender, salt: m.salt, modelId: m.modelId, inputCommitment: inputCommitment(m.inputNonce, m.input) }),
    prover: sender,
    modelId: m.modelId,
    openedAt: work.height,
    outputCommitment: shown,
    output: m.output.length <= MAX_KEPT_OUTPUT ? m.output : new Uint8Array(0),
  });
  jobs.put(work.state, id, job);
  changeJob(work, id, { state: JOB_STATES.FINAL, basis: BASES.PROVEN, ...record(work, job, sender, m, proven) });
  return id;
}

/** The job as it is at this height. Throws E_JOB. */
function currentJob(work: Work, id: Uint8Array): Job {
  if (jobs.get(work.state, id) === undefined) throw new Rejected('E_JOB', `no job ${toHex(id)}`);
  advance(work, id);
  return getJob(work, id);
}

/** Time took the state away: E_LATE. Anything else did: E_STATE. */
function wrongState(work: Work, job: Job, wanted: string): Rejected {
  const late = job.state === JOB_STATES.RESCUE || (job.state === JOB_STATES.FAILED && job.reason === REASONS.unproven);
  return late
    ? new Rejected('E_LATE', `the proof was due by block ${job.proveBy}, a rescue by ${job.hardBy}; this is block ${work.height}`)
    : new Rejected('E_STATE', `the job is ${describeState(job)}; ${wanted}`);
}

function checkInput(job: Job, m: Evidence): void {
  const commitment = inputCommitment(m.inputNonce, m.input);
  const wanted = orderOf(job).inputCommitment;
  if (!equalBytes(commitment, wanted))
    throw new Rejected('E_INPUT', `nonce and input hash to ${toHex(commitment)}, the order has ${toHex(wanted)}`);
}

/** Canonical tensors, sizes, gas, and the proof itself, for the statement that the ledger derives. */
function checkProof(
  work: Work,
  sender: Uint8Array,
  vgasLimit: bigint,
  {
    id,
    modelId,
    model,
    system,
  }: { readonly id: Uint8Array; readonly modelId: Uint8Array; readonly model: Model; readonly system: ProofSystem },
  m: Evidence,
  shown: Uint8Array,
): Proven {
  canonical(m.input, 'E_INPUT');
  canonical(m.output, 'E_OUTPUT');
  if (m.proof.length > model.proofCap)
    throw new Rejected('E_PROOF_SIZE', `a proof of ${m.proof.length} bytes, this model's have at most ${model.proofCap}`);
  if (model.vgas > vgasLimit) throw new Rejected('E_VGAS_LIMIT', `vgas_limit ${vgasLimit}, this model's proofs take ${model.vgas}`);
  const statement = statementOf(paramsOf(work.state), model, {
    modelId,
    jobId: id,
    prover: sender,
    inputCommitment: inputCommitment(m.inputNonce, m.input),
    outputCommitment: shown,
  });
  const verdict = work.env.verify(
    system,
    { key: model.key, input: m.input, output: m.output, context: statement, proof: m.proof },
    statement,
  );
  if (!verdict.ok) throw new Rejected(verdict.kind === 'shape' ? 'E_PROOF_SHAPE' : 'E_PROOF_INVALID', verdict.sentence);
  return { outputCommitment: shown, statement, inferenceId: inferenceIdOf(modelId, inputCommitment(m.inputNonce, m.input), m.output) };
}

/** A commitment to other bytes than canonical tensors opens to nothing. */
function canonical(bytes: Uint8Array, code: 'E_INPUT' | 'E_OUTPUT'): void {
  try {
    decodeTensors(bytes);
  } catch (e) {
    if (e instanceof Rejected) throw new Rejected(code, e.message);
    throw e;
  }
}

/** What a record keeps of an accepted proof. */
function record(work: Work, job: Job, sender: Uint8Array, m: Evidence, proven: Proven): Partial<Job> {
  const keeps = job.solo !== undefined || orderOf(job).settlementMode === SETTLEMENT_MODES.individual;
  return {
    provenCommitment: proven.outputCommitment,
    provenOutput: keeps && m.output.length <= MAX_KEPT_OUTPUT ? m.output : new Uint8Array(0),
    provenBy: sender,
    statement: proven.statement,
    inferenceId: proven.inferenceId,
    endedAt: work.height,
  };
}
