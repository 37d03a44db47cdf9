/** X4: a proof is seen in the mempool and sent first by somebody else. */
import { expect, test } from 'vitest';
import { soloIdOf } from '../../../chain/identities.ts';
import { bytes } from '../helpers/txs.ts';
import { OTHER, open, PROVER, postProof, RIVAL, VGAS, verifyInference, world } from '../helpers/world.ts';

test('while the job is its prover’s, nobody else posts for it', () => {
  const l = world();
  const id = open(l);
  const stolen = postProof(l, id);
  const [theft, honest] = l.block(l.tx(RIVAL, stolen, VGAS), l.tx(PROVER, stolen, VGAS));
  expect([theft?.log.split(':')[0], honest?.code]).toEqual(['E_NOT_PROVER', 0]);
});

test('in RESCUE the proof is for who made it, and so is the bounty', () => {
  const l = world();
  const id = open(l);
  l.runTo(l.job(id).proveBy);
  const made = postProof(l, id, { by: OTHER });
  const [theft, honest] = l.block(l.tx(RIVAL, made, VGAS), l.tx(OTHER, made, VGAS));
  expect([theft?.log.split(':')[0], honest?.code]).toEqual(['E_PROOF_INVALID', 0]);
  expect(l.job(id).provenBy).toEqual(OTHER.address);
});

test('a proof on its own is for who made it, whatever the thief’s salt', () => {
  const l = world();
  const made = verifyInference(l, { by: OTHER });
  expect(l.code(l.tx(RIVAL, made, VGAS))).toBe('E_PROOF_INVALID');
  expect(l.state.get('job', soloIdOf(RIVAL.address, bytes(32, 1)))).toBeUndefined();
  expect(l.code(l.tx(OTHER, made, VGAS))).toBe('OK');
});
