/** What a verifier's worker thread does. */
import { parentPort } from 'node:worker_threads';
import type { ProofQuestion, ProofSystem } from '../systems/system.ts';

/** Answers the questions of `workerPool` with these systems. */
export function serveVerdicts(systems: readonly ProofSystem[]): void {
  parentPort?.on('message', ({ id, system, question }: { id: number; system: string; question: ProofQuestion }) => {
    try {
      const found = systems.find((s) => s.name === system);
      if (found === undefined) throw new Error(`no proof system ${system}`);
      parentPort?.postMessage({ id, verdict: found.verify(question) });
    } catch (e) {
      // Out of memory ends the thread by itself; what is thrown here is a fault of this node, which must not become a verdict.
      parentPort?.postMessage({ id, error: (e as Error).message });
    }
  });
}
