/** A real ceremony over a small circuit: powers that are checked, contributions, a beacon, and the key that comes of it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
import { isPublished, PUBLISHED } from '../../groth16/published-powers.ts';
import { sectionsOf } from '../../groth16/r1cs.ts';
import { beginSetup } from '../../groth16/setup.ts';
import { withSnarkjs } from '../../groth16/snarkjs.ts';
import { concatAll, u32, u64 } from '../../protocol/bytes.ts';
import { reluModel } from '../../scripts/relu-model.ts';
import { verifyAny } from '../../verifier/any.ts';

const ptau = new Uint8Array(readFileSync('fixtures/groth16/pot9.ptau'));
const input = { x: Uint8Array.from({ length: 16 }, (_, i) => (i * 53) % 256) };
const refused = (code: string) => expect.objectContaining({ code });

type Memory = { type: 'mem'; data?: Uint8Array };

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

test('a beacon is no contributor: its secret is public', async () => {
  // Lie: a proving key, and powers, that a beacon alone contributed to.
  const none = await beginSetup(decodeGroth16Circuit(circuit).r1cs, ptau);
  const beacon = await applyBeacon(none, 'beacon', new Uint8Array(32).fill(5), 10);
  await expect(finishSetUp(circuit, ptau, beacon)).rejects.toThrowError(refused('zkey.invalid'));
  const powers = await withSnarkjs(async ({ powersOfTau, curves }) => {
    const begun: Memory = { type: 'mem' };
    const ended: Memory = { type: 'mem' };
    const ready: Memory = { type: 'mem' };
    await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), 6, begun);
    await powersOfTau.beacon(begun.data as Uint8Array, ended, 'beacon', '05'.repeat(32), 10);
    await powersOfTau.preparePhase2(ended.data as Uint8Array, ready);
    return ready.data as Uint8Array;
  });
  await expect(checkPtau(powers)).rejects.toThrowError(refused('ptau'));
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

/** A file of iden3's container with one section changed. */
function withSection(file: Uint8Array, magic: string, type: number, change: (body: Uint8Array) => Uint8Array): Uint8Array {
  const sections = [...sectionsOf(file, magic)].map(([t, body]) => [t, t === type ? change(body.slice()) : body] as const);
  return concatAll([file.slice(0, 12), ...sections.flatMap(([t, body]) => [u32(t), u64(body.length), body])]);
}

test('finishing over powers that nobody contributed to, or of a changed record, is refused', async () => {
  // Fixture: an honest proving key.  Lie: powers whose secret everybody knows have no contribution; phase 2 alone never reads the record.
  const none = withSection(ptau, 'ptau', 7, () => new Uint8Array(4));
  await expect(finishSetUp(circuit, none, first.zkey)).rejects.toThrowError(refused('ptau'));
  const changed = withSection(ptau, 'ptau', 7, (body) => {
    body[100] = (body[100] as number) ^ 1;
    return body;
  });
  await expect(finishSetUp(circuit, changed, first.zkey)).rejects.toThrowError(refused('ptau'));
  // Whoever audits a key makes it again: the same bytes.
  expect(await finishSetUp(circuit, ptau, first.zkey)).toEqual(first.key);
});

test('a beacon that would hash for ever is refused before it begins', async () => {
  const endless = (fixed: number, parameters: readonly number[]) => (body: Uint8Array) =>
    concatAll([body.slice(0, fixed), u32(1), u32(parameters.length), Uint8Array.from(parameters)]);
  for (const parameters of [
    [2, 60, 3, 1, 0],
    [3, 1, 0],
  ]) {
    const zkey = withSection(first.zkey, 'zkey', 10, endless(68 + 384, parameters));
    await expect(finishSetUp(circuit, ptau, zkey)).rejects.toThrowError(refused('zkey.format'));
    await expect(contribute(zkey, 'x', '')).rejects.toThrowError(refused('zkey.format'));
    const powers = withSection(ptau, 'ptau', 7, endless(4 + 1496, parameters));
    await expect(checkPtau(powers)).rejects.toThrowError(refused('ptau'));
  }
});

test('a check that would take most of an hour ends when it is told to', async () => {
  // Fixture: powers of a ceremony for 2^9.  Lie: it was one for 2^28, of which the check hashes 100 GB before anything else.
  const cut = withSection(ptau, 'ptau', 1, (body) => {
    body[40] = 28;
    return body;
  });
  const controller = new AbortController();
  const check = checkPtau(cut, controller.signal);
  const others = withSnarkjs(async () => 1); // does not wait for it
  expect(await others).toBe(1);
  const running = (): boolean =>
    spawnSync('ps', ['-eo', 'ppid,args'], { encoding: 'utf8' })
      .stdout.split('\n')
      .some((line) => line.trim().startsWith(`${process.pid} `) && line.includes('powersOfTau.verify'));
  expect(running()).toBe(true);
  controller.abort(new Error('enough'));
  await expect(check).rejects.toThrowError('enough');
  await expect.poll(running).toBe(false);
});

test('published powers are known by their hash, as snarkjs has it', () => {
  const readme = readFileSync('node_modules/snarkjs/README.md', 'utf8');
  for (const [power, hash] of Object.entries(PUBLISHED)) {
    expect(hash).toMatch(/^[0-9a-f]{128}$/);
    expect(readme).toMatch(new RegExp(`hez_final_${power.padStart(2, '0')}\\.ptau\\) +\\| ${hash} `));
  }
  expect(isPublished(ptau)).toBe(false);
  const own = createHash('blake2b512').update(ptau).digest('hex');
  expect(isPublished(ptau, [own])).toBe(true);
  const lie = ptau.slice();
  lie[5000] = (lie[5000] as number) ^ 1;
  expect(isPublished(lie, [own])).toBe(false);
});

test('powers of another curve, or of a ceremony without end, are refused before they are read', async () => {
  for (const [at, value] of [
    [4, 1],
    [36, 40],
    [40, 60],
  ] as const) {
    const lie = withSection(ptau, 'ptau', 1, (body) => {
      body[at] = value;
      return body;
    });
    await expect(checkPtau(lie)).rejects.toThrowError(refused('ptau'));
    await expect(setUp(circuit, lie)).rejects.toThrowError(refused('ptau'));
  }
});

test('a refusal never recites the file', async () => {
  for (const lie of [first.zkey.with(4, 9), first.key, new Uint8Array(0)])
    await expect(contribute(lie, 'x', '')).rejects.toThrowError(
      expect.objectContaining({ code: 'zkey.format', message: expect.stringMatching(/^.{1,300}$/) }),
    );
});

test('a section twice is refused: another reader could take the other one', async () => {
  const twice = concatAll([first.zkey, u32(10), u64(68), new Uint8Array(68)]);
  twice[8] = (twice[8] as number) + 1;
  await expect(finishSetUp(circuit, ptau, twice)).rejects.toThrowError(refused('zkey.format'));
});

test('a damaged proving key makes no proof', async () => {
  const h = withSection(first.zkey, 'zkey', 9, (body) => {
    body[300] = (body[300] as number) ^ 1;
    return body;
  });
  await expect(openGroth16(circuit, { ...first, zkey: h }).prove(input)).rejects.toThrowError(refused('zkey.invalid'));
  const short = withSection(first.zkey, 'zkey', 5, (body) => body.slice(0, 64));
  expect(() => openGroth16(circuit, { ...first, zkey: short })).toThrowError(refused('zkey.format'));
  const row = withSection(first.zkey, 'zkey', 4, (body) => {
    body[11] = 0x80; // of the first entry: a row beyond all
    return body;
  });
  await expect(openGroth16(circuit, { ...first, zkey: row }).prove(input)).rejects.toThrowError(refused('zkey.invalid'));
});

test('cancelling while the threads start ends the work as well', async () => {
  const stop = new AbortController();
  let ran = false;
  const work = withSnarkjs(async () => {
    ran = true;
  }, stop.signal);
  setTimeout(() => stop.abort(), 1);
  await expect(work).rejects.toThrowError(expect.objectContaining({ name: 'AbortError' }));
  expect(ran).toBe(false);
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
