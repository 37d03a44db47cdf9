/** Flags of the commands that talk to a chain. What they do is loaded when it is asked for: `assay verify` needs none of it. */
import type { Command } from 'commander';

export const DEFAULT_CHAIN = 'http://127.0.0.1:26657';
export const DEFAULT_WALLET = 'assay-wallet.json';

export interface ChainFlags {
  readonly chain?: string;
  readonly only?: string;
  readonly wallet?: string;
  readonly json?: true;
}

export function withChain(c: Command): Command {
  return c
    .option('--chain <url>', `the node's JSON-RPC; default: ASSAY_CHAIN, or ${DEFAULT_CHAIN}`)
    .option('--only <chain-id>', 'refuse a node of any other chain; default: ASSAY_CHAIN_ID, or none')
    .option('--json', 'one JSON object on stdout');
}

export const withWalletFile = (c: Command): Command =>
  c.option('--wallet <file>', `the wallet; default: ASSAY_WALLET, or ${DEFAULT_WALLET} in this folder`);

export const withWallet = (c: Command): Command => withWalletFile(withChain(c));

/** For an option that may be given several times. */
export const gather = (value: string, before: string[] = []): string[] => [...before, value];
