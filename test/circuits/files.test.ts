/** Key and circuit files: they come back as they were written, and nothing else is read. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCircuitFile, decodeKeyFile } from '../../circuits/files.ts';
import { inspect } from '../../circuits/inspect.ts';
import { decodeInterface, encodeInterface } from '../../circuits/interface-encoding.ts';
import { audit, compile } from '../../compiler/compile.ts';
import { Refused } from '../../protocol/refused.ts';
import { prove } from '../../prover/index.ts';
import { verify } from '../../verifier/index.ts';
import { Random } from '../random.ts';

const onnx = (name: string): Uint8Array => readFileSync(`fixtures/models/${name}/model.onnx`);
const model = onnx('digits-mlp.qop');
const made = await compile(model);
const input = { input: Float32Array.from({ length: 64 }, (_, i) => (i % 17) / 16) };

describe('files of a compiled model', () => {
  it('are the same on every compilation', async () => {
    expect(await compile(Uint8Array.from(model))).toEqual(made);
  });

  it('hold the same key, and the circuit holds the key file', () => {
    const { key, digest } = decodeKeyFile(made.key);
    expect(key.hash).toEqual(made.vkHash);
    expect(digest).toEqual(made.keyDigest);
    expect(decodeCircuitFile(made.circuit).keyFile).toEqual(made.key);
  });

  it('are read from Node Buffers as from plain arrays', async () => {
    // Buffers of a pool, at an odd offset: the file is a view into a larger ArrayBuffer.
    const pooled = (b: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(3), b]).subarray(3);
    const [circuit, key] = [pooled(made.circuit), pooled(made.key)];
    const { envelope } = await prove(circuit, input);
    expect(verify(pooled(envelope), key)).toMatchObject({ verdict: 'accepted' });
    expect(inspect(key)).toEqual(inspect(made.key));
    expect(inspect(circuit)).toEqual(inspect(made.circuit));
    expect(inspect(pooled(envelope))).toEqual(inspect(envelope));
    expect(audit(pooled(model), key)).toMatchObject({ ok: true });
    expect(await compile(pooled(model))).toEqual(made);
  });

  it.each(['mnist-cnn.qop', 'lenet5-max.qdq-s8', 'digits-mlp.qop-intio'])('have an interface that is read as written: %s', async (name) => {
    const { key, interface: face } = decodeKeyFile((await compile(onnx(name))).key);
    expect(decodeInterface(encodeInterface(face), key)).toEqual(face);
  });

  it.each([
    ['key', 'key'],
    ['circuit', 'circuit'],
  ] as const)('%s: every truncation is refused with a code', (_, which) => {
    const bytes = made[which];
    const decode = which === 'key' ? decodeKeyFile : decodeCircuitFile;
    for (let n = 0; n < bytes.length; n += n < 300 ? 1 : 37) expect(() => decode(bytes.subarray(0, n)), `${n} bytes`).toThrow(Refused);
    expect(() => decode(Uint8Array.of(...bytes, 0))).toThrow(Refused);
  });

  it('mutated keys never crash the decoder, and never pass for the key', () => {
    const r = new Random(1);
    for (let i = 0; i < 1000; i++) {
      const bytes = made.key.slice();
      for (let n = r.int(1, 3); n > 0; n--) bytes[r.int(0, bytes.length - 1)] = r.int(0, 255);
      try {
        const { digest } = decodeKeyFile(bytes);
        inspect(bytes);
        expect(digest).not.toEqual(bytes.every((b, k) => b === made.key[k]) ? null : made.keyDigest);
      } catch (e) {
        expect(e).toBeInstanceOf(Refused);
      }
    }
  });

  it('an envelope is checked the same under a mutated key: refused by code, or the interface alone differs', async () => {
    const { envelope } = await prove(made.circuit, input);
    expect(verify(envelope, made.key)).toMatchObject({ verdict: 'accepted' });
    const r = new Random(2);
    for (let i = 0; i < 300; i++) {
      const bytes = made.key.slice();
      const at = r.int(0, bytes.length - 1);
      bytes[at] = (bytes[at] as number) ^ (1 << r.int(0, 7));
      const verdict = verify(envelope, bytes);
      if (verdict.verdict === 'accepted') {
        // Only the float border lies outside the vkHash; pinning the key digest catches it.
        expect(verdict.vkHash).toEqual(made.vkHash);
        expect(verify(envelope, bytes, { keyDigest: made.keyDigest })).toMatchObject({ verdict: 'refused', code: 'E3' });
        expect(audit(model, bytes)).toMatchObject({ ok: false });
      } else expect(verdict.code).toMatch(/^(E\d|key\.|C\d|V\d)/);
    }
  });

  it('a circuit whose weights are not those of its key is refused before a proof', async () => {
    const bytes = made.circuit.slice();
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    await expect(prove(bytes, input)).rejects.toMatchObject({ code: 'circuit.root' });
  });

  it('a mode I0 key needs its own circuit', async () => {
    const i0 = await compile(model, { mode: 'I0' });
    const { envelope } = await prove(i0.circuit, input);
    expect(verify(envelope, i0.key)).toMatchObject({ verdict: 'refused', code: 'E6' });
    expect(verify(envelope, i0.key, { circuit: made.circuit })).toMatchObject({ verdict: 'refused', code: 'E6' });
    expect(verify(envelope, i0.key, { circuit: i0.circuit })).toMatchObject({ verdict: 'accepted' });
    const other = i0.circuit.slice();
    other[other.length - 40] = (other[other.length - 40] as number) ^ 1;
    expect(verify(envelope, i0.key, { circuit: other })).toMatchObject({ verdict: 'refused', code: 'E6' });
  });

  it('cancelling stops the work with an AbortError', async () => {
    const abort = new AbortController();
    const work = prove(made.circuit, input, { signal: abort.signal, onProgress: ({ stage }) => stage === 'contractions' && abort.abort() });
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('audit', () => {
  it('accepts the key of the model in every mode', async () => {
    for (const options of [{}, { mode: 'I0' }, { committedInput: true }] as const)
      expect(audit(model, (await compile(model, options)).key)).toMatchObject({ ok: true });
  });

  it.each(['digits-mlp.qop-pt', 'digits-mlp.qdq-s8', 'mnist-cnn.qop'])('refuses the key of another model: %s', async (name) => {
    expect(audit(model, (await compile(onnx(name))).key)).toMatchObject({ ok: false });
  });

  it('refuses the key of the model with one weight changed, and names a place', () => {
    const result = audit(readFileSync('fixtures/models/bad/bit-flip-weight.onnx'), made.key);
    expect(result).toMatchObject({ ok: false, code: 'audit' });
    expect((result as { sentence: string }).sentence).toMatch(/the key has .* the model gives|wroot/);
  });
});

describe('the library with arguments of a careless program', () => {
  it.each([
    ['a list instead of tensors', 5],
    ['nothing', null],
    ['a number for a tensor', { input: 5 }],
    ['null for a tensor', { input: null }],
    ['null in a tensor, as JSON writes NaN', { input: Array.from({ length: 64 }, (_, i) => (i === 3 ? null : 0)) }],
    ['a text in a tensor', { input: Array.from({ length: 64 }, (_, i) => (i === 3 ? '1' : 0)) }],
    ['a number beyond float32', { input: Array.from({ length: 64 }, (_, i) => (i === 3 ? 1e39 : 0)) }],
    ['another name', { x: new Float32Array(64) }],
  ])('refuses %s', async (_, inputs) => {
    await expect(prove(made.circuit, inputs as never)).rejects.toBeInstanceOf(Refused);
  });

  it('refuses a context that is no bytes and a model id of another length', async () => {
    await expect(prove(made.circuit, input, { context: 'abc' as never })).rejects.toMatchObject({ code: 'context' });
    await expect(prove(made.circuit, input, { modelId: new Uint8Array(31) })).rejects.toMatchObject({ code: 'modelId' });
  });

  it('proves what the buffer holds now, not what it held before', async () => {
    const other = await compile(onnx('digits-mlp.qop-pt'));
    const buffer = new Uint8Array(Math.max(made.circuit.length, other.circuit.length));
    const first = buffer.subarray(0, made.circuit.length);
    first.set(made.circuit);
    await prove(first, input);
    const second = buffer.subarray(0, other.circuit.length);
    second.set(other.circuit);
    const { envelope } = await prove(second, input);
    expect(verify(envelope, other.key)).toMatchObject({ verdict: 'accepted' });
    buffer.fill(0);
    await expect(prove(first, input)).rejects.toBeInstanceOf(Refused);
  });
});
