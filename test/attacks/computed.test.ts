/** Networks that look nothing up: all accumulators are shown, everything else is computed by the verifier (protocol §7.7). */
import { describe, expect, it } from 'vitest';
import { checkKey } from '../../circuits/check.ts';
import { accumulate } from '../../circuits/computed/accumulate.ts';
import type { TableDescription } from '../../circuits/descriptions.ts';
import { decodeKey, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import { requantize } from '../../circuits/step.ts';
import type { AccumulateOp, ApplyOp, MaximumOp, MaxPoolOp, Op, Tensor } from '../../circuits/types.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import {
  type Bench,
  benchOf,
  expectAccepted,
  expectRefused,
  judge,
  type Lie,
  opOf,
  refusalOf,
  resealed,
  tell,
  verdictOn,
} from '../lies.ts';
import { Random } from '../random.ts';

const values = (n: number, step: number, span: number): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => ((i * step) % span) - (span >> 1));

/** Conv, max-pool, maximum with its mirror image, average, a table, a sum, a dense layer. */
function net(mode: 'I0' | 'I1' = 'I1'): Bench {
  const n = new NetworkBuilder({ reveal: 0 });
  const x = n.input([2, 7, 6], -100, 100);
  const f = requantize(0.02, 0, -128, 127);
  const conv = n.req(
    {
      kind: 'conv',
      x,
      w: n.weight([3, 2, 9], values(54, 29, 23)),
      b: n.weight([3], Int32Array.of(40, -70, 11)),
      kh: 3,
      kw: 3,
      stride: [1, 1],
      pad: [1, 1, 1, 1],
      dilation: [1, 1],
      groups: 1,
    },
    [f, requantize(0.03, 0, -128, 127), f],
    -128,
    127,
  );
  const pooled = n.maxPool(conv, [3, 2], [2, 2], [1, 0, 1, 0], [1, 1]);
  const mirror = n.view(
    [
      {
        x: pooled,
        counts: [3, 4, 3],
        from: [
          [0, 1, 0, 0],
          [0, 0, 1, 0],
          [0, 0, 0, 1],
        ],
        to: [
          [0, 1, 0, 0],
          [3, 0, -1, 0],
          [0, 0, 0, 1],
        ],
      },
    ],
    [3, 4, 3],
  );
  const greater = n.pairmax(pooled, mirror);
  const mean = n.req(
    { kind: 'average', x: greater, kh: 2, kw: 2, stride: [1, 1], pad: [1, 0, 0, 0], dilation: [1, 1] },
    requantize(0.5, 0, -128, 127),
    -128,
    127,
  );
  const table = n.unary(mean, new Map(Array.from({ length: 256 }, (_, i) => [i - 128, Math.abs(i - 128) - 64])), -64, 64);
  const sum = n.req(
    {
      kind: 'lin',
      terms: [
        [3, table],
        [-2, mean],
      ],
      constant: 5,
    },
    requantize(0.25, 0, -128, 127),
    -128,
    127,
  );
  const out = n.req(
    { kind: 'dense', x: sum, w: n.weight([5, 3, 4, 2], values(120, 31, 19)), b: n.weight([5], Int32Array.of(1, -2, 3, -4, 5)), sp: 0 },
    requantize(0.01, 0, -128, 127),
    -128,
    127,
    { home: 'PUB' },
  );
  const network = n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: out, dtype: 'int8', zp: 0 }]);
  return benchOf(network, mode, [Array.from({ length: 84 }, (_, i) => ((i * 67) % 201) - 100)], 2);
}

const b = net();
const KINDS = ['out', 'apply', 'maxpool', 'view', 'maximum', 'accumulate', 'apply', 'apply', 'accumulate', 'apply', 'out', 'apply'];

const change = (t: number, p: number, d: number): Lie => ({
  afterOp: (_, op, now) => {
    if (!('y' in op) || op.y !== t) return;
    const v = (now.get(t) as Int32Array).slice();
    v[p] = (v[p] as number) + d;
    now.set(t, v);
  },
});

it('H20 accepts the honest run, in both modes; nothing of it is committed', async () => {
  expect(b.key.ops.map((op) => op.kind)).toEqual(KINDS);
  expect([b.plan.instances.length, b.plan.groups.map((g) => g.group)]).toEqual([0, ['W']]);
  expectAccepted(await verdictOn(b, {}));
  const open = net('I0');
  expect(open.plan.groups).toEqual([]);
  expectAccepted(await verdictOn(open, {}));
});

describe('a run (Refused because: the accumulators shown are those of the weights and of what the verifier computes)', () => {
  it('H21 refuses a false accumulator, with all that follows from it', async () =>
    expectRefused(await verdictOn(b, change(opOf(b, 'out', 0).y, 9, 1)), 'V6'));

  it.each(KINDS.flatMap((kind, i) => (['out', 'view'].includes(kind) || i >= 10 ? [] : [[kind, i] as const])))(
    'H22 refuses a prover that goes on from another result of %s (op %i)',
    async (_, i) => {
      const { y } = b.key.ops[i] as { y: number };
      // Every element: a maximum hides a change of one. The verifier has its own values, so the next accumulator does not fit.
      const told = await verdictOn(b, {
        afterOp: (index, __, now) => {
          if (index === i)
            now.set(
              y,
              (now.get(y) as Int32Array).map((v) => v - 64),
            );
        },
      });
      expect(told).toMatchObject({ ok: false, code: expect.stringMatching(/^V(6|8|14)$/) });
    },
  );

  it('H23 refuses an output that is not what the accumulators give', async () => {
    const last = opOf(b, 'apply', 4).y;
    expectRefused(
      await verdictOn(b, {
        published: (now) =>
          now.set(
            last,
            (now.get(last) as Int32Array).map((v, p) => (p === 2 ? v + 1 : v)),
          ),
      }),
      'V14',
    );
  });

  it('H24 refuses bytes after the end, where nothing is opened', async () => {
    const open = net('I0');
    const { envelope } = await tell(open, {});
    const proof = Uint8Array.of(...decodeEnvelope(envelope).proof, 0);
    expectRefused(
      judge(
        open,
        resealed(envelope, () => ({ proof })),
      ),
      'C4',
    );
  });

  it('H24 refuses any changed byte of the proof, and any proof that is cut', async () => {
    const r = new Random(24);
    const { envelope } = await tell(b, {});
    const { proof } = decodeEnvelope(envelope);
    for (let i = 0; i < 300; i++) {
      const at = i < 40 ? i : r.int(0, proof.length - 1);
      const broken = i % 3 === 2 ? proof.slice(0, at) : proof.with(at, (proof[at] as number) ^ (1 << r.int(0, 7)));
      expect({
        at,
        ...judge(
          b,
          resealed(envelope, () => ({ proof: broken })),
        ),
      }).toMatchObject({ ok: false });
    }
  });
});

describe('keys (Refused because: the verifier would compute something else, or from what it does not have)', () => {
  type Draft = { ops: Op[]; tensors: Tensor[]; descriptions: TableDescription[]; omega: number[] };
  const verdict = (draftChange: (key: Draft) => void) => {
    const { bytes: _, hash: __, ...fields } = b.key;
    const draft = structuredClone(fields) as typeof fields;
    return refusalOf(() => {
      draftChange(draft as unknown as Draft);
      const key = decodeKey(sealKey(draft).bytes);
      checkKey(key, planOf(key), { allowToy: true });
    });
  };
  const op = <T extends Op>(k: Draft, i: number): T => k.ops[i] as T;
  const y = (k: Draft, i: number): Tensor => k.tensors[op<MaximumOp>(k, i).y] as Tensor;
  const steps = (k: Draft) => k.descriptions.find((d) => d.kind === 'unary') as { values: Int16Array };

  it.each<[string, string, (k: Draft) => void]>([
    ['a dense layer that the verifier is to compute', 'S7', (k) => (op<AccumulateOp>(k, 8).form = (k.ops[10] as AccumulateOp).form)],
    ['a sum with a committed term', 'S7', (k) => (op<AccumulateOp>(k, 8).form = { kind: 'lin', terms: [[1, 1]], constant: 0 })],
    ['a sum that may leave its bounds', 'S11', (k) => (y(k, 8).hi = 3)],
    [
      'a sum with another constant than its bounds allow',
      'S11',
      (k) => ((op<AccumulateOp>(k, 8).form as { constant: number }).constant = 1e6),
    ],
    ['a sum of another shape', 'S13', (k) => (y(k, 8).dims = [3, 4, 1])],
    ['an average over windows that meet nothing', 'S11', (k) => ((op<AccumulateOp>(k, 5).form as { pad: number[] }).pad = [7, 0, 0, 0])],
    ['a pool of no taps', 'S11', (k) => (op<MaxPoolOp>(k, 2).kernel = [0, 2])],
    ['a pool of less than none', 'S14', (k) => (op<MaxPoolOp>(k, 2).kernel = [-3, 2])],
    ['a pool of another window', 'S11', (k) => (op<MaxPoolOp>(k, 2).kernel = [3, 5])],
    ['a pool with a negative pad', 'S11', (k) => (op<MaxPoolOp>(k, 2).pad = [-1, 0, 3, 0])],
    ['a pool with narrower bounds', 'S11', (k) => (y(k, 2).lo = -5)],
    ['a pool of a tensor that comes later', 'S7', (k) => (op<MaxPoolOp>(k, 2).x = op<MaximumOp>(k, 4).y)],
    ['a maximum of two shapes', 'S11', (k) => (op<MaximumOp>(k, 4).b = op<ApplyOp>(k, 1).y)],
    ['a maximum with narrower bounds', 'S11', (k) => (y(k, 4).hi = 100)],
    ['a maximum of an accumulator', 'S11', (k) => (op<MaximumOp>(k, 4).b = op<ApplyOp>(k, 0).y)],
    ['a computed tensor that is committed', 'S11', (k) => (y(k, 2).home = 'A')],
    ['a table with a value less', 'S13', (k) => (steps(k).values = steps(k).values.slice(1))],
    ['a table that leaves the bounds of its output', 'S13', (k) => (steps(k).values[7] = 65)],
    ['a function that nothing describes', 'S13', (k) => void k.descriptions.pop()],
  ])('H25 refuses %s (%s)', (_, condition, draftChange) => expectRefused(verdict(draftChange), 'E6', condition));

  it('H25 refuses a sum that would leave the field on its way (S13)', () => {
    // x is 2^20 or one more: 600·(x − 2^20) is 0 or 600, but only in the end.
    const tensors: Tensor[] = [
      { dims: [4], home: 'PUB', lo: 2 ** 20, hi: 2 ** 20 + 1 },
      { dims: [4], home: 'D', lo: 0, hi: 2 ** 11 },
    ];
    const sum = (c: number): AccumulateOp => ({ kind: 'accumulate', form: { kind: 'lin', terms: [[c, 0]], constant: -c * 2 ** 20 }, y: 1 });
    expect(accumulate.problem(sum(600), null as never, tensors)).toMatch(/leave the field/);
    expect(accumulate.problem(sum(300), null as never, tensors)).toBeNull();
  });

  it('a key without lookups that has a table and its multiplicities is read as it says', async () => {
    const { bytes: _, hash: __, ...fields } = b.key;
    const at = fields.tensors.length - 2;
    const tensors = [...fields.tensors.slice(0, at), { dims: [2], home: 'A', lo: null, hi: null } as Tensor, ...fields.tensors.slice(at)];
    const key = sealKey({ ...fields, tensors });
    const plan = planOf(key);
    expect([plan.tables.length, plan.groups.map((g) => g.group)]).toEqual([1, ['W', 'A']]);
    const contents = new Map([...b.contents].map(([t, v]) => [t < at ? t : t + 1, v]));
    expectAccepted(await verdictOn({ ...b, key, plan, contents, circuit: { fields: key, plan, contents } }, {}));
  });

  it('H26 refuses a pool that would cost its verifier years (S14)', () =>
    expectRefused(
      verdict((k) => {
        op<MaxPoolOp>(k, 2).kernel = [2 ** 20, 2 ** 20];
        op<MaxPoolOp>(k, 2).pad = [2 ** 20, 2 ** 20, 2 ** 20, 2 ** 20];
      }),
      'E6',
      'S14',
    ));
});
