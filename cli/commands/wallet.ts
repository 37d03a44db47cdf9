/** `assay wallet`: a key of one's own, and its money. */
import type { Command } from 'commander';
import { type ChainFlags, withChain, withWallet, withWalletFile } from '../chain/flags.ts';

export function addWallet(program: Command): void {
  const wallet = program
    .command('wallet')
    .summary('keys and money')
    .description('A wallet is one account key in a file that only you may read. The key is never printed.');
  withWalletFile(wallet.command('new').description('Makes a wallet. Never replaces a file.').option('--json', 'one JSON object')).action(
    async (flags: ChainFlags) => (await import('../chain/money.ts')).newWallet(flags),
  );
  withWallet(wallet.command('show').description('The address, and what the account holds.')).action(async (flags: ChainFlags) =>
    (await import('../chain/money.ts')).showWallet(flags),
  );
  withWallet(wallet.command('faucet').description('Asks a devnet for money.')).action(async (flags: ChainFlags) =>
    (await import('../chain/money.ts')).askFaucet(flags),
  );
  withWallet(
    wallet
      .command('send')
      .description('Sends money.')
      .argument('<address>', 'to whom: opg1…')
      .argument('<amount>', 'such as 1.5')
      .argument('<denom>', 'opg or usd'),
  ).action(async (to: string, amount: string, denom: string, flags: ChainFlags) =>
    (await import('../chain/money.ts')).sendMoney(to, amount, denom, flags),
  );
  withChain(wallet.command('balance').description('What any account holds.').argument('<address>', 'opg1…')).action(
    async (address: string, flags: ChainFlags) => (await import('../chain/money.ts')).showBalance(address, flags),
  );
}
