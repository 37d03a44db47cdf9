/** EZKL proofs at the door: what is accepted, every part changed, and an engine that leaves nothing behind. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeContainer, systemOf } from '../../circuits/container.ts';
import { decodeEzklCircuit, decodeEzklKey, EZKL_SYSTEM, encodeEzklKey, trustOf } from '../../circuits/ezkl/key.ts';
import { feltOf, integerOf, readProofJson } from '../../circuits/ezkl/proof.ts';
import { CEREMONY, readSrs, verifierSrs } from '../../circuits/ezkl/srs.ts';
import { withEngine } from '../../ezkl/engine.ts';
import { EngineDied, ezkl } from '../../ezkl/index.ts';
import { inspect } from '../../index.ts';
import { concat, toHex, u32 } from '../../protocol/bytes.ts';
import { decodeEnvelope, encodeEnvelope } from '../../protocol/envelope.ts';
import { Refused } from '../../protocol/refused.ts';
import { EZKL_LIES } from '../../scripts/fixtures-ezkl.ts';
import { type EzklFiles, verifyAny } from '../../verifier/any.ts';
import { engineFiles } from '../../verifier/ezkl/index.ts';
import type { Verdict } from '../../verifier/index.ts';

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/ezkl/${file}`));
const [key, proof] = [read('mlp.key'), read('mlp.proof')];
const check = (envelope = proof, keyFile = key, more: { context?: Uint8Array; keyDigest?: Uint8Array } = {}): Promise<Verdict> =>
  verifyAny(envelope, keyFile, { ezkl, ...more });
const codeOf = (v: Verdict): string => (v.verdict === 'accepted' ? 'accepted' : v.code);
/** Threads of this process, as the system counts them. */
const threads = (): number => readdirSync('/proc/self/task').length;

test.each(['mlp', 'mlp-23', 'convtiny', 'convtiny-23'])('accepts %s and says what that rests on', async (name) => {
  const v = await check(read(`${name}.proof`), read(`${name}.key`));
  if (v.verdict !== 'accepted') throw new Error(v.sentence);
  expect(v.trust).toMatchObject({ setup: 'insecure-dev', bindsContext: false, zeroKnowledge: false, hidden: [], security: 'estimated' });
  expect([v.securityBits, v.ledger, v.system]).toEqual([0, [], EZKL_SYSTEM]);
  expect([v.inputs[0]?.name, v.proven[0]?.name, v.outputs[0]?.name]).toEqual(['input (integers)', 'output (integers)', 'output']);
});

test('the outputs are the proven integers, and near what onnxruntime computes', async () => {
  const v = await check();
  if (v.verdict !== 'accepted') throw new Error(v.sentence);
  const [shown, proven] = [v.outputs[0], v.proven[0]];
  if (shown === undefined || proven === undefined || 'root' in proven) throw new Error('no outputs');
  const reals = Array.from<number | bigint, number>(shown.data, Number);
  expect(reals).toEqual(Array.from<number | bigint, number>(proven.data, (n) => Number(n) / 1024));
  const { out } = JSON.parse(readFileSync('fixtures/ezkl/artefacts/mlp-onnxruntime.json', 'utf8')) as { out: number[] };
  for (const [i, r] of reals.entries()) expect(Math.abs(r - (out[i] as number))).toBeLessThan(0.01);
});

describe('refuses', () => {
  test.each(EZKL_LIES.map((l) => [l.name, l.what, l] as const))('%s: %s', async (_name, _what, lie) => {
    const { envelope, key: other, context } = lie.tell();
    expect(codeOf(await check(envelope, other, context === undefined ? {} : { context: new TextEncoder().encode(context) }))).toBe(
      lie.code,
    );
  });

  test('a bit of any word of the proof', async () => {
    const e = decodeEnvelope(proof);
    const words = e.proof.length / 32;
    for (let i = 0; i < 24; i++) {
      const at = 32 * Math.floor((i * words) / 24) + ((7 * i) % 32);
      const bytes = e.proof.map((b, j) => (j === at ? b ^ (1 << (i % 8)) : b));
      expect(codeOf(await check(encodeEnvelope({ ...e, proof: bytes })))).toMatch(/^Z[12]$/);
    }
  }, 600_000);

  test('a bit of any part of the key, whatever the engine would say', async () => {
    const { settings, vk } = decodeEzklKey(key);
    // From the settings on: before them stand marks and lengths.
    const from = key.length - vk.length - settings.length - 128 - 15;
    const codes = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const at = from + Math.floor((i * (key.length - from)) / 60);
      codes.add(
        codeOf(
          await check(
            proof,
            key.map((b, j) => (j === at ? b ^ (1 << (i % 8)) : b)),
          ),
        ),
      );
    }
    expect([...codes].filter((c) => c !== 'E3' && !c.startsWith('key.'))).toEqual([]);
    expect(codes).toContain('E3');
  });

  test('a key with another digest than the pinned one', async () => {
    const v = await check(proof, key, { keyDigest: new Uint8Array(32) });
    expect(v).toMatchObject({ verdict: 'refused', code: 'E3', detail: { field: 'keyDigest' } });
  });

  test('a vk of more commitments than any proof could open, and settings that commit to tensors besides', () => {
    const parts = decodeEzklKey(key);
    const many = concat(parts.vk.slice(0, 3), u32(5000), new Uint8Array(160_000));
    expect(() => encodeEzklKey({ ...parts, vk: many })).toThrow('5000 commitments; at most 4096 are read');
    const text = new TextDecoder().decode(parts.settings).replace('"polycommit":[]', '"polycommit":[1000000000]');
    expect(text).toContain('[1000000000]');
    expect(() => encodeEzklKey({ ...parts, settings: new TextEncoder().encode(text) })).toThrow('EZKL settings: module_sizes.polycommit');
  });

  test('a proof whose every public value is read as the negative one', async () => {
    const e = decodeEnvelope(proof);
    const negated = e.outputs.map((o) => {
      const own = o.slice();
      const view = new DataView(own.buffer);
      for (let at = 11; at < own.length; at += 4) view.setInt32(at, -view.getInt32(at, true), true);
      return own;
    });
    expect(codeOf(await check(encodeEnvelope({ ...e, outputs: negated })))).toBe('Z1');
  });
});

test('the engine alone takes what is refused here: a longer proof, other scales, another selector bit', async () => {
  const { settings, vk, sG2, read: shapes } = decodeEzklKey(key);
  const { proof: raw } = decodeEnvelope(proof);
  const { integers } = readProofJson(read('artefacts/mlp-21.0.0/proof.json'), shapes);
  const engine = await ezkl();
  const files = engineFiles({ settings, vk, sG2 }, integers, raw);
  const text = new TextDecoder().decode(settings);
  const lies: Partial<EzklFiles>[] = [
    { proof: engineFiles({ settings, vk, sG2 }, integers, concat(raw, new Uint8Array(32))).proof },
    { settings: new TextEncoder().encode(text.replace('"model_output_scales":[10]', '"model_output_scales":[0]')) },
    { vk: vk.map((b, i) => (i === vk.length - 1 ? b ^ 1 : b)) },
  ];
  for (const lie of [{}, ...lies]) expect(await engine.verify({ ...files, ...lie })).toBeNull();
});

describe('settings that nobody may be asked to work through', () => {
  const parts = decodeEzklKey(key);
  const text = new TextDecoder().decode(parts.settings);
  const sizes: readonly (readonly [what: string, from: string | RegExp, to: string])[] = [
    ['columns', '"num_inner_cols":2', '"num_inner_cols":100000'],
    ['assignments', /"total_assignments":\d+/, '"total_assignments":4000000000'],
    ['constants', /"total_const_size":\d+/, '"total_const_size":4000000000'],
    ['dynamic tables', /"total_dynamic_col_size":\d+/, '"total_dynamic_col_size":4000000000'],
    ['shuffles', /"total_shuffle_col_size":\d+/, '"total_shuffle_col_size":4000000000'],
    ['a range', '[0,255]', '[0,2000000000]'],
    ['public values', '[[1,64],[1,10]]', '[[1,2048],[1,10]]'],
    ['a range over hundreds of columns', '[0,255]', '[0,300000]'],
    ['ranges', '[0,255]', Array.from({ length: 20_000 }, (_, i) => `[0,${i + 1}]`).join()],
    ['tables', '"required_lookups":[]', `"required_lookups":[${Array.from({ length: 20_000 }, () => '"Abs"').join()}]`],
  ];
  test.each(sizes)('%s beyond what any proof could speak of', (_, from, to) => {
    const settings = new TextEncoder().encode(text.replace(from, to));
    expect(settings).not.toEqual(parts.settings);
    expect(() => encodeEzklKey({ ...parts, settings })).toThrow(expect.objectContaining({ code: 'key.settings' }));
  });

  test.each(['[', '{"a":'])('a visibility nested deep in %s', (open) => {
    const deep = `${open.repeat(100_000)}1${(open === '[' ? ']' : '}').repeat(100_000)}`;
    for (const field of ['input_visibility', 'param_visibility']) {
      const settings = new TextEncoder().encode(text.replace(new RegExp(`"${field}":"\\w+"`), `"${field}":${deep}`));
      expect(() => encodeEzklKey({ ...parts, settings })).toThrow(expect.objectContaining({ code: 'key.settings' }));
    }
  });

  test('the largest that are taken end', async () => {
    const settings = new TextEncoder().encode(text.replace('"num_inner_cols":2', '"num_inner_cols":800'));
    const large = decodeEzklKey(encodeEzklKey({ ...parts, settings }));
    const { proof: raw } = decodeEnvelope(proof);
    const zeros = [new Int32Array(64), new Int32Array(10)];
    expect(await (await ezkl()).verify(engineFiles(large, zeros, raw))).toMatch(/failed to fill whole buffer/);
  }, 60_000);
});

test('only the SRS of the ceremony is a universal set-up', () => {
  const parts = decodeEzklKey(key);
  const good = decodeEzklKey(encodeEzklKey({ ...parts, sG2: CEREMONY }));
  expect([parts.setup, trustOf(parts).securityBits]).toEqual(['insecure-dev', 0]);
  expect([good.setup, trustOf(good).securityBits]).toEqual(['universal', 100]);
  const near = CEREMONY.map((b, i) => (i === 127 ? b ^ 1 : b));
  expect(decodeEzklKey(encodeEzklKey({ ...parts, sG2: near })).setup).toBe('insecure-dev');
});

test('an SRS file of any size has the s·G2 of its verifier', () => {
  const [large, small] = [readSrs(read('artefacts/kzg11.srs')), readSrs(read('artefacts/verifier.srs'))];
  expect([large.k, small.k]).toEqual([11, 0]);
  expect(large.sG2).toEqual(small.sG2);
  expect(verifierSrs(large.sG2)).toEqual(read('artefacts/verifier.srs'));
  const bad = read('artefacts/verifier.srs');
  for (const at of [0, 4, 150]) expect(() => readSrs(bad.map((b, i) => (i === at ? b ^ 1 : b)))).toThrow(Refused);
});

describe('the engine', () => {
  test('verifies after a panic, and leaves no thread', async () => {
    await check();
    const before = threads();
    const panic = EZKL_LIES.find((l) => l.name === 'key-panic')?.tell();
    for (let i = 0; i < 3; i++) {
      const v = await check(panic?.envelope, panic?.key);
      expect(v).toMatchObject({ verdict: 'refused', code: 'Z2', detail: { reason: expect.stringMatching(/^panicked at/) } });
      // Where the engine lies on this machine is nobody's business, and the same bytes get the same words everywhere.
      expect(JSON.stringify(v)).not.toMatch(/Stack|node_modules/);
      expect(codeOf(await check())).toBe('accepted');
    }
    expect(threads()).toBeLessThanOrEqual(before);
  });

  test('that is missing is no refusal', async () => {
    await expect(verifyAny(proof, key, {})).rejects.toThrow('no EZKL engine was given');
    const gone = new EngineDied('gone');
    await expect(
      verifyAny(proof, key, {
        ezkl: async () => {
          throw gone;
        },
      }),
    ).rejects.toBe(gone);
  });

  test('that is not installed is named, with what to install', async () => {
    const alone = mkdtempSync(join(tmpdir(), 'assay-alone-'));
    // The built files where no node_modules is in reach.
    for (const file of ['ezkl/engine.js', 'verifier/ezkl/engine.js']) cpSync(join('dist', file), join(alone, file));
    writeFileSync(join(alone, 'package.json'), '{"type":"module"}');
    const { ezkl: elsewhere } = (await import(pathToFileURL(join(alone, 'ezkl/engine.js')).href)) as { ezkl: typeof ezkl };
    await expect(elsewhere()).rejects.toMatchObject({
      name: 'EngineMissing',
      message: expect.stringContaining('npm install @ezkljs/engine'),
    });
    // Another version is none: its answers are not those that were looked at.
    const installed = join(alone, 'node_modules', '@ezkljs', 'engine');
    mkdirSync(join(installed, 'nodejs'), { recursive: true });
    writeFileSync(join(installed, 'nodejs', 'ezkl.js'), 'module.exports.verify = () => true;');
    writeFileSync(join(installed, 'package.json'), '{"name":"@ezkljs/engine","version":"v20.0.0"}');
    await expect(elsewhere()).rejects.toMatchObject({ name: 'EngineMissing', message: expect.stringContaining('in version v20.0.0') });
  });

  test('of another version, and a call that it cannot take, are no refusals', async () => {
    const none = withEngine((engine) => engine.call('verifyAnew'));
    await expect(none).rejects.toThrow(EngineDied);
    // No bytes where the engine's glue wants some: its TypeError says nothing about a proof.
    await expect(withEngine((engine) => engine.call('verify'))).rejects.toThrow(EngineDied);
  });

  test('that is stopped ends with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const before = threads();
    const work = withEngine(() => new Promise(() => {}), controller.signal);
    controller.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(withEngine(async () => 1, controller.signal)).rejects.toBe(reason);
    expect(threads()).toBeLessThanOrEqual(before);
  });

  test('is asked nothing where the envelope is not of the key', async () => {
    const never = async (): Promise<never> => {
      throw new Error('asked');
    };
    expect(codeOf(await verifyAny(read('convtiny.proof'), key, { ezkl: never }))).toBe('E3');
    expect(codeOf(await verifyAny(proof.slice(0, 100), key, { ezkl: never }))).toBe('E1');
  });
});

describe('the decoders are total', () => {
  const tries = (bytes: Uint8Array): void => {
    for (const work of [() => decodeEzklKey(bytes), () => decodeEzklCircuit(bytes), () => systemOf(bytes, 'key'), () => inspect(bytes)])
      try {
        work();
      } catch (e) {
        if (!(e instanceof Refused)) throw e;
      }
  };

  test('on random bytes, as a file and as a body', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        tries(bytes);
        tries(encodeContainer('key', EZKL_SYSTEM, bytes));
        tries(encodeContainer('circuit', EZKL_SYSTEM, bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('on a key with random settings', () => {
    const { vk, sG2, proofBytes } = decodeEzklKey(key);
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          encodeEzklKey({ vk, sG2, proofBytes, settings: new TextEncoder().encode(json) });
        } catch (e) {
          if (!(e instanceof Refused)) throw e;
          expect(e.code).toBe('key.settings');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('on every truncation and on changed bytes of a key and a circuit', () => {
    const circuit = read('mlp.circuit');
    for (let n = 0; n < 700; n++) tries(key.slice(0, n < 200 ? n : Math.floor((n * key.length) / 700)));
    for (let n = 0; n < 100; n++) tries(circuit.slice(0, Math.floor((n * circuit.length) / 100)));
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.nat(255), (at, b) => tries(key.map((old, i) => (i === at ? b : old)))),
      { numRuns: 300 },
    );
  });
});

test('an element is the one text of its integer', () => {
  fc.assert(fc.property(fc.integer(), (n) => integerOf(feltOf(n)) === n));
  expect(feltOf(-1)).toBe('000000f093f5e1439170b97948e833285d588181b64550b829a031e1724e6430');
  // r + 1: the same element as 1, in a form that is none.
  expect(integerOf('020000f093f5e1439170b97948e833285d588181b64550b829a031e1724e6430')).toBeNull();
  expect([integerOf(toHex(concat(Uint8Array.of(0, 0, 0, 0x80), new Uint8Array(28)))), integerOf('ff'), integerOf(1)]).toEqual([
    null,
    null,
    null,
  ]);
});
