/** `assay settle`: a result proven to a chain, without an order. */
import type { Command } from 'commander';
import { type ChainFlags, withWallet } from '../chain/flags.ts';

export interface SettleFlags extends ChainFlags {
  readonly input?: string;
  readonly key?: string;
  readonly model?: string;
  readonly ticket?: string;
  readonly output?: string;
}

export function addSettle(program: Command): void {
  withWallet(
    program
      .command('settle')
      .summary('settle a result on a chain')
      .description(
        'Has a chain verify a proof and keep the result for good. The verification burns opg, whatever comes of it; nobody is paid.',
      )
      .argument('<file>', 'a .circuit to prove and settle with --input, or a .proof made for a --ticket')
      .option('--input <file>', 'with a circuit: JSON, .npy, .npz or PNG')
      .option('--model <id>', 'the model on the chain; default: the one that this wallet registered with this key')
      .option('--ticket <file>', 'with a proof: the ticket that gave its context')
      .option('-o, --output <file>', 'with a circuit: write a ticket instead, and print the context to prove for'),
  )
    .addHelpText(
      'after',
      `
A settled proof is bound to the chain, the model and whoever settles it, so its context must be known before it is made.

Example
  $ assay settle digits.circuit --input digit.json                      proves and settles
  $ assay settle digits.circuit --input digit.json -o digit.ticket      prints the context 0x…
  $ assay prove digits.circuit --input digit.json --context 0x…
  $ assay settle digits.proof --ticket digit.ticket

Exit codes: 0 settled, 1 refused (the burn is paid), 2 could not tell.`,
    )
    .action(async (path: string, flags: SettleFlags) => (await import('../chain/settle.ts')).settle(path, flags));
}
