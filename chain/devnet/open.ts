/** A devnet ready to use: ledger, blocks, a validator's key, a faucet, and its RPC on 127.0.0.1 (settlement §11.1). */

import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { openLedger, type VerifierPool } from '../app/index.ts';
import { type Signer, signerOf } from '../client/signer.ts';
import { DEFAULT_PARAMS, type Genesis } from '../genesis.ts';
import { serveRpc } from '../rpc/server.ts';
import { lmdbStore } from '../store/lmdb.ts';
import { lockFolder } from '../store/lock.ts';
import { memoryStore } from '../store/memory.ts';
import type { ProofSystem } from '../systems/system.ts';
import { lmdbBlocks, memoryBlocks } from './blocks.ts';
import { Devnet } from './devnet.ts';
import { type Faucet, faucetRoutes, openFaucet } from './faucet.ts';
import { devnetGenesis, type GenesisDoc } from './genesis.ts';
import { devnetMethods } from './methods.ts';

export interface OpenDevnetOptions {
  /** Keeps the chain in this folder; without it, it lives as long as the process. */
  readonly dir?: string | undefined;
  readonly systems: readonly ProofSystem[];
  readonly pool: VerifierPool;
  readonly port?: number | undefined;
  readonly blockMs?: number | undefined;
  readonly idleMs?: number | undefined;
  /** Changes to the genesis of a new chain. */
  readonly genesis?: Partial<Genesis> | undefined;
  readonly onFatal?: ((e: Error) => void) | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface OpenedDevnet {
  readonly net: Devnet;
  readonly url: string;
  readonly chainId: string;
  readonly faucet: Faucet;
  close(): Promise<void>;
}

/** What the faucet starts with: a thousand million opg, and as much of the fee asset. */
const ENDOWMENT = { opg: 10n ** 27n, usd: 10n ** 15n } as const;

/** Opens or makes the chain of a folder, and serves it. Throws an Error for a folder or port that cannot be used. */
export async function openDevnet(o: OpenDevnetOptions): Promise<OpenedDevnet> {
  const inDir = (name: string): string => join(o.dir as string, name);
  const unlock = o.dir === undefined ? () => {} : lockFolder(o.dir);
  // It holds the keys of validator and faucet.
  if (o.dir !== undefined) chmodSync(o.dir, 0o700);
  const blocks = o.dir === undefined ? memoryBlocks() : lmdbBlocks(inDir('blocks'));
  const store = o.dir === undefined ? memoryStore() : lmdbStore(inDir('ledger'));
  const seedOf = (name: string): Uint8Array => {
    const known = blocks.getText(name);
    if (known !== undefined) return fromHex(known) as Uint8Array;
    const seed = new Uint8Array(randomBytes(32));
    blocks.putText(name, toHex(seed));
    return seed;
  };
  const validator = seedOf('validator');
  const faucet: Signer = signerOf(seedOf('faucet'));
  let genesis = blocks.getText('genesis');
  if (genesis === undefined) {
    const state: Genesis = {
      denoms: ['usd'],
      systems: o.systems.map((s) => s.name),
      params: DEFAULT_PARAMS,
      accounts: [{ address: faucet.address, balances: ENDOWMENT }],
      supply: ENDOWMENT,
      ...o.genesis,
    };
    genesis = JSON.stringify(devnetGenesis(state, ed25519.getPublicKey(validator), BigInt(Date.now()) * 1_000_000n));
    blocks.putText('genesis', genesis);
  }
  const doc = JSON.parse(genesis) as GenesisDoc;
  const app = openLedger({ store, systems: o.systems, pool: o.pool, log: o.log });
  const net = await Devnet.start({
    app,
    blocks,
    genesis: doc,
    validator,
    blockMs: o.blockMs,
    idleMs: o.idleMs,
    onFatal:
      o.onFatal ??
      ((e) => {
        throw e;
      }),
  });
  const tap = openFaucet(net, faucet);
  const close = async (): Promise<void> => {
    await net.close();
    unlock();
  };
  const rpc = await serveRpc(devnetMethods(net), { port: o.port ?? 0, routes: (hono) => faucetRoutes(hono, tap) }).catch(async (e) => {
    await close();
    throw e;
  });
  return {
    net,
    url: rpc.url,
    chainId: doc.chain_id,
    faucet: tap,
    async close() {
      await rpc.close();
      await close();
    },
  };
}
