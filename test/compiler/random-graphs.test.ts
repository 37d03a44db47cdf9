/**
 * Random graphs of every operator against onnxruntime-node: what `check` calls exact is equal to the bit, our own meaning of a node at most a step
 * away; and some of them are proven, verified, and refused when tampered with.
 */
import { expect, test } from 'vitest';
import { check } from '../../compiler/compile.ts';
import { ops } from '../../compiler/quantized/ops/index.ts';
import { compile, openCircuit, verify } from '../../index.ts';
import { wasmKernels } from '../../prover/kernels/wasm/index.ts';
import { randomGraph } from './graphs.helpers.ts';
import { runner } from './models.helpers.ts';
import { Dice, onnxruntime } from './onnx.helpers.ts';
import type { Output } from './sketch.helpers.ts';

const GRAPHS = 300;
const PROVEN = 24;
/**
 * Upsample ends with opset 9. Results after the last integer are compared in operators.test.ts, the others with attributes of their own at random in
 * random-operators.test.ts and in integer.test.ts.
 */
const ELSEWHERE = [
  'Upsample',
  'ArgMax',
  'ArgMin',
  'TopK',
  'LogSoftmax',
  'ConvTranspose',
  'ReduceMax',
  'ReduceMin',
  'GlobalMaxPool',
  'ConvInteger',
  'MatMulInteger',
];

test('random graphs of every operator equal onnxruntime', async (context) => {
  const ort = await onnxruntime();
  if (typeof ort === 'string') return context.skip(`onnxruntime-node cannot be loaded (${ort})`);
  const counts = { compared: 0, elements: 0, refused: 0, ownMeaning: 0, differing: 0 };
  const met = new Map<string, number>();
  for (let seed = 0; seed < GRAPHS; seed++) {
    const g = randomGraph(seed);
    const report = check(g.bytes);
    if (!report.supported) {
      counts.refused++;
      continue;
    }
    const own = report.nodes.filter((n) => n.meaning === 'own meaning').map((n) => n.name);
    const mine = runner(g.bytes).run(g.inputs);
    for (const truth of await ort(g.bytes, g.inputs)) {
      const made = mine.find((o) => o.name === truth.name);
      expect([g.about, made?.dtype, made?.shape]).toEqual([g.about, truth.dtype, truth.shape]);
      const { step, nodes, last } = g.outputs.get(truth.name) as Output;
      const here = own.filter((n) => nodes.has(n));
      const steps = Array.from(truth.data, (v, i) => Math.abs(v - (made?.data[i] as number)) / step);
      const differing = steps.filter((s) => s !== 0).length;
      if (here.length === 0) expect({ about: g.about, differing }).toEqual({ about: g.about, differing: 0 });
      // Behind such a node, a step may become many.
      if (here.every((n) => last.has(n))) expect([g.about, Math.max(...steps) < 1.5]).toEqual([g.about, true]);
      counts.elements += steps.length;
      counts.differing += differing;
    }
    counts.compared++;
    if (own.length > 0) counts.ownMeaning++;
    for (const op of new Set(g.operators)) met.set(op, (met.get(op) ?? 0) + 1);
  }
  console.info(
    `random graphs: ${JSON.stringify(counts)}; ${[...met]
      .sort()
      .map(([op, n]) => `${op} ${n}`)
      .join(', ')}`,
  );
  expect(counts.compared).toBeGreaterThan(GRAPHS * 0.85);
  for (const op of Object.keys(ops)) if (!ELSEWHERE.includes(op)) expect([op, (met.get(op) ?? 0) >= 3]).toEqual([op, true]);
});

test('random graphs are proven and verified, and refused with one byte changed', async () => {
  const kernels = wasmKernels();
  const dice = new Dice(1);
  let proven = 0;
  // Every fifth, so that they pass through all operators.
  for (let seed = 1000; proven < PROVEN; seed += 5) {
    const g = randomGraph(seed, 3);
    const { predicted } = check(g.bytes);
    if (predicted === undefined || predicted.lookups + predicted.tableRows > 2 ** 14) continue;
    const { circuit, key } = await compile(g.bytes);
    const open = openCircuit(circuit, { kernels });
    const { envelope } = await open.prove(g.inputs);
    open.close();
    expect([g.about, verify(envelope, key).verdict]).toEqual([g.about, 'accepted']);
    const at = dice.int(0, envelope.length - 1);
    const lie = Uint8Array.from(envelope, (b, i) => (i === at ? b ^ (1 << dice.int(0, 7)) : b));
    expect([g.about, at, verify(lie, key).verdict]).toEqual([g.about, at, 'refused']);
    proven++;
  }
});
