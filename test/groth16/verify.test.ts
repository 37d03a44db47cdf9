/** Verification of groth16 proofs: every part of a proof counts, snarkjs agrees, and nothing is left running. */
import { readFileSync } from 'node:fs';
import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, test } from 'vitest';
import { containerHash, decodeContainer, encodeContainer } from '../../circuits/container.ts';
import { decodeGroth16Key, encodeGroth16Key, G1_BYTES, G2_BYTES, GROTH16 } from '../../circuits/groth16/key.ts';
import { commitment, poseidonHash } from '../../circuits/groth16/poseidon.ts';
import { contextSignals, limbsOf } from '../../circuits/groth16/signals.ts';
import { inspect } from '../../circuits/inspect.ts';
import { openGroth16 } from '../../groth16/index.ts';
import { sectionsOf } from '../../groth16/r1cs.ts';
import { withSnarkjs } from '../../groth16/snarkjs.ts';
import { concat } from '../../protocol/bytes.ts';
import { decodeEnvelope, encodeEnvelope } from '../../protocol/envelope.ts';
import { recorded } from '../../scripts/recorded.ts';
import { prepareVerifier, verifyAny } from '../../verifier/any.ts';
import { contextDigest } from '../../verifier/groth16/index.ts';
import { openHidden } from '../../verifier/groth16/opening.ts';
import { holds, prepare } from '../../verifier/groth16/pairing.ts';
import { type PointG1, readG2 } from '../../verifier/groth16/points.ts';
import { type Accepted, verify } from '../../verifier/index.ts';
import { Random } from '../random.ts';

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/groth16/${file}`));
const context = new TextEncoder().encode('order 1841');
const [key, proof] = [read('digits.key'), read('digits.proof')];

async function accepted(envelope: Uint8Array, keyFile: Uint8Array, options = {}): Promise<Accepted> {
  const verdict = await verifyAny(envelope, keyFile, options);
  if (verdict.verdict !== 'accepted') throw new Error(`${verdict.code}: ${verdict.sentence}`);
  return verdict;
}

test('accepts the honest proof and says what it rests on', async () => {
  const verdict = await accepted(proof, key, { context });
  const model = recorded('digits-mlp.qop');
  expect(verdict.outputs.map((o) => o.data)).toEqual(model.outputs(0).map((o) => o.data));
  expect(verdict).toMatchObject({
    system: 'groth16-bn254-v1',
    securityBits: 0,
    ledger: [],
    trust: { setup: 'insecure-dev', zeroKnowledge: true, hidden: [], bindsContext: true, security: 'estimated' },
  });
  expect(decodeEnvelope(proof).proof.length).toBe(256);
  expect(proof.length).toBeLessThanOrEqual(1024);
});

test('refuses every changed byte of the envelope, without a crash', async () => {
  const wrong: number[] = [];
  for (let i = 0; i < proof.length; i++) {
    const verdict = await verifyAny(
      proof.map((b, j) => (j === i ? b ^ 0x41 : b)),
      key,
      { context },
    );
    if (verdict.verdict !== 'refused') wrong.push(i);
  }
  expect(wrong).toEqual([]);
});

test('refuses every changed byte of the key', async () => {
  const wrong: number[] = [];
  for (let i = 0; i < key.length; i += 3) {
    const verdict = await verifyAny(
      proof,
      key.map((b, j) => (j === i ? b ^ 0x41 : b)),
      { context },
    );
    if (verdict.verdict !== 'refused') wrong.push(i);
  }
  expect(wrong).toEqual([]);
});

test('any bytes as key or proof give a verdict', async () => {
  const random = new Random(3);
  for (let i = 0; i < 300; i++) {
    const bytes = Uint8Array.from(random.ints(random.int(0, 200), 0, 255));
    const cut = key.slice(0, random.int(0, key.length - 1));
    const mixed = concat(key.slice(0, random.int(0, key.length)), bytes);
    for (const k of [bytes, cut, mixed]) expect((await verifyAny(proof, k, { context })).verdict).toBe('refused');
    expect((await verifyAny(bytes, key, { context })).verdict).toBe('refused');
  }
});

test('the native door sends a key of this system on, by name', () => {
  expect(verify(proof, key, { context })).toMatchObject({ verdict: 'refused', code: 'key.system' });
});

test('a key from before any contribution, under which everybody can forge, is refused', async () => {
  // Fixture: a key with delta = gamma, as a ceremony begins.  Lie: A = α, B = β, C = −Σ xᵢ·ICᵢ, for any signals at all.
  const k = decodeGroth16Key(key);
  const points = k.points.slice();
  points.copyWithin(G1_BYTES + 2 * G2_BYTES, G1_BYTES + G2_BYTES, G1_BYTES + 2 * G2_BYTES);
  const prepared = prepare({ ...k, points });
  const signals = Array.from({ length: k.signals }, (_, i) => BigInt(1000 + i));
  const sum = signals.reduce((s, x, i) => s.add((prepared.ic[i + 1] as PointG1).multiply(x)), prepared.ic[0] as PointG1);
  const codes = { canonical: '', curve: '', subgroup: '' };
  expect(holds({ a: prepared.alpha, b: readG2(points, G1_BYTES, 'beta', codes), c: sum.negate() }, signals, prepared)).toBe(true);
  const open = encodeGroth16Key({ ...k, setup: 'circuit', contributions: 1, points });
  const e = decodeEnvelope(proof);
  const verdict = await verifyAny(encodeEnvelope({ ...e, vkHash: containerHash(GROTH16, decodeContainer(open, 'key', GROTH16)) }), open, {
    context,
  });
  expect(verdict).toMatchObject({ verdict: 'refused', code: 'E6', sentence: expect.stringContaining('everybody can forge') });
});

test('a key is prepared ahead of its proofs, and what is no key, or no good one, waits for its refusal', async () => {
  await prepareVerifier(key);
  expect((await verifyAny(proof, key, { context })).verdict).toBe('accepted');
  const offCurve = read('key-off-curve.key');
  for (const bytes of [new Uint8Array(0), proof, read('key-unknown-system.key'), encodeContainer('key', 'constructor', key), offCurve])
    await expect(prepareVerifier(bytes)).resolves.toBeUndefined();
  expect(await verifyAny(read('key-off-curve.proof'), offCurve, { context })).toMatchObject({ verdict: 'refused', code: 'E6' });
});

test('a key digest that is not the expected one is refused', async () => {
  expect(await verifyAny(proof, key, { context, keyDigest: new Uint8Array(32) })).toMatchObject({
    code: 'E3',
    detail: { field: 'keyDigest' },
  });
});

describe('snarkjs says the same', () => {
  const words = (bytes: Uint8Array): string[] =>
    Array.from({ length: bytes.length / 32 }, (_, i) =>
      bytes
        .slice(32 * i, 32 * i + 32)
        .reduce((n, b) => 256n * n + BigInt(b), 0n)
        .toString(),
    );
  const g1 = (bytes: Uint8Array): string[] => [...words(bytes), '1'];
  const g2 = (bytes: Uint8Array): string[][] => {
    const [x1, x0, y1, y0] = words(bytes) as [string, string, string, string];
    return [
      [x0, x1],
      [y0, y1],
      ['1', '0'],
    ];
  };
  const k = decodeGroth16Key(key);
  const from = G1_BYTES + 3 * G2_BYTES;
  const vk = {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: k.signals,
    vk_alpha_1: g1(k.points.slice(0, G1_BYTES)),
    vk_beta_2: g2(k.points.slice(G1_BYTES, G1_BYTES + G2_BYTES)),
    vk_gamma_2: g2(k.points.slice(G1_BYTES + G2_BYTES, G1_BYTES + 2 * G2_BYTES)),
    vk_delta_2: g2(k.points.slice(G1_BYTES + 2 * G2_BYTES, from)),
    IC: Array.from({ length: k.signals + 1 }, (_, i) => g1(k.points.slice(from + G1_BYTES * i, from + G1_BYTES * (i + 1)))),
  };
  const e = decodeEnvelope(proof);
  const signals = [
    ...limbsOf('uint8', (e.inputs[0] as Uint8Array).slice(-64)),
    ...limbsOf('uint8', (e.outputs[0] as Uint8Array).slice(-10)),
    ...contextSignals(contextDigest(e.modelId, e.context)),
  ];
  const theirs = (p: Uint8Array, s: readonly bigint[]): Promise<boolean> =>
    withSnarkjs(({ groth16 }) =>
      groth16.verify(vk, s.map(String), {
        protocol: 'groth16',
        curve: 'bn128',
        pi_a: g1(p.slice(0, 64)),
        pi_b: g2(p.slice(64, 192)),
        pi_c: g1(p.slice(192)),
      }),
    );

  test('of the honest proof, of other signals, and of other points', async () => {
    expect(await theirs(e.proof, signals)).toBe(true);
    for (let i = 0; i < signals.length; i++) expect(await theirs(e.proof, signals.with(i, (signals[i] as bigint) + 1n))).toBe(false);
    // -A: a point of the curve
    const negated = e.proof.slice();
    const y = bn254.fields.Fp.ORDER - BigInt(words(e.proof.slice(32, 64))[0] as string);
    for (let j = 0; j < 32; j++) negated[32 + j] = Number((y >> BigInt(8 * (31 - j))) & 255n);
    expect(await theirs(negated, signals)).toBe(false);
    expect((await verifyAny(encodeEnvelope({ ...e, proof: negated }), key, { context })).verdict).toBe('refused');
  });

  test('a public signal plus the order of the field is refused by both', async () => {
    expect(await theirs(e.proof, signals.with(0, (signals[0] as bigint) + bn254.fields.Fr.ORDER))).toBe(false);
  });

  test('a proof that was randomised anew still speaks of the same statement alone', async () => {
    // (A, B, C) → (A/t, t·B, C) is a proof of the same statement: caches must name proofs by their statement.
    const { Fr } = bn254.fields;
    const t = 7n;
    const G1 = bn254.G1.Point;
    const G2 = bn254.G2.Point;
    const [ax, ay] = words(e.proof.slice(0, 64)).map(BigInt) as [bigint, bigint];
    const [bx1, bx0, by1, by0] = words(e.proof.slice(64, 192)).map(BigInt) as [bigint, bigint, bigint, bigint];
    const a = G1.fromAffine({ x: ax, y: ay }).multiply(Fr.inv(t)).toAffine();
    const { Fp2 } = bn254.fields;
    const b = G2.fromAffine({ x: Fp2.fromBigTuple([bx0, bx1]), y: Fp2.fromBigTuple([by0, by1]) })
      .multiply(t)
      .toAffine();
    const word = (v: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((v >> BigInt(8 * (31 - i))) & 255n));
    const other = concat(...[a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0].map(word), e.proof.slice(192));
    const [mine, first] = [
      await accepted(encodeEnvelope({ ...e, proof: other }), key, { context }),
      await accepted(proof, key, { context }),
    ];
    expect(mine.statementDigest).toEqual(first.statementDigest);
  });
});

describe('what is hidden', () => {
  const hidden = read('digits-private.proof');
  const hiddenKey = read('digits-private.key');

  test('is not in the envelope, and the verdict says so', async () => {
    const verdict = await accepted(hidden, hiddenKey);
    expect(verdict.trust.hidden).toEqual(['input', 'output']);
    expect(verdict.outputs).toEqual([]);
    expect([...verdict.inputs, ...verdict.proven].every((t) => 'root' in t && t.root.length === 32)).toBe(true);
  });

  test('is opened by its opening, to what onnxruntime computed', async () => {
    const { tensors, outputs } = openHidden(await accepted(hidden, hiddenKey), hiddenKey, read('digits-private.opening'));
    expect(tensors.length).toBe(2);
    expect(outputs.map((o) => o.data)).toEqual(
      recorded('digits-mlp.qop')
        .outputs(0)
        .map((o) => o.data),
    );
  });

  test('an opening of another value, or with another salt, is refused', async () => {
    const verdict = await accepted(hidden, hiddenKey);
    const text = new TextDecoder().decode(read('digits-private.opening'));
    const lies = [
      text.replace(/"values":\[(\d+)/, (_, v) => `"values":[${(Number(v) + 1) % 256}`),
      text.replace(/"salt":"(..)/, (_, v) => `"salt":"${v === '00' ? '01' : '00'}`),
      text.replace(/"values":\[(\d+),/, '"values":['),
      text.replace(/"values":\[(\d+)/, '"values":[999'),
    ];
    for (const lie of lies) {
      expect(lie).not.toBe(text);
      expect(() => openHidden(verdict, hiddenKey, new TextEncoder().encode(lie))).toThrowError(
        expect.objectContaining({ code: 'opening.mismatch' }),
      );
    }
    for (const broken of ['', '{', '[]', '{"format":"assay-opening","version":1,"tensors":[{}]}'])
      expect(() => openHidden(verdict, hiddenKey, new TextEncoder().encode(broken))).toThrowError(
        expect.objectContaining({ code: 'opening.format' }),
      );
  });

  test('two proofs of one input show different commitments', async () => {
    expect(commitment(1n, [5n])).not.toBe(commitment(2n, [5n]));
    // sixteen inputs fill one call; a seventeenth limb begins another
    const limbs = Array.from({ length: 16 }, (_, i) => BigInt(i));
    expect(commitment(9n, limbs)).toBe(poseidonHash([poseidonHash([9n, ...limbs.slice(0, 15)]), 15n]));
  });
});

test('Poseidon is that of circomlibjs', async () => {
  const { buildPoseidon } = (await import('circomlibjs')) as {
    buildPoseidon(): Promise<((v: bigint[]) => Uint8Array) & { readonly F: { toObject(v: Uint8Array): bigint } }>;
  };
  const theirs = await buildPoseidon();
  for (let n = 1; n <= 16; n++) {
    const inputs = Array.from({ length: n }, (_, i) => BigInt(i * i) ** 9n);
    expect(poseidonHash(inputs)).toBe(theirs.F.toObject(theirs(inputs)));
  }
});

test('proves with circuit, key and proving key of the fixtures; salts are fresh', async () => {
  const open = openGroth16(read('digits.circuit'), { key, zkey: read('digits.zkey') });
  const model = recorded('digits-mlp.qop');
  for (const i of [1, 2]) {
    const made = await open.prove(model.inputs(i), { context });
    expect(made.opening).toBeNull();
    const verdict = await accepted(made.envelope, key, { context });
    expect(verdict.outputs.map((o) => o.data)).toEqual(model.outputs(i).map((o) => o.data));
  }
});

test('a key of another circuit, or of another set-up, is refused before anything is proven', () => {
  const circuit = read('digits.circuit');
  const zkey = read('digits.zkey');
  expect(() => openGroth16(circuit, { key: read('digits-private.key'), zkey })).toThrowError(
    expect.objectContaining({ code: 'key.circuit' }),
  );
  const other = decodeGroth16Key(key);
  const points = concat(other.points.slice(0, -64), other.points.slice(-128, -64));
  expect(() => openGroth16(circuit, { key: encodeGroth16Key({ ...other, points }), zkey })).toThrowError(
    expect.objectContaining({ code: 'key.circuit' }),
  );
  expect(() => openGroth16(circuit, { key, zkey: zkey.slice(0, 1000) })).toThrowError(expect.objectContaining({ code: 'zkey.format' }));
  const narrow = zkey.slice();
  // section 1 takes 16 bytes after the file's 12; of section 2 the wires are at 72
  narrow.set([1, 0, 0, 0], 12 + 16 + 12 + 72);
  expect(() => openGroth16(circuit, { key, zkey: narrow })).toThrowError(
    expect.objectContaining({ code: 'zkey.format', message: expect.stringContaining('1 wires') }),
  );
  // Lie: a domain of 2^28 and of 0, which snarkjs would be busy with for ever, or could not read.
  for (const domain of [2 ** 28, 0]) {
    const lie = zkey.slice();
    new DataView(lie.buffer).setUint32(12 + 16 + 12 + 80, domain, true);
    expect(() => openGroth16(circuit, { key, zkey: lie })).toThrowError(
      expect.objectContaining({ code: 'zkey.format', message: expect.stringContaining('another length') }),
    );
  }
});

test('a proving key under which proofs hold and hide nothing is refused', () => {
  // Lie: beta and delta in G1 and every B in G1 are infinity. Proofs hold, and their A is the same each time: a guess at the witness is checked by it.
  const zkey = read('digits.zkey');
  const header = 12 + 16 + 12 + 84;
  zkey.fill(0, header + 64, header + 128);
  zkey.fill(0, header + 384, header + 448);
  const b1 = (sectionsOf(zkey, 'zkey').get(6) as Uint8Array).fill(0);
  expect(b1.length).toBeGreaterThan(0);
  expect(() => openGroth16(read('digits.circuit'), { key, zkey })).toThrowError(expect.objectContaining({ code: 'zkey.invalid' }));
  // Another point in its place.
  const other = read('digits.zkey');
  other.copyWithin(header + 384, header, header + 64);
  expect(() => openGroth16(read('digits.circuit'), { key, zkey: other })).toThrowError(
    expect.objectContaining({ code: 'zkey.invalid', message: expect.stringContaining('no delta in G1') }),
  );
});

test('a proof whose statement is another one is refused although its points are honest', async () => {
  const e = decodeEnvelope(proof);
  const random = new Random(11);
  for (let i = 0; i < 12; i++) {
    const output = (e.outputs[0] as Uint8Array).slice();
    output[output.length - 1 - random.int(0, 9)] = random.int(0, 255);
    const verdict = await verifyAny(encodeEnvelope({ ...e, outputs: [output] }), key, { context });
    expect(verdict.verdict).toBe(output.every((b, j) => b === e.outputs[0]?.[j]) ? 'accepted' : 'refused');
  }
  expect(inspect(proof).fields.system).toBe('groth16-bn254-v1');
});
