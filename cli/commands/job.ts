/** `assay job`: jobs on a chain, and what this machine can say of them. */
import type { Command } from 'commander';
import { type ChainFlags, withChain } from '../chain/flags.ts';

export interface JobFlags extends ChainFlags {
  readonly checkpoint?: string;
  readonly model?: string;
  readonly answer?: string;
}
export interface JobListFlags extends ChainFlags {
  readonly prover?: string;
}

export function addJob(program: Command): void {
  const job = program.command('job').summary('jobs on a chain').description('Looks at jobs.');
  withChain(
    job.command('list').description('The newest jobs, and how many there are.').option('--prover <address>', 'of one prover'),
  ).action(async (flags: JobListFlags) => (await import('../chain/jobs.ts')).listJobs(flags));
  withChain(
    job
      .command('show')
      .description('Checks a job here: headers by a light client, the record against them, the proof by the verifier.')
      .argument('<id>', '64 hex digits')
      .option(
        '--checkpoint <text>',
        'where trust begins (assay chain checkpoint); without it the chain is grey: it begins with the node’s own word',
      )
      .option('--model <id>', 'the model you chose: a job of another is red')
      .option('--answer <hex>', 'the output that an inference node sent you (outputTensors of assay ask --json): another one is red'),
  )
    .addHelpText(
      'after',
      `
Four lines, each green, grey or red by itself: chain, record, proof, answer.

Exit codes: 0 all four green, 1 one is red, 2 could not tell.`,
    )
    .action(async (id: string, flags: JobFlags) => (await import('../chain/jobs.ts')).showJob(id, flags));
}
