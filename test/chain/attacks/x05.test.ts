/** X5: one proof for two jobs; two proofs for one job. */
import { expect, test } from 'vitest';
import { bytes } from '../helpers/txs.ts';
import { open, PROVER, postProof, VGAS, verifyInference, world } from '../helpers/world.ts';

test('a proof of one job is no proof of its twin, which asks the same of the same prover', () => {
  const l = world();
  const [a, b] = [1, 2].map((i) => open(l, { order: { orderNonce: bytes(32, i) } })) as [Uint8Array, Uint8Array];
  const msg = postProof(l, a);
  expect(l.code(l.tx(PROVER, { ...msg, value: { ...msg.value, jobId: b } }, VGAS))).toBe('E_PROOF_INVALID');
  l.ok(l.tx(PROVER, msg, VGAS), l.tx(PROVER, postProof(l, b), VGAS));
});

test('a job takes one proof, however often it is sent', () => {
  const l = world();
  const before = l.balance(PROVER, 'usd');
  const id = open(l);
  const codes = [1, 2, 3].map(() => l.code(l.tx(PROVER, postProof(l, id), VGAS)));
  expect(codes).toEqual(['OK', 'E_STATE', 'E_STATE']);
  expect(l.balance(PROVER, 'usd') - before).toBe(2_000_000n);
});

test('a proof on its own is one record', () => {
  const l = world();
  expect([1, 1, 2].map((salt) => l.code(l.tx(PROVER, verifyInference(l, { salt }), VGAS)))).toEqual(['OK', 'E_JOB_EXISTS', 'OK']);
});
