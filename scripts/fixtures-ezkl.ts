/**
 * Fixtures of EZKL: keys, envelopes and a circuit, made again byte for byte from artefacts that lie beside them. The artefacts are copied,
 * not made: EZKL's proofs and settings are random, and its Python package is no dependency. Then lies, each refused by a named check.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeContainer, encodeContainer } from '../circuits/container.ts';
import { decodeEzklKey, EZKL_SYSTEM, type EzklKey, encodeEzklCircuit } from '../circuits/ezkl/key.ts';
import { R } from '../circuits/ezkl/proof.ts';
import { CEREMONY } from '../circuits/ezkl/srs.ts';
import type { Fixture } from '../cli/manifest.ts';
import { VERSION } from '../cli/version.ts';
import { ezkl, importKey, importProof } from '../ezkl/index.ts';
import { concat, equalBytes, fromHex, toHex, u32 } from '../protocol/bytes.ts';
import { encodeValue } from '../protocol/encoding.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.ts';
import { committedItem } from '../protocol/statement.ts';
import { verifyAny } from '../verifier/any.ts';
import { CERTIFICATE, certify, filesBelow, sha256 } from './certificates.ts';

const FOLDER = 'fixtures/ezkl';
type Entry = Fixture & { readonly what: string; readonly sha256: string };

const SOURCES = [
  { name: 'mlp', artefacts: 'mlp-21.0.0', what: 'an MLP of 64, 32 and 10 neurons, EZKL 21.0.0' },
  { name: 'mlp-23', artefacts: 'mlp-23.0.5', what: 'the same network, EZKL 23.0.5' },
  { name: 'convtiny', artefacts: 'convtiny-21.0.0', what: 'a small convolutional network of 12 × 12 pixels, EZKL 21.0.0' },
  { name: 'convtiny-23', artefacts: 'convtiny-23.0.5', what: 'the same convolutional network, EZKL 23.0.5' },
] as const;

const at = (file: string): string => `${FOLDER}/${file}`;
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(at(file)));
const artefact = (file: string): Uint8Array => read(`artefacts/${file}`);

/** Key, envelope and, of the first, circuit: what `assay import ezkl` makes of the artefacts. */
async function make({ name, artefacts }: (typeof SOURCES)[number]): Promise<Record<string, Uint8Array>> {
  const [settings, vk, proof] = ['settings.json', 'vk.key', 'proof.json'].map((f) => artefact(`${artefacts}/${f}`)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const key = await importKey({ settings, vk, srs: artefact('verifier.srs') }, { insecureDev: true });
  const { envelope } = await importProof(proof, key);
  const circuit = name === 'mlp' && {
    [`${name}.circuit`]: encodeEzklCircuit(key, artefact(`${artefacts}/model.compiled`), artefact('kzg11.srs')),
  };
  return { [`${name}.key`]: key, [`${name}.proof`]: envelope, ...circuit };
}

/** Files that importing the artefacts now does not give again. */
export async function checkEzklKeys(): Promise<string[]> {
  const wrong: string[] = [];
  for (const source of SOURCES)
    for (const [file, bytes] of Object.entries(await make(source)))
      if (!equalBytes(read(file), bytes)) wrong.push(`${at(file)} is not made again: run npm run fixtures and review`);
  return wrong;
}

/** The files and the entries of the manifest. Ends the run where a verdict is another than it is made for. */
export async function ezklFixtures(): Promise<Entry[]> {
  mkdirSync(FOLDER, { recursive: true });
  const files: { file: string; what: string }[] = [];
  const write = (file: string, bytes: Uint8Array, what: string): string => {
    writeFileSync(at(file), bytes);
    files.push({ file, what });
    return `ezkl/${file}`;
  };
  const entries: Entry[] = [];
  for (const source of SOURCES) {
    const { name, what } = source;
    const made = await make(source);
    for (const [file, bytes] of Object.entries(made)) write(file, bytes, `${file.split('.')[1]}: ${what}, insecure SRS`);
    entries.push({
      name: `ezkl ${name}`,
      what: `${what}, insecure SRS`,
      proof: `ezkl/${name}.proof`,
      key: `ezkl/${name}.key`,
      expect: 'accepted',
      sha256: sha256(made[`${name}.proof`] as Uint8Array),
    });
  }
  for (const { name, code, what, tell } of EZKL_LIES) {
    const told = tell();
    const { key = read('mlp.key'), envelope = read('mlp.proof'), context } = told;
    const verdict = await verifyAny(envelope, key, { ezkl, context: context === undefined ? undefined : text(context) });
    if (verdict.verdict === 'accepted' || verdict.code !== code)
      throw new Error(
        `ezkl ${name}: ${verdict.verdict === 'accepted' ? 'accepted' : `${verdict.code} ${verdict.sentence}`} instead of ${code}`,
      );
    const known = (extension: 'key' | 'proof', bytes: Uint8Array): string | undefined =>
      SOURCES.map((s) => `${s.name}.${extension}`).find((file) => equalBytes(read(file), bytes));
    const place = (extension: 'key' | 'proof', bytes: Uint8Array, note: string): string => {
      const file = known(extension, bytes);
      return file === undefined ? write(`${name}.${extension}`, bytes, note) : `ezkl/${file}`;
    };
    entries.push({
      name: `ezkl ${name}`,
      what,
      proof: told.proofFile ?? place('proof', envelope, `refused ${code}: ${what}`),
      key: told.keyFile ?? place('key', key, `key of ${name}.proof: ${what}`),
      ...(context !== undefined && { context }),
      expect: 'refused',
      code,
      sha256: sha256(envelope),
    });
  }
  for (const file of filesBelow(FOLDER).filter((f) => f.startsWith('artefacts/') && f !== CERTIFICATE))
    files.push({ file, what: WHAT[file.split('/').at(-1) as string] ?? 'an artefact of EZKL' });
  certify(
    FOLDER,
    'npm run fixtures (scripts/fixtures-ezkl.ts) from artefacts/, which are copied: proofs are random. They were made with the Python packages ezkl 21.0.0 and 23.0.5 from networks of random weights, and an SRS of a known secret',
    files,
    { assay: VERSION, system: EZKL_SYSTEM, '@ezkljs/engine': '21.0.0' },
  );
  return entries;
}

const WHAT: Readonly<Record<string, string>> = {
  'proof.json': 'artefact: a proof as EZKL writes it',
  'settings.json': 'artefact: settings of the circuit',
  'vk.key': 'artefact: verifying key',
  'model.compiled': 'artefact: the compiled circuit, for proving',
  'kzg11.srs': 'artefact: SRS of 2^11 powers, of a known secret: insecure',
  'verifier.srs': 'artefact: the same SRS with k = 0, all that a verifier reads',
  'mlp-input.json': 'artefact: the input of the MLP’s proofs',
  'mlp-onnxruntime.json': 'artefact: what onnxruntime computes for it in floats',
};

interface Told {
  readonly envelope?: Uint8Array;
  readonly key?: Uint8Array;
  /** Where they lie already, in fixtures/. */
  readonly proofFile?: string;
  readonly keyFile?: string;
  readonly context?: string;
}

interface Lie {
  readonly name: string;
  readonly code: string;
  readonly what: string;
  readonly tell: () => Told;
}

const text = (t: string): Uint8Array => new TextEncoder().encode(t);
const native = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/envelopes/${file}`));
const groth16 = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/groth16/${file}`));
const changed = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((b, i) => (i === index ? b ^ 1 : b));

/** The word at this place, big-endian, plus the order of the scalar field: the same element in a second form. */
function plusOrder(proof: Uint8Array, at: number): Uint8Array {
  const v = BigInt(`0x${toHex(proof.subarray(at, at + 32))}`) + R;
  const out = proof.slice();
  out.set(fromHex(v.toString(16).padStart(64, '0')) as Uint8Array, at);
  return out;
}

function rewritten(change: (e: Envelope) => Partial<Envelope>): Told {
  const e = decodeEnvelope(read('mlp.proof'));
  return { envelope: encodeEnvelope({ ...e, ...change(e) }) };
}

/** A body that need not be one of a good key. */
function keyWith(change: (key: EzklKey) => Partial<EzklKey>): Uint8Array {
  const key = decodeEzklKey(read('mlp.key'));
  const { proofBytes, settings, vk, sG2 } = { ...key, ...change(key) };
  return encodeContainer('key', EZKL_SYSTEM, encodeValue(['ezkl', 1, proofBytes, settings, vk, sG2]));
}

const settingsWith = (from: string, to: string): Uint8Array =>
  keyWith(({ settings }) => {
    const old = new TextDecoder().decode(settings);
    if (!old.includes(from)) throw new Error(`the settings have no ${from}`);
    return { settings: text(old.replace(from, to)) };
  });

/** The honest proof, made to name a changed key: what whoever hands out both could do. */
function underKey(key: Uint8Array): Told {
  const { vkHash, profile } = decodeEzklKey(key);
  return { key, ...rewritten(() => ({ vkHash, modelId: vkHash, profile })) };
}

export const EZKL_LIES: readonly Lie[] = [
  {
    name: 'truncated',
    code: 'E1',
    what: 'the last byte of the file is missing',
    tell: () => ({ envelope: read('mlp.proof').slice(0, -1) }),
  },
  {
    name: 'short-proof',
    code: 'C1',
    what: 'the last word of the proof is missing',
    tell: () => rewritten(({ proof }) => ({ proof: proof.slice(0, -32) })),
  },
  {
    name: 'long-proof',
    code: 'C4',
    what: '32 bytes behind the proof, which the engine would take',
    tell: () => rewritten(({ proof }) => ({ proof: concat(proof, new Uint8Array(32)) })),
  },
  { name: 'empty-proof', code: 'C1', what: 'no proof at all', tell: () => rewritten(() => ({ proof: new Uint8Array(0) })) },
  {
    name: 'off-curve',
    code: 'Z1',
    what: 'the first commitment is no point of the curve',
    tell: () => rewritten(({ proof }) => ({ proof: changed(proof, 0) })),
  },
  {
    name: 'evaluation',
    code: 'Z1',
    what: 'one evaluation is another',
    tell: () => rewritten(({ proof }) => ({ proof: changed(proof, proof.length - 65) })),
  },
  {
    name: 'scalar-plus-order',
    code: 'Z1',
    what: 'one evaluation is written as v + r instead of v',
    tell: () => rewritten(({ proof }) => ({ proof: plusOrder(proof, 32 * 150) })),
  },
  {
    name: 'false-output',
    code: 'Z1',
    what: 'one output is higher by 2^-10',
    tell: () => rewritten(({ outputs }) => ({ outputs: outputs.map((o) => changed(o, o.length - 4)) })),
  },
  {
    name: 'other-input',
    code: 'Z1',
    what: 'one input is another',
    tell: () => rewritten(({ inputs }) => ({ inputs: inputs.map((o) => changed(o, 11)) })),
  },
  {
    name: 'other-dims',
    code: 'E4',
    what: 'the input says another shape',
    tell: () => rewritten(({ inputs }) => ({ inputs: inputs.map((o) => changed(o, 3)) })),
  },
  {
    name: 'committed-input',
    code: 'E4',
    what: 'a commitment where the key wants the input',
    tell: () => rewritten(() => ({ inputs: [committedItem('int32', [1, 64], new Uint8Array(32))] })),
  },
  {
    name: 'two-outputs',
    code: 'E4',
    what: 'the output twice',
    tell: () => rewritten(({ outputs }) => ({ outputs: [...outputs, ...outputs] })),
  },
  {
    name: 'claims-context',
    code: 'E3',
    what: 'an envelope that claims a context, which nothing binds',
    tell: () => rewritten(() => ({ context: text('order 1841') })),
  },
  {
    name: 'wanted-context',
    code: 'E3',
    what: 'an envelope that claims the context that is expected: the proof would be as good under any other',
    tell: () => ({ ...rewritten(() => ({ context: text('order 1841') })), context: 'order 1841' }),
  },
  {
    name: 'other-profile',
    code: 'E2',
    what: 'the hash of other settings',
    tell: () => rewritten(({ profile }) => ({ profile: profile.replace(/^./, (c) => (c === '0' ? '1' : '0')) })),
  },
  { name: 'other-model', code: 'E3', what: 'the proof of another network', tell: () => ({ envelope: read('convtiny.proof') }) },
  {
    name: 'other-version',
    code: 'E3',
    what: 'the proof of the same network by another version of EZKL',
    tell: () => ({ envelope: read('mlp-23.proof') }),
  },
  {
    name: 'other-body',
    code: 'C1',
    what: 'the proof of the same network by another version of EZKL, in an envelope of this key',
    tell: () => rewritten(() => ({ proof: decodeEnvelope(read('mlp-23.proof')).proof })),
  },
  {
    name: 'native-body',
    code: 'C4',
    what: 'a proof of the native system inside this envelope',
    tell: () => rewritten(() => ({ proof: decodeEnvelope(native('digits.proof')).proof })),
  },
  {
    name: 'native-envelope',
    code: 'E2',
    what: 'a proof of the native system under this key',
    tell: () => ({ envelope: native('relu.proof'), proofFile: 'envelopes/relu.proof' }),
  },
  {
    name: 'under-native-key',
    code: 'E2',
    what: 'this proof under a key of the native system',
    tell: () => ({ key: native('relu.key'), keyFile: 'envelopes/relu.key' }),
  },
  {
    name: 'under-groth16-key',
    code: 'E2',
    what: 'this proof under a key of groth16',
    tell: () => ({ key: groth16('digits.key'), keyFile: 'groth16/digits.key' }),
  },
  {
    name: 'groth16-envelope',
    code: 'E2',
    what: 'a proof of groth16 under this key',
    tell: () => ({ envelope: groth16('digits.proof'), proofFile: 'groth16/digits.proof' }),
  },
  {
    name: 'renamed-native',
    code: 'E3',
    what: 'a proof of the native system that says it is one of EZKL',
    tell: () => ({ envelope: encodeEnvelope({ ...decodeEnvelope(native('relu.proof')), system: EZKL_SYSTEM }) }),
  },
  {
    name: 'key-other-scale',
    code: 'E3',
    what: 'a key that reads the output 1024 times as large; the engine would take its settings',
    tell: () => ({ key: settingsWith('"model_output_scales":[10]', '"model_output_scales":[0]') }),
  },
  {
    name: 'key-selector-bit',
    code: 'E3',
    what: 'a key with another bit at the end of its vk, which the engine would take',
    tell: () => ({ key: keyWith(({ vk }) => ({ vk: changed(vk, vk.length - 1) })) }),
  },
  {
    name: 'key-commitment',
    code: 'Z1',
    what: 'a key whose vk commits to another fixed column, and the proof made to name it',
    tell: () => underKey(keyWith(({ vk }) => ({ vk: vk.map((b, i) => (i >= 7 && i < 39 ? (vk[i + 32] as number) : b)) }))),
  },
  {
    name: 'key-panic',
    code: 'Z2',
    what: 'a key whose vk makes the engine panic, and the proof made to name it',
    // 300 commitments instead of 28: the points end before they do.
    tell: () => underKey(keyWith(({ vk }) => ({ vk: concat(vk.slice(0, 3), u32(300), vk.slice(7)) }))),
  },
  {
    name: 'key-cut-vk',
    code: 'key.vk',
    what: 'a key with half a vk, and the proof made to name it',
    tell: () => underKey(keyWith(({ vk }) => ({ vk: vk.slice(0, vk.length >> 1) }))),
  },
  {
    name: 'key-other-rows',
    code: 'key.vk',
    what: 'a vk of a circuit of other size than its settings say',
    tell: () => ({ key: keyWith(({ vk }) => ({ vk: vk.map((b, i) => (i === 1 ? 12 : b)) })) }),
  },
  {
    name: 'key-other-srs',
    code: 'Z1',
    what: 'a key with the SRS of the ceremony, under which this proof was not made',
    tell: () => underKey(keyWith(() => ({ sG2: CEREMONY }))),
  },
  {
    name: 'key-known-secret',
    code: 'key.srs',
    what: 'an SRS whose secret is 0',
    tell: () => ({ key: keyWith(() => ({ sG2: new Uint8Array(128) })) }),
  },
  {
    name: 'key-private-input',
    code: 'key.settings',
    what: 'settings of a circuit that hides its input',
    tell: () => ({ key: settingsWith('"input_visibility":"Public"', '"input_visibility":"Private"') }),
  },
  {
    name: 'key-private-params',
    code: 'key.settings',
    what: 'settings of a circuit whose weights the prover may choose',
    tell: () => ({ key: settingsWith('"param_visibility":"Fixed"', '"param_visibility":"Private"') }),
  },
  {
    name: 'key-committed-input',
    code: 'key.settings',
    what: 'settings of a circuit that shows a hash of its input, written as deep as a file can be',
    tell: () => ({
      key: settingsWith('"input_visibility":"Public"', `"input_visibility":{"Hashed":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    }),
  },
  {
    name: 'key-endless-range',
    code: 'key.settings',
    what: 'settings that take the engine’s time and memory: a range check of 10^12 values',
    tell: () => ({ key: settingsWith('"required_range_checks":[', '"required_range_checks":[[0,1000000000000],') }),
  },
  {
    name: 'key-endless-columns',
    code: 'key.settings',
    what: 'settings that take the engine’s time: a circuit of 10^9 assignments in 2^11 rows',
    tell: () => ({ key: settingsWith('"total_assignments":8358', '"total_assignments":1000000000') }),
  },
  {
    name: 'key-version-16',
    code: 'key.settings',
    what: 'settings of a version that the engine does not read',
    tell: () => ({ key: settingsWith('"version":"21.0.0"', '"version":"16.0.0"') }),
  },
  {
    name: 'key-version-2',
    code: 'key.format',
    what: 'a key of a version that there is none of',
    tell: () => ({
      key: encodeContainer(
        'key',
        EZKL_SYSTEM,
        decodeContainer(read('mlp.key'), 'key', EZKL_SYSTEM).map((b, i) => (i === 14 ? 2 : b)),
      ),
    }),
  },
];
