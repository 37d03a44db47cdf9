/**
 * Quantized models end to end: the float model, the prepared and the quantized one in onnxruntime, and the integers that assay proves.
 * Weights are of 7 bits, so that onnxruntime's kernels are exact on CPUs without VNNI too. Not run where onnxruntime-node does not load.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { check as predict } from '../../compiler/compile.ts';
import { check, lower } from '../../compiler/index.ts';
import { calibrate, compare, forProving, type Method, prepare, quantize, type Sample } from '../../compiler/quantize/index.ts';
import { draftBytes } from '../../compiler/quantize/prepare.ts';
import { attentionNet, forkedNet, residualNet, rowsNet, sklearnNet, tensorflowNet, torchNet } from './exported.helpers.ts';
import { differing, recorded, runner } from './models.helpers.ts';
import { onnxruntime } from './onnx.helpers.ts';
import { calibrated, needRuntime, runtime } from './quantize.helpers.ts';

const fused = await onnxruntime();
const here = runtime;
needRuntime();

/** Elements in which onnxruntime's fused kernels and the compiled integers differ. */
async function differences(model: Uint8Array, samples: readonly Sample[]): Promise<number> {
  if (typeof fused === 'string') throw new Error(fused);
  const { run } = runner(model);
  let n = 0;
  for (const sample of samples) {
    const inputs = Object.fromEntries(
      Object.entries(sample).map(([name, t]) => [name, { dtype: 'float32', shape: t.shape, data: t.data as Float32Array }]),
    );
    const [theirs, mine] = [await fused(model, inputs), run(inputs)];
    expect(mine.length).toBe(theirs.length);
    mine.forEach((t, i) => {
      n += differing(t.data, theirs[i]?.data ?? []);
    });
  }
  return n;
}

const fixture = (name: string) => {
  const dir = `fixtures/models/${name}`;
  const { io, count } = recorded(dir);
  const input = io.find((e) => e.role === 'input');
  if (input === undefined) throw new Error(`${name} has no recorded input`);
  const { labels } = JSON.parse(readFileSync(`${dir}/meta.json`, 'utf8')) as { labels: number[] };
  const samples = Array.from({ length: count }, (_, i) => ({ [input.name]: { shape: input.shape, data: Float32Array.from(input.at(i)) } }));
  return { float: readFileSync(`${dir}/float.onnx`), samples, labels };
};

describe('models of exporters', () => {
  const nets: [string, Uint8Array, boolean][] = [
    ['PyTorch, opset 11', torchNet(11), true],
    ['PyTorch, opset 17', torchNet(17), true],
    ['PyTorch, opset 21', torchNet(21), true],
    ['PyTorch, opset 23', torchNet(23), true],
    ['tf2onnx, opset 10', tensorflowNet(10), true],
    ['tf2onnx, opset 15', tensorflowNet(15), true],
    ['scikit-learn', sklearnNet(), true],
    ['rows of tokens', rowsNet(), true],
    ['two inputs, four outputs', forkedNet(), true],
    ['attention over an embedding', attentionNet(), false],
    ['residuals, gates and averages', residualNet(), false],
  ];

  test.each(nets)(
    '%s: the prepared model computes the same, the quantized one nearly, and assay exactly what onnxruntime does',
    async (name, model, whole) => {
      const { prepared, samples, ranges } = await calibrated(model);
      const [float, folded] = [await here.open(model), await here.open(draftBytes(prepared.draft))];
      for (const sample of samples) {
        const [a, b] = [await float.run(sample), await folded.run(sample)];
        expect(Object.keys(b)).toEqual(Object.keys(a));
        for (const [output, t] of Object.entries(a)) for (const [i, v] of t.data.entries()) expect(b[output]?.data[i]).toBeCloseTo(v, 4);
      }
      await float.close();
      await folded.close();
      const quantized = quantize(prepared, ranges, { reduceRange: true });
      const { outputs } = await compare(model, prepared, quantized, samples, here);
      for (const { sqnr } of outputs) expect(sqnr).toBeGreaterThan(25);
      if (!whole) return;
      expect(check(quantized.model).reasons).toEqual([]);
      // Softmax at the end is recomputed in float64: equal up to its last bits only.
      if (!name.startsWith('PyTorch')) expect(await differences(quantized.model, samples)).toBe(0);
    },
  );

  test('PyTorch without its Softmax is exact too', async () => {
    const { prepared, samples, ranges } = await calibrated(torchNet(17));
    const last = prepared.draft.nodes.at(-1);
    expect(last?.op).toBe('Softmax');
    const cut = {
      ...prepared.draft,
      nodes: prepared.draft.nodes.slice(0, -1),
      outputs: [{ name: last?.inputs[0] as string, dtype: null }],
    };
    const { model } = quantize({ ...prepared, draft: cut }, ranges, { reduceRange: true });
    expect(await differences(model, samples)).toBe(0);
  });
});

describe('trained models', () => {
  test.each(['digits-mlp.qop', 'digits-cnn.qop', 'mnist-cnn.qop'])(
    '%s keeps its classes, and assay computes what onnxruntime does',
    async (name) => {
      const { float, samples, labels } = fixture(name);
      const prepared = prepare(float);
      const ranges = await calibrate(prepared, samples, here);
      const quantized = quantize(prepared, ranges, { reduceRange: true });
      const { classes, outputs, layers } = await compare(float, prepared, quantized, samples, here, { labels, perLayer: true });
      expect(classes?.accuracy?.quantized).toBeGreaterThanOrEqual((classes?.accuracy?.float ?? 1) - 1 / 32);
      expect(classes?.accuracy?.float).toBeGreaterThan(0.9);
      expect(outputs[0]?.sqnr).toBeGreaterThan(33);
      expect(layers.map((l) => l.name)).toEqual(quantized.tensors.map((t) => t.name));
      for (const { sqnr } of layers) expect(sqnr).toBeGreaterThan(25);
      expect(await differences(quantized.model, samples)).toBe(0);
      // 8-bit weights: compiled, though not compared with kernels that saturate here.
      expect(check(quantize(prepared, ranges).model).supported).toBe(true);
    },
  );

  test.each<Method>(['percentile', 'entropy'])('%s ranges lie within those of minmax and keep the classes', async (method) => {
    const { float, samples, labels } = fixture('mnist-cnn.qop');
    const prepared = prepare(float);
    const whole = await calibrate(prepared, samples, here);
    const ranges = await calibrate(prepared, samples, here, { method });
    expect([...ranges.keys()]).toEqual([...whole.keys()]);
    let narrower = 0;
    for (const [name, { lo, hi }] of ranges) {
      const all = whole.get(name);
      expect(lo).toBeGreaterThanOrEqual(all?.lo ?? 0);
      expect(hi).toBeLessThanOrEqual(all?.hi ?? 0);
      if (all && hi - lo < all.hi - all.lo) narrower++;
    }
    expect(narrower).toBeGreaterThan(2);
    const { classes } = await compare(float, prepared, quantize(prepared, ranges), samples, here, { labels });
    expect(classes?.accuracy?.quantized).toBeGreaterThanOrEqual((classes?.accuracy?.float ?? 1) - 1 / 32);
  });

  test('corrected biases come nearer on inputs that were not calibrated with', async () => {
    const { float, samples } = fixture('digits-mlp.qop');
    const prepared = prepare(float);
    const ranges = await calibrate(prepared, samples.slice(0, 16), here);
    const plain = new Map([...ranges].map(([name, { lo, hi }]) => [name, { lo, hi }]));
    const sqnr = async (r: typeof ranges) =>
      (await compare(float, prepared, quantize(prepared, r), samples.slice(16), here)).outputs[0]?.sqnr ?? 0;
    expect(await sqnr(ranges)).toBeGreaterThan((await sqnr(plain)) + 1);
  });

  test('for proving: fewer table rows and a smaller key, within the loss that is allowed', async () => {
    const { float, samples } = fixture('mnist-cnn.qop');
    const prepared = prepare(float);
    const ranges = await calibrate(prepared, samples, here);
    const channel = quantize(prepared, ranges);
    const { quantized, perChannel } = await forProving(float, prepared, ranges, samples, here);
    const sqnr = async (q: typeof channel) => (await compare(float, prepared, q, samples, here)).outputs[0]?.sqnr ?? 0;
    expect(await sqnr(quantized)).toBeGreaterThan((await sqnr(channel)) - 1);
    expect(perChannel).toEqual([]);
    const [before, after] = [predict(channel.model).predicted, predict(quantized.model).predicted];
    expect(after?.keyBytes).toBeLessThan(0.95 * (before?.keyBytes ?? 0));
    expect(after?.proofBytes).toBeLessThanOrEqual(before?.proofBytes ?? 0);
    // This network is small enough to show its accumulators; one that looks them up has the rows.
    const rows = (q: typeof channel) => lower(q.model).network.rows.length;
    expect(rows(quantized)).toBeLessThan(rows(channel) / 4);
    // A loss that nothing may have leaves every layer its scales.
    const strict = await forProving(float, prepared, ranges, samples, here, { loss: -100 });
    expect(strict.quantized.model).toEqual(channel.model);
  });

  test('stops between two inputs', async () => {
    const { float, samples } = fixture('digits-mlp.qop');
    const controller = new AbortController();
    const onProgress = ({ fraction }: { fraction: number }) => fraction > 0.3 && controller.abort(new Error('enough'));
    await expect(calibrate(prepare(float), samples, here, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
  });

  test('refuses inputs that make the model compute infinities, naming tensor and input', async () => {
    const { float, samples } = fixture('digits-mlp.qop');
    const [name, t] = Object.entries(samples[0] as Sample)[0] as [string, Sample[string]];
    const huge = { [name]: { ...t, data: new Float32Array(64).fill(3e38) } };
    await expect(calibrate(prepare(float), [...samples.slice(0, 2), huge], here)).rejects.toMatchObject({
      code: 'calibration.not-finite',
      detail: { sample: 2 },
    });
  });
});
