/** Answers by onnxruntime: the integers of the circuit, or none. Not run where onnxruntime-node does not load. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compile } from '../../compiler/compile.ts';
import { RuntimeUnfit, serveModel } from '../../node/index.ts';
import { recorded } from '../../scripts/recorded.ts';
import { WEIGHT_LIMIT } from '../compiler/saturation.helpers.ts';

const loads = await import('onnxruntime-node').then(
  () => true,
  () => false,
);
if (!loads) console.warn('not run: answers by onnxruntime, onnxruntime-node does not load');
// The recorded weights have 8 bits: a CPU without VNNI computes something else, and the node says so instead of serving it.
const exact = WEIGHT_LIMIT > 64;
if (loads && !exact) console.warn('not run: answers by onnxruntime that are those of the circuit, this CPU saturates 16-bit sums');
const idOf = () => new Uint8Array(32);
const nonce = new Uint8Array(32).fill(7);
const valuesOf = (r: ReturnType<typeof recorded>, i: number) =>
  Object.fromEntries(Object.entries(r.inputs(i)).map(([name, t]) => [name, Array.from(t.data as ArrayLike<number>)]));

afterEach(() => vi.doUnmock('onnxruntime-node'));

describe.skipIf(!loads)('onnxruntime', () => {
  test.skipIf(!exact).each(['digits-mlp.qop', 'digits-mlp.qop-intio', 'mnist-cnn.qdq-u8', 'mnist-cnn.qdq-u8-intio', 'lenet5-max.qop'])(
    'answers with the integers that are proven: %s',
    async (name) => {
      const r = recorded(name);
      const { circuit } = await compile(r.model);
      const stages: string[] = [];
      const served = await serveModel(name, circuit, idOf, { onnx: r.model, onProgress: (p) => stages.push(p.stage) });
      const plain = await serveModel(name, circuit, idOf);
      expect(served.runtime).toMatch(/^onnxruntime 1\./);
      expect(stages.length).toBe(1000);
      for (let i = 0; i < Math.min(8, r.count); i++) {
        const [a, b] = [await served.answer(valuesOf(r, i), nonce), await plain.answer(valuesOf(r, i), nonce)];
        expect(a.inference).toEqual(b.inference);
        expect(a.outputs.map((t) => ({ ...t, data: Array.from(t.data as ArrayLike<number>) }))).toEqual(
          b.outputs.map((t) => ({ ...t, data: Array.from(t.data as ArrayLike<number>) })),
        );
        expect(served.outputOf(a.inference.input)).toEqual(a.inference.output);
      }
      await Promise.all([served.close(), plain.close()]);
    },
  );

  test('is refused for a model that the circuit was not compiled from', async () => {
    const { circuit } = await compile(recorded('digits-mlp.qop').model);
    await expect(serveModel('x', circuit, idOf, { onnx: recorded('digits-mlp.qop-pt').model })).rejects.toThrow(
      /onnxruntime has -?\d+ where the circuit has -?\d+ \(input \d+ of 1000, output 0, position \d\)/,
    );
    await expect(serveModel('x', circuit, idOf, { onnx: recorded('mnist-cnn.qop').model })).rejects.toThrow(RuntimeUnfit);
    await expect(serveModel('x', circuit, idOf, { onnx: new Uint8Array(100) })).rejects.toThrow('onnxruntime cannot open the model');
  });

  test.skipIf(!exact)('is given up when it is cancelled', async () => {
    const { model } = recorded('digits-mlp.qop');
    const { circuit } = await compile(model);
    const stop = new AbortController();
    const served = serveModel('x', circuit, idOf, {
      onnx: model,
      signal: stop.signal,
      onProgress: (p) => p.fraction > 0.1 && stop.abort(),
    });
    await expect(served).rejects.toThrow('aborted');
  });

  test.skipIf(!exact)('refuses what the circuit refuses, by the same codes', async () => {
    const r = recorded('digits-mlp.qop');
    const { circuit } = await compile(r.model);
    const served = await serveModel('x', circuit, idOf, { onnx: r.model });
    await expect(served.answer({}, nonce)).rejects.toMatchObject({ code: 'input.name' });
    await expect(served.answer({ [Object.keys(r.inputs(0))[0] as string]: [Number.NaN] }, nonce)).rejects.toMatchObject({
      code: 'input.value',
    });
    await served.close();
  });
});

test('a machine without onnxruntime-node says so', async () => {
  vi.doMock('onnxruntime-node', () => {
    throw new Error('Cannot find package');
  });
  const { model } = recorded('digits-mlp.qop');
  const { circuit } = await compile(model);
  await expect(serveModel('x', circuit, idOf, { onnx: model })).rejects.toThrow('onnxruntime-node cannot be loaded');
});
