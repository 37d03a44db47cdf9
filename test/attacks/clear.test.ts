/**
 * Lies about tensors in the clear (attacks.md H): a revealed accumulator, the input of a softmax and of a layer normalisation that the verifier
 * computes itself, the output that follows from them; and keys that would make the verifier compute something else.
 */
import { describe, expect, it } from 'vitest';
import { checkKey } from '../../circuits/check.ts';
import { layernorm } from '../../circuits/computed/layernorm.ts';
import { softmax } from '../../circuits/computed/softmax.ts';
import type { TableDescription } from '../../circuits/descriptions.ts';
import { decodeKey, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import { encodeRevealed } from '../../circuits/reveal.ts';
import { requantize } from '../../circuits/step.ts';
import type { ApplyOp, LayerNormOp, Op, SoftmaxOp, Tensor } from '../../circuits/types.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { floatToBits } from '../../protocol/float32.ts';
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

const bits = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => floatToBits(Math.fround(f(i))));

/** A dense layer, a softmax of its rows, another, a layer normalisation of those, and a dense layer whose accumulator is revealed. */
function net(): Bench {
  const n = new NetworkBuilder({ reveal: 32 });
  const x = n.input([4, 8], -100, 100);
  const square = (of: number, seed: number, scale: number): number => {
    const w = n.weight(
      [8, 8],
      Int32Array.from({ length: 64 }, (_, i) => ((i * seed) % 15) - 7),
    );
    return n.req({ kind: 'dense', x: of, w, b: n.weight([8], new Int32Array(8)), sp: 1 }, requantize(scale, 0, -128, 127), -128, 127);
  };
  const sum = square(x, 11, 0.1);
  const soft = n.softmax(
    sum,
    { kind: 'softmax', table: bits(256, (z) => Math.exp(-z / 20)), factor: floatToBits(256), fused: 1, zp: 0, lo: 0, hi: 255 },
    0,
    255,
  );
  const other = square(soft, 7, 0.2);
  const normal = n.layernorm(
    other,
    {
      kind: 'layernorm',
      scale: floatToBits(0.125),
      gamma: bits(8, (i) => 1 + i / 8),
      beta: bits(8, (i) => i / 4 - 1),
      epsilon: floatToBits(1e-5),
      outScale: floatToBits(0.03125),
      zp: 0,
      lo: -128,
      hi: 127,
    },
    -128,
    127,
  );
  const w = n.weight(
    [6, 4, 8],
    Int32Array.from({ length: 192 }, (_, i) => ((i * 29) % 23) - 11),
  );
  const bias = n.weight([6], Int32Array.of(5, -7, 11, 2, 0, 900));
  const scales = Array.from({ length: 6 }, (_, c) => requantize(0.01 + c / 900, 0, -128, 127));
  const out = n.req({ kind: 'dense', x: normal, w, b: bias, sp: 0 }, scales, -128, 127, { home: 'PUB' });
  const network = n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: out, dtype: 'int8', zp: 0 }]);
  return benchOf(network, 'I1', [Array.from({ length: 32 }, (_, i) => ((i * 67) % 201) - 100)], 2);
}

const b = net();
const soft = opOf(b, 'softmax');
const normal = opOf(b, 'layernorm');
const applied = opOf(b, 'apply');

const change = (t: number, p: number, d: number): Lie => ({
  afterOp: (_, op, values) => {
    if (!('y' in op) || op.y !== t) return;
    const v = (values.get(t) as Int32Array).slice();
    v[p] = (v[p] as number) + d;
    values.set(t, v);
  },
});

it('H00 accepts the honest run; nothing that the verifier computes is looked up', async () => {
  expect(b.key.ops.map((op) => op.kind)).toEqual(['req', 'softmax', 'req', 'layernorm', 'out', 'apply']);
  expectAccepted(await verdictOn(b, {}));
});

describe('revealed values (Refused because: what is revealed is a result like any other)', () => {
  it('H01 refuses a false accumulator, with the output that follows from it', async () => {
    const told = await tell(b, change(applied.x, 2, 1));
    expect(told.missing).toBe(0);
    expectRefused(judge(b, told.envelope), 'V6');
  });

  it.each([
    ['softmax', soft.x],
    ['layer normalisation', normal.x],
  ])('H02 refuses a false input of the %s', async (_, t) => expectRefused(await verdictOn(b, change(t, 3, 1)), 'V2'));

  it.each([
    ['softmax', soft.y],
    ['layer normalisation', normal.y],
  ])('H03 refuses a prover that goes on from another result of the %s', async (_, t) => {
    const verdict = await verdictOn(b, change(t, 1, 1));
    expect(verdict).toMatchObject({ ok: false, code: expect.stringMatching(/^V(6|8)$/) });
  });

  it('H04 refuses an output that is not what the revealed accumulator gives', async () => {
    const verdict = await verdictOn(b, {
      published: (values) => {
        const v = (values.get(applied.y) as Int32Array).slice();
        v[0] = (v[0] as number) === 127 ? 126 : (v[0] as number) + 1;
        values.set(applied.y, v);
      },
    });
    expectRefused(verdict, 'V14');
  });

  it('H05 refuses a revealed value outside its bounds', async () => {
    const { envelope, messages } = await tell(b, {});
    const message = messages.find((m) => m.label === 'reveal') as { from: number };
    // The first revealed tensor is of one byte a value, from -128 to 127: no byte is outside. The accumulator comes last, in four.
    const { proof } = decodeEnvelope(envelope);
    const last = messages.find((m) => m.label === 'reveal') as { to: number };
    const broken = proof.slice();
    broken.fill(255, last.to - 4, last.to);
    expect(last.to).toBeGreaterThan(message.from);
    expectRefused(
      judge(
        b,
        resealed(envelope, () => ({ proof: broken })),
      ),
      'R1',
    );
  });

  it('H06 refuses every revealed byte changed', async () => {
    const { envelope, messages } = await tell(b, {});
    const { from, to } = messages.find((m) => m.label === 'reveal') as { from: number; to: number };
    const { proof } = decodeEnvelope(envelope);
    for (let i = from; i < to; i++) {
      const broken = proof.slice();
      broken[i] = (broken[i] as number) ^ 1;
      expect(
        judge(
          b,
          resealed(envelope, () => ({ proof: broken })),
        ),
      ).toMatchObject({ ok: false });
    }
  });

  it('H07 refuses values revealed after the challenges were known', async () => {
    // The message that the transcript absorbed is the honest one; the proof carries another.
    const { envelope, messages, witness } = await tell(b, {});
    const { from } = messages.find((m) => m.label === 'reveal') as { from: number };
    const other = encodeRevealed(b.key.tensors, (t) => {
      const v = (witness.values.get(t) as Int32Array).slice();
      if (t === soft.x) v[0] = (v[0] as number) > 0 ? (v[0] as number) - 1 : (v[0] as number) + 1;
      return v;
    });
    const proof = decodeEnvelope(envelope).proof.slice();
    proof.set(other, from);
    expect(
      judge(
        b,
        resealed(envelope, () => ({ proof })),
      ),
    ).toMatchObject({ ok: false });
  });

  it('H08 refuses a proof that ends inside the revealed values', async () => {
    const { envelope, messages } = await tell(b, {});
    const { from } = messages.find((m) => m.label === 'reveal') as { from: number };
    expectRefused(
      judge(
        b,
        resealed(envelope, (e) => ({ proof: e.proof.slice(0, from + 3) })),
      ),
      'C1',
    );
  });
});

describe('keys (Refused because: the verifier would compute another function, or on values it does not have)', () => {
  type Draft = { ops: Op[]; tensors: Tensor[]; descriptions: TableDescription[] };
  const verdict = (change: (key: Draft) => void) => {
    const { bytes: _, hash: __, ...fields } = b.key;
    const draft = structuredClone(fields) as typeof fields;
    return refusalOf(() => {
      change(draft as unknown as Draft);
      const key = decodeKey(sealKey(draft).bytes);
      checkKey(key, planOf(key), { allowToy: true });
    });
  };
  const described = <K extends TableDescription['kind']>(
    k: Draft,
    kind: K,
  ): { -readonly [P in keyof Extract<TableDescription, { kind: K }>]: Extract<TableDescription, { kind: K }>[P] } =>
    k.descriptions.find((d) => d.kind === kind) as never;
  const at = (k: Draft, t: number): Tensor => k.tensors[t] as Tensor;

  it.each<[string, string, (k: Draft) => void]>([
    ['a softmax of a committed tensor', 'S7', (k) => (at(k, soft.x).home = 'A')],
    ['a computed tensor that is committed', 'S7', (k) => (at(k, normal.y).home = 'A')],
    ['a lookup whose result is computed', 'S7', (k) => (at(k, soft.x).home = 'D')],
    ['a remainder that is revealed', 'S11', (k) => (at(k, opOf(b, 'req', 0).rem).home = 'R')],
    [
      'a revealed tensor that nothing writes',
      'S7',
      (k) => k.tensors.splice(k.tensors.length - 2 - b.plan.tables.length, 0, { dims: [2], home: 'R', lo: 0, hi: 1 }),
    ],
    ['an apply of a computed tensor of another shape', 'S13', (k) => ((k.ops[applied.index] as ApplyOp).x = soft.y)],
    ['a channel coordinate in the middle', 'S13', (k) => ((k.ops[applied.index] as ApplyOp).cd = 5)],
    ['a step that can leave the bounds of its output', 'S13', (k) => (described(k, 'step').hi = 255)],
    ['a scale of zero', 'S13', (k) => ((described(k, 'step').scales as number[])[1] = 0)],
    ['a scale that is not a number', 'S13', (k) => ((described(k, 'step').scales as number[])[1] = 0x7fc00000)],
    ['a table too short for its input', 'S13', (k) => void (described(k, 'softmax').table as number[]).pop()],
    ['a table that begins with 0', 'S13', (k) => ((described(k, 'softmax').table as number[])[0] = 0)],
    ['a table with a NaN', 'S13', (k) => ((described(k, 'softmax').table as number[])[9] = 0x7fc00000)],
    ['a softmax wider than its output', 'S13', (k) => (described(k, 'softmax').hi = 300)],
    ['a form of softmax that is none', 'E6', (k) => (described(k, 'softmax').fused = 2 as 1)],
    ['factors for other rows', 'S13', (k) => void (described(k, 'layernorm').gamma as number[]).pop()],
    ['an offset that is infinite', 'S13', (k) => ((described(k, 'layernorm').beta as number[])[0] = 0x7f800000)],
    ['a normalisation without epsilon', 'S13', (k) => (described(k, 'layernorm').epsilon = 0)],
    ['descriptions in another order', 'S13', (k) => k.descriptions.reverse()],
    ['a softmax read before it is computed', 'S13', (k) => void k.ops.splice(1, 2, k.ops[2] as Op, k.ops[1] as Op)],
    ['a softmax of itself', 'S7', (k) => ((k.ops[soft.index] as SoftmaxOp).x = soft.y)],
    ['a normalisation of the output', 'S13', (k) => ((k.ops[normal.index] as LayerNormOp).x = applied.y)],
  ])('H10 refuses %s (%s)', (_, condition, change) => {
    const v = verdict(change);
    if (condition === 'E6') expectRefused(v, 'E6');
    else expectRefused(v, 'E6', condition);
  });
});

describe('what is no number (own meaning: the lower end)', () => {
  const tensors: Tensor[] = [
    { dims: [1, 4], home: 'R', lo: -(2 ** 30), hi: 2 ** 30 },
    { dims: [1, 4], home: 'D', lo: -128, hi: 127 },
  ];

  it('a normalisation of values that leave float32', () => {
    const [one, most] = [floatToBits(1), floatToBits(3e38)];
    const d = {
      kind: 'layernorm',
      scale: most,
      gamma: [one, one, one, one],
      beta: null,
      epsilon: one,
      outScale: one,
      zp: 0,
      lo: -128,
      hi: 127,
    } as const;
    const y = layernorm.values({ kind: 'layernorm', x: 0, y: 1 } as LayerNormOp, d, tensors, () => Int32Array.of(9, 8, -7, 6));
    expect([...y]).toEqual([-128, -128, -128, -128]);
  });

  it('a softmax whose products leave float32', () => {
    const x: Tensor = { dims: [1, 2], home: 'R', lo: 0, hi: 1 };
    const most = floatToBits(3e38);
    const d = { kind: 'softmax', table: [most, most], factor: most, fused: 1, zp: 0, lo: 0, hi: 255 } as const;
    const out: Tensor = { dims: [1, 2], home: 'D', lo: 0, hi: 255 };
    expect([...softmax.values({ kind: 'softmax', x: 0, y: 1 } as SoftmaxOp, d, [x, out], () => Int32Array.of(1, 0))]).toEqual([0, 0]);
  });
});
