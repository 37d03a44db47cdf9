/**
 * What people have: float networks quantized, as near to the float ones as eight bits are, and then to the bit what onnxruntime computes.
 * Weights are of 7 bits, so that onnxruntime's kernels are exact on CPUs without VNNI too.
 */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { compare, quantize } from '../../compiler/quantize/index.ts';
import { ARCHITECTURES } from './architectures.helpers.ts';
import { differing, runner } from './models.helpers.ts';
import { onnxruntime } from './onnx.helpers.ts';
import { calibrated, FloatBuilder, needRuntime, runtime } from './quantize.helpers.ts';

const fused = await onnxruntime();
needRuntime();

test.each(Object.entries(ARCHITECTURES))('%s', async (name, build) => {
  const m = new FloatBuilder(17, 21);
  m.result(build(m));
  const model = m.bytes();
  const { prepared, samples, ranges } = await calibrated(model, 8);
  const quantized = quantize(prepared, ranges, { reduceRange: true });
  const { outputs } = await compare(model, prepared, quantized, samples, runtime);
  const { reasons, nodes } = check(quantized.model);
  expect(reasons).toEqual([]);
  const own = nodes.filter((n) => n.meaning === 'own meaning').map((n) => n.op);
  const { run } = runner(quantized.model);
  let different = 0;
  for (const sample of samples) {
    const inputs = Object.fromEntries(
      Object.entries(sample).map(([name, { shape, data }]) => [
        name,
        {
          dtype: data instanceof Float32Array ? 'float32' : 'int64',
          shape,
          data: data instanceof Float32Array ? data : Int32Array.from(data, Number),
        },
      ]),
    );
    if (typeof fused === 'string') throw new Error(fused);
    const [mine] = run(inputs);
    const [theirs] = await fused(quantized.model, inputs);
    expect(mine?.shape).toEqual(theirs?.shape);
    different += differing(mine?.data ?? [], theirs?.data ?? []);
  }
  console.info(`${name}: own ${own.join(' ') || 'none'}, ${different} differ, ${outputs[0]?.sqnr.toFixed(1)} dB`);
  if (own.length === 0) expect(different).toBe(0);
  expect(outputs[0]?.sqnr).toBeGreaterThan(18);
});
