/** Softmax: the ties of QLinearSoftmax, in rows of few values whose quotients lie on or next to them; and what onnxruntime fuses. */
import { expect, test } from 'vitest';
import { check } from '../../compiler/index.ts';
import { differing, runner } from './models.helpers.ts';
import { Dice, ModelBuilder, onnxruntime } from './onnx.helpers.ts';

test('QLinearSoftmax rounds ties as onnxruntime does', async (context) => {
  const ort = await onnxruntime();
  if (typeof ort === 'string') return context.skip(`onnxruntime-node cannot be loaded (${ort})`);
  const d = new Dice(5);
  for (let i = 0; i < 60; i++) {
    const n = d.int(2, 12);
    const [dtype, lo] = d.pick([['uint8', 0] as const, ['int8', -128] as const]);
    const m = new ModelBuilder();
    const scale = d.pick([1 / 256, 0.999 / d.int(120, 256), d.scale(-8) + 1 / 256]);
    const of = [m.scalar('float32', d.scale(d.pick([-8, -6, -4]))), m.scalar(dtype, lo), m.scalar('float32', scale), m.scalar(dtype, lo)];
    const y = m.node('com.microsoft.QLinearSoftmax', [m.input('x', dtype, [100, n]), ...of], { axis: 1, opset: 13 });
    m.output(y, dtype, [100, n]);
    const [base, most] = [lo + d.int(0, 250), d.int(1, 3)];
    const inputs = { x: { dtype, shape: [100, n], data: Int32Array.from(d.ints(100 * n, base, base + most)) } };
    const [truth, mine] = [await ort(m.bytes(), inputs), runner(m.bytes()).run(inputs)];
    expect({ i, different: differing(mine[0]?.data ?? [], truth[0]?.data ?? []) }).toEqual({ i, different: 0 });
  }
});

test('an Identity between two pairs changes nothing', () => {
  const build = (identity: boolean) => {
    const m = new ModelBuilder();
    const pair = (x: string, zp: number) => m.pair(x, 1 / 255, zp, 'int8');
    const y = pair(m.node('Softmax', [pair(m.input('x', 'float32', [4, 7]), 3)]), -128);
    const again = pair(identity ? m.node('Identity', [y]) : y, -128);
    for (const op of ['Neg', 'Abs']) m.output(m.node('Identity', [pair(m.node(op, [again]), 0)], {}, [op]), 'float32', [4, 7]);
    return m.bytes();
  };
  // Two readers of a signed tensor: onnxruntime leaves it signed, and so does not fuse the Softmax.
  const own = (bytes: Uint8Array) => check(bytes).nodes.flatMap((n) => (n.meaning === 'own meaning' ? [n.op] : []));
  expect([own(build(false)), own(build(true))]).toEqual([['Softmax'], ['Softmax']]);
});
