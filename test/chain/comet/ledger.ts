/** The application that real nodes run in these tests: the ledger, on disk; its transactions are transfers of one account, in order. */
import { join } from 'node:path';
import { writeAmount } from '../../../chain/amounts.ts';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import type { Application } from '../../../chain/application.ts';
import { signTx } from '../../../chain/client/index.ts';
import { genesisToJson } from '../../../chain/genesis.ts';
import { lmdbStore } from '../../../chain/store/lmdb.ts';
import { SYSTEMS } from '../../../chain/systems/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { bank, testGenesis } from '../helpers/chains.ts';

const genesis = testGenesis();
export const CHAIN = 'assay-test';

export const open = async (folder: string): Promise<Application> =>
  openLedger({ store: lmdbStore(join(folder, 'ledger')), systems: SYSTEMS, pool: inlinePool(SYSTEMS) });
export const appState: unknown = genesisToJson(genesis);
export const maxGas = genesis.params.blockVgas;

/** Whom transaction `n` pays. */
const payee = (n: number): Uint8Array => new Uint8Array(20).fill(n + 1);

/** Transactions that are accepted in this order, each once. */
export const tx = (n: number): Uint8Array =>
  signTx(bank, {
    chainId: CHAIN,
    nonce: BigInt(n + 1),
    validUntil: 900n,
    maxPrice: 10n ** 13n,
    msg: { case: 'transfer', value: { to: payee(n), denom: ascii('usd'), amount: writeAmount(1n) } },
  }).bytes;
/** A query that answers with code 0 and a value once `tx(n)` is settled. */
export const settled = (n: number): { readonly path: string; readonly data: Uint8Array } => ({ path: '/store/acct/key', data: payee(n) });
