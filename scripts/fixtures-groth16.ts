/**
 * Fixtures of groth16: keys and circuits are made again byte for byte (the set-ups have fixed seeds, and are marked as insecure); proofs are
 * random, so one that its key still accepts is kept. Then lies, each refused by a named check.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { bn254 } from '@noble/curves/bn254.js';
import { decodeContainer, encodeContainer } from '../circuits/container.ts';
import { decodeGroth16Key, encodeGroth16Key, G1_BYTES, GROTH16 } from '../circuits/groth16/key.ts';
import type { Fixture } from '../cli/manifest.ts';
import { VERSION } from '../cli/version.ts';
import { compileGroth16, type Groth16CompileOptions, openGroth16, setUpInsecurely } from '../groth16/index.ts';
import { concat, equalBytes } from '../protocol/bytes.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.ts';
import { verifyAny } from '../verifier/any.ts';
import { certify, sha256 } from './certificates.ts';
import { recorded } from './recorded.ts';

const FOLDER = 'fixtures/groth16';

interface Source {
  readonly name: string;
  readonly model: string;
  readonly options: Groth16CompileOptions;
  readonly seed: number;
  readonly context?: string;
  /** Whether circuit and proving key are kept beside key and proof: those of large circuits are not. */
  readonly kept: boolean;
}

export const GROTH16_SOURCES: readonly Source[] = [
  { name: 'digits', model: 'digits-mlp.qop', options: {}, seed: 1, context: 'order 1841', kept: true },
  { name: 'digits-private', model: 'digits-mlp.qop', options: { hideInput: true, hideOutput: true }, seed: 2, kept: false },
  { name: 'digits-cnn', model: 'digits-cnn.qop', options: {}, seed: 3, kept: false },
];

export interface Groth16Made {
  readonly circuit: Uint8Array;
  readonly key: Uint8Array;
  readonly zkey: Uint8Array;
}

export async function makeGroth16({ model, options, seed }: Source): Promise<Groth16Made> {
  const { circuit } = await compileGroth16(recorded(model).model, options);
  return { circuit, ...(await setUpInsecurely(circuit, new Uint8Array(32).fill(seed))) };
}

const text = (t: string | undefined): Uint8Array | undefined => (t === undefined ? undefined : new TextEncoder().encode(t));
const at = (file: string): string => `${FOLDER}/${file}`;
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(at(file)));

/** The files and the entries of the manifest. Ends the run where a verdict is another than it is made for. */
export async function groth16Fixtures(): Promise<(Fixture & { readonly what: string; readonly sha256: string })[]> {
  mkdirSync(FOLDER, { recursive: true });
  const files: { file: string; what: string }[] = [];
  const write = (file: string, bytes: Uint8Array, what: string): string => {
    writeFileSync(at(file), bytes);
    files.push({ file, what });
    return `groth16/${file}`;
  };
  const entries: (Fixture & { readonly what: string; readonly sha256: string })[] = [];
  for (const source of GROTH16_SOURCES) {
    const { name, model, kept, context } = source;
    const what = `${model}, input 0, insecure development set-up of seed ${source.seed}`;
    const made = await makeGroth16(source);
    const key = write(`${name}.key`, made.key, `key: ${what}`);
    if (kept) {
      write(`${name}.circuit`, made.circuit, `circuit: ${what}`);
      write(`${name}.zkey`, made.zkey, `proving key: ${what}`);
    }
    const old = existsSync(at(`${name}.proof`)) ? read(`${name}.proof`) : new Uint8Array(0);
    let envelope = old;
    if ((await verifyAny(old, made.key, { context: text(context) })).verdict !== 'accepted') {
      const proved = await openGroth16(made.circuit, made).prove(recorded(model).inputs(0), { context: text(context) });
      envelope = proved.envelope;
      if (proved.opening !== null) writeFileSync(at(`${name}.opening`), proved.opening);
    }
    const proof = write(`${name}.proof`, envelope, `proof: ${what}`);
    if (existsSync(at(`${name}.opening`))) files.push({ file: `${name}.opening`, what: `opening of ${name}.proof` });
    const verdict = await verifyAny(envelope, made.key, { context: text(context) });
    if (verdict.verdict !== 'accepted') throw new Error(`groth16 ${name} is refused: ${verdict.code} ${verdict.sentence}`);
    entries.push({
      name: `groth16 ${name}`,
      what,
      proof,
      key,
      ...(context !== undefined && { context }),
      expect: 'accepted',
      sha256: sha256(envelope),
    });
  }
  for (const lie of GROTH16_LIES) {
    const told = lie.tell();
    const key = told.key ?? read('digits.key');
    const envelope = told.envelope ?? read('digits.proof');
    const context = 'context' in told ? told.context : 'order 1841';
    const verdict = await verifyAny(envelope, key, { context: text(context) });
    if (verdict.verdict === 'accepted' || verdict.code !== lie.code)
      throw new Error(`groth16 ${lie.name}: ${verdict.verdict === 'accepted' ? 'accepted' : verdict.code} instead of ${lie.code}`);
    const known = entries.find((e) => e.expect === 'accepted' && equalBytes(read(e.key.slice(8)), key));
    const honest = entries.find((e) => e.expect === 'accepted' && equalBytes(read(e.proof.slice(8)), envelope));
    entries.push({
      name: `groth16 ${lie.name}`,
      what: lie.what,
      proof: honest?.proof ?? write(`${lie.name}.proof`, envelope, `refused ${lie.code}: ${lie.what}`),
      key: known?.key ?? told.keyFile ?? write(`${lie.name}.key`, key, `key of ${lie.name}.proof: ${lie.what}`),
      ...(context !== undefined && { context }),
      expect: 'refused',
      code: lie.code,
      sha256: sha256(envelope),
    });
  }
  files.push({
    file: 'pot9.ptau',
    what: 'powers of tau up to 2^9 by snarkjs 0.7.6: newAccumulator, one contribution, a beacon, preparePhase2; for tests',
  });
  certify(FOLDER, 'npm run fixtures (scripts/fixtures-groth16.ts)', files, {
    assay: VERSION,
    system: GROTH16,
    circom2: '0.2.23',
    snarkjs: '0.7.6',
  });
  return entries;
}

/** Keys and circuits that are not made again as they lie there. The large ones are not tried. */
export async function checkGroth16Keys(): Promise<string[]> {
  const wrong: string[] = [];
  for (const source of GROTH16_SOURCES.filter((s) => s.model === 'digits-mlp.qop')) {
    const made = await makeGroth16(source);
    for (const [extension, bytes] of Object.entries({ key: made.key, ...(source.kept ? { circuit: made.circuit, zkey: made.zkey } : {}) }))
      if (!existsSync(at(`${source.name}.${extension}`)) || !equalBytes(read(`${source.name}.${extension}`), bytes))
        wrong.push(`${at(source.name)}.${extension} is not made again: run npm run fixtures and review`);
  }
  return wrong;
}

interface Told {
  readonly envelope?: Uint8Array;
  readonly key?: Uint8Array;
  /** Where the key lies already. */
  readonly keyFile?: string;
  readonly context?: string | undefined;
}

interface Lie {
  readonly name: string;
  readonly code: string;
  readonly what: string;
  readonly tell: () => Told;
}

const Q = bn254.fields.Fp.ORDER;
const R = bn254.fields.Fr.ORDER;

function rewritten(change: (e: Envelope) => Partial<Envelope>, file = 'digits.proof'): Uint8Array {
  const e = decodeEnvelope(read(file));
  return encodeEnvelope({ ...e, ...change(e) });
}

/** The proof with some of its bytes replaced. */
const proofWith = (from: number, bytes: Uint8Array | ((old: Uint8Array) => Uint8Array)): Uint8Array =>
  rewritten(({ proof }) => {
    const own = proof.slice();
    own.set(typeof bytes === 'function' ? bytes(own.subarray(from)) : bytes, from);
    return { proof: own };
  });

const changed = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((b, i) => (i === index ? b ^ 1 : b));

export const word = (v: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((v >> BigInt(8 * (31 - i))) & 255n));
const number = (b: Uint8Array): bigint => b.subarray(0, 32).reduce((n, v) => 256n * n + BigInt(v), 0n);

/** A point of the twist that is not in the group of order r. */
export function outsideTheGroup(): Uint8Array {
  const { Fp2 } = bn254.fields;
  const b = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]));
  for (let k = 1n; ; k++) {
    const x = Fp2.fromBigTuple([k, 0n]);
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b));
      if (!bn254.G2.Point.fromAffine({ x, y }).isTorsionFree()) return concat(word(x.c1), word(x.c0), word(y.c1), word(y.c0));
    } catch {}
  }
}

const keyWith = (change: (points: Uint8Array) => void): Uint8Array => {
  const key = decodeGroth16Key(read('digits.key'));
  const points = key.points.slice();
  change(points);
  return encodeGroth16Key({ ...key, points });
};

/** The key with other points, and the honest proof made to name it. */
function underKey(key: Uint8Array): Told {
  const { vkHash, profile } = decodeGroth16Key(key);
  return { key, envelope: rewritten(() => ({ vkHash, modelId: vkHash, profile })) };
}

export const GROTH16_LIES: readonly Lie[] = [
  {
    name: 'truncated',
    code: 'E1',
    what: 'the last byte of the file is missing',
    tell: () => ({ envelope: read('digits.proof').slice(0, -1) }),
  },
  {
    name: 'short-proof',
    code: 'C1',
    what: 'a proof of two points and a half',
    tell: () => ({ envelope: rewritten(({ proof }) => ({ proof: proof.slice(0, 224) })) }),
  },
  {
    name: 'long-proof',
    code: 'C4',
    what: 'a byte after the three points',
    tell: () => ({ envelope: rewritten(({ proof }) => ({ proof: concat(proof, Uint8Array.of(0)) })) }),
  },
  {
    name: 'coordinate-plus-modulus',
    code: 'C2',
    what: 'the x of A plus the modulus: another form of the same number',
    tell: () => ({ envelope: proofWith(0, (old) => word(number(old) + Q)) }),
  },
  {
    name: 'off-curve',
    code: 'G1',
    what: 'the y of C is another',
    tell: () => ({ envelope: proofWith(255, (old) => Uint8Array.of((old[0] as number) ^ 1)) }),
  },
  { name: 'infinity', code: 'G1', what: 'A is the point at infinity', tell: () => ({ envelope: proofWith(0, new Uint8Array(64)) }) },
  {
    name: 'outside-the-group',
    code: 'G2',
    what: 'B is on the twist, outside the group of order r',
    tell: () => ({ envelope: proofWith(64, outsideTheGroup()) }),
  },
  {
    name: 'negated',
    code: 'G3',
    what: 'A with its other y: a point of the curve, and no proof',
    tell: () => ({ envelope: proofWith(32, (old) => word(Q - number(old))) }),
  },
  {
    name: 'false-output',
    code: 'G3',
    what: 'one output changed',
    tell: () => ({ envelope: rewritten(({ outputs }) => ({ outputs: outputs.map((o) => changed(o, o.length - 1)) })) }),
  },
  {
    name: 'other-input',
    code: 'G3',
    what: 'one pixel changed',
    tell: () => ({ envelope: rewritten(({ inputs }) => ({ inputs: inputs.map((o) => changed(o, o.length - 1)) })) }),
  },
  {
    name: 'context-rewritten',
    code: 'G3',
    what: 'shown under another context than it was made for, which the verifier expects',
    tell: () => ({ envelope: rewritten(() => ({ context: text('order 1842') as Uint8Array })), context: 'order 1842' }),
  },
  { name: 'other-context', code: 'E3', what: 'a context that the verifier does not expect', tell: () => ({ context: undefined }) },
  {
    name: 'other-dims',
    code: 'E4',
    what: 'the input says another shape',
    tell: () => ({ envelope: rewritten(({ inputs }) => ({ inputs: inputs.map((o) => changed(o, 3)) })) }),
  },
  {
    name: 'shown-input',
    code: 'E4',
    what: 'a public tensor where the key hides it',
    tell: () => ({
      key: read('digits-private.key'),
      envelope: rewritten((e) => ({ inputs: decodeEnvelope(read('digits.proof')).inputs, context: e.context }), 'digits-private.proof'),
      context: undefined,
    }),
  },
  {
    name: 'commitment-plus-order',
    code: 'C2',
    what: 'a commitment plus the order of the field: another form of the same public signal',
    tell: () => ({
      key: read('digits-private.key'),
      envelope: rewritten(
        ({ inputs }) => ({ inputs: inputs.map((o) => concat(o.slice(0, -32), word(number(o.slice(-32)) + R))) }),
        'digits-private.proof',
      ),
      context: undefined,
    }),
  },
  {
    name: 'other-commitment',
    code: 'G3',
    what: 'the commitment to another output',
    tell: () => ({
      key: read('digits-private.key'),
      envelope: rewritten(({ outputs }) => ({ outputs: outputs.map((o) => changed(o, o.length - 1)) }), 'digits-private.proof'),
      context: undefined,
    }),
  },
  {
    name: 'other-model',
    code: 'E3',
    what: 'the proof of another key',
    tell: () => ({ envelope: read('digits-cnn.proof'), context: undefined }),
  },
  {
    name: 'renamed-key',
    code: 'G3',
    what: 'the proof of another key, made to name this one',
    tell: () => ({
      ...underKey(read('digits.key')),
      envelope: rewritten(({ proof: _, ...e }) => ({ ...e, proof: decodeEnvelope(read('digits-cnn.proof')).proof })),
    }),
  },
  {
    name: 'native-body',
    code: 'C4',
    what: 'a proof of the native system inside this envelope',
    tell: () => ({
      envelope: rewritten(() => ({ proof: decodeEnvelope(new Uint8Array(readFileSync('fixtures/envelopes/digits.proof'))).proof })),
    }),
  },
  {
    name: 'native-envelope',
    code: 'E2',
    what: 'a proof of the native system under this key',
    tell: () => ({ envelope: new Uint8Array(readFileSync('fixtures/envelopes/digits.proof')) }),
  },
  {
    name: 'under-native-key',
    code: 'E2',
    what: 'this proof under a key of the native system',
    tell: () => ({ key: new Uint8Array(readFileSync('fixtures/envelopes/digits.key')), keyFile: 'envelopes/digits.key' }),
  },
  {
    name: 'key-off-curve',
    code: 'E6',
    what: 'a key whose alpha is not on the curve',
    tell: () => underKey(keyWith((p) => p.set([(p[63] as number) ^ 1], 63))),
  },
  {
    name: 'key-without-signal',
    code: 'E6',
    what: 'a key whose last signal has the point at infinity: the context would not be bound',
    tell: () => underKey(keyWith((p) => p.fill(0, p.length - G1_BYTES))),
  },
  {
    name: 'key-delta-outside',
    code: 'E6',
    what: 'a key whose delta is outside the group of order r',
    tell: () => underKey(keyWith((p) => p.set(outsideTheGroup(), G1_BYTES + 256))),
  },
  {
    name: 'key-unknown-system',
    code: 'key.system',
    what: 'a key of a proof system that there is none of',
    tell: () => ({ key: encodeContainer('key', 'nova-v1', decodeContainer(read('digits.key'), 'key', GROTH16)) }),
  },
];
