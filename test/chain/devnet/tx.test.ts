/** `tx` reads each block once, however often it is asked for what is not there. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import { signTx } from '../../../chain/client/index.ts';
import { memoryBlocks } from '../../../chain/devnet/blocks.ts';
import { Devnet, devnetGenesis, devnetMethods } from '../../../chain/devnet/index.ts';
import { Params } from '../../../chain/rpc/server.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import { SYSTEMS } from '../../../chain/systems/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { bank, person, testGenesis } from '../helpers/chains.ts';

test('a hash is looked up, not searched for', async () => {
  const kept = memoryBlocks();
  let read = 0;
  const blocks = Object.assign(Object.create(kept) as typeof kept, {
    get(h: bigint) {
      read++;
      return kept.get(h);
    },
  });
  const net = await Devnet.start({
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
  const { tx } = devnetMethods(net);
  const ask = (hash: string): unknown => tx?.(new Params({ hash: `0x${hash}` }, true));
  const ids: string[] = [];
  for (let n = 1n; n <= 20n; n++) {
    const { bytes } = signTx(bank, {
      chainId: net.genesis.chain_id,
      nonce: n,
      validUntil: 500n,
      maxPrice: 10n ** 14n,
      msg: { case: 'transfer', value: { to: person(3).address, denom: ascii('usd'), amount: writeAmount(n) } },
    });
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
