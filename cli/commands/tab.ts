/** `assay tab`: money set aside for one prover. */
import type { Command } from 'commander';
import { type ChainFlags, withChain, withWallet } from '../chain/flags.ts';

export interface TabFlags extends ChainFlags {
  readonly prover: string;
  readonly amount: string;
  readonly denom: string;
}

export function addTab(program: Command): void {
  const tab = program
    .command('tab')
    .summary('money set aside for one prover')
    .description('Only your orders draw on a tab, and only for the prover it names.');
  withWallet(
    tab
      .command('open')
      .description('Opens a tab.')
      .requiredOption('--prover <address>', 'who may draw')
      .requiredOption('--amount <n>', 'how much')
      .option('--denom <denom>', 'in which asset', 'usd'),
  ).action(async (flags: TabFlags) => (await import('../chain/tabs.ts')).openTab(flags));
  withWallet(
    tab.command('close').description('Closes a tab; its rest comes back after the delay.').argument('<id>', '64 hex digits'),
  ).action(async (id: string, flags: ChainFlags) => (await import('../chain/tabs.ts')).closeTab(id, flags));
  withChain(tab.command('show').description('What a tab holds.').argument('<id>', '64 hex digits')).action(
    async (id: string, flags: ChainFlags) => (await import('../chain/tabs.ts')).showTab(id, flags),
  );
}
