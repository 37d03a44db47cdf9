/** `tx` reads each block once, however often it is asked for what is not there; `unconfirmed_txs` has an end. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import { type Msg, signTx } from '../../../chain/client/index.ts';
import { memoryBlocks } from '../../../chain/devnet/blocks.ts';
import { Devnet, devnetGenesis, devnetMethods } from '../../../chain/devnet/index.ts';
import { Params } from '../../../chain/rpc/server.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import { SYSTEMS } from '../../../chain/systems/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { bank, person, testGenesis } from '../helpers/chains.ts';

const start = (blocks: ReturnType<typeof memoryBlocks>): Promise<Devnet> =>
  Devnet.start({
    app: openLedger({ store: memoryStore(), systems: SYSTEMS, pool: inlinePool(SYSTEMS) }),
    blocks,
    genesis: devnetGenesis(testGenesis(), person(1).pubkey, 0n),
    validator: new Uint8Array(32).fill(1),
    blockMs: 100_000,
    idleMs: 100_000,
    onFatal(e) {
      throw e;
    },
  });
const sign = (net: Devnet, nonce: bigint, msg: Msg, vgasLimit = 0n): Uint8Array =>
  signTx(bank, { chainId: net.genesis.chain_id, nonce, validUntil: 500n, maxPrice: 10n ** 14n, msg, vgasLimit }).bytes;

test('what waits is shown up to a block’s bytes', async () => {
  const net = await start(memoryBlocks());
  const [hash, proofSystemId] = [new Uint8Array(32), new Uint8Array(4)];
  const commitment = { modelHash: hash, circuitHash: hash, vkHash: hash, proofSystemId };
  for (let n = 1n; n <= 10n; n++) {
    const msg: Msg = { case: 'registerModel', value: { commitment, key: new Uint8Array(500_000) } };
    expect((await net.broadcast(sign(net, n, msg, 500_000n))).result.log).toBe('');
  }
  const shown = devnetMethods(net).unconfirmed_txs?.(new Params({ limit: '100' }, true)) as { n_txs: string; total: string; txs: string[] };
  expect([shown.n_txs, shown.total]).toEqual(['8', '10']);
  expect(shown.txs.length).toBe(8);
  await net.close();
});

test('a hash is looked up, not searched for', async () => {
  const kept = memoryBlocks();
  let read = 0;
  const blocks = Object.assign(Object.create(kept) as typeof kept, {
    get(h: bigint) {
      read++;
      return kept.get(h);
    },
  });
  const net = await start(blocks);
  const { tx } = devnetMethods(net);
  const ask = (hash: string): unknown => tx?.(new Params({ hash: `0x${hash}` }, true));
  const ids: string[] = [];
  for (let n = 1n; n <= 20n; n++) {
    const bytes = sign(net, n, { case: 'transfer', value: { to: person(3).address, denom: ascii('usd'), amount: writeAmount(n) } });
    ids.push((await net.broadcast(bytes)).id);
    await net.step();
    expect(ask(ids.at(-1) as string)).toMatchObject({ height: net.height.toString(), tx_result: { code: 0 } });
  }
  read = 0;
  for (let i = 0; i < 100; i++) expect(() => ask('00'.repeat(32))).toThrow(/Internal error/);
  expect(read).toBe(0);
  for (const [i, id] of ids.entries()) expect(ask(id)).toMatchObject({ height: (BigInt(i) + 2n).toString() });
  await net.close();
});
