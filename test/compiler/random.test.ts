/** Random models against onnxruntime-node: fresh weights, scales, zero points, strides, pads, dilations, groups; compared to the bit. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { differing, runner } from './models.helpers.ts';
import { onnxruntime } from './onnx.helpers.ts';
import { randomModel } from './random.helpers.ts';

const SEEDS = 200;

test('random QOperator and QDQ models equal onnxruntime', async (context) => {
  const ort = await onnxruntime();
  if (typeof ort === 'string') {
    return context.skip(`onnxruntime-node cannot be loaded (${ort})`);
  }
  const counts = { compared: 0, elements: 0, refused: 0, float: 0, floatDiffering: 0 };
  for (let seed = 0; seed < SEEDS; seed++) {
    const { bytes, inputs, about } = randomModel(seed);
    const report = check(bytes);
    if (!report.supported) {
      counts.refused++;
      continue;
    }
    const truth = await ort(bytes, inputs);
    const { run } = runner(bytes);
    const mine = run(inputs);
    for (const t of truth) {
      const m = mine.find((o) => o.name === t.name);
      expect([m?.dtype, m?.shape]).toEqual([t.dtype, t.shape]);
      const different = differing(m?.data ?? [], t.data);
      counts.elements += t.data.length;
      // Where onnxruntime runs a node in float32 the integer meaning may differ by a step: counted, not hidden.
      if (report.notes.length > 0) {
        counts.float++;
        counts.floatDiffering += different;
      } else expect({ seed, about, different }).toEqual({ seed, about, different: 0 });
    }
    counts.compared++;
  }
  console.info(`random models: ${JSON.stringify(counts)}`);
  expect(counts.compared).toBeGreaterThan(SEEDS * 0.85);
}, 60_000);
