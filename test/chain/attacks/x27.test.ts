/** X27: one who is requester, prover and challenger orders from itself, to look busy or to be paid. */
import { expect, test } from 'vitest';
import type { Ledger } from '../helpers/ledger.ts';
import { OPG, USD } from '../helpers/txs.ts';
import { challenge, LIE, open, PROVER, postProof, VGAS, world } from '../helpers/world.ts';

const own = { requester: PROVER };
const opg = (l: Ledger): bigint => l.balance(PROVER, 'opg') + l.free(PROVER);

test('a job from itself to itself makes nothing and costs the burn', () => {
  const l = world();
  const [usd, before] = [l.balance(PROVER, 'usd'), opg(l)];
  const id = open(l, own);
  l.ok(l.tx(PROVER, postProof(l, id), VGAS));
  expect(l.balance(PROVER, 'usd')).toBe(usd);
  expect(opg(l)).toBeLessThan(before);
});

test('cheating itself costs half of the bond besides', () => {
  const l = world();
  const [usd, before] = [l.balance(PROVER, 'usd'), opg(l)];
  const id = open(l, { ...own, output: LIE });
  l.ok(l.tx(PROVER, challenge(l, id), VGAS));
  expect(l.balance(PROVER, 'usd')).toBe(usd);
  expect(before - opg(l)).toBeGreaterThan(25n * OPG);
  expect(usd).toBe(1000n * USD);
});
