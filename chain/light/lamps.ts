/**
 * What a reader can say of a job, as four lamps (settlement §10.4): Chain, Record, Proof, Answer. Each is green, grey or red by itself; they
 * are never merged. Everything that can be derived is derived here, and nothing is taken from the node's word.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ascii, equalBytes, toHex } from '../../protocol/bytes.ts';
import { Rejected } from '../codes.ts';
import { Malformed } from '../comet/json.ts';
import { type Order, OrderSchema } from '../generated/messages_pb.ts';
import { type Job, JobSchema, type Model, ModelSchema } from '../generated/records_pb.ts';
import { jobIdOf, modelIdOf, soloIdOf, statementDigestOf } from '../identities.ts';
import { type Rpc, RpcError } from '../rpc/rpc.ts';
import { describeState, JOB_STATES } from '../states.ts';
import type { ProofQuestion, ProofSystem, ProofVerdict } from '../systems/system.ts';
import { decodeTensors, inputCommitment, type LedgerTensor, outputCommitment } from '../tensors.ts';
import { type Evidence, findEvidence } from './evidence.ts';
import type { Followed, LightClient } from './follow.ts';
import { openRecord, RecordRefused } from './record.ts';
import { LightRefused } from './verify.ts';

export interface Lamp {
  readonly color: 'green' | 'grey' | 'red';
  /** A dotted word for programs: the check that failed, or what is the case. */
  readonly code: string;
  readonly text: string;
}

export interface JobView {
  readonly chain: Lamp;
  readonly record: Lamp;
  readonly proof: Lamp;
  readonly answer: Lamp;
  readonly job: Job | null;
  readonly model: Model | null;
  /** The state's height that the record was proven at. */
  readonly height: bigint | null;
  /** What was proven, decoded; null where nothing is. */
  readonly proven: { readonly input: readonly LedgerTensor[]; readonly output: readonly LedgerTensor[] } | null;
}

export interface LampOptions {
  readonly rpc: Rpc;
  readonly light: LightClient;
  readonly jobId: Uint8Array;
  /** The model that the reader chose; a job of another is red. */
  readonly modelId?: Uint8Array | undefined;
  /** Canonical tensors of the answer that is shown to the reader; without it, the proven output is the one that is shown. */
  readonly answer?: Uint8Array | undefined;
  readonly systems: readonly ProofSystem[];
  /** Checks a proof here: in this thread or another. */
  readonly verify: (system: ProofSystem, question: ProofQuestion) => Promise<ProofVerdict>;
  readonly signal?: AbortSignal | undefined;
}

/** Nanoseconds after which a chain that shows nothing new is no news: an RPC can withhold blocks. */
export const STALE = 60n * 1_000_000_000n;

const green = (code: string, text: string): Lamp => ({ color: 'green', code, text });
const grey = (code: string, text: string): Lamp => ({ color: 'grey', code, text });
const red = (code: string, text: string): Lamp => ({ color: 'red', code, text });

/** A failure as a lamp: what says something false is red, what says nothing is grey. */
export function failureLamp(e: unknown, what: string): Lamp {
  if (e instanceof LightRefused)
    return e.code === 'trust.expired' ? grey(e.code, `cannot follow the chain: ${e.message}`) : red(e.code, e.message);
  if (e instanceof RecordRefused) return e.code === 'record.header' ? grey(e.code, e.message) : red(e.code, e.message);
  if (e instanceof Malformed) return red('node.malformed', `the node's answer is malformed: ${e.message}`);
  if (e instanceof RpcError)
    return e.kind === 'malformed' ? red('node.malformed', e.message) : grey('node.unreachable', `${what}: ${e.message}`);
  throw e;
}

/** The Chain lamp: whether the newest block is signed, linked to the checkpoint, and new. */
export async function chainLamp(light: LightClient, signal?: AbortSignal): Promise<Lamp> {
  let newest: Followed;
  try {
    newest = await light.latest(signal);
  } catch (e) {
    return failureLamp(e, 'cannot follow the chain');
  }
  const { height, time, chainId } = newest.block.header;
  const age = light.around.now() - time;
  if (age > STALE) return grey('chain.stale', `the last block seen, ${height}, is ${ageText(age)} old: the node may withhold newer ones`);
  const devnet = chainId.startsWith('devnet-') ? ' of a devnet' : '';
  return green(
    'chain',
    `block ${height}${devnet} signed by ${newest.signed} % of power, linked to your checkpoint at ${light.checkpoint.height}`,
  );
}

/** The Chain lamp of a reader without a checkpoint: a chain that begins with the node's own word is consistent in itself at best, which proves nothing. */
export const unpinned = (chain: Lamp): Lamp =>
  chain.color === 'green'
    ? grey(
        'chain.unpinned',
        `${chain.text.replace('linked to your checkpoint at', 'linked, as this node shows it, to block')}: pin a checkpoint to trust less`,
      )
    : chain;

const ageText = (nanos: bigint): string => {
  const seconds = nanos / 1_000_000_000n;
  return seconds < 120n ? `${seconds} s` : `${seconds / 60n} min`;
};

export async function viewJob(o: LampOptions): Promise<JobView> {
  const chain = await chainLamp(o.light, o.signal);
  const nothing = { job: null, model: null, height: null, proven: null };
  const notYet = grey('record.none', 'there is no record to look at');
  if (chain.color !== 'green' && chain.code !== 'chain.stale')
    return { chain, record: grey('record.unknown', 'the chain cannot be followed'), proof: notYet, answer: notYet, ...nothing };

  let opened: Awaited<ReturnType<typeof openRecord>>;
  let job: Job;
  let model: Model | null = null;
  try {
    opened = await openRecord(o.rpc, o.light, 'job', o.jobId, o.signal);
    if (opened === null || opened.value === null)
      return {
        chain,
        record: grey('record.absent', 'the node shows no such job; it may not be in a block yet'),
        proof: notYet,
        answer: notYet,
        ...nothing,
      };
    job = fromBinary(JobSchema, opened.value);
    const strange = strangeRecord(o, job);
    if (strange !== null) return { chain, record: strange, proof: notYet, answer: notYet, ...nothing };
    const shown = await openRecord(o.rpc, o.light, 'model', job.modelId, o.signal);
    if (shown?.value) {
      model = fromBinary(ModelSchema, shown.value);
      if (model.commitment === undefined || !equalBytes(modelIdOf(model.owner, model.commitment), job.modelId))
        return {
          chain,
          record: red('record.model', 'the model’s record is not of the model that the job names'),
          proof: notYet,
          answer: notYet,
          ...nothing,
        };
    }
  } catch (e) {
    return { chain, record: failureLamp(e, 'the record cannot be asked for'), proof: notYet, answer: notYet, ...nothing };
  }
  const { height } = opened;
  const { lamp: proof, evidence } = await proofLamp(o, job, model);
  const shown = o.answer ?? evidence?.output ?? (job.provenOutput.length > 0 ? job.provenOutput : job.output);
  return {
    chain,
    record: recordLamp(job, height),
    proof,
    answer: answerLamp(job, shown, o.answer === undefined ? 'the output shown' : 'the answer you were given'),
    job,
    model,
    height,
    proven:
      proof.color === 'green' && evidence !== null
        ? { input: decodeTensors(evidence.input), output: decodeTensors(evidence.output) }
        : null,
  };
}

/** A record that opens the AppHash, but is not of the job that was asked for, or of another model than the reader chose. */
function strangeRecord(o: LampOptions, job: Job): Lamp | null {
  const id = job.solo === undefined ? jobIdOf(job.order) : soloIdOf(job.solo.sender, job.solo.salt);
  if (!equalBytes(id, o.jobId)) return red('record.id', `the record is of job ${toHex(id)}`);
  const modelId = job.solo === undefined ? orderOf(job).modelId : job.solo.modelId;
  if (!equalBytes(modelId, job.modelId)) return red('record.model', 'the record names another model than its order');
  if (o.modelId !== undefined && !equalBytes(modelId, o.modelId))
    return red('record.model', `the job is of model ${toHex(modelId)}, not of the one you chose`);
  return null;
}

const orderOf = (job: Job): Order => fromBinary(OrderSchema, job.order);

function recordLamp(job: Job, height: bigint): Lamp {
  const state = describeState(job);
  if (job.state === JOB_STATES.FINAL) return green('record', `the job is ${state} at height ${height}`);
  if (job.state === JOB_STATES.FAILED) return red('record.failed', `the job is ${state} at height ${height}`);
  if (job.state === JOB_STATES.PENDING)
    return grey('record.pending', `the job is ${state} at height ${height}: its proof is due by block ${job.proveBy}`);
  if (job.state === JOB_STATES.RESCUE)
    return grey('record.rescue', `the job is in ${state} at height ${height}: a proof is taken until block ${job.hardBy}`);
  return grey('record.over', `the job is ${state} at height ${height}`);
}

/** Runs the verifier on what the block shows, for the statement that this reader derives. */
async function proofLamp(
  o: LampOptions,
  job: Job,
  model: Model | null,
): Promise<{ readonly lamp: Lamp; readonly evidence: Evidence | null }> {
  const lampOnly = (lamp: Lamp): { lamp: Lamp; evidence: null } => ({ lamp, evidence: null });
  if (job.provenBy.length === 0) return lampOnly(grey('proof.none', 'nothing is proven yet'));
  if (model?.commitment === undefined) return lampOnly(grey('proof.model', 'the model’s key is not at hand'));
  const { commitment } = model;
  const system = o.systems.find((s) => equalBytes(s.id, commitment.proofSystemId));
  if (system === undefined)
    return lampOnly(grey('proof.system', `proofs of system ${toHex(commitment.proofSystemId)} are not checked here`));
  let found: readonly Evidence[];
  try {
    found = await findEvidence(o.rpc, { height: job.endedAt, jobId: o.jobId, prover: job.provenBy }, o.signal);
  } catch (e) {
    return lampOnly(failureLamp(e, 'the proof cannot be downloaded'));
  }
  let first: { readonly lamp: Lamp; readonly evidence: Evidence } | null = null;
  for (const evidence of found) {
    const shown = { lamp: await checkEvidence(o, job, { ...model, commitment }, system, evidence), evidence };
    if (shown.lamp.color === 'green') return shown;
    first ??= shown;
  }
  return first ?? lampOnly(grey('proof.absent', `the node’s block ${job.endedAt} does not show the proof`));
}

async function checkEvidence(
  o: LampOptions,
  job: Job,
  model: Model & { readonly commitment: NonNullable<Model['commitment']> },
  system: ProofSystem,
  evidence: Evidence,
): Promise<Lamp> {
  const { input, output, proof } = evidence;
  const commitments = { input: inputCommitment(evidence.inputNonce, input), output: outputCommitment(output) };
  const ordered = job.solo === undefined ? orderOf(job).inputCommitment : job.solo.inputCommitment;
  if (!equalBytes(commitments.input, ordered)) return red('proof.input', 'the input that is shown is not the one that was ordered');
  if (!equalBytes(commitments.output, job.provenCommitment))
    return red('proof.output', 'the output that is shown is not the one of the record');
  let key: ReturnType<ProofSystem['parseKey']>;
  try {
    key = system.parseKey(model.key);
  } catch (e) {
    if (e instanceof Rejected) return red('proof.key', e.message);
    throw e;
  }
  if (!equalBytes(key.vkHash, model.commitment.vkHash)) return red('proof.key', 'the model’s key is not the one of its id');
  const context = statementDigestOf({
    chainId: ascii(o.light.checkpoint.chainId),
    proofSystemId: system.id,
    modelId: job.modelId,
    vkHash: key.vkHash,
    zkRoot: key.zkRoot,
    inputCommitment: commitments.input,
    outputCommitment: commitments.output,
    prover: job.provenBy,
    jobId: o.jobId,
    verifierVersion: model.verifierVersion,
  });
  const verdict = await o.verify(system, { key: model.key, input, output, context, proof });
  if (!verdict.ok) return red('proof.refused', `the proof is refused here: ${verdict.sentence}`);
  const bits = verdict.securityBits === undefined ? '' : `, ${verdict.securityBits.toFixed(1)} bits`;
  const bound = system.bindsContext ? '' : '; it is not bound to this job';
  return green('proof', `checked here: model ${toHex(job.modelId).slice(0, 8)}…${bits}, ${SETUPS[system.setup]}${bound}`);
}

const SETUPS = ['no trusted set-up', 'relies on a universal trusted set-up', 'relies on a trusted set-up of its circuit'] as const;

function answerLamp(job: Job, shown: Uint8Array, what: string): Lamp {
  if (shown.length === 0) return grey('answer.none', 'no output is shown');
  const hash = outputCommitment(shown);
  if (job.provenCommitment.length > 0)
    return equalBytes(hash, job.provenCommitment)
      ? green('answer', `${what} is the one that was proven`)
      : red('answer.other', `${what} is not the one that was proven`);
  return equalBytes(hash, job.outputCommitment)
    ? grey('answer.posted', `${what} was posted, and is not proven`)
    : red('answer.other', `${what} is not the one that was posted`);
}
