/** X11: a flood of proofs that are none; transfers that reserve a block's gas and run no verifier. */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import { gasOf, priceAt } from '../../../chain/state/index.ts';
import { bytes } from '../helpers/txs.ts';
import { OTHER, open, PROVER, postProof, VGAS, world } from '../helpers/world.ts';

test('each false proof pays for the verification it asked for, and spoils nothing', () => {
  const l = world();
  const id = open(l);
  const before = l.balance(PROVER, 'opg');
  const msg = postProof(l, id);
  const spam = Array.from({ length: 5 }, (_, i) => l.tx(PROVER, { ...msg, value: { ...msg.value, proof: bytes(32, i) } }, VGAS));
  const price = priceAt(l.state, l.height + 1n);
  expect(l.block(...spam).map((r) => r.log.split(':')[0])).toEqual(spam.map(() => 'E_PROOF_INVALID'));
  const due = spam.reduce((n, tx) => n + gasOf(tx.length, VGAS.vgasLimit) * price, 0n);
  expect(before - l.balance(PROVER, 'opg')).toBe(due);
  expect(due).toBeGreaterThan(5n * VGAS.vgasLimit * price);
  l.ok(l.tx(PROVER, msg, VGAS));
});

test('gas that no verifier will use cannot be reserved', () => {
  const l = world();
  expect(l.code(l.tx(OTHER, { case: 'burn', value: { amount: writeAmount(1n) } }, { vgasLimit: 1_000_000n }))).toBe('E_VGAS_LIMIT');
});

test('gas that was reserved is paid also where the verifier never ran', () => {
  const l = world();
  const before = l.balance(OTHER, 'opg');
  const tx = l.tx(OTHER, postProof(l, bytes(32), { by: OTHER }), { vgasLimit: 1_000_000n });
  const price = priceAt(l.state, l.height + 1n);
  const [result] = l.block(tx);
  expect(result?.log).toMatch(/^E_JOB:/);
  expect(before - l.balance(OTHER, 'opg')).toBe(gasOf(tx.length, 1_000_000n) * price);
});
