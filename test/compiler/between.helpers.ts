/**
 * One operator between its pairs against onnxruntime-node on random inputs: equal to the bit, then proven and verified.
 */
import { expect, type TestContext } from 'vitest';
import { applyHead, type NamedTensor } from '../../circuits/interface.ts';
import { setup } from '../../circuits/setup.ts';
import { check } from '../../compiler/index.ts';
import { prove } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

/** Builds from the dequantized input; gives the name of a real tensor of this shape, which is quantized by the input's parameters or others. */
export interface Case {
  readonly opset?: number;
  readonly shape: readonly number[];
  readonly out: readonly number[];
  readonly build: (m: ModelBuilder, x: string, d: Dice) => string;
  /** Quantized by parameters of its own: not a move alone. */
  readonly scale?: number;
  /** Scale of the input; 1/64. */
  readonly from?: number;
  readonly dtype?: 'uint8' | 'int8';
  /** Runs in float32 in onnxruntime: it may differ by a step. */
  readonly float?: boolean;
}

export const i64 = (m: ModelBuilder, values: readonly number[]): string => m.constant('int64', [values.length], values);
export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export function weights(m: ModelBuilder, d: Dice, dims: readonly number[], perChannel = false): string {
  const w = m.constant('int8', dims, d.ints(product(dims), -WEIGHT_LIMIT, WEIGHT_LIMIT));
  const n = dims[0] as number;
  if (!perChannel) return m.node('DequantizeLinear', [w, m.scalar('float32', 0.01), m.scalar('int8', 0)]);
  const s = m.constant(
    'float32',
    [n],
    Array.from({ length: n }, (_, c) => 0.01 + c / 500),
  );
  return m.node('DequantizeLinear', [w, s, m.constant('int8', [n], d.ints(n, 0, 0))], { axis: 0 });
}

/** Compares a case; `seed` of its weights and inputs. */
export async function compared(
  { opset = 17, shape, out, build, scale, from = 1 / 64, dtype = 'uint8', float = false }: Case,
  seed: number,
  context: TestContext,
) {
  const d = new Dice(seed);
  const m = new ModelBuilder(opset);
  const shift = dtype === 'int8' ? 128 : 0;
  const [s, z] = [m.scalar('float32', from), m.scalar(dtype, 121 - shift)];
  const x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input('x', 'float32', shape), s, z]), s, z]);
  const y = build(m, x, d);
  const [so, zo] = scale === undefined ? [s, z] : [m.scalar('float32', scale), m.scalar(dtype, 131 - shift)];
  m.output(m.node('DequantizeLinear', [m.node('QuantizeLinear', [y, so, zo]), so, zo], {}, ['y']), 'float32', out);
  const bytes = m.bytes();
  expect(check(bytes).reasons).toEqual([]);
  const { program, run } = runner(bytes);
  const ort = await onnxruntime();
  let inputs: Record<string, NamedTensor> = {};
  for (let i = 0; i < 4; i++) {
    const data = Float32Array.from({ length: product(shape) }, () => (d.next() * 4.4 - 2.2) * 64 * from);
    inputs = { x: { dtype: 'float32', shape, data } };
    const [mine] = run(inputs);
    expect(mine?.shape).toEqual(out);
    expect(mine?.data.length).toBe(product(out));
    if (typeof ort === 'string') continue;
    const [truth] = await ort(bytes, inputs);
    expect(truth?.shape).toEqual(out);
    const different = differing(mine?.data ?? [], truth?.data ?? []);
    if (!float) expect(different).toBe(0);
    else mine?.data.forEach((v, k) => void expect(Math.abs(v - (truth?.data[k] as number))).toBeLessThan((scale ?? from) * 1.01));
  }
  const { key, plan, contents } = setup(program.network);
  const { envelope } = await prove({ fields: key, plan, contents }, applyHead(program.interface, inputs));
  expect(verify(envelope, key)).toMatchObject({ ok: true });
  if (typeof ort === 'string') context.skip(`proven, but not compared: ${ort}`);
}
