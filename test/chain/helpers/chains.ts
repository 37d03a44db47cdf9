/** Chains for tests: a devnet, or a real CometBFT node, behind one face. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeHome, runCometNode } from '../../../chain/abci/index.ts';
import { writeAmount } from '../../../chain/amounts.ts';
import { inlinePool, openLedger, type VerifierPool } from '../../../chain/app/index.ts';
import { Chain, type Signer, signerOf } from '../../../chain/client/index.ts';
import { Json, readCommit, readHeader } from '../../../chain/comet/json.ts';
import { openDevnet } from '../../../chain/devnet/index.ts';
import { DEFAULT_PARAMS, type Genesis, genesisToJson } from '../../../chain/genesis.ts';
import { type Checkpoint, checkpointOf } from '../../../chain/light/checkpoint.ts';
import { httpRpc, type Rpc } from '../../../chain/rpc/rpc.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import { SYSTEMS } from '../../../chain/systems/index.ts';
import { ascii } from '../../../protocol/bytes.ts';

export const person = (n: number): Signer => signerOf(new Uint8Array(32).fill(n));
export const bank = person(200);

export const around = {
  now: (): bigint => BigInt(Date.now()) * 1_000_000n,
  pause: (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms)),
};

export const testGenesis = (more: Partial<Genesis> = {}): Genesis => {
  const riches = { opg: 10n ** 27n, usd: 10n ** 15n };
  return {
    denoms: ['usd'],
    systems: SYSTEMS.map((s) => s.name),
    params: DEFAULT_PARAMS,
    accounts: [{ address: bank.address, balances: riches }],
    supply: riches,
    ...more,
  };
};

export interface TestChain {
  readonly rpc: Rpc;
  readonly chain: Chain;
  readonly chainId: string;
  /** Money from the bank, and waits until it is there. */
  give(to: Uint8Array, gift?: Readonly<Record<string, bigint>>): Promise<void>;
  checkpoint(): Promise<Checkpoint>;
  close(): Promise<void>;
}

const GIFT = { opg: 1000n * 10n ** 18n, usd: 100n * 10n ** 6n };

async function give(chain: Chain, to: Uint8Array, gift: Readonly<Record<string, bigint>> = GIFT): Promise<void> {
  for (const [denom, amount] of Object.entries(gift))
    await chain.send(bank, { case: 'transfer', value: { to, denom: ascii(denom), amount: writeAmount(amount) } });
}

/** The first block, as whoever pins a checkpoint at the start of a chain takes it. */
async function firstBlock(rpc: Rpc): Promise<Checkpoint> {
  const signed = new Json(await rpc.call('commit', { height: '1' })).get('signed_header');
  return checkpointOf({ header: readHeader(signed.get('header')), commit: readCommit(signed.get('commit')) });
}

const faceOf = (url: string, chainId: string, close: () => Promise<void>): TestChain => {
  const rpc = httpRpc(url);
  const chain = new Chain(rpc);
  return { rpc, chain, chainId, give: (to, gift) => give(chain, to, gift), checkpoint: () => firstBlock(rpc), close };
};

export async function startDevnet({
  genesis = testGenesis(),
  pool = inlinePool(SYSTEMS),
  idleMs = 300,
}: {
  genesis?: Genesis;
  pool?: VerifierPool;
  idleMs?: number;
} = {}): Promise<TestChain> {
  const devnet = await openDevnet({ systems: SYSTEMS, pool, blockMs: 10, idleMs, genesis });
  return faceOf(devnet.url, devnet.chainId, () => devnet.close());
}

/** A free TCP port on 127.0.0.1. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number };
      s.close(() => resolve(port));
    });
  });

/** Why there is no CometBFT here, or null. */
export const cometIsMissing = (): string | null => {
  const path = process.env.COMETBFT_BIN ?? '';
  return path !== '' && existsSync(path) ? null : 'CometBFT is missing (COMETBFT_BIN)';
};

/** Blocks that the application has committed, as its node has heard of them. */
async function committedBlocks(rpcUrl: string): Promise<number> {
  const { result } = (await (await fetch(`${rpcUrl}/abci_info`)).json()) as { result: { response: { last_block_height?: string } } };
  return Number(result.response.last_block_height ?? 0);
}

export async function startComet({ genesis = testGenesis() }: { genesis?: Genesis } = {}): Promise<TestChain> {
  const dir = mkdtempSync(join(tmpdir(), 'comet-'));
  const binary = process.env.COMETBFT_BIN as string;
  const home = join(dir, 'home');
  await makeHome(binary, home, {
    chainId: 'assay-test',
    appState: genesisToJson(genesis),
    maxGas: genesis.params.blockVgas,
    settings: { moniker: 'test', rpcPort: await freePort(), p2pPort: await freePort(), cors: ['*'], quick: true },
  });
  const app = openLedger({ store: memoryStore(), systems: SYSTEMS, pool: inlinePool(SYSTEMS) });
  const node = await runCometNode({ app, home, binary, socket: `unix://${join(dir, 's')}` });
  const face = faceOf(node.rpcUrl, 'assay-test', async () => {
    await node.stop();
    await app.close();
    rmSync(dir, { recursive: true, force: true });
  });
  // The node counts a block when it is stored; the ledger commits it a moment later, and answers no question before.
  while ((await committedBlocks(node.rpcUrl)) < 1) await around.pause(50);
  return face;
}
