/** X28: after a crash a transaction that was in a block is put into another one. */
import { expect, test } from 'vitest';
import { State } from '../../../chain/state/index.ts';
import { Ledger } from '../helpers/ledger.ts';
import { jobMsg, open, PROVER, postProof, SYSTEMS, VGAS, world } from '../helpers/world.ts';

test('the nonce that keeps it out is in the state that the node comes back with', () => {
  const l = world();
  const id = open(l);
  const txs = [l.tx(PROVER, postProof(l, id), VGAS), l.tx(PROVER, jobMsg(l, { order: { orderNonce: new Uint8Array(32).fill(9) } }).msg)];
  l.ok(...txs);
  const back = new Ledger({ systems: Object.values(SYSTEMS) }, State.fromRows(l.state.rows()));
  back.height = l.height;
  const [usd, free] = [back.balance(PROVER, 'usd'), back.free(PROVER)];
  for (const tx of txs) expect(back.code(tx)).toBe('E_NONCE');
  expect([back.balance(PROVER, 'usd'), back.free(PROVER)]).toEqual([usd, free]);
});
