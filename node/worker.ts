/** The node's work on its jobs, after the answer (settlement §12.3): open, prove, post. What was done before a crash is seen on the chain. */
import { fromBinary } from '@bufbuild/protobuf';
import { type Sender, statementFor, TxRefused } from '../chain/client/index.ts';
import { codeName } from '../chain/codes.ts';
import { OrderSchema } from '../chain/generated/messages_pb.ts';
import type { Job } from '../chain/generated/records_pb.ts';
import { MAX_KEPT_OUTPUT } from '../chain/limits.ts';
import { isTerminal, JOB_STATES, SETTLEMENT_MODES } from '../chain/states.ts';
import { inputCommitment, outputCommitment } from '../chain/tensors.ts';
import { textOf } from '../chain/text.ts';
import { ascii, equalBytes, fromHex } from '../protocol/bytes.ts';
import type { Step } from './intake.ts';
import type { Queue, QueueEntry } from './queue.ts';
import type { ServedModel } from './served.ts';

export interface WorkerContext {
  readonly queue: Queue;
  readonly sender: Sender;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly onStep?: ((step: Step) => void) | undefined;
  readonly log: (line: string) => void;
  /** A proof of a model took so many milliseconds. */
  readonly onProof?: ((ms: number, modelId: string) => void) | undefined;
  readonly onEnd?: ((entry: QueueEntry) => void) | undefined;
  readonly signal: AbortSignal;
}

const LEASE_MS = 60_000;
const HEARTBEAT_MS = 20_000;
const IDLE_MS = 100;
const MAX_BACKOFF_MS = 30_000;
/** Blocks after which a transaction of ours is lost, and made anew: far less than what an order leaves. */
const VALID_FOR = 20n;
/** Proofs that are made for one job when the chain refuses them: each refusal is paid. */
const PROOFS = 3;

/** Refusals of an order that no later attempt would change; each attempt is paid. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'E_DENOM',
  'E_FIELD',
  'E_LATE',
  'E_MODE',
  'E_MODEL',
  'E_MODEL_DEPRECATED',
  'E_NOT_PROVER',
  'E_ORDER',
  'E_OWNER',
]);

/** Works until the signal aborts. `workers` jobs are under way at once; proofs are made one at a time by the kernels. */
export async function runWorkers(c: WorkerContext, workers: number): Promise<void> {
  await Promise.all(Array.from({ length: workers }, () => work(c)));
}

async function work(c: WorkerContext): Promise<void> {
  while (!c.signal.aborted) {
    const entry = c.queue.take(Date.now(), LEASE_MS);
    if (entry === undefined) {
      await c.sender.chain.pause(IDLE_MS);
      continue;
    }
    const beat = setInterval(() => c.queue.renew(entry.jobId, Date.now() + LEASE_MS), HEARTBEAT_MS);
    try {
      await advance(c, entry);
    } catch (e) {
      if (c.signal.aborted) return;
      retry(c, entry, e as Error);
    } finally {
      clearInterval(beat);
    }
  }
}

/** Later again, up to when the chain itself ends the job. */
function retry(c: WorkerContext, entry: QueueEntry, e: Error): void {
  const name = `job ${entry.jobId.slice(0, 8)}`;
  try {
    const now = c.queue.get(entry.jobId) ?? entry;
    const attempts = now.attempts + 1;
    const wait = Math.min(MAX_BACKOFF_MS, 250 * 2 ** Math.min(attempts, 10));
    c.log(`${name}: ${now.state}: ${e.message}; again in ${wait} ms`);
    c.queue.save({ ...now, attempts, trouble: e.message, retryAt: Date.now() + wait, leasedUntil: 0 });
  } catch (disk) {
    // A full disk ends no worker: the job is taken again when its lease is over.
    c.log(`${name}: the queue cannot be written: ${(disk as Error).message}; again in ${LEASE_MS} ms`);
  }
}

/** One step: whatever the job's record on the chain says is next. */
async function advance(c: WorkerContext, entry: QueueEntry): Promise<void> {
  const { chain } = c.sender;
  const jobId = fromHex(entry.jobId) as Uint8Array;
  const put = (change: Partial<QueueEntry>): void => {
    const next = { ...entry, attempts: 0, trouble: '', retryAt: 0, leasedUntil: 0, ...change };
    c.queue.save(next);
    if (next.state === 'settled' || next.state === 'failed') c.onEnd?.(next);
  };
  const job = await chain.job(jobId, c.signal);
  if (job !== null && isTerminal(job.state)) return put(ended(job));
  const order = fromBinary(OrderSchema, entry.order);
  const { chainId, height } = await chain.status(c.signal);
  if (!equalBytes(order.chainId, ascii(chainId)))
    throw new Error(`the order is for chain ${textOf(order.chainId)}, the node is asked on ${chainId}`);

  if (job === null && height > order.openBy) return put({ state: 'failed', trouble: 'the order could not be opened in time' });
  const served = c.models.get(entry.modelId);
  if (served === undefined) throw new Error(`the model ${entry.modelId.slice(0, 8)} is not served any more`);

  if (job === null) {
    // An answer that no proof will show costs the bond once its job is open.
    if (!equalBytes(served.outputOf(entry.input), entry.output))
      return put({ state: 'failed', trouble: `the answer of ${served.runtime} is not what the circuit computes: the job is not opened` });
    const kept = order.settlementMode === SETTLEMENT_MODES.individual && entry.output.length <= MAX_KEPT_OUTPUT;
    const result = { outputCommitment: outputCommitment(entry.output), output: kept ? entry.output : new Uint8Array(0) };
    c.onStep?.('opening');
    try {
      await c.sender.send(
        { case: 'openJob', value: { order: entry.order, requesterPubkey: entry.requesterPubkey, orderSig: entry.orderSig, result } },
        { validFor: VALID_FOR, signal: c.signal },
      );
    } catch (e) {
      if (!(e instanceof TxRefused)) throw e;
      // It is there after all: an earlier transaction of ours got into a block.
      if (FOR_GOOD.has(codeName(e.code))) return put({ state: 'failed', trouble: `the chain refuses the order: ${e.message}` });
      if (codeName(e.code) !== 'E_JOB_EXISTS') throw e;
    }
    c.onStep?.('opened');
    const opened = await chain.job(jobId, c.signal);
    return put({ state: entry.proof === null ? 'opened' : 'proved', deadline: opened?.proveBy ?? entry.deadline });
  }

  if (!equalBytes(job.outputCommitment, outputCommitment(entry.output)))
    return put({ state: 'failed', trouble: 'the job was opened with another output than the one answered here' });
  if (entry.proof === null) {
    const context = statementFor(
      served.model,
      { inputCommitment: inputCommitment(entry.inputNonce, entry.input), outputCommitment: outputCommitment(entry.output) },
      { chainId, modelId: served.modelId, jobId, prover: c.sender.signer.address },
    );
    const started = performance.now();
    const proof = await served.prove(entry.input, context, { signal: c.signal });
    c.onProof?.(performance.now() - started, entry.modelId);
    put({ state: 'proved', proof, deadline: job.proveBy, attempts: entry.attempts });
    c.onStep?.('proved');
    return;
  }
  c.onStep?.('posting');
  const { inputNonce, input, output, proof } = entry;
  try {
    await c.sender.send(
      { case: 'postProof', value: { jobId, inputNonce, input, output, proof } },
      { vgasLimit: served.model.key.vgas, validFor: VALID_FOR, signal: c.signal },
    );
  } catch (e) {
    if (!(e instanceof TxRefused) || !codeName(e.code).startsWith('E_PROOF_')) throw e;
    // The same bytes would be refused again: the next attempt makes a new proof.
    if (entry.attempts + 1 >= PROOFS) return put({ state: 'failed', proof: null, trouble: `the chain refuses the proof: ${e.message}` });
    c.queue.save({ ...entry, state: 'opened', proof: null });
    throw e;
  }
  c.onStep?.('posted');
  const after = await chain.job(jobId, c.signal);
  if (after !== null && isTerminal(after.state)) put(ended(after));
}

/** What the chain's last word means here. The proof is on the chain now, and not kept twice. */
function ended(job: Job): Partial<QueueEntry> {
  const settled = job.state === JOB_STATES.FINAL;
  return { state: settled ? 'settled' : 'failed', proof: null, trouble: settled ? '' : 'the chain ended the job without a proof in time' };
}
