/** A ledger that lacks many blocks: they are replayed before any is made, however long one takes. */
import { expect, test } from 'vitest';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import type { Application } from '../../../chain/application.ts';
import { memoryBlocks } from '../../../chain/devnet/blocks.ts';
import { Devnet, devnetGenesis } from '../../../chain/devnet/index.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import { SYSTEMS } from '../../../chain/systems/index.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { around, person, testGenesis } from '../helpers/chains.ts';

test('no block is made while blocks are replayed', async () => {
  const blocks = memoryBlocks();
  const seed = new Uint8Array(32).fill(1);
  const genesis = devnetGenesis(testGenesis(), person(1).pubkey, 0n);
  const ledger = (): Application => openLedger({ store: memoryStore(), systems: SYSTEMS, pool: inlinePool(SYSTEMS) });
  const onFatal = (e: Error): never => {
    throw e;
  };
  const first = await Devnet.start({ app: ledger(), blocks, genesis, validator: seed, blockMs: 10_000, idleMs: 10_000, onFatal });
  for (let i = 0; i < 5; i++) await first.step();
  const appHash = toHex(first.app.info().appHash);
  const height = first.height;
  await first.close();

  const app = ledger();
  const order: bigint[] = [];
  const slow: Application = {
    ...app,
    async finalizeBlock(block) {
      order.push(block.height);
      await around.pause(30);
      return app.finalizeBlock(block);
    },
  };
  const again = await Devnet.start({ app: slow, blocks, genesis, validator: seed, blockMs: 1, idleMs: 5, onFatal });
  const replayed = order.slice(0, Number(height));
  expect(replayed).toEqual(Array.from({ length: Number(height) }, (_, i) => BigInt(i + 1)));
  await again.step();
  expect(toHex(blocks.get(height + 1n)?.header.appHash as Uint8Array)).toBe(appHash);
  await again.close();
});
