/** A real ceremony over a small circuit: powers that are checked, contributions, a beacon, and the key that comes of it. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { decodeGroth16Circuit } from '../../circuits/groth16/circuit.ts';
import { decodeGroth16Key } from '../../circuits/groth16/key.ts';
import {
  applyBeacon,
  checkPtau,
  compileGroth16,
  contribute,
  finishSetUp,
  type Groth16SetUp,
  openGroth16,
  setUp,
  setUpInsecurely,
} from '../../groth16/index.ts';
import { beginSetup } from '../../groth16/setup.ts';
import { reluModel } from '../../scripts/relu-model.ts';
import { verifyAny } from '../../verifier/index.ts';

const ptau = new Uint8Array(readFileSync('fixtures/groth16/pot9.ptau'));
const input = { x: Uint8Array.from({ length: 16 }, (_, i) => (i * 53) % 256) };
const refused = (code: string) => expect.objectContaining({ code });

let circuit: Uint8Array;
let first: Groth16SetUp;

beforeAll(async () => {
  ({ circuit } = await compileGroth16(reluModel()));
  first = await setUp(circuit, ptau, { name: 'first', entropy: 'some' });
});

test('the first key has one contribution, and proofs under it are accepted', async () => {
  const key = decodeGroth16Key(first.key);
  expect(key).toMatchObject({ setup: 'circuit', contributions: 1 });
  const { envelope } = await openGroth16(circuit, first).prove(input);
  const verdict = await verifyAny(envelope, first.key);
  expect(verdict).toMatchObject({ verdict: 'accepted', securityBits: 100, trust: { setup: 'circuit', security: 'estimated' } });
});

test('others contribute, a beacon ends it, and finishing checks it all', async () => {
  const second = await contribute(first.zkey, 'second', 'other');
  const last = await applyBeacon(second, 'beacon', new Uint8Array(32).fill(5), 10);
  const key = await finishSetUp(circuit, ptau, last);
  expect(decodeGroth16Key(key)).toMatchObject({ setup: 'circuit', contributions: 3 });
  const { envelope } = await openGroth16(circuit, { key, zkey: last }).prove(input);
  expect((await verifyAny(envelope, key)).verdict).toBe('accepted');
  // A key of an earlier contribution is another key.
  expect((await verifyAny(envelope, first.key)).verdict).toBe('refused');
});

test('a proving key without a contribution is refused', async () => {
  const none = await beginSetup(decodeGroth16Circuit(circuit).r1cs, ptau);
  await expect(finishSetUp(circuit, ptau, none)).rejects.toThrowError(refused('zkey.invalid'));
});

test('a development key does not pass for the end of a ceremony', async () => {
  const { zkey } = await setUpInsecurely(circuit, new Uint8Array(32));
  await expect(finishSetUp(circuit, ptau, zkey)).rejects.toThrowError(expect.objectContaining({ code: expect.stringMatching(/^zkey\./) }));
});

test('a changed contribution is refused', async () => {
  const lie = first.zkey.slice();
  lie[lie.length - 400] = (lie[lie.length - 400] as number) ^ 1;
  await expect(finishSetUp(circuit, ptau, lie)).rejects.toThrowError(expect.objectContaining({ code: expect.stringMatching(/^zkey\./) }));
});

test('powers of tau that are none, changed, or too few are refused', async () => {
  await expect(checkPtau(ptau)).resolves.toBeUndefined();
  await expect(checkPtau(new Uint8Array(100))).rejects.toThrowError(refused('ptau'));
  await expect(checkPtau(ptau.slice(0, 5000))).rejects.toThrowError(refused('ptau'));
  const lie = ptau.slice();
  // within the powers in G1: any byte of them counts
  lie[2000] = (lie[2000] as number) ^ 1;
  await expect(checkPtau(lie)).rejects.toThrowError(refused('ptau'));
  const large = new Uint8Array(readFileSync('fixtures/groth16/digits.circuit'));
  await expect(setUp(large, ptau)).rejects.toThrowError(refused('ptau'));
});

test('the same seed gives the same development keys, another seed others', async () => {
  const [a, b, c] = [await dev(1), await dev(1), await dev(2)];
  expect(a.key).toEqual(b.key);
  expect(a.zkey).toEqual(b.zkey);
  expect(c.key).not.toEqual(a.key);
});

const dev = (seed: number): Promise<Groth16SetUp> => setUpInsecurely(circuit, new Uint8Array(32).fill(seed));

test('cancelling ends the work and its threads', async () => {
  const stop = new AbortController();
  const work = setUp(circuit, ptau, { signal: stop.signal });
  setTimeout(() => stop.abort(), 300);
  await expect(work).rejects.toThrowError(expect.objectContaining({ name: 'AbortError' }));
  // what comes after is as if nothing had been
  expect((await dev(1)).key.length).toBeGreaterThan(0);
});

test('compiling again gives the same bytes', async () => {
  expect((await compileGroth16(reluModel())).circuit).toEqual(circuit);
});
