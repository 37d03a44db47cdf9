/** What `assay job` does. */
import { showAddress } from '../../chain/accounts.ts';
import { readAmount, showAmount } from '../../chain/amounts.ts';
import { type JobView, unpinned } from '../../chain/light/lamps.ts';
import { MAX_TENSOR_BYTES } from '../../chain/limits.ts';
import { describeState } from '../../chain/states.ts';
import type { LedgerTensor } from '../../chain/tensors.ts';
import { fromHex } from '../../protocol/bytes.ts';
import type { JobFlags, JobListFlags } from '../commands/job.ts';
import { parseHash } from '../context.ts';
import { encode } from '../json.ts';
import { CannotTell, type Exit } from '../outcome.ts';
import { print } from '../talk.ts';
import { columns, hex, shapeText } from '../text.ts';
import { lampsOf, lightClient } from './light.ts';
import { addressFrom, onChain } from './session.ts';

const LAMPS = ['chain', 'record', 'proof', 'answer'] as const;

export const listJobs = (flags: JobListFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const path = flags.prover === undefined ? '/jobs' : `/jobs/by-prover/${showAddress(addressFrom(flags.prover, '--prover'))}`;
    const answer = await s.chain.ask(path);
    const counts = answer
      .get('counts')
      .entries(64)
      .map(([state, n]) => [state, n.small(2 ** 31)] as const);
    const jobs = answer
      .get('jobs')
      .list(1000)
      .map((j) => ({
        jobId: j.get('jobId').text(64),
        state: j.get('state').text(40),
        modelId: j.get('modelId').text(64),
        prover: j.get('prover').text(64),
        openedAt: j.get('openedAt').text(20),
        endedAt: j.get('endedAt').text(20),
      }));
    if (s.json) await print(encode({ counts: Object.fromEntries(counts), jobs }));
    else if (jobs.length === 0) await print('no jobs');
    else
      await print(
        columns([
          ['job', 'state', 'opened', 'ended', 'prover'],
          ...jobs.map((j) => [j.jobId, j.state, j.openedAt, j.endedAt === '0' ? '' : j.endedAt, j.prover]),
        ]),
      );
    return 0;
  });

const tensorText = (t: LedgerTensor): string => `${t.name} ${t.dtype} ${shapeText(t.shape)}`;

/** 0: every lamp green. 1: one is red. 2: none is red, and not all are green. */
export function exitOf(view: JobView): Exit {
  const colors = LAMPS.map((l) => view[l].color);
  return colors.includes('red') ? 1 : colors.includes('grey') ? 2 : 0;
}

export const lampsToJson = (view: JobView): Record<string, unknown> => ({
  ...Object.fromEntries(LAMPS.map((l) => [l, view[l]])),
  state: view.job === null ? null : describeState(view.job),
  height: view.height?.toString() ?? null,
});

export const lampLines = (view: JobView): string => columns(LAMPS.map((l) => [l, view[l].color, view[l].text]));

function answerFrom(text: string): Uint8Array {
  const bytes = fromHex(text.replace(/^0x/, '').toLowerCase());
  if (bytes === null || bytes.length === 0 || bytes.length > MAX_TENSOR_BYTES)
    throw new CannotTell('usage', `--answer takes the node's output in hexadecimal, at most ${MAX_TENSOR_BYTES} bytes`);
  return bytes;
}

export const showJob = (id: string, flags: JobFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const jobId = parseHash(id, 'the id');
    const modelId = flags.model === undefined ? undefined : parseHash(flags.model, '--model');
    const answer = flags.answer === undefined ? undefined : answerFrom(flags.answer);
    const light = await lightClient(s.chain.rpc, flags.checkpoint, s.only);
    const seen = await lampsOf(s.chain.rpc, light, jobId, { modelId, answer });
    const view = flags.checkpoint === undefined ? { ...seen, chain: unpinned(seen.chain) } : seen;
    const { job } = view;
    if (s.json) {
      await print(
        encode({
          jobId: hex(jobId),
          ...lampsToJson(view),
          ...(job === null
            ? {}
            : {
                modelId: hex(job.modelId),
                prover: showAddress(job.prover),
                provenBy: job.provenBy.length === 20 ? showAddress(job.provenBy) : null,
                openedAt: job.openedAt.toString(),
                proveBy: job.proveBy.toString(),
                endedAt: job.endedAt.toString(),
              }),
        }),
      );
      return exitOf(view);
    }
    await print(lampLines(view));
    if (job !== null) {
      const rows: (readonly [string, string])[] = [
        ['model', hex(job.modelId)],
        ['prover', showAddress(job.prover)],
      ];
      if (job.provenBy.length === 20) rows.push(['proven by', showAddress(job.provenBy)]);
      const [escrow, bond] = [readAmount(job.escrow, 'escrow'), readAmount(job.bond, 'bond')];
      if (escrow > 0n) rows.push(['in escrow', showAmount(escrow, new TextDecoder().decode(job.denom))]);
      if (bond > 0n) rows.push(['bond locked', showAmount(bond, 'opg')]);
      for (const t of view.proven?.output ?? []) rows.push(['proven output', tensorText(t)]);
      await print(columns(rows));
    }
    return exitOf(view);
  });
