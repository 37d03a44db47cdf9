/** X13: a prover posts a lie and hopes. */
import { expect, test } from 'vitest';
import { OPG } from '../helpers/txs.ts';
import { challenge, LIE, OTHER, open, PROVER, postProof, REQUESTER, VGAS, world } from '../helpers/world.ts';

test('it cannot prove it; nor can it prove the truth instead; whoever shows the truth is paid', () => {
  const l = world();
  const free = l.free(PROVER);
  const usd = l.balance(REQUESTER, 'usd');
  const id = open(l, { output: LIE });
  expect(l.code(l.tx(PROVER, postProof(l, id, { output: LIE }), VGAS))).toBe('E_PROOF_INVALID');
  expect(l.code(l.tx(PROVER, postProof(l, id), VGAS))).toBe('E_OUTPUT');
  l.ok(l.tx(OTHER, challenge(l, id, { by: OTHER }), VGAS));
  expect(l.stateOf(id)).toBe('FAILED(fraud)');
  expect(free - l.free(PROVER)).toBe(50n * OPG);
  expect(l.balance(REQUESTER, 'usd')).toBe(usd);
});

test('where nobody looks, time takes price and bond', () => {
  const l = world();
  const free = l.free(PROVER);
  const id = open(l, { output: LIE });
  l.runTo(l.job(id).proveBy + 11n);
  expect(l.stateOf(id)).toBe('FAILED(unproven)');
  expect(free - l.free(PROVER)).toBe(50n * OPG);
});

test('its own challenge from a second account saves half, never the burned half', () => {
  const l = world();
  const burned = l.balance(OTHER, 'opg') + l.free(PROVER);
  const id = open(l, { output: LIE });
  l.ok(l.tx(OTHER, challenge(l, id, { by: OTHER }), VGAS));
  expect(burned - l.balance(OTHER, 'opg') - l.free(PROVER)).toBeGreaterThan(25n * OPG);
});
