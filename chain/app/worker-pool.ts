/**
 * Verifiers in worker threads with fixed limits of memory and stack (settlement §9.4). There is no time-out: what a proof costs is bounded
 * before it is verified. A worker that dies takes its question with it, and the next question gets a new worker.
 */
import { Worker } from 'node:worker_threads';
import type { ProofQuestion, ProofVerdict } from '../systems/system.ts';
import { VerifierDied, type VerifierPool } from './verdicts.ts';

/** MiB. */
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 } as const;

interface Job {
  readonly id: number;
  readonly system: string;
  readonly question: ProofQuestion;
  readonly resolve: (v: ProofVerdict) => void;
  readonly reject: (e: Error) => void;
}

/** Its parts are views of the block they came in; sent as they are, each would take the whole block along. */
const alone = ({ key, input, output, context, proof }: ProofQuestion): ProofQuestion => ({
  key: key.slice(),
  input: input.slice(),
  output: output.slice(),
  context: context.slice(),
  proof: proof.slice(),
});

/** `threads` workers that run `script`: a module that calls `serveVerdicts`. */
export function workerPool(script: URL, threads: number): VerifierPool {
  const waiting: Job[] = [];
  const busy = new Map<Worker, Job>();
  const idle: Worker[] = [];
  let started = 0;
  let closed = false;
  let next = 0;

  const start = (): Worker => {
    started++;
    const worker = new Worker(script, { resourceLimits: LIMITS });
    worker.unref();
    let why = 'it ended';
    worker.on('message', (m: { id: number; verdict?: ProofVerdict; error?: string }) => {
      const job = busy.get(worker);
      if (job === undefined || m.id !== job.id) return;
      busy.delete(worker);
      idle.push(worker);
      if (m.verdict !== undefined) job.resolve(m.verdict);
      else job.reject(new VerifierDied(m.error ?? 'it said nothing'));
      turn();
    });
    worker.on('error', (e) => {
      why = e.message;
    });
    worker.on('exit', () => {
      started--;
      const job = busy.get(worker);
      busy.delete(worker);
      const i = idle.indexOf(worker);
      if (i >= 0) idle.splice(i, 1);
      job?.reject(new VerifierDied(why));
      turn();
    });
    return worker;
  };
  const turn = (): void => {
    while (waiting.length > 0 && !closed) {
      const worker = idle.pop() ?? (started < threads ? start() : undefined);
      if (worker === undefined) return;
      const job = waiting.shift() as Job;
      busy.set(worker, job);
      worker.postMessage({ id: job.id, system: job.system, question: alone(job.question) });
    }
  };
  return {
    ask: (system, question) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('the verifiers are closed'));
        waiting.push({ id: next++, system, question, resolve, reject });
        turn();
      }),
    async close() {
      closed = true;
      for (const job of waiting.splice(0)) job.reject(new Error('the verifiers are closed'));
      await Promise.all([...idle, ...busy.keys()].map((w) => w.terminate()));
    },
  };
}
