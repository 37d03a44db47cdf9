/** Recorded models: what the compiled network computes is what onnxruntime computed, to the bit. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../circuits/evaluate.ts';
import { applyHead } from '../../circuits/interface.ts';
import { draftKey } from '../../circuits/setup.ts';
import { unpad } from '../../circuits/shape.ts';
import { check } from '../../compiler/index.ts';
import { differing, named, type RecordedModel, recorded, runner } from './models.helpers.ts';

const ROOT = 'fixtures/models';
const names = readdirSync(ROOT).filter((n) => n !== 'bad' && !n.includes('.json') && !n.includes('.md'));

/** The first tensor of the network, in order, that differs from onnxruntime's own for input 0. */
function firstDifference(model: RecordedModel): { compared: number; at: string | null } {
  const { program } = runner(model.model);
  const circuit = draftKey(program.network);
  const raw = applyHead(program.interface, named(model, 0));
  const values = evaluate(
    circuit,
    raw.map((v, i) => v.map((q) => q - (program.network.inputs[i]?.zp ?? 0))),
  );
  let compared = 0;
  for (const [tensor, { name, zp, dtype }] of program.activations) {
    const truth = model.mid.find((e) => e.name === name && e.dtype === dtype);
    if (truth === undefined) continue;
    const mine = unpad(values.get(tensor) as Int32Array, circuit.fields.tensors[tensor]?.dims as number[]).map((v) => v + zp);
    compared++;
    if (differing(mine, truth.at(0)) > 0) return { compared, at: name };
  }
  return { compared, at: null };
}

/**
 * Models in which onnxruntime's own result depends on the order of its float32 sums, and how many of a hundred outputs may be others for it: all
 * of them have nodes with a meaning of their own.
 */
const OWN: Readonly<Record<string, number>> = {
  'lenet5-avg.qdq-u8': 25,
  'op-AveragePool-2x2.s8a': 12,
  'op-AveragePool-2x2.s8b': 10,
  'op-AveragePool-2x2.u8a': 1,
  'tiny-transformer-erf.qdq-s8': 3,
};

describe('recorded models equal onnxruntime at ORT_ENABLE_ALL', () => {
  for (const name of names) {
    test(name, () => {
      const model = recorded(`${ROOT}/${name}`);
      const { program, run } = runner(model.model);
      let different = 0;
      let total = 0;
      for (let i = 0; i < model.count; i++) {
        const outputs = run(named(model, i));
        for (const e of model.io) {
          if (e.role !== 'expected_all') continue;
          const out = outputs.find((o) => o.name === e.name);
          expect([out?.dtype, out?.shape]).toEqual([e.dtype, e.shape]);
          different += differing(out?.data ?? [], e.at(i));
          total += e.at(i).length;
        }
      }
      const own = OWN[name];
      if (own !== undefined) {
        console.info(`${name}: ${different} of ${total} elements differ`);
        expect(different).toBeLessThanOrEqual((own * total) / 100);
        expect(check(model.model).nodes.some((n) => n.meaning?.startsWith('own meaning'))).toBe(true);
        return;
      }
      if (name.includes('s8') && program.notes.length > 0)
        console.info(`${name}: ${different} of ${total} elements differ; notes: ${program.notes.length}`);
      const first = different > 0 ? firstDifference(model).at : null;
      expect({ different, first }).toEqual({ different: 0, first: null });
    }, 30_000);
  }

  test('tensors inside agree too, where onnxruntime has them', () => {
    for (const name of ['mnist-cnn.qop', 'mnist-cnn.qdq-u8', 'mnist-cnn.qop-pt', 'lenet5-max.qop', 'digits-mlp-mm.qop']) {
      const { compared, at } = firstDifference(recorded(`${ROOT}/${name}`));
      expect(at).toBeNull();
      expect(compared).toBeGreaterThan(1);
    }
  });

  test('a signed graph with integer borders names the nodes onnxruntime runs in float32', () => {
    const notes = check(recorded(`${ROOT}/lenet5-max.qdq-s8-intio`).model).notes;
    expect(notes.map((n) => n.split(' ')[0])).toEqual(['Conv', 'Gemm']);
    expect(check(recorded(`${ROOT}/lenet5-max.qdq-s8`).model).notes).toEqual([]);
  });
});
