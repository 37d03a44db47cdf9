/** The inference node (settlement §12): HTTP in front, a queue on disk, workers behind, and an eye on the chain. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Chain, Sender, type Signer } from '../chain/client/index.ts';
import { lockFolder } from '../chain/store/lock.ts';
import { toHex } from '../protocol/bytes.ts';
import type { Step, Terms } from './intake.ts';
import { openMetrics } from './metrics.ts';
import { Queue } from './queue.ts';
import type { ServedModel } from './served.ts';
import { type RunningServer, serveHttp } from './server.ts';
import { runWorkers } from './worker.ts';

export interface InferenceNodeOptions {
  readonly chain: Chain;
  readonly signer: Signer;
  readonly models: readonly ServedModel[];
  readonly terms: Terms;
  /** The folder of the queue. */
  readonly dir: string;
  readonly port: number;
  /** Jobs under way at once. */
  readonly workers?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
  readonly onStep?: ((step: Step) => void) | undefined;
}

export interface InferenceNode extends RunningServer {
  readonly queue: Queue;
}

const WATCH_MS = 1000;
/** Jobs that end between two looks at what may be forgotten. */
const PRUNE_EVERY = 1000;
/** Blocks over which their pace is measured. */
const PACE_BLOCKS = 5n;
/** Until blocks were seen to come faster. */
const FIRST_BLOCK_MS = 1000;
/** Until a proof was made here. */
const FIRST_GUESS_MS = 3000;

export async function startInferenceNode(o: InferenceNodeOptions): Promise<InferenceNode> {
  const log = o.log ?? (() => {});
  const unlock = lockFolder(o.dir);
  const queue = new Queue(join(o.dir, 'queue'));
  const metrics = openMetrics();
  const models = new Map(o.models.map((m) => [toHex(m.modelId), m]));
  const stop = new AbortController();
  /** By model: small ones say nothing of large ones. */
  const proofMs = new Map<string, number>();
  let blockMs = FIRST_BLOCK_MS;
  let seen = { at: 0, height: 0n };

  const watch = async (): Promise<void> => {
    let mark = { at: Date.now(), height: -1n };
    while (!stop.signal.aborted) {
      try {
        const { height, catchingUp } = await o.chain.status(stop.signal);
        const now = { at: Date.now(), height };
        seen = now;
        // An idle chain is slow until somebody pays for blocks: deadlines come as fast as blocks were ever seen to come.
        // A node that catches up runs through old ones, which says nothing of how they came.
        const blocks = height - mark.height;
        if (catchingUp) mark = { at: now.at, height: -1n };
        else if (mark.height < 0n || blocks <= 0n) mark = now;
        else if (blocks >= PACE_BLOCKS) {
          blockMs = Math.min(blockMs, (now.at - mark.at) / Number(blocks));
          mark = now;
        }
      } catch (e) {
        if (!stop.signal.aborted) log(`the chain does not answer: ${(e as Error).message}`);
      }
      await o.chain.pause(WATCH_MS);
    }
  };
  const sender = new Sender(o.chain, o.signer);
  let ends = 0;
  queue.prune();
  const working = runWorkers(
    {
      queue,
      sender,
      models,
      log,
      signal: stop.signal,
      onStep: o.onStep,
      onProof(ms, modelId) {
        metrics.proofSeconds.observe(ms / 1000);
        proofMs.set(modelId, 0.8 * (proofMs.get(modelId) ?? FIRST_GUESS_MS) + 0.2 * ms);
      },
      onEnd(entry) {
        metrics.jobs.inc({ state: entry.state });
        if (++ends % PRUNE_EVERY === 0) queue.prune();
        log(`job ${entry.jobId.slice(0, 8)}: ${entry.state}${entry.trouble === '' ? '' : `: ${entry.trouble}`}`);
      },
    },
    o.workers ?? Math.max(2, availableParallelism()),
  );
  const watching = watch();
  const end = async (): Promise<void> => {
    stop.abort();
    await Promise.allSettled([working, watching]);
    await Promise.all(o.models.map((m) => m.close()));
    await queue.close();
    unlock();
  };
  const server = await serveHttp(
    {
      chain: o.chain,
      signer: o.signer,
      queue,
      models,
      terms: o.terms,
      metrics,
      pace: (modelId) => ({ proofMs: proofMs.get(modelId) ?? FIRST_GUESS_MS, blockMs }),
      seen: () => seen,
      onStep: o.onStep,
    },
    { port: o.port },
  ).catch(async (e) => {
    await end();
    throw e;
  });
  return {
    ...server,
    queue,
    async close() {
      await server.close();
      await end();
    },
  };
}
