/** `assay ask`: an inference that is proven afterwards. */
import type { Command } from 'commander';
import { type ChainFlags, withWallet } from '../chain/flags.ts';

export interface AskFlags extends ChainFlags {
  readonly node: string;
  readonly model?: string;
  readonly input?: string;
  readonly tab?: string;
  readonly deposit?: string;
  readonly denom: string;
  readonly maxPrice: string;
  readonly bond: string;
  readonly proveBlocks: string;
  readonly rescueBlocks: string;
  readonly checkpoint?: string;
  readonly keep?: string;
  readonly resume?: string;
}

export function addAsk(program: Command): void {
  withWallet(
    program
      .command('ask')
      .summary('ask an inference node, and follow the answer until it is proven')
      .description(
        'The answer comes at once, and is worth what its receipt is worth. Then the job is on the chain with a bond, then it is proven.',
      )
      .option('--node <url>', 'the inference node', 'http://127.0.0.1:8080')
      .option('--model <name or id>', 'which of its models; default: the only one')
      .option('--input <file>', 'JSON, .npy, .npz or PNG (see assay run --help)')
      .option('--tab <id>', 'the tab that pays; default: the one this wallet opened for this node, or a new one')
      .option('--max-price <n>', 'the most to pay: a node that asks for more is not asked', '1')
      .option('--denom <denom>', 'in which asset', 'usd')
      .option('--deposit <n>', 'what a new tab holds; default: ten times the price')
      .option('--bond <opg>', 'what the node must lock: twice the penalty you want', '10')
      .option('--prove-blocks <n>', 'blocks in which the proof is due', '100')
      .option('--rescue-blocks <n>', 'blocks after that in which anybody may prove it', '0')
      .option('--checkpoint <text>', 'where trust begins (assay chain checkpoint); without it, with a block as the chain’s node shows it')
      .option('--keep <file>', 'where the order is kept before it is sent; default: ask-<job>.json in this folder')
      .option('--resume <file>', 'go on with a kept order; once it was answered, the node is held to that answer and needs not be there'),
  )
    .addHelpText(
      'after',
      `
Example
  $ assay ask --node http://127.0.0.1:8080 --input digit.json
  ANSWERED      …
  PENDING       …
  PROVEN/FINAL  …

The last line goes to stdout, the others to stderr. Exit codes: 0 proven, 1 failed or refuted, 2 could not tell.`,
    )
    .action(async (flags: AskFlags) => (await import('../chain/ask.ts')).askNode(flags));
}
