/** The pure parts of quantization: folding, rewriting, scales, weights, bytes, refusals. Ranges are given, nothing is run. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { floats } from '../../compiler/onnx/arrays.ts';
import type { Node } from '../../compiler/onnx/graph.ts';
import { readModel } from '../../compiler/onnx/read.ts';
import { writeModel } from '../../compiler/onnx/write.ts';
import { entropyRange, Histogram, percentileRange } from '../../compiler/quantize/histogram.ts';
import { prepare, quantize, type Ranges } from '../../compiler/quantize/index.ts';
import { shiftOf } from '../../compiler/quantize/means.ts';
import { draftBytes, floatTensors } from '../../compiler/quantize/prepare.ts';
import { affineOf, exactSumBits, snapped } from '../../compiler/quantize/scales.ts';
import { quantizeWeights } from '../../compiler/quantize/weights.ts';
import { Refused } from '../../protocol/refused.ts';
import { ARCHITECTURES } from './architectures.helpers.ts';
import { residualNet, rowsNet, tensorflowNet, torchNet } from './exported.helpers.ts';
import { Dice } from './onnx.helpers.ts';
import { FloatBuilder } from './quantize.helpers.ts';

/** The same range for every tensor of a model. */
const everywhere = (model: Uint8Array, lo = -2, hi = 3): Ranges => {
  const { draft } = prepare(model);
  return new Map([...draft.inputs.map((i) => i.name), ...floatTensors(draft)].map((name) => [name, { lo, hi }]));
};

const refusal = (work: () => unknown): Refused => {
  try {
    work();
  } catch (e) {
    if (e instanceof Refused) return e;
    throw e;
  }
  throw new Error('nothing was refused');
};

describe('prepare', () => {
  test.each([11, 17, 21])('folds shape chains and normalizations of a PyTorch export of opset %i', (opset) => {
    const { draft, ops } = prepare(torchNet(opset));
    expect(ops).toEqual(['Conv', 'Relu', 'MaxPool', 'Conv', 'Relu', 'MaxPool', 'Reshape', 'Gemm', 'Relu', 'Gemm', 'Softmax']);
    expect(draft.inputs[0]?.shape).toEqual([1, 1, 8, 8]);
    expect(draft.opset).toBe(Math.max(13, opset));
    expect(draft.shapes.get('y')).toEqual([1, 5]);
  });

  test.each([10, 15])('gathers what tf2onnx scatters, opset %i', (opset) => {
    expect(prepare(tensorflowNet(opset)).ops).toEqual(['Transpose', 'Conv', 'Clip', 'Transpose', 'Reshape', 'Gemm', 'Relu', 'Gemm']);
  });

  test('MatMul and a bias on three dimensions become Gemm between reshapes', () => {
    expect(prepare(rowsNet()).ops).toEqual(['Reshape', 'Gemm', 'Relu', 'Reshape', 'Reshape', 'Gemm', 'Reshape']);
  });

  test('a normalization that stands alone becomes a Conv of one tap, a mean over pixels GlobalAveragePool', () => {
    const { draft, ops } = prepare(residualNet());
    expect(ops.slice(0, 4)).toEqual(['Conv', 'Relu', 'Conv', 'AveragePool']);
    expect(draft.nodes[2]?.attributes.get('group')).toEqual({ kind: 'int', value: 4 });
    expect(ops).toContain('GlobalAveragePool');
    expect(ops).not.toContain('ReduceMean');
  });

  test('folds alpha, beta and transA of Gemm', () => {
    const m = new FloatBuilder(13, 1);
    const [w, c] = [m.constant('float32', [2, 2], [1, 2, 3, 4], 'w'), m.constant('float32', [1], [6], 'c')];
    m.node('Gemm', [m.open('x', [2, 1]), w, c], { transA: 1, alpha: { float: 0.5 }, beta: { float: 2 } }, ['y']);
    m.result('y');
    const { draft, ops } = prepare(m.bytes());
    expect(ops).toEqual(['Transpose', 'Gemm']);
    const [, weights, bias] = draft.nodes[1]?.inputs ?? [];
    expect([...(draft.constants.get(weights ?? '')?.data ?? [])]).toEqual([0.5, 1, 1.5, 2]);
    expect([...(draft.constants.get(bias ?? '')?.data ?? [])]).toEqual([12, 12]);
  });

  test('folds a normalization into the Conv before it: weights and bias by hand', () => {
    const m = new FloatBuilder(13, 1);
    const conv = m.node('Conv', [m.open('x', ['N', 1, 1, 1]), m.constant('float32', [1, 1, 1, 1], [3])], { kernel_shape: [1, 1] });
    const [gamma, beta, mean, variance] = [2, 5, 4, 16 - 0.25].map((v) => m.constant('float32', [1], [v])) as [
      string,
      string,
      string,
      string,
    ];
    m.node('BatchNormalization', [conv, gamma, beta, mean, variance], { epsilon: { float: 0.25 } }, ['y']);
    m.result('y');
    const { draft } = prepare(m.bytes());
    expect(draft.nodes.length).toBe(1);
    // k = 2 / √16 = 0.5: 0.5·3 = 1.5, 5 − 0.5·4 = 3
    expect(draft.nodes[0]?.inputs.slice(1).map((name) => draft.constants.get(name)?.data?.[0])).toEqual([1.5, 3]);
  });

  test('says the same in fewer words: pads of a Conv, relu6 as Min of Relu, centred and scaled inputs', () => {
    const m = new FloatBuilder(13, 1);
    const scaled = m.node('Div', [m.node('Sub', [m.open('x', ['N', 1, 4, 4]), m.scalar('float32', 0.5)]), m.scalar('float32', 4)]);
    const pads = m.constant('int64', [8], [0, 0, 1, 0, 0, 0, 2, 1]);
    const conv = m.node('Conv', [m.node('Pad', [scaled, pads]), m.random([2, 1, 3, 3], 1)], { pads: [0, 1, 0, 0] });
    m.node('GlobalMaxPool', [m.node('Min', [m.node('Relu', [conv]), m.scalar('float32', 6)])], {}, ['y']);
    m.result('y');
    const { draft, ops } = prepare(m.bytes());
    expect(ops).toEqual(['Add', 'Mul', 'Conv', 'Clip', 'MaxPool']);
    expect(draft.nodes[2]?.attributes.get('pads')).toEqual({ kind: 'ints', value: [1, 1, 2, 1] });
    expect(draft.nodes[3]?.inputs.slice(1).map((name) => draft.constants.get(name)?.data?.[0])).toEqual([0, 6]);
    expect(draft.nodes[1]?.inputs.map((name) => draft.constants.get(name)?.data?.[0])).toEqual([undefined, 0.25]);
  });

  test('one tensor under two names keeps an Identity, with the scale of the tensor', () => {
    const m = new FloatBuilder(13, 1);
    const x = m.node('Identity', [m.node('Gemm', [m.open('x', ['N', 4]), m.random([4, 3], 1)])]);
    for (const name of ['a', 'b']) {
      m.node('Identity', [x], {}, [name]);
      m.result(name);
    }
    const model = m.bytes();
    const prepared = prepare(model);
    expect(prepared.ops).toEqual(['Gemm', 'Identity']);
    const { tensors, graph } = quantize(prepared, everywhere(model));
    expect(tensors.map((t) => [t.name, t.dequantized])).toContainEqual(['b', 'b']);
    expect(new Set(tensors.slice(1).map((t) => t.scale)).size).toBe(1);
    expect(graph.outputs.map((o) => o.name)).toEqual(['a', 'b']);
  });

  test('does not fold into a Conv that something else reads', () => {
    const m = new FloatBuilder(13, 1);
    const conv = m.conv(m.open('x', ['N', 1, 4, 4]), 1, 2, 1);
    m.node('Add', [conv, m.norm(conv, 2)], {}, ['y']);
    m.result('y');
    expect(prepare(m.bytes()).ops).toEqual(['Conv', 'Conv', 'Add']);
  });

  test('a first dimension that is open becomes 1; others want --shape, which must fit what is declared', () => {
    const net = (shape: (number | string)[]) => {
      const m = new FloatBuilder(13, 1);
      m.node('Relu', [m.open('x', shape)], {}, ['y']);
      m.result('y');
      return m.bytes();
    };
    const shapeOf = (bytes: Uint8Array, shapes = {}) => prepare(bytes, { shapes }).draft.inputs[0]?.shape;
    expect(shapeOf(net(['batch', 3]))).toEqual([1, 3]);
    expect(shapeOf(net([-1, 3]))).toEqual([1, 3]);
    expect(shapeOf(net(['batch', 3]), { x: [4, 3] })).toEqual([4, 3]);
    expect(shapeOf(net(['batch', 'time']), { x: [1, 7] })).toEqual([1, 7]);
    expect(refusal(() => shapeOf(net(['batch', 'time'])))).toMatchObject({ code: 'model.unsupported-dynamic-shape' });
    expect(refusal(() => shapeOf(net(['batch', 3]), { x: [1, 4] })).message).toBe(
      'input "x" has the shape [?, 3], which [1, 4] does not fit',
    );
    expect(refusal(() => shapeOf(net(['batch', 3]), { z: [1, 3] }))).toMatchObject({ code: 'input.unknown' });
  });
});

describe('refusals', () => {
  const of = (build: (m: FloatBuilder, x: string) => string, opset = 17): Refused => {
    const m = new FloatBuilder(opset, 1);
    m.node('Relu', [build(m, m.open('x', ['N', 4, 4, 4]))], {}, ['y']);
    m.result('y');
    return refusal(() => prepare(m.bytes()));
  };

  test('names everything that cannot be quantized, not one after another', () => {
    const { detail } = of((m, x) => {
      const a = m.node('LRN', [m.node('LpNormalization', [x])], { size: 3 });
      const b = m.node('Div', [m.node('Relu', [x]), m.conv(x, 4, 4, 1)]);
      return m.node('Add', [a, m.node('Hardmax', [b])]);
    });
    const reasons = detail.reasons as { sentence: string }[];
    expect(reasons.map(({ sentence }) => sentence.split(' ')[0])).toEqual(['LpNormalization', 'LRN', 'Hardmax', 'Div']);
  });

  test('does not list what hangs on a refused node alone', () => {
    const { detail } = of((m, x) => {
      const strange = m.node('Hardmax', [x]);
      const size = m.node('Gather', [m.node('Shape', [strange]), m.literal('int64', [], [0])]);
      return m.node('Reshape', [
        strange,
        m.node('Concat', [m.node('Unsqueeze', [size, m.literal('int64', [1], [0])]), m.literal('int64', [1], [-1])], { axis: 0 }),
      ]);
    });
    expect(detail.reasons).toHaveLength(1);
  });

  test.each([
    ['computed weights', (m: FloatBuilder, x: string) => m.node('Conv', [x, m.node('Relu', [x])]), 'model.unsupported-dynamic'],
    ['a quantized model', (m: FloatBuilder, x: string) => m.pair(x, 0.1, 3, 'uint8'), 'model.quantized'],
    ['constants on the left', (m: FloatBuilder, x: string) => m.node('MatMul', [m.random([4, 4], 1), x]), 'model.unsupported-operand'],
    [
      'weights that are not finite',
      (m: FloatBuilder, x: string) => m.node('Add', [x, m.scalar('float32', Number.NaN)]),
      'model.invalid-constant',
    ],
    [
      'a ConvTranspose of groups',
      (m: FloatBuilder, x: string) => m.node('ConvTranspose', [x, m.random([4, 2, 1, 1], 1)], { group: 2 }),
      'model.unsupported-attribute',
    ],
    ['indices in the middle', (m: FloatBuilder, x: string) => m.node('ArgMax', [x]), 'model.unsupported-op'],
    [
      'the greatest in the middle',
      (m: FloatBuilder, x: string) => m.node('TopK', [x, m.constant('int64', [1], [2])], {}, ['v', 'i']),
      'model.unsupported-op',
    ],
    [
      'a choice between numbers that are no mask',
      (m: FloatBuilder, x: string) => m.node('Where', [m.constant('bool', [1], [1]), x, m.scalar('float32', 3)]),
      'model.unsupported-op',
    ],
    ['operands that do not fit', (m: FloatBuilder, x: string) => m.node('Add', [x, m.random([3], 1)]), 'model.invalid-shape'],
  ] as const)('%s', (_, build, code) => {
    expect(of(build).code).toBe(code);
  });

  test('inputs of integers, and bytes that are no model', () => {
    const m = new FloatBuilder(17, 1);
    m.node('Relu', [m.open('ids', ['N', 4], 7)], {}, ['y']);
    m.result('y');
    expect(refusal(() => prepare(m.bytes()))).toMatchObject({
      code: 'model.unsupported-type',
      message: 'the input "ids" is int64; supported: float32, and int64 indices of a constant table (Gather)',
    });
    expect(refusal(() => prepare(Uint8Array.of(1, 2, 3))).code).toMatch(/^onnx\./);
  });
});

describe('any bytes', () => {
  /** What becomes of bytes: the ops of the quantized graph, or the code of a refusal. Anything else is thrown. */
  const outcome = (bytes: Uint8Array): string => {
    try {
      return readModel(quantize(prepare(bytes), everywhere(bytes)).model)
        .nodes.map((n) => n.op)
        .join();
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      expect(e.message.length).toBeGreaterThan(10);
      return e.code;
    }
  };

  test('bad files are refused, or quantized where nothing is wrong but floats', () => {
    const root = 'fixtures/models/bad';
    const quantized = readdirSync(root).filter(
      (f) => f.endsWith('.onnx') && outcome(readFileSync(`${root}/${f}`)).includes('QuantizeLinear'),
    );
    expect(quantized).toContain('float-only.onnx');
  });

  test('a damaged file gives a model or a refusal, never anything else', () => {
    const dice = new Dice(9);
    const seen = new Map<string, number>();
    const built = Object.values(ARCHITECTURES).map((build) => {
      const m = new FloatBuilder(17, 21);
      m.result(build(m));
      return m.bytes();
    });
    for (const good of [torchNet(13), tensorflowNet(10), residualNet(), ...built])
      for (let i = built.includes(good) ? 220 : 0; i < 300; i++) {
        const bytes = Uint8Array.from(good);
        for (let k = dice.int(1, 3); k > 0; k--) bytes[dice.int(0, bytes.length - 1)] = dice.int(0, 255);
        const what = outcome(bytes).includes('QuantizeLinear') ? 'model' : 'refusal';
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    expect(seen.get('model')).toBeGreaterThan(50);
    expect(seen.get('refusal')).toBeGreaterThan(50);
  });
});

describe('scales', () => {
  test('zero lies on an integer, and the range is not cut by more than half a step', () => {
    const dice = new Dice(3);
    for (let i = 0; i < 2000; i++) {
      const [a, b] = [dice.scale(dice.int(-20, 20)), dice.scale(dice.int(-20, 20))];
      const [lo, hi] = dice.pick([[-a, b] as const, [0, b] as const, [-a, 0] as const]);
      const { scale, zp } = affineOf({ lo, hi });
      expect(Number.isInteger(zp) && zp >= 0 && zp <= 255).toBe(true);
      expect(Math.fround(scale)).toBe(scale);
      expect((0 - zp) * scale).toBeLessThanOrEqual(lo + 0.51 * scale);
      expect((255 - zp) * scale).toBeGreaterThanOrEqual(hi - 0.51 * scale);
      if (lo === 0) expect(zp).toBe(0);
    }
    expect(affineOf({ lo: 0, hi: 0 })).toEqual({ scale: 1, zp: 0 });
  });

  test('what feeds an average has sums that float32 holds exactly: 14 bits for 2 x 2, 12 for 3 x 3', () => {
    expect([exactSumBits(4), exactSumBits(9)]).toEqual([14, 12]);
    const dice = new Dice(4);
    for (let i = 0; i < 500; i++) {
      const scale = dice.scale(dice.int(-30, 10));
      const bits = dice.pick([12, 14]);
      const to = snapped(scale, bits);
      expect(to).toBeGreaterThanOrEqual(scale);
      expect(to).toBeLessThanOrEqual(scale * (1 + 2 ** (1 - bits)));
      // every multiple up to 255·K is exact
      const k = bits === 14 ? 4 : 9;
      for (const n of [255 * k, 255 * k - 1, dice.int(1, 255 * k)]) expect(Math.fround(n * to)).toBe(n * to);
    }
  });

  test('a quantized model snaps the scale before AveragePool, keeps scales through pools and views, gives probabilities 1/256', () => {
    const model = residualNet();
    const byOp = new Map(quantize(prepare(model), everywhere(model, 0, 1)).tensors.map((t) => [t.op, t]));
    expect(byOp.get('Sigmoid')).toMatchObject({ scale: 1 / 256, zp: 0 });
    const operand = prepare(model).draft.nodes.find((n) => n.op === 'AveragePool')?.inputs[0];
    const averaged = quantize(prepare(model), everywhere(model)).tensors.find((t) => t.name === operand);
    expect(averaged?.scale).toBe(snapped(Math.fround(5 / 255), 14));
    const torch = torchNet(17);
    const tensors = quantize(prepare(torch), everywhere(torch, 0, 3)).tensors;
    const [conv, pool] = [tensors[1], tensors[2]];
    expect([conv?.op, pool?.op]).toEqual(['Conv', 'MaxPool']);
    expect([pool?.scale, pool?.zp]).toEqual([conv?.scale, conv?.zp]);
  });
});

describe('clamps', () => {
  const clipped = (min: number, max: number): string[] => {
    const m = new FloatBuilder(13, 1);
    m.node('Clip', [m.conv(m.open('x', ['N', 1, 4, 4]), 1, 2, 3), m.scalar('float32', min), m.scalar('float32', max)], {}, ['y']);
    m.result('y');
    const prepared = prepare(m.bytes());
    const held = (name: string) => (name === 'y' ? { lo: Math.min(0, min), hi: Math.min(max, 2) } : { lo: -3, hi: 3 });
    const ranges = new Map(['x', ...floatTensors(prepared.draft)].map((name) => [name, held(name)]));
    return quantize(prepared, ranges)
      .graph.nodes.map((n) => n.op)
      .filter((op) => op === 'Conv' || op === 'Clip');
  };

  test('go into the requantisation of the layer before them where saturation does the same', () => {
    for (const [min, max] of [
      [0, 6],
      [0, 1],
      [-1, 1],
      [-0.7, 0.3],
    ] as const)
      expect([min, max, clipped(min, max)]).toEqual([min, max, ['Conv']]);
    // Zero must stay an integer, so a clamp away from zero does not.
    expect(clipped(0.5, 1)).toEqual(['Conv', 'Clip']);
  });
});

describe('weights', () => {
  const options = { perChannel: true, largest: 127 };

  test('one scale a channel, no weight cut, bias at sx·sw', () => {
    const w = floats('w', [2, 2], [1, -2, 0.5, 0.25]);
    const { data, scales, bias } = quantizeWeights(w, 0, floats('b', [2], [1, -1]), 0.1, options);
    expect(scales).toEqual([2 / 127, 0.5 / 127].map(Math.fround));
    expect([...data]).toEqual([64, -127, 127, 64]);
    expect([...(bias ?? [])]).toEqual(scales.map((s, c) => Math.round((c === 0 ? 1 : -1) / Math.fround(0.1 * s))));
  });

  test('per tensor, and 7 bits', () => {
    const { data, scales } = quantizeWeights(floats('w', [2, 2], [1, -2, 0.5, 0.25]), 0, null, 0.1, { perChannel: false, largest: 64 });
    expect(scales).toEqual([2 / 64]);
    expect([...data]).toEqual([32, -64, 16, 8]);
  });

  test('a channel without weights keeps its bias; a bias beside tiny weights does not overflow', () => {
    const zero = quantizeWeights(floats('w', [2, 1], [0, 1]), 0, floats('b', [2], [0.3, 0]), 0.01, options);
    expect((zero.bias?.[0] ?? 0) * 0.01 * (zero.scales[0] as number)).toBeCloseTo(0.3, 4);
    const tiny = quantizeWeights(floats('w', [2, 1], [1e-20, 1]), 0, floats('b', [2], [5, 0]), 0.01, options);
    expect(Math.abs(tiny.bias?.[0] ?? 0)).toBeLessThanOrEqual(2 ** 27 + 16);
    expect((tiny.bias?.[0] ?? 0) * 0.01 * (tiny.scales[0] as number)).toBeCloseTo(5, 5);
  });
});

describe('bias correction', () => {
  test('the shift of a grouped Conv and of both layouts of Gemm, by hand', () => {
    const node = (op: string, attributes: [string, number][]) =>
      ({ op, attributes: new Map(attributes.map(([n, value]) => [n, { kind: 'int', value }])) }) as unknown as Node;
    // Two groups of one input and two outputs, two taps.
    const grouped = shiftOf(
      node('Conv', [['group', 2]]),
      floats('w', [4, 1, 2], new Array(8).fill(0)),
      [1, 2, 3, 4, 5, 6, 7, 8],
      [10, 100],
    );
    expect([...grouped]).toEqual([30, 70, 1100, 1500]);
    const errors = [1, 2, 3, 4, 5, 6];
    const means = [1, 10, 100];
    expect([...shiftOf(node('Gemm', [['transB', 1]]), floats('w', [2, 3], errors), errors, means)]).toEqual([321, 654]);
    expect([...shiftOf(node('Gemm', []), floats('w', [3, 2], errors), errors, means)]).toEqual([531, 642]);
  });

  test('goes into the bias, and makes one where there is none', () => {
    const w = floats('w', [1, 2], [1, 0.3]);
    const { bias, scales } = quantizeWeights(w, 0, null, 0.5, { perChannel: true, largest: 127 }, (errors) =>
      Float64Array.of((errors[0] as number) * 1000 + (errors[1] as number) * 1000),
    );
    const error = Math.round(0.3 / (scales[0] as number)) * (scales[0] as number) - 0.3;
    expect((bias?.[0] ?? 0) * 0.5 * (scales[0] as number)).toBeCloseTo(-1000 * error, 1);
    expect(Math.abs(1000 * error)).toBeGreaterThan(0.5);
  });
});

describe('histograms', () => {
  const filled = (values: number[]): Histogram => {
    const h = new Histogram({ lo: Math.min(0, ...values), hi: Math.max(0, ...values) });
    h.add(Float32Array.from(values));
    return h;
  };

  test('a percentile leaves outliers out, all values keep the range', () => {
    const values = [...Array.from({ length: 9998 }, (_, i) => i / 9998), 50, -50];
    const { lo, hi } = percentileRange(filled(values), 99.9);
    expect(lo).toBeGreaterThan(-0.1);
    expect(hi).toBeLessThan(1.1);
    expect(percentileRange(filled(values), 100)).toEqual({ lo: -50, hi: 50 });
  });

  test('entropy cuts a long thin tail, and keeps a range that is evenly full', () => {
    const dice = new Dice(5);
    const bell = Array.from({ length: 20000 }, () => dice.next() + dice.next() + dice.next() - 1.5);
    const tailed = entropyRange(filled([...bell, 12, -12]));
    expect(tailed.hi).toBeLessThan(6);
    expect(tailed.hi).toBeGreaterThan(1);
    const even = entropyRange(filled(Array.from({ length: 20000 }, (_, i) => i / 20000)));
    expect(even.hi).toBeGreaterThan(0.95);
  });
});

describe('bytes', () => {
  test.each([torchNet(17), tensorflowNet(10), residualNet()])(
    'are the same every time, and read back to the graph that was written (%#)',
    (model) => {
      const make = () => quantize(prepare(model), everywhere(model));
      const { model: bytes, graph } = make();
      expect(make().model).toEqual(bytes);
      const again = readModel(bytes);
      expect(writeModel(again, prepare(model).draft.shapes)).toEqual(bytes);
      expect(again.nodes.map((n) => [n.op, n.inputs, n.outputs])).toEqual(graph.nodes.map((n) => [n.op, n.inputs, n.outputs]));
      for (const [name, t] of graph.initializers) expect(again.initializers.get(name)).toEqual(t);
      // A prepared model is as deterministic.
      expect(draftBytes(prepare(model).draft)).toEqual(draftBytes(prepare(model).draft));
    },
  );

  test('hold float inputs and outputs, uint8 activations, int8 weights and int32 biases', () => {
    const model = tensorflowNet(15);
    const graph = readModel(quantize(prepare(model), everywhere(model)).model);
    expect([graph.inputs[0]?.dtype, graph.outputs[0]?.dtype]).toEqual(['float32', 'float32']);
    const types = new Map<string, number>();
    for (const t of graph.initializers.values()) types.set(t.dtype, (types.get(t.dtype) ?? 0) + 1);
    for (const type of ['uint8', 'int8', 'int32']) expect(types.get(type)).toBeGreaterThan(2);
    for (const n of graph.nodes)
      if (n.op === 'Conv' || n.op === 'Gemm')
        for (const input of n.inputs) expect(graph.nodes.find((p) => p.outputs[0] === input)?.op).toBe('DequantizeLinear');
  });
});
