/** What the chain worker does: follows one chain, looks at one job after the other, and asks the node for its figures. */
import { showAddress } from '../../chain/accounts.ts';
import { readAmount, showAmount } from '../../chain/amounts.ts';
import { Malformed } from '../../chain/comet/json.ts';
import { beginning } from '../../chain/light/begin.ts';
import { type Checkpoint, parseCheckpoint, showCheckpoint } from '../../chain/light/checkpoint.ts';
import { LightClient } from '../../chain/light/follow.ts';
import { chainLamp, failureLamp, type JobView, type Lamp, unpinned, viewJob } from '../../chain/light/lamps.ts';
import { httpRpc, type Rpc, RpcError } from '../../chain/rpc/rpc.ts';
import { describeState, isTerminal } from '../../chain/states.ts';
import { type ProofQuestion, type ProofSystem, type ProofVerdict, SYSTEMS } from '../../chain/systems/index.ts';
import { textOf } from '../../chain/text.ts';
import { equalBytes, fromHex, toHex } from '../../protocol/bytes.ts';
import { readFigures } from './figures.ts';
import type { ChainQuestion, ChainReport, ChainService, JobFacts } from './messages.ts';

const grey = (code: string, text: string): Lamp => ({ color: 'grey', code, text });

const around = {
  now: (): bigint => BigInt(Date.now()) * 1_000_000n,
  pause: (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms)),
};

type Seen = Pick<JobView, 'chain' | 'record' | 'proof' | 'answer' | 'job' | 'height' | 'proven'>;

/** The chain that is followed, and the last that was seen of a job. */
interface Following {
  readonly of: string;
  readonly light: LightClient;
  seen: { readonly of: string; readonly view: Seen } | null;
}

export function chainService(): ChainService {
  let following: Following | null = null;
  let told: (doing: string) => void = () => {};
  const verify = remembering(async (system, question) => {
    told('checking the proof');
    return system.verify(question);
  });

  const follow = async (rpc: Rpc, node: string, pinned: Checkpoint | null): Promise<Following> => {
    const of = `${node} ${pinned === null ? '' : showCheckpoint(pinned)}`;
    if (following?.of !== of)
      following = { of, light: new LightClient(rpc, pinned ?? (await beginning(rpc, around.now())), around), seen: null };
    return following;
  };

  return {
    async look(question, onProgress) {
      told = onProgress ?? (() => {});
      const pinned = question.checkpoint === null ? null : parseCheckpoint(question.checkpoint);
      if (pinned === null && question.checkpoint !== null) return null;
      const rpc = telling(httpRpc(question.node), (doing) => told(doing));
      let f: Following;
      try {
        f = await follow(rpc, question.node, pinned);
      } catch (e) {
        return reportOf(unfollowed(failureLamp(e, 'cannot follow the chain')), null, pinned);
      }
      const of = `${question.job} ${question.model} ${question.answer}`;
      const view = await look(rpc, f, question, f.seen?.of === of ? f.seen.view : null, verify);
      f.seen = { of, view };
      return reportOf(pinned === null ? { ...view, chain: unpinned(view.chain) } : view, question.job, f.light.checkpoint);
    },
    async figures(node) {
      try {
        return await readFigures(httpRpc(node));
      } catch (e) {
        if (e instanceof RpcError || e instanceof Malformed) return e.message;
        throw e;
      }
    },
  };
}

async function look(
  rpc: Rpc,
  { light }: Following,
  { job, model, answer }: ChainQuestion,
  before: Seen | null,
  verify: (system: ProofSystem, question: ProofQuestion) => Promise<ProofVerdict>,
): Promise<Seen> {
  // A job that ended and was checked stays what it is: only the chain goes on.
  if (job === null || settled(before)) {
    const chain = await chainLamp(light);
    if (job === null) return { ...unfollowed(chain), ...NO_JOB };
    if (before !== null && (chain.color === 'green' || chain.code === 'chain.stale')) return { ...before, chain };
  }
  return viewJob({
    rpc,
    light,
    jobId: fromHex(job) as Uint8Array,
    modelId: bytesOr(model),
    answer: bytesOr(answer),
    systems: SYSTEMS,
    verify,
  });
}

const bytesOr = (hex: string | null): Uint8Array | undefined => (hex === null ? undefined : (fromHex(hex) ?? undefined));

const settled = (view: Seen | null): boolean =>
  view !== null && [view.record, view.proof, view.answer].every((lamp) => lamp.color === 'green');

const none = grey('job.none', 'no job is asked for');
const NO_JOB = { record: none, proof: none, answer: none };

/** All that can be said without a job's record. */
function unfollowed(chain: Lamp): Seen {
  const notYet = grey('record.none', 'there is no record to look at');
  const record = grey('record.unknown', 'the chain cannot be followed');
  return { chain, record, proof: notYet, answer: notYet, job: null, height: null, proven: null };
}

function reportOf(view: Seen, jobId: string | null, checkpoint: Checkpoint | null): ChainReport {
  const { chain, record, proof, answer, job, proven } = view;
  return {
    lamps: { chain, record, proof, answer },
    checkpoint: checkpoint === null ? null : showCheckpoint(checkpoint),
    chainId: checkpoint?.chainId ?? null,
    job: job === null || jobId === null ? null : factsOf(job, jobId),
    proven,
  };
}

function factsOf(job: NonNullable<JobView['job']>, jobId: string): JobFacts {
  const [escrow, bond] = [readAmount(job.escrow, 'escrow'), readAmount(job.bond, 'bond')];
  const height = (n: bigint): string => (n === 0n ? '' : `block ${n}`);
  const address = (bytes: Uint8Array): string => (bytes.length === 20 ? showAddress(bytes) : '');
  const rows = [
    { term: 'Job', text: jobId, code: true },
    { term: 'Model', text: toHex(job.modelId), code: true },
    { term: 'Prover', text: address(job.prover), code: true },
    { term: 'Proven by', text: address(job.provenBy), code: true },
    { term: 'Opened', text: height(job.openedAt) },
    { term: 'Proof due', text: isTerminal(job.state) ? '' : height(job.proveBy) },
    { term: 'Ended', text: height(job.endedAt) },
    { term: 'In escrow', text: escrow > 0n ? showAmount(escrow, textOf(job.denom)) : '' },
    { term: 'Bond locked', text: bond > 0n ? showAmount(bond, 'opg') : '' },
  ];
  return { state: describeState(job), over: isTerminal(job.state), rows: rows.filter((r) => r.text !== '') };
}

const WORDS: Readonly<Record<string, string>> = {
  commit: 'asking for a signed header',
  validators: 'asking for the validators',
  abci_query: 'asking for a record with its proof',
  block: 'downloading the proof',
};

/** An RPC that says what it asks for. */
const telling = (rpc: Rpc, told: (doing: string) => void): Rpc => ({
  url: rpc.url,
  call(method, params, signal) {
    told(WORDS[method] ?? method);
    return rpc.call(method, params, signal);
  },
});

/** The last verdict is kept: the same question has the same answer. */
function remembering(
  verify: (system: ProofSystem, question: ProofQuestion) => Promise<ProofVerdict>,
): (system: ProofSystem, question: ProofQuestion) => Promise<ProofVerdict> {
  let last: { readonly system: ProofSystem; readonly question: ProofQuestion; readonly verdict: ProofVerdict } | null = null;
  const same = (a: ProofQuestion, b: ProofQuestion): boolean =>
    (['key', 'input', 'output', 'context', 'proof'] as const).every((part) => equalBytes(a[part], b[part]));
  return async (system, question) => {
    if (last !== null && last.system === system && same(last.question, question)) return last.verdict;
    const verdict = await verify(system, question);
    last = { system, question, verdict };
    return verdict;
  };
}
