/** A process of the benchmark, so that its memory is that of its one task: `child.js <task>`; the order on stdin, the answer on stdout, as JSON. */
import { readFileSync } from 'node:fs';
import { peak } from './peak.ts';
import { artefactsIn, type Prepared, prepare } from './prepare.ts';
import { type Limits, type Proofs, proveRounds, type Verifications, verifyRounds, type Way } from './rounds.ts';

const TASKS = {
  prepare: (o: { readonly name: string; readonly folder: string; readonly repeats: number }): Promise<Prepared> =>
    prepare(o.name, o.folder, o.repeats),
  prove: (o: { readonly folder: string; readonly ways: readonly Way[]; readonly limits: Limits }): Promise<Proofs[]> =>
    proveRounds(artefactsIn(o.folder), o.ways, o.limits),
  async verify(o: { readonly folder: string; readonly repeats: number }): Promise<Verifications & { readonly peak: number }> {
    const { proof, key } = artefactsIn(o.folder);
    return { ...verifyRounds(proof, key, o.repeats), peak: peak() };
  },
  /** The peak of a process that only proves, once. */
  async memory(o: { readonly folder: string; readonly way: Way }): Promise<number> {
    await proveRounds(artefactsIn(o.folder), [o.way], { repeats: 0, budget: 0 });
    return peak();
  },
};

export type Tasks = typeof TASKS;

const task = TASKS[process.argv[2] as keyof Tasks] as (order: unknown) => Promise<unknown>;
try {
  process.stdout.write(JSON.stringify(await task(JSON.parse(readFileSync(0, 'utf8')))));
} catch (e) {
  process.stderr.write(`${e instanceof Error ? e.message : String(e)}\n`);
  process.exitCode = 1;
}
