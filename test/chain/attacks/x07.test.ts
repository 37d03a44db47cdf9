/** X7: a proof of another model, which answers the same input its own way; the same key registered under another name. */
import { expect, test } from 'vitest';
import { ascii } from '../../../protocol/bytes.ts';
import { keyFile } from '../helpers/system.ts';
import { modelFixture, registerModel } from '../helpers/txs.ts';
import { LONG, OTHER, OWNER, open, PROVER, postProof, SYSTEMS, VGAS, world } from '../helpers/world.ts';

test('a proof of a cheaper model is none of the ordered one', () => {
  const l = world();
  const id = open(l);
  const cheap = modelFixture(OTHER, SYSTEMS.test, keyFile({ salt: 5 }));
  l.ok(l.tx(OTHER, registerModel(cheap)));
  expect(l.code(l.tx(PROVER, postProof(l, id, { model: cheap }), VGAS))).toBe('E_OUTPUT');
  // Even where it was posted: the statement names the ordered model and its key.
  const lied = open(l, {
    order: { orderNonce: new Uint8Array(32).fill(8) },
    output: postProof(l, id, { model: LONG }).value.output as Uint8Array,
  });
  expect(l.code(l.tx(PROVER, postProof(l, lied, { model: LONG }), VGAS))).toBe('E_PROOF_INVALID');
});

test('the same key under another model id is another statement', () => {
  const l = world();
  const id = open(l);
  const twin = modelFixture(OWNER, SYSTEMS.test, keyFile());
  const renamed = { ...twin, commitment: { ...twin.commitment, uri: ascii('https://elsewhere.example') } };
  const [modelId] = l.ok(l.tx(OTHER, registerModel(renamed))) as [Uint8Array];
  const proof = postProof(l, id, { model: { ...renamed, id: modelId } });
  expect(l.code(l.tx(PROVER, proof, VGAS))).toBe('E_PROOF_INVALID');
});
