/** `assay node`: a chain in this process, or the ledger under CometBFT. */
import type { Command } from 'commander';
import { gather } from '../chain/flags.ts';

export interface NodeFlags {
  readonly devnet?: true;
  readonly dir?: string;
  readonly port: string;
  readonly blockTime: string;
  readonly idleTime: string;
}
export interface CometFlags {
  readonly home: string;
  readonly chainId: string;
  readonly genesis?: string;
  readonly rpcPort: string;
  readonly p2pPort: string;
  readonly cometbft?: string;
}

export interface GenesisFlags {
  readonly account?: string[];
  readonly opg: string;
  readonly usd: string;
}

export function addNode(program: Command): void {
  const node = program
    .command('node')
    .summary('run a chain')
    .description('Runs a devnet: a chain of one validator in this process, with a faucet. Nothing else is needed.')
    .option('--devnet', 'what happens anyway without a subcommand; says so in scripts')
    .option('--dir <folder>', 'keep the chain there; default: in memory, gone when it stops')
    .option('--port <n>', 'JSON-RPC on 127.0.0.1', '26657')
    .option('--block-time <ms>', 'least milliseconds between blocks', '200')
    .option('--idle-time <ms>', 'milliseconds after which a block is made even if nothing waits, so that deadlines move', '10000')
    .action(async (flags: NodeFlags) => (await import('../chain/node.ts')).runDevnet(flags));
  node
    .command('genesis')
    .description('Prints the genesis of a ledger as JSON, for assay node init: who has how much, and the parameters to edit.')
    .option('--account <address>', 'who gets money: opg1…; may be given several times', gather)
    .option('--opg <n>', 'how much opg each of them gets', '1000000')
    .option('--usd <n>', 'how much usd each of them gets', '1000000')
    .action(async (flags: GenesisFlags) => (await import('../chain/node.ts')).printGenesis(flags));
  const comet = (c: Command): Command =>
    c
      .requiredOption('--home <folder>', 'the home folder of CometBFT')
      .option('--cometbft <file>', 'the binary of CometBFT v0.38.25; default: COMETBFT_BIN, or cometbft on the PATH');
  comet(
    node
      .command('init')
      .description('Makes a home for a validator of a new chain under CometBFT.')
      .requiredOption('--chain-id <id>', 'a name of at most 50 characters')
      .requiredOption('--genesis <file>', 'the ledger’s genesis as JSON, as assay node genesis prints it')
      .option('--rpc-port <n>', 'JSON-RPC on 127.0.0.1', '26657')
      .option('--p2p-port <n>', 'peers, on 127.0.0.1', '26656'),
  ).action(async (flags: CometFlags) => (await import('../chain/node.ts')).initComet(flags));
  comet(node.command('start').description('Runs the ledger and CometBFT on it, until Ctrl-C.')).action(async (flags: CometFlags) =>
    (await import('../chain/node.ts')).startComet(flags),
  );
}
