/** Keys made to hurt whoever reads them: refused by name, before the work they ask for (docs/protocol.md §6.4 S13, S14). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkKey } from '../../circuits/check.ts';
import { encodeKeyFile } from '../../circuits/files.ts';
import { inspect } from '../../circuits/inspect.ts';
import type { Interface, TailTensor } from '../../circuits/interface.ts';
import { decodeInterface, encodeInterface } from '../../circuits/interface-encoding.ts';
import { decodeKey, describedTables, type KeyFields, sealKey } from '../../circuits/key.ts';
import { type Network, NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import { proofSize } from '../../circuits/proof-size.ts';
import { draftKey, setup } from '../../circuits/setup.ts';
import { requantize } from '../../circuits/step.ts';
import type { MaxOp, OutOp, ReqOp, Tensor } from '../../circuits/types.ts';
import { audit, compile } from '../../compiler/compile.ts';
import { lower } from '../../compiler/index.ts';
import { encodeValue } from '../../protocol/encoding.ts';
import { Refused } from '../../protocol/refused.ts';
import { prove } from '../../prover/index.ts';
import { verify } from '../../verifier/index.ts';
import { ModelBuilder } from '../compiler/onnx.helpers.ts';

const digits = lower(readFileSync('fixtures/models/digits-mlp.qop/model.onnx'));
const { key } = setup(digits.network);
const req = key.ops[0] as ReqOp;

function refusedSoon(work: () => unknown, pattern: RegExp): void {
  const started = performance.now();
  expect(work).toThrow(pattern);
  expect(performance.now() - started).toBeLessThan(1500);
}

const read = (fields: KeyFields): void => {
  const again = decodeKey(sealKey(fields).bytes);
  checkKey(again, planOf(again));
};

describe('a key', () => {
  it('cannot hide the steps of many channels behind a narrow interval', () => {
    const channels = 4096;
    const tensors = key.tensors.map((t, i) => (i === req.y || i === req.rem || i === req.wid ? { ...t, dims: [channels] } : t));
    const description = {
      kind: 'cells',
      zp: 0,
      lo: -128,
      hi: 127,
      map: null,
      channels: Array.from({ length: channels }, () => ({ scaleBits: 0x33800000, interval: [0, 0] as const })),
    } as const;
    const started = performance.now();
    const { runs } = describedTables(tensors, [{ ...req, bound: 2 ** 30, widths: [20] }], [description]);
    expect(runs.reduce((n, [, count]) => n + count, 0)).toBeGreaterThanOrEqual(channels);
    expect(performance.now() - started).toBeLessThan(1500);
    const tooMany = {
      ...description,
      channels: Array.from({ length: 20000 }, () => ({ scaleBits: 0x33800000, interval: [0, 0] as const })),
    };
    refusedSoon(
      () =>
        describedTables(
          tensors.map((t, i) => (i === req.y ? { ...t, dims: [20000] } : t)),
          [req],
          [tooMany],
        ),
      /S13: .*4194304 steps/,
    );
  });

  it('cannot ask for max tables of 2^20 rows each', () => {
    const tensors: Tensor[] = [{ dims: [1, 4, 4], home: 'PUB', lo: 0, hi: 2 ** 20 - 2 }];
    const ops = Array.from(
      { length: 8 },
      (_, i): MaxOp => ({ kind: 'max', x: 0, axis: 1, stride: 1, pad: 0, dilation: 1, k0: 0, k1: 1, prev: null, y: 0, id: 2 + i, lo: 0 }),
    );
    refusedSoon(() => describedTables(tensors, ops, []), /S13: .*4194304 rows/);
  });

  it('cannot hold millions of values, or tensors of a high rank', () => {
    const bytes = encodeValue(['xt', 2, Array.from({ length: 2 ** 20 }, () => null)]);
    refusedSoon(() => decodeKey(bytes), /E?6?key: more than 1048576 values/);
    refusedSoon(
      () => read({ ...key, tensors: [{ ...(key.tensors[0] as Tensor), dims: new Array<number>(17).fill(1) }, ...key.tensors.slice(1)] }),
      /S8: a rank/,
    );
  });

  it.each([
    ['a pool over 2^26 rows', [1, 2 ** 26, 1], 1],
    ['a pool of 2^20 taps', [1, 2 ** 12, 1], 2 ** 20],
  ])('cannot ask its verifier for %s', (_, dims, taps) => {
    const b = new NetworkBuilder();
    const x = b.input(dims as number[], -1, 1);
    const small = b.input([2, 1, 1], -1, 1);
    b.req({ kind: 'lin', terms: [[1, small]], constant: 0 }, requantize(1, 0, -1, 1), -1, 1, { widths: [0] });
    const pad = taps as number;
    const form: OutOp['form'] = {
      kind: 'pool',
      x,
      kh: taps as number,
      kw: 1,
      stride: [1, 1],
      pad: [Math.min(pad, 2 ** 20), 0, 0, 0],
      dilation: [1, 1],
    };
    const y = b.out(form);
    const network = b.finish(
      [
        { tensor: x, dtype: 'int8', zp: 0 },
        { tensor: small, dtype: 'int8', zp: 0 },
      ],
      [{ tensor: y, dtype: 'int32', zp: 0 }],
    );
    const made = setup(network).key;
    refusedSoon(() => checkKey(made, planOf(made)), /S14/);
    refusedSoon(() => inspect(encodeKeyFile(made, digits.interface)), /S14|interface/);
  });
});

describe('a key of a few hundred bytes', () => {
  it('has its sizes at once, however long its images are', () => {
    const image = (dims: number[], home: Tensor['home']): Tensor => ({ dims, home, lo: 0, hi: 1 });
    const max = (x: number, y: number): MaxOp => {
      return { kind: 'max', x, axis: 2, stride: 1, pad: 0, dilation: 1, k0: 0, k1: 1, prev: null, y, id: 2, lo: 0 };
    };
    const network: Network = {
      tensors: [image([1, 1, 2], 'PUB'), image([1, 1, 2 ** 24], 'A'), image([1, 1, 4], 'PUB')],
      weights: new Map(),
      ops: [max(0, 1), max(1, 2)],
      meanings: new Map(),
      labels: ['wide', 'narrow'],
      rows: [],
      omega: new Set(),
      inputs: [{ tensor: 0, dtype: 'int8', zp: 0 }],
      outputs: [{ tensor: 2, dtype: 'int8', zp: 0 }],
    };
    const bytes = sealKey({ ...draftKey(network).fields, wroot: new Uint8Array(32) }).bytes;
    expect(bytes.length).toBeLessThan(1000);
    const started = performance.now();
    const again = decodeKey(bytes);
    const plan = planOf(again);
    checkKey(again, plan);
    expect(proofSize(again, plan).maximum).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('a public tensor', () => {
  it('is charged for every claim on it, not once', () => {
    const withTerms = (terms: number): KeyFields => {
      const b = new NetworkBuilder();
      const x = b.input([2 ** 16], -1, 1);
      const y = b.out({ kind: 'lin', terms: Array.from({ length: terms }, (): [number, number] => [1, x]), constant: 0 });
      const z = b.req({ kind: 'lin', terms: [[1, x]], constant: 0 }, requantize(1, 0, -1, 1), -1, 1, { home: 'PUB', widths: [0] });
      const out = [
        { tensor: y, dtype: 'int32' as const, zp: 0 },
        { tensor: z, dtype: 'int8' as const, zp: 0 },
      ];
      return setup(b.finish([{ tensor: x, dtype: 'int8', zp: 0 }], out)).key;
    };
    read(withTerms(4));
    refusedSoon(() => read(withTerms(2000)), /S14/);
  });
});

describe('an interface', () => {
  const face = digits.interface;
  const [output] = face.outputs as [TailTensor];
  const reread = (f: Interface): Interface => decodeInterface(encodeInterface(f), key);

  it.each(['int64', 'int32', 'uint8'] as const)('cannot call a dequantized output %s', (dtype) => {
    expect(() => reread({ ...face, outputs: [{ ...output, dtype }] })).toThrow(/the dtype of an output is not that of its steps/);
  });

  it('cannot make two key inputs of one model input', () => {
    const two = { ...key, inputs: [key.inputs[0], key.inputs[0]] } as KeyFields;
    expect(() => decodeInterface(encodeInterface({ ...face, head: [face.head[0], face.head[0]] as Interface['head'] }), two)).toThrow(
      /two key inputs come from one input/,
    );
  });

  it.each<[string, Partial<TailTensor>]>([
    ['none', { steps: [{ op: 'topk', axis: 0, k: 0, largest: true, indices: false }] }],
    ['more than there are', { steps: [{ op: 'topk', axis: 0, k: 11, largest: true, indices: false }], shape: [11] }],
    ['an axis that is not', { steps: [{ op: 'topk', axis: 1, k: 1, largest: true, indices: false }] }],
    ['indices called floats', { steps: [{ op: 'topk', axis: 0, k: 10, largest: true, indices: true }], dtype: 'float32' }],
    ['another shape', { steps: [{ op: 'topk', axis: 0, k: 3, largest: true, indices: true }], dtype: 'int64' }],
  ])('cannot take the greatest of %s', (_, change) => {
    expect(() => reread({ ...face, outputs: [{ ...output, dims: [...output.dims], ...change }] })).toThrow(Refused);
  });

  it('cannot visit more elements than somebody waits for, over all its outputs', () => {
    const steps = Array.from({ length: 60 }, () => ({ op: 'topk', axis: 0, k: 2 ** 16, largest: true, indices: true }) as const);
    const t = key.outputs[0]?.tensor as number;
    const tensors = key.tensors.map((e, i) => (i === t ? { ...e, dims: [2 ** 16] } : e));
    const one: TailTensor = { ...output, dtype: 'int64', shape: [2 ** 16], dims: [2 ** 16], steps };
    const faceOf = (n: number): Interface => ({ ...face, outputs: Array.from({ length: n }, (_, i) => ({ ...one, name: `y${i}` })) });
    const reads = (n: number) => () => decodeInterface(encodeInterface(faceOf(n)), { ...key, tensors } as KeyFields);
    expect(reads(1)).not.toThrow();
    expect(reads(3)).toThrow(/visit too many elements/);
  });

  it('cannot go on for thousands of steps', () => {
    const steps = [...output.steps, ...Array.from({ length: 5000 }, () => ({ op: 'softmax', axis: 1 }) as const)];
    expect(() => reread({ ...face, outputs: [{ ...output, steps }] })).toThrow(Refused);
  });
});

describe('a float input that the graph quantizes twice', () => {
  const model = (second: number): Uint8Array => {
    const m = new ModelBuilder();
    m.input('x', 'float32', [1, 4]);
    const weights = m.constant('int8', [4, 4], [40, 0, 0, 0, 0, 40, 0, 0, 0, 0, 40, 0, 0, 0, 0, 40]);
    const [ws, wz, ys, yz] = [m.scalar('float32', 0.05), m.scalar('int8', 0), m.scalar('float32', 0.2), m.scalar('uint8', 0)];
    for (const [name, scale] of [
      ['a', 0.1],
      ['b', second],
    ] as const) {
      const [s, z] = [m.scalar('float32', scale), m.scalar('uint8', 0)];
      const q = m.node('QuantizeLinear', ['x', s, z]);
      const y = m.node('QLinearMatMul', [q, s, z, weights, ws, wz, ys, yz]);
      m.node('DequantizeLinear', [y, ys, yz], {}, [`y${name}`]);
      m.output(`y${name}`, 'float32', [1, 4]);
    }
    return m.bytes();
  };

  it('is one tensor of the statement when both are the same', async () => {
    const { circuit, key: file } = await compile(model(0.1));
    expect(audit(model(0.1), file)).toMatchObject({ ok: true });
    const { envelope, outputs } = await prove(circuit, { x: [1, 2, 3, 4] });
    const verdict = verify(envelope, file);
    expect(verdict).toMatchObject({ verdict: 'accepted', inputs: [{ name: 'x (integers)' }] });
    expect(outputs[0]?.data).toEqual(outputs[1]?.data);
  });

  it('is refused when they differ: two tensors could hold two different inputs', async () => {
    await expect(compile(model(0.2))).rejects.toMatchObject({ code: 'model.unsupported-input' });
  });
});
