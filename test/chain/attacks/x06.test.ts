/** X6: with a system that binds no context a proof can be copied: by others, and by its prover for a second job. */
import { expect, test } from 'vitest';
import { bytes } from '../helpers/txs.ts';
import { challenge, LIE, LOOSE, OTHER, open, PROVER, postProof, VGAS, world } from '../helpers/world.ts';

const loose = { order: { settlementMode: 2 }, model: LOOSE };

test('a copy is refused in time and in RESCUE, and the prover’s own is taken', () => {
  const l = world();
  const id = open(l, loose);
  const copy = postProof(l, id, { model: LOOSE });
  expect(l.code(l.tx(OTHER, copy, VGAS))).toBe('E_NOT_PROVER');
  l.runTo(l.job(id).proveBy);
  expect(l.code(l.tx(OTHER, copy, VGAS))).toBe('E_NOT_PROVER');
  expect(l.code(l.tx(PROVER, copy, VGAS))).toBe('OK');
});

test('nobody challenges with what is bound to nothing', () => {
  const l = world();
  const id = open(l, { ...loose, output: LIE });
  expect(l.code(l.tx(OTHER, challenge(l, id, { by: OTHER, model: LOOSE }), VGAS))).toBe('E_MODE');
});

test('the prover’s proof serves a second job with the same input: the sentence is true there too', () => {
  const l = world();
  const [a, b] = [1, 2].map((i) => open(l, { ...loose, order: { ...loose.order, orderNonce: bytes(32, i) } })) as [Uint8Array, Uint8Array];
  const msg = postProof(l, a, { model: LOOSE });
  l.ok(l.tx(PROVER, msg, VGAS), l.tx(PROVER, { ...msg, value: { ...msg.value, jobId: b } }, VGAS));
  expect([l.stateOf(a), l.stateOf(b)]).toEqual(['FINAL(PROVEN)', 'FINAL(PROVEN)']);
});
