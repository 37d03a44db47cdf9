/** X18: everything at once at a deadline: a proof, a rescue and a challenge race in one block. */
import { expect, test } from 'vitest';
import type { Ledger } from '../helpers/ledger.ts';
import { challenge, LIE, OTHER, open, PROVER, postProof, RIVAL, VGAS, world } from '../helpers/world.ts';

const race = (l: Ledger, id: Uint8Array): string[] =>
  l
    .block(
      l.tx(RIVAL, postProof(l, id, { by: RIVAL }), VGAS),
      l.tx(OTHER, challenge(l, id, { by: OTHER }), VGAS),
      l.tx(PROVER, postProof(l, id), VGAS),
      l.tx(RIVAL, challenge(l, id, { by: RIVAL }), VGAS),
    )
    .map((r) => r.log.split(':')[0] || 'OK');

test.each<[string, bigint, readonly string[], string]>([
  ['at prove_by the rescuer is early, the challenger wins', 0n, ['E_NOT_PROVER', 'OK', 'E_STATE', 'E_STATE'], 'FAILED(fraud)'],
  ['one past it the rescuer wins, the challenger is late', 1n, ['OK', 'E_STATE', 'E_STATE', 'E_STATE'], 'FAILED(fraud)'],
  ['at hard_by still', 10n, ['OK', 'E_STATE', 'E_STATE', 'E_STATE'], 'FAILED(fraud)'],
  ['one past it all are late', 11n, ['E_LATE', 'E_LATE', 'E_LATE', 'E_LATE'], 'FAILED(unproven)'],
])('%s', (_, past, codes, state) => {
  const l = world();
  const id = open(l, { output: LIE });
  l.runTo(l.job(id).proveBy + past - 1n);
  expect(race(l, id)).toEqual(codes);
  expect(l.stateOf(id)).toBe(state);
});
