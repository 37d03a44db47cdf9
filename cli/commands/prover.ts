/** `assay prover`: a prover's bond. */
import type { Command } from 'commander';
import { type ChainFlags, withChain, withWallet } from '../chain/flags.ts';

export interface ProverFlags extends ChainFlags {
  readonly bond: string;
  readonly endpoint: string;
}

export function addProver(program: Command): void {
  const prover = program.command('prover').summary("a prover's bond").description('A prover answers for its results with a bond in opg.');
  withWallet(
    prover
      .command('register')
      .description('Registers this wallet as a prover, or adds to its bond.')
      .requiredOption('--bond <opg>', 'opg to add to the bond')
      .option('--endpoint <url>', 'where requesters reach it', ''),
  ).action(async (flags: ProverFlags) => (await import('../chain/provers.ts')).registerProver(flags));
  withWallet(prover.command('unbond').description('Takes back what secures no job.').argument('<opg>', 'how much')).action(
    async (amount: string, flags: ChainFlags) => (await import('../chain/provers.ts')).unbond(amount, flags),
  );
  withChain(prover.command('show').description('A prover’s bond and jobs.').argument('<address>', 'opg1…')).action(
    async (address: string, flags: ChainFlags) => (await import('../chain/provers.ts')).showProver(address, flags),
  );
}
