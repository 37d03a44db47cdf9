/** X31: a block of proofs that are invalid one after the other, so that each makes the next one ask, beside a key that is slow to read. */
import { expect, test } from 'vitest';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import { Rejected } from '../../../chain/codes.ts';
import { genesisToJson } from '../../../chain/genesis.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import type { ProofSystem } from '../../../chain/systems/system.ts';
import { ascii, equalBytes, toHex } from '../../../protocol/bytes.ts';
import { testKey, testSystem } from '../helpers/hash-system.ts';
import { CHAIN, Market } from '../helpers/market.ts';

const SLOW = ascii('a key that takes long to be refused');

test('a vote on a block costs no more runs, whatever its proofs are', async () => {
  const inner = testSystem();
  let reads = 0;
  const system: ProofSystem = {
    ...inner,
    parseKey(key) {
      if (!equalBytes(key, SLOW)) return inner.parseKey(key);
      reads++;
      throw new Rejected('E_KEY_BYTES', 'after a third of a second');
    },
  };
  const market = new Market({ systems: [system] });
  const jobId = market.open(1, 2, { proveBlocks: 60 });
  const app = openLedger({ store: memoryStore(), systems: [system], pool: inlinePool([system]) });
  await app.initChain({ chainId: CHAIN, appState: JSON.parse(JSON.stringify(genesisToJson(market.ledger.genesis))), initialHeight: 1n });
  let height = 0n;
  const block = (txs: readonly Uint8Array[]) => ({ height: height + 1n, time: 0n, proposer: new Uint8Array(20), txs });
  for (const txs of market.ledger.blocks) {
    await app.finalizeBlock(block(txs));
    await app.commit();
    height++;
  }
  const { ledger: l } = market;
  const registering = market.registering(testKey('b'));
  const slow = l.tx(market.other, { ...registering, value: { ...registering.value, key: SLOW } }, { vgasLimit: 500_000n });
  const proofs = Array.from({ length: 40 }, (_, i) =>
    l.tx(
      market.prover,
      { case: 'postProof', value: { ...market.evidence(jobId, market.prover, 1, 2), proof: new Uint8Array(32).fill(i) } },
      { ...market.gas, nonce: l.nonce(market.prover) + 1n + BigInt(i) },
    ),
  );
  const txs = [slow, ...proofs];
  reads = 0;
  expect(await app.processProposal(block(txs))).toBe(true);
  expect(reads).toBeLessThanOrEqual(2);
  const { results, appHash } = await app.finalizeBlock(block(txs));
  expect(reads).toBeLessThanOrEqual(4);
  l.block(...txs);
  expect(toHex(appHash)).toBe(toHex(l.state.appHash()));
  expect(new Set(results.slice(1).map((r) => r.log.slice(0, 15)))).toEqual(new Set(['E_PROOF_INVALID']));
  await app.close();
});
