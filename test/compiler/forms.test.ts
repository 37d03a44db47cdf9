/** The forms as text, views, functions and the float borders. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fma } from '../../circuits/computed/float.ts';
import { applyHead, applyTail, applyViews, type Interface } from '../../circuits/interface.ts';
import { emit, lower } from '../../compiler/index.ts';
import { plainView, positions, stepView, type View, viewSteps } from '../../compiler/quantized/view.ts';
import { bitsToFloat, floatToBits } from '../../protocol/float32.ts';
import { Refused } from '../../protocol/refused.ts';
import { named, recorded, runner } from './models.helpers.ts';
import { Dice } from './onnx.helpers.ts';

const mnist = 'fixtures/models/mnist-cnn.qop-pt';

describe('forms', () => {
  test('the same model prints the same text, and the text names every node', () => {
    const bytes = readFileSync(`${mnist}/model.onnx`);
    for (const form of ['graph', 'quantized', 'network'] as const) expect(emit(bytes, form)).toBe(emit(Uint8Array.from(bytes), form));
    expect(emit(bytes, 'graph')).toMatch(/node conv_3_node_quant: .* = QLinearConv\(/);
    expect(emit(bytes, 'quantized')).toMatchInlineSnapshot(`
      "quantized graph
      input t0 input_quantized: uint8[1,28,28] zp 0 in [0, 255] from graph input 0 quantized by scale 0.003921568859368563 zp 0
      linear conv_3_node_quant: t1 conv_3_quantized: uint8[8,24,24] zp 0 in [0, 255] = t0 {"kind":"conv","groups":1,"kernel":[5,5],"stride":[1,1],"pad":[0,0,0,0],"dilation":[1,1]} weights [8,1,25] 200 numbers #5d91e705 bias [29 5512 2639 622 -2 11 -468 54] R [0.0014444070402532816] to scale 0.016170473769307137 zp 0 clip [0, 255]
      maxpool maxpool_5_node: t2 maxpool_5_quantized: uint8[8,12,12] zp 0 in [0, 255] = t1 kernel [2,2] stride [2,2] pad [0,0,0,0] dilation [1,1]
      linear conv_8_node_quant: t3 conv_8_quantized: uint8[16,8,8] zp 0 in [0, 255] = t2 {"kind":"conv","groups":1,"kernel":[5,5],"stride":[1,1],"pad":[0,0,0,0],"dilation":[1,1]} weights [16,8,25] 3200 numbers #6baa71c5 bias 16 numbers #0ac59445 R [0.0016283290460705757] to scale 0.03594677522778511 zp 0 clip [0, 255]
      maxpool maxpool_10_node: t4 maxpool_10_quantized: uint8[16,4,4] zp 0 in [0, 255] = t3 kernel [2,2] stride [2,2] pad [0,0,0,0] dilation [1,1]
      linear gemm_14_node_quant: t5 gemm_14_quantized: uint8[64] zp 0 in [0, 255] = t4 {"kind":"dense","sp":0} weights [64,16,4,4] 16384 numbers #b98e9dc5 bias 64 numbers #8c5517c5 R [0.0012991896364837885] to scale 0.09179802238941193 zp 0 clip [0, 255]
      linear gemm_18_node_quant: t6 output_quantized: uint8[10] zp 122 in [0, 255] = t5 {"kind":"dense","sp":0} weights [10,64] 640 numbers #9109a1c5 bias 10 numbers #abb92455 R [0.002702049445360899] to scale 0.16572463512420654 zp 122 clip [0, 255]
      output output: float32[1,10] from t6 [{"op":"reshape","shape":[1,10]},{"op":"dequantize","scales":[1042920376],"axis":0,"zp":122}]
      "
    `);
  });

  test('a model that is refused later still has the forms before', () => {
    const float = readFileSync('fixtures/models/bad/float-only.onnx');
    expect(emit(float, 'graph')).toMatch(/^graph "digits-mlp"/);
    expect(() => emit(float, 'network')).toThrow(Refused);
  });

  test('a committed input has home X and its range op first', () => {
    const model = recorded(mnist);
    const { program, run } = runner(model.model, { committedInput: true });
    expect(program.network.tensors[0]?.home).toBe('X');
    expect(program.network.ops[0]?.kind).toBe('range');
    expect(run(named(model, 0))).toEqual(runner(model.model).run(named(model, 0)));
  });

  test('a Relu behind the sum of a MatMul and a bias is one lookup with it', () => {
    const { network } = lower(readFileSync('fixtures/models/digits-mlp-mm.qdq-s8/model.onnx'));
    expect(network.ops.map((o) => o.kind)).toEqual(['req', 'req', 'req', 'req']);
  });
});

describe('views', () => {
  test('a layout says where every element is', () => {
    const dice = new Dice(3);
    for (let round = 0; round < 200; round++) {
      const dims = dice.ints(3, 1, 4);
      const size = dims.reduce((p, d) => p * d, 1);
      const key = Int32Array.from({ length: size }, (_, i) => i);
      let view: View = plainView([1, ...dims], dims);
      let logical = key;
      for (let k = 0; k < 3; k++) {
        const rank = view.shape.length;
        const perm = view.shape.map((_, i) => i).sort(() => dice.next() - 0.5);
        const cut = dice.int(0, rank);
        const product = (v: readonly number[]) => v.reduce((p, d) => p * d, 1);
        const step = dice.chance(0.5)
          ? ({ op: 'transpose', perm } as const)
          : ({ op: 'reshape', shape: [product(view.shape.slice(0, cut)), product(view.shape.slice(cut))] } as const);
        const next = stepView(view, dims, step);
        if (next === null) continue;
        logical = applyViews(logical, view.shape, [step]);
        view = next;
      }
      expect(applyViews(key, dims, viewSteps(dims, view))).toEqual(logical);
      // Flattened to one logical dimension: key position -> logical index.
      const flat = stepView(view, dims, { op: 'reshape', shape: [size] }) as View;
      const at = positions(dims, [0, 1, 2], flat.layout?.[0] as number[]);
      expect(Int32Array.from(at, (i) => logical[i] as number)).toEqual(key);
    }
  });

  test('a reshape cannot cut an axis', () => {
    expect(stepView(plainView([1, 6], [6]), [6], { op: 'reshape', shape: [2, 3] })).toBeNull();
  });
});

describe('float arithmetic', () => {
  test('fma rounds once', () => {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is the middle of two float32 numbers; 2^-60 more is lost in float64 but decides the rounding.
    expect(fma(Math.fround(1 + 2 ** -12), Math.fround(1 + 2 ** -12), 2 ** -60)).toBe(Math.fround(1 + 2 ** -11 + 2 ** -23));
    expect(fma(Math.fround(1 + 2 ** -12), Math.fround(1 + 2 ** -12), 0)).toBe(Math.fround(1 + 2 ** -11));
    expect(fma(-Math.fround(1 + 2 ** -12), Math.fround(1 + 2 ** -12), -(2 ** -60))).toBe(-Math.fround(1 + 2 ** -11 + 2 ** -23));
    expect(fma(3, 5, -15)).toBe(0);
  });

  test('bit patterns of float32', () => {
    for (const v of [1, 0.1, 2 ** -126, 3e38]) expect(bitsToFloat(floatToBits(v))).toBe(Math.fround(v));
    expect(floatToBits(1)).toBe(0x3f800000);
  });
});

describe('head and tail', () => {
  const face: Interface = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [2, 2] }],
    head: [{ input: 0, steps: [{ op: 'transpose', perm: [1, 0] }], quantize: { scale: floatToBits(0.5), zp: 10, dtype: 'uint8' } }],
    outputs: [
      {
        name: 'y',
        dtype: 'float32',
        shape: [2],
        source: 0,
        dims: [2],
        steps: [{ op: 'dequantize', scales: [floatToBits(0.25)], axis: 0, zp: 3 }],
      },
      { name: 'k', dtype: 'int64', shape: [], source: 0, dims: [2], steps: [{ op: 'argmax', axis: 0, keepdims: false, last: true }] },
    ],
  };
  const x = (data: number[], more = {}) => ({ x: { dtype: 'float32', shape: [2, 2], data, ...more } });

  test('QuantizeLinear rounds half to even and clips', () => {
    expect(applyHead(face, x([0.25, 0.75, -1e30, Number.POSITIVE_INFINITY]))).toEqual([Int32Array.of(10, 0, 12, 255)]);
  });

  test('DequantizeLinear, and ArgMax of the last maximum', () => {
    expect(applyTail(face, [[7, 7]]).map((o) => Array.from(o.data))).toEqual([[1, 1], [1]]);
  });

  test.each([
    ['input.name', { z: { dtype: 'float32', shape: [2, 2], data: [0, 0, 0, 0] } }],
    ['input.name', {}],
    ['input.dtype', x([0, 0, 0, 0], { dtype: 'uint8' })],
    ['input.shape', x([0, 0, 0, 0], { shape: [4] })],
    ['input.length', x([0, 0, 0])],
    ['input.value', x([0, 0, Number.NaN, 0])],
  ])('refuses %s', (code, inputs) => {
    try {
      applyHead(face, inputs);
    } catch (e) {
      expect(e).toBeInstanceOf(Refused);
      expect((e as Refused).code).toBe(code);
      return;
    }
    throw new Error('not refused');
  });

  test('refuses a number of integers that is not that of the output', () => {
    expect(() => applyTail(face, [[1]])).toThrow(Refused);
  });
});
