/** `assay model`: models on a chain. */
import type { Command } from 'commander';
import { type ChainFlags, withChain, withWallet } from '../chain/flags.ts';

export interface RegisterFlags extends ChainFlags {
  readonly uri: string;
}

export function addModel(program: Command): void {
  const model = program
    .command('model')
    .summary('models on a chain')
    .description('A model is registered by its key; its id covers owner, key and uri.');
  withWallet(
    model
      .command('register')
      .description('Registers the key of a model. Every byte of it burns opg, once: it is kept for ever.')
      .argument('<key>', 'the .key file')
      .option('--uri <text>', 'where people find the model: printable ASCII', ''),
  ).action(async (key: string, flags: RegisterFlags) => (await import('../chain/models.ts')).registerModel(key, flags));
  withChain(model.command('show').description('What the chain knows of a model.').argument('<id>', '64 hex digits')).action(
    async (id: string, flags: ChainFlags) => (await import('../chain/models.ts')).showModel(id, flags),
  );
  withWallet(
    model
      .command('deprecate')
      .description('Takes a model of yours out of use: no new jobs; open ones keep it.')
      .argument('<id>', '64 hex digits'),
  ).action(async (id: string, flags: ChainFlags) => (await import('../chain/models.ts')).deprecateModel(id, flags));
}
