/**
 * X33: gas that is reserved and never paid: the payer's money is gone when its transaction's turn comes, or not, by whether a proof in the same
 * block is valid, which its proposer does not know.
 */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { inlinePool, openLedger } from '../../../chain/app/index.ts';
import type { Application } from '../../../chain/application.ts';
import type { Msg } from '../../../chain/client/index.ts';
import { genesisToJson } from '../../../chain/genesis.ts';
import { gasOf, readDoor } from '../../../chain/state/index.ts';
import { memoryStore } from '../../../chain/store/memory.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { testSystem } from '../helpers/hash-system.ts';
import { CHAIN, type Change, Market, OPG } from '../helpers/market.ts';

async function following(market: Market): Promise<Application> {
  const system = testSystem();
  const app = openLedger({ store: memoryStore(), systems: [system], pool: inlinePool([system]) });
  await app.initChain({ chainId: CHAIN, appState: JSON.parse(JSON.stringify(genesisToJson(market.ledger.genesis))), initialHeight: 1n });
  for (const txs of market.ledger.blocks) {
    await app.finalizeBlock({ height: app.info().height + 1n, time: 0n, proposer: new Uint8Array(20), txs });
    await app.commit();
  }
  return app;
}

test.each([
  ['not valid, and would have paid', false, 0n],
  ['valid, and lets all be sent away', true, 20_000n * OPG],
])('by a proof that is %s', async (_, valid, more) => {
  const market = new Market();
  const { ledger: l, prover, other } = market;
  // The prover is its own requester's: the price comes back to it if the proof is valid.
  const jobId = market.open(1, 2, { denom: ascii('opg'), price: writeAmount(9000n * OPG), proveBlocks: 60 });
  const app = await following(market);
  const height = l.height + 1n;
  const away = (amount: bigint): Msg => ({
    case: 'transfer',
    value: { to: other.address, denom: ascii('opg'), amount: writeAmount(amount) },
  });
  const held = l.balance(prover.address, 'opg');
  const proof = market.evidence(jobId, prover, 1, 2);
  const nonce = l.nonce(prover);
  const reserving: Msg = {
    case: 'verifyInference',
    value: {
      modelId: market.modelId,
      salt: new Uint8Array(32),
      inputNonce: new Uint8Array(32),
      input: proof.input,
      output: proof.output,
      proof: proof.proof,
    },
  };
  const msgs: Msg[] = [
    ...(more === 0n ? [away(held - OPG / 10n)] : []),
    { case: 'postProof', value: valid ? proof : { ...proof, proof: new Uint8Array(32) } },
    ...(more === 0n ? [] : [away(held + 9000n * OPG - OPG / 10n)]),
    reserving,
  ];
  const txs = msgs.map((msg, i) =>
    l.tx(prover, msg, {
      nonce: nonce + BigInt(i) + 1n,
      ...(msg === reserving ? { vgasLimit: 1_000_000n } : msg.case === 'postProof' ? market.gas : {}),
    }),
  );
  for (const tx of txs) expect((await app.checkTx(tx, false)).log).toBe('');
  const chosen = await app.prepareProposal({ height, time: 0n, txs, maxTxBytes: 4_000_000n });
  expect(chosen.length).toBeGreaterThan(1);
  const { results } = await app.finalizeBlock({ height, time: 0n, proposer: new Uint8Array(20), txs: chosen });
  const reserved = chosen.reduce((n, tx) => n + gasOf(tx.length, readDoor(tx).body.vgasLimit), 0n);
  expect(results.reduce((n, r) => n + r.gasUsed, 0n)).toBe(reserved);
  await app.close();
});

test.each<[string, Change]>([
  ['has lapsed', { openBy: 1n }],
  ['is for another chain', { chainId: ascii('other-1') }],
  ['costs more than its requester has', { price: writeAmount(10n ** 24n) }],
])('an order that %s holds none of its requester’s transactions back', async (_, change) => {
  const market = new Market();
  const { ledger: l, prover, requester, other } = market;
  const all = l.balance(requester.address, 'opg');
  const { msg } = market.opening(market.terms(1, { denom: ascii('opg'), price: writeAmount(all), ...change }), 2);
  const app = await following(market);
  const next: Msg = { case: 'burn', value: { amount: writeAmount(1n) } };
  const behind = l.tx(prover, next, { nonce: l.nonce(prover) + 2n });
  const mine = l.tx(requester, { case: 'transfer', value: { to: other.address, denom: ascii('opg'), amount: writeAmount(1n) } });
  const txs = [l.tx(prover, msg), mine, behind];
  const height = l.height + 1n;
  const chosen = await app.prepareProposal({ height, time: 0n, txs, maxTxBytes: 4_000_000n });
  // All are taken, a sender's own in the order of their nonces; and the block that is proposed is one that is accepted.
  expect(new Set(chosen)).toEqual(new Set(txs));
  expect(chosen.indexOf(behind)).toBeGreaterThan(chosen.indexOf(txs[0] as Uint8Array));
  expect(await app.processProposal({ height, time: 0n, txs: chosen, proposer: new Uint8Array(20) })).toBe(true);
  await app.close();
});
