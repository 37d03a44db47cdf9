/** `assay chain`: what a chain says of itself. */
import type { Command } from 'commander';
import { type ChainFlags, withChain } from '../chain/flags.ts';

export function addChain(program: Command): void {
  const chain = program.command('chain').summary('what a chain says of itself').description('Asks a node about its chain.');
  withChain(chain.command('status').description('Height, price of gas, supply and burned, jobs by state.')).action(
    async (flags: ChainFlags) => (await import('../chain/status.ts')).chainStatus(flags),
  );
  withChain(
    chain
      .command('checkpoint')
      .description(
        'A checkpoint of the newest block, for --checkpoint and the page. It is the word of this node: take it from one that you trust.',
      ),
  ).action(async (flags: ChainFlags) => (await import('../chain/status.ts')).chainCheckpoint(flags));
}
