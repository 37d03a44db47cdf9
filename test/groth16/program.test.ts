/** The circom program of a network computes what the reference evaluator computes, and what onnxruntime computed. */
import { describe, expect, test } from 'vitest';
import { evaluate, outputsOf } from '../../circuits/evaluate.ts';
import { limbsOf, perLimb } from '../../circuits/groth16/signals.ts';
import { type Network, NetworkBuilder } from '../../circuits/network.ts';
import { setup } from '../../circuits/setup.ts';
import { product } from '../../circuits/shape.ts';
import { requantize } from '../../circuits/step.ts';
import type { Tensor } from '../../circuits/types.ts';
import { circomProgram } from '../../compiler/circom/program.ts';
import { compile } from '../../compiler/compile.ts';
import { lower } from '../../compiler/index.ts';
import { Refused } from '../../protocol/refused.ts';
import { DTYPES } from '../../protocol/statement.ts';
import { openCircuit } from '../../prover/index.ts';
import { recorded } from '../../scripts/recorded.ts';
import { netFixture, netNames, networkOf } from '../nets.ts';
import { Random } from '../random.ts';
import { broken, circom, undetermined, witnesses } from './r1cs.helpers.ts';

const PUBLIC = { hideInput: false, hideOutput: false };

/** Inputs of the witness program from centred values. */
const named = (network: Network, inputs: readonly Int32Array[]): Record<string, unknown> => ({
  ...Object.fromEntries(network.inputs.map(({ tensor }, i) => [`t${tensor}`, Array.from(inputs[i] as Int32Array)])),
  context: [1, 2],
});

const statementSignals = (network: Network, inputs: readonly Int32Array[], outputs: readonly Int32Array[]): bigint[] => [
  ...network.inputs.flatMap(({ dtype, zp }, i) =>
    limbsOf(
      dtype,
      Array.from(inputs[i] as Int32Array, (v) => v + zp),
    ),
  ),
  ...network.outputs.flatMap(({ dtype }, i) => limbsOf(dtype, outputs[i] as Int32Array)),
  1n,
  2n,
];

/** Each network once: modes and committed inputs are of the native system. */
const NETS = netNames.filter((n) => /^net\d-i1$|^net5-i1-public$|^random-0[0-2]$/.test(n));

describe.each(NETS)('network %s', (name) => {
  test('computes what the evaluator computes, at ordinary and extreme inputs', async () => {
    const fixture = netFixture(name);
    const network = networkOf(fixture);
    if (network.ops.some((op) => op.kind === 'bin')) {
      expect(() => circomProgram(network, PUBLIC)).toThrowError(expect.objectContaining({ code: 'groth16.op' }));
      return;
    }
    const { source, constraints, publicSignals } = circomProgram(network, PUBLIC);
    const { r1cs, program } = circom(source, '--O2');
    expect(r1cs.publics).toBe(publicSignals);
    expect(r1cs.constraints.length).toBeLessThanOrEqual(constraints);
    const { key, plan, contents } = setup(network, { mode: 'I1' });
    const random = new Random(7);
    const draw = (pick: (lo: number, hi: number) => number): Int32Array[] =>
      network.inputs.map(({ tensor }) => {
        const { dims, lo, hi } = network.tensors[tensor] as Tensor;
        return Int32Array.from({ length: product(dims) }, () => pick(lo as number, hi as number));
      });
    const runs = [
      fixture.inputs.map((i) => Int32Array.from(i.values, (v) => v)),
      draw((lo) => lo),
      draw((_, hi) => hi),
      draw((lo, hi) => random.pick([lo, hi])),
      ...Array.from({ length: 6 }, () => draw((lo, hi) => random.int(lo, hi))),
    ];
    const found = await witnesses(
      program,
      runs.map((r) => named(network, r)),
    );
    found.forEach((w, i) => {
      const inputs = runs[i] as Int32Array[];
      const values = evaluate({ fields: key, plan, contents }, inputs);
      const outputs = outputsOf({ fields: key, plan, contents }, values);
      expect(w?.slice(1, 1 + publicSignals)).toEqual(statementSignals(network, inputs, outputs));
      expect(broken(r1cs, w as bigint[])).toBe(-1);
    });
  });
});

test('an input outside its range has no witness', async () => {
  const { network } = lower(recorded('digits-mlp.qop').model);
  const { program } = circom(circomProgram(network, PUBLIC).source, '--O2');
  const { tensor, zp } = network.inputs[0] as Network['inputs'][number];
  const { dims } = network.tensors[tensor] as Tensor;
  const good = new Int32Array(product(dims)).fill(3);
  const low = good.with(5, -1 - zp);
  const high = good.with(5, 256 - zp);
  const found = await witnesses(
    program,
    [good, low, high].map((x) => named(network, [x])),
  );
  expect(found.map((w) => w !== null)).toEqual([true, false, false]);
});

const DIGITS = [
  'digits-mlp.qop',
  'digits-mlp.qop-pt',
  'digits-mlp.qop-intio',
  'digits-mlp.qdq-u8',
  'digits-mlp.qdq-s8',
  'digits-mlp-mm.qop',
  'digits-mlp-mm.qdq-u8',
  'digits-mlp-mm.qdq-s8',
];

test.each(DIGITS)('%s: exactly onnxruntime on all its inputs, in the constraint system itself', async (name) => {
  const model = recorded(name);
  const { network } = lower(model.model);
  const { source, constraints, publicSignals } = circomProgram(network, PUBLIC);
  const { r1cs, program } = circom(source, '--O2');
  // Predicted before circom has run.
  expect(r1cs.constraints.length).toBeLessThanOrEqual(constraints);
  expect(r1cs.constraints.length).toBeGreaterThan(0.9 * constraints);
  const native = openCircuit((await compile(model.model)).circuit);
  const runs = Array.from({ length: model.count }, (_, i) => native.run(model.inputs(i)));
  // What the evaluator gives is what onnxruntime recorded …
  runs.forEach((r, i) => {
    for (const t of model.outputs(i)) expect(r.outputs.find((o) => o.name === t.name)?.data).toEqual(t.data);
  });
  // … and the constraint system's own outputs are those integers.
  const inputs = runs.map((r) => r.integers.inputs.map((raw, k) => raw.map((v) => v - (network.inputs[k]?.zp ?? 0))));
  const found = await witnesses(
    program,
    inputs.map((x) => named(network, x)),
  );
  found.forEach((w, i) => {
    expect(w?.slice(1, 1 + publicSignals)).toEqual(
      statementSignals(network, inputs[i] as Int32Array[], runs[i]?.integers.outputs as Int32Array[]),
    );
  });
});

test('digits: the inputs determine every wire of the constraint system', () => {
  const { network } = lower(recorded('digits-mlp.qop').model);
  const { r1cs } = circom(circomProgram(network, PUBLIC).source, '--O0');
  const count = product((network.tensors[(network.inputs[0] as Network['inputs'][number]).tensor] as Tensor).dims);
  // After the outputs come the public inputs (context), then the private ones.
  const outputs = r1cs.publics - 2;
  const known = Array.from({ length: 2 + count }, (_, i) => 1 + outputs + i);
  const free = undetermined(r1cs, known);
  // An IsZero for every element that clips above by more than one bit: its inverse is free where nothing is clipped.
  const inverses = r1cs.constraints.filter(([a, b]) => free.some((w) => a.wires.includes(w) || b.wires.includes(w))).length;
  expect(free.length).toBe(inverses);
  expect(free.length).toBeLessThanOrEqual(42);
});

test('limbs: as many values as fit below 2^248, and one form for a list of values', () => {
  expect([perLimb('uint8'), perLimb('int8'), perLimb('int32')]).toEqual([31, 31, 7]);
  for (const dtype of ['uint8', 'int8', 'int32'] as const) {
    const { lo, hi } = DTYPES[dtype];
    const most = limbsOf(dtype, new Array<number>(perLimb(dtype)).fill(hi))[0] as bigint;
    expect(most).toBeLessThan(2n ** 248n);
    expect(limbsOf(dtype, new Array<number>(perLimb(dtype)).fill(lo))).toEqual([0n]);
    expect(
      new Set(
        [0, 1, 2].map((i) =>
          limbsOf(
            dtype,
            [0, 0, 0].map((_, j) => (i === j ? 1 : 0)),
          ).join(),
        ),
      ).size,
    ).toBe(3);
  }
});

test('refuses a function of too many steps by name', () => {
  const { network } = lower(recorded('digits-mlp.qop').model);
  const meanings = new Map(network.meanings);
  const [at, meaning] = [...meanings][0] as [number, { functions: unknown[]; intervals: unknown[]; kind: 'cells' }];
  const jumpy = { monotone: false, at: (acc: number) => ((acc % 2) + 2) % 2 };
  meanings.set(at, { kind: 'cells', functions: meaning.functions.map(() => jumpy), intervals: meaning.intervals as never });
  let refused: unknown;
  try {
    circomProgram({ ...network, meanings }, PUBLIC);
  } catch (e) {
    refused = e;
  }
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({ code: 'groth16.steps', detail: { node: network.labels[at] } });
});

test('a channel without weights, a tensor of one value, and hostile names', async () => {
  const b = new NetworkBuilder();
  const x = b.input([2], -8, 7);
  const w = b.weight([3, 2], Int32Array.of(3, -2, 0, 0, 5, 1));
  const bias = b.weight([3], Int32Array.of(1, 4, -9));
  // Neither rises nor falls, as a HardSwish does; over the second channel it is a constant all the same.
  const map = Int16Array.from({ length: 16 }, (_, i) => Math.abs(i - 5));
  const swish = requantize(0.25, 5, 0, 15, map);
  const label = '*/ component evil = Evil();\n component worse = Worse(); //"\u2028\r';
  const y = b.req({ kind: 'dense', x, w, b: bias, sp: 0 }, [swish, swish, swish], 0, 10, { label });
  const five = b.req({ kind: 'lin', constant: 0, terms: [[1, y]] }, requantize(1, 0, 5, 5), 5, 5);
  const seven = b.unary(five, new Map([[5, 7]]), 7, 7);
  const sum = b.out({
    kind: 'lin',
    constant: -3,
    terms: [
      [-2, y],
      [1, seven],
    ],
  });
  const network = b.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: sum, dtype: 'int32', zp: 0 }]);
  const { source, constraints, publicSignals } = circomProgram(network, PUBLIC);
  const { r1cs, program } = circom(source, '--O2');
  expect(r1cs.constraints.length).toBeLessThanOrEqual(constraints);
  const { key, plan, contents } = setup(network, { mode: 'I1' });
  const runs = Array.from({ length: 40 }, (_, i) => [Int32Array.of(((7 * i) % 16) - 8, ((5 * i + 3) % 16) - 8)]);
  const found = await witnesses(
    program,
    runs.map((r) => named(network, r)),
  );
  found.forEach((wires, i) => {
    const circuit = { fields: key, plan, contents };
    const outputs = outputsOf(circuit, evaluate(circuit, runs[i] as Int32Array[]));
    expect(wires?.slice(1, 1 + publicSignals)).toEqual(statementSignals(network, runs[i] as Int32Array[], outputs));
  });
});
