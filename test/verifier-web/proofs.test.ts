/** What the page says of a proof: its parts, the network and its cost, lies told with it, words for every check, JSON, links. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeKeyFile } from '../../circuits/files.ts';
import { ezkl } from '../../ezkl/index.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { verifyAny } from '../../verifier/any.ts';
import { type Verdict, verify } from '../../verifier/index.ts';
import { EXAMPLES, shipped } from '../../verifier-web/examples.ts';
import { contextBytes, contextText, size } from '../../verifier-web/format.ts';
import { verdictJson } from '../../verifier-web/json.ts';
import { parseAddress, pinsFragment } from '../../verifier-web/link.ts';
import { networkOf } from '../../verifier-web/network.ts';
import { partsOf } from '../../verifier-web/parts.ts';
import { flipBit, withValue } from '../../verifier-web/tamper.ts';
import { isForgeable } from '../../verifier-web/trust.ts';
import { checkWords, meaning } from '../../verifier-web/words.ts';

const file = (path: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/${path}`));
const NAMES = ['mnist', 'digits', 'digits-channels', 'digits-committed', 'digits-i0', 'relu'];
const given = NAMES.map((name) => ({ name, proof: file(`envelopes/${name}.proof`), key: decodeKeyFile(file(`envelopes/${name}.key`)) }));
const mnist = { proof: file('envelopes/mnist.proof'), key: file('envelopes/mnist.key') };
const codeOf = (v: Verdict): string => (v.verdict === 'refused' ? v.code : 'accepted');

describe.each(given)('$name', ({ name, proof, key }) => {
  test('its parts cover the file without gaps', () => {
    const parts = partsOf(proof, key);
    let at = 0;
    for (const part of parts) {
      expect(part.from).toBe(at);
      expect(part.length).toBeGreaterThan(0);
      at += part.length;
    }
    expect(at).toBe(proof.length);
    const begin = (what: string): number => parts.find((p) => p.name === what)?.from ?? -1;
    const e = decodeEnvelope(proof);
    const total = (list: readonly Uint8Array[]): number => list.reduce((n, i) => n + i.length, 0);
    expect(begin('Output') - begin('Input')).toBeGreaterThan(total(e.inputs));
  });

  test('the rows of its network add up, to nearly the bytes of the proof', () => {
    const { layers, tables, messages, paths, total, weights } = networkOf(key);
    const rows = [...layers, tables];
    const sum = (of: 'lookups' | 'committed' | 'bytes'): number => rows.reduce((s, r) => s + r[of], 0);
    expect([sum('lookups'), sum('committed')]).toEqual([total.lookups, total.committed]);
    expect(Math.abs(sum('bytes') + messages + paths - total.bytes)).toBeLessThan(1);
    expect(Math.min(messages, paths, ...rows.map((r) => r.bytes))).toBeGreaterThanOrEqual(0);
    // The expected number of positions, against those of this proof.
    expect(Math.abs(total.bytes - proof.length) / proof.length).toBeLessThan(0.1);
    expect(weights).toBeGreaterThanOrEqual(name === 'mnist' ? 20_000 : 0);
  });
});

describe('lies', () => {
  test('a changed byte anywhere is refused', () => {
    for (const { from, length } of partsOf(mnist.proof, decodeKeyFile(mnist.key)))
      for (const at of [from, from + Math.floor(length / 2), from + length - 1]) {
        const bad = flipBit(mnist.proof, at, at % 8);
        expect(bad.filter((b, i) => b !== mnist.proof[i])).toHaveLength(1);
        expect(codeOf(verify(bad, mnist.key)), `byte ${at}`).not.toBe('accepted');
      }
  });

  test('another value of a statement is that value and nothing else', () => {
    const bad = withValue(mnist.proof, 'inputs', 0, 400, 77);
    const [before, after] = [decodeEnvelope(mnist.proof).inputs[0], decodeEnvelope(bad).inputs[0]] as [Uint8Array, Uint8Array];
    expect([...after].flatMap((b, i) => (b === before[i] ? [] : [[i - 3 - 4 * (before[2] as number), b]]))).toEqual([[400, 77]]);
    expect(codeOf(verify(bad, mnist.key))).toBe('V4');
    expect(codeOf(verify(withValue(mnist.proof, 'outputs', 0, 3, 1), mnist.key))).toBe('V4');
    expect(() => withValue(mnist.proof, 'inputs', 0, 784, 1)).toThrow(RangeError);
    // Values that the type does not have would be written as others.
    for (const value of [256, -1, 95 + 256, 2 ** 32, 1.5, Number.NaN]) {
      expect(() => withValue(mnist.proof, 'inputs', 0, 0, value)).toThrow(RangeError);
      expect(() => withValue(mnist.proof, 'outputs', 0, 0, value)).toThrow(RangeError);
    }
    expect(() => withValue(file('envelopes/digits-committed.proof'), 'inputs', 0, 0, 1)).toThrow(RangeError);
  });
});

describe('words', () => {
  const UNKNOWN = checkWords('no such code').rule;

  test('for every code that the verifier can give', () => {
    const sources = ['protocol', 'circuits', 'verifier'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((f) => (f.endsWith('.ts') ? [`${folder}/${f}`] : [])),
    );
    const codes = new Set(
      sources.flatMap((f) => [...readFileSync(f, 'utf8').matchAll(/'([CEGVZ]\d+|(?:key|circuit)\.[a-z]+)'/g)].map((m) => m[1] as string)),
    );
    expect(codes.size).toBeGreaterThan(20);
    expect([...codes].filter((code) => checkWords(code).rule === UNKNOWN)).toEqual([]);
    // And for every check of the specification.
    const specified = new Set(
      [...readFileSync('docs/protocol.md', 'utf8').matchAll(/\b([ECV](?:1[0-3]|[1-9]))\b/g)].map((m) => m[1] as string),
    );
    expect(specified.size).toBeGreaterThan(20);
    expect([...specified].filter((code) => checkWords(code).rule === UNKNOWN)).toEqual([]);
  });

  test('say whom a refusal speaks about', () => {
    const refused = (code: string, sentence = '', detail = {}) => ({ verdict: 'refused', code, sentence, detail }) as const;
    expect(meaning(refused('V4'))).toContain('proves nothing');
    expect(meaning(refused('key.format'))).toContain('Nothing is said about the proof');
    expect(meaning(refused('E3', '', { field: 'context' }))).toContain('something else than you expect');
    expect(meaning(refused('E3', '', { field: 'vkHash' }))).toContain('another key');
  });
});

test('JSON has the digests as hexadecimal and the tensors by name', () => {
  const verdict = verify(mnist.proof, mnist.key);
  const report = { verdict, milliseconds: 12.345, proofBytes: 1, keyBytes: 2, kernels: 'k', network: null, parts: [] };
  const json = JSON.parse(verdictJson(report));
  expect(json).toMatchObject({ verdict: 'accepted', milliseconds: 12.3, kernels: 'k', mode: 'I1' });
  expect(Object.values(json.outputs)).toEqual([{ dtype: 'float32', shape: [1, 10], data: expect.any(Array) }]);
  for (const digest of ['vkHash', 'keyDigest', 'modelId', 'statementDigest']) expect(json[digest]).toMatch(/^[0-9a-f]{64}$/);
  const refused = JSON.parse(verdictJson({ ...report, verdict: verify(new Uint8Array(0), mnist.key) }));
  expect(refused).toMatchObject({ verdict: 'refused', code: 'E2' });
});

describe('addresses', () => {
  const pins = { statement: 'a'.repeat(64), keyDigest: 'b'.repeat(64) };

  test('name an example, files, a context and digests', () => {
    expect(parseAddress('?example=mnist', pinsFragment(pins))).toMatchObject({ example: { id: 'mnist' }, files: [], context: null, pins });
    expect(parseAddress('?proof=a&key=b&circuit=c&zip=&context=x%20y', '')).toEqual({
      example: null,
      files: ['a', 'b', 'c'],
      context: 'x y',
      pins: null,
      trouble: null,
    });
    const upper = pinsFragment({ statement: pins.statement.toUpperCase(), keyDigest: pins.keyDigest.toUpperCase() });
    expect(parseAddress('', upper)).toMatchObject({ pins, trouble: null });
  });

  test('that name nothing give nothing; what cannot be understood is said', () => {
    const nothing = { example: null, files: [], context: null, pins: null };
    for (const hash of ['', '#', '#%E0%A4%A', '#verdict']) expect(parseAddress('', hash)).toEqual({ ...nothing, trouble: null });
    for (const hash of ['#statement=aa&key=bb', `#statement=${pins.statement}`, `#key=${pins.keyDigest}`, '#statement='])
      expect(parseAddress('', hash)).toEqual({ ...nothing, trouble: expect.stringContaining('digests') });
    expect(parseAddress('?example=none', '')).toEqual({ ...nothing, trouble: expect.stringContaining('none') });
  });
});

test('a context is text, or bytes in hexadecimal', () => {
  expect([...contextBytes('0x00fF')]).toEqual([0, 255]);
  expect(contextText(contextBytes('order 1841'))).toBe('order 1841');
  expect(contextText(Uint8Array.of(0, 255))).toBe('0x00ff');
  expect(contextBytes('0xfff')).toEqual(new TextEncoder().encode('0xfff'));
  expect([size(999), size(42_562), size(1_234_567)]).toEqual(['999 B', '42.6 kB', '1.23 MB']);
});

test('the examples are there, and are what they say', async () => {
  for (const { files, expect: expected, context } of EXAMPLES) {
    for (const f of files) expect(statSync(`fixtures/${f}`).isFile()).toBe(true);
    const [proof, key, circuit] = files.map(file) as [Uint8Array, Uint8Array, Uint8Array?];
    const verdict = await verifyAny(proof, key, { circuit, context: new TextEncoder().encode(context ?? ''), ezkl });
    expect(verdict.verdict === 'accepted' && isForgeable(verdict) ? 'forgeable' : verdict.verdict).toBe(expected);
  }
  const names = [...new Set(EXAMPLES.flatMap((e) => e.files))];
  expect(new Set(names.map(shipped)).size).toBe(names.length);
});
