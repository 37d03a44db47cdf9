/**
 * Lies about accumulators (attacks.md R, A, B, O09). The tables are consistent with the false accumulator, so no key is missing and only
 * the sumchecks of phases A and B, or the opening of the weights, can see it.
 */
import { describe, expect, it } from 'vitest';
import type { Contents } from '../../circuits/check.ts';
import type { ValueMap } from '../../circuits/evaluate.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { requantize } from '../../circuits/step.ts';
import type { ConvForm, Tensor } from '../../circuits/types.ts';
import { scale } from '../../protocol/extension.ts';
import { HALF } from '../../protocol/field.ts';
import { addTo, type Bench, bench, benchOf, expectRefused, judge, type Lie, opOf, tell, verdictOn } from '../lies.ts';

const net = bench('net1-i1');
const extra = net.key.tensors.length;
const conv2 = opOf(net, 'req', 1);
const conv2Form = conv2.form as ConvForm;

async function refused(b: Bench, lie: Lie, code: string): Promise<void> {
  const told = await tell(b, lie);
  expect(told.missing).toBe(0);
  expectRefused(judge(b, told.envelope), code);
}

/** A private copy of a 3-dimensional tensor with its true elements moved: element [i, j, k] is taken from where `from` says. */
function moved(b: Bench, t: number, from: (i: number, j: number, k: number) => readonly [number, number, number]) {
  const [d0, d1, d2] = (b.key.tensors[t] as Tensor).dims as [number, number, number];
  const size = b.plan.bits[t] as [number, number, number];
  const index = (i: number, j: number, k: number): number => (i * 2 ** size[1] + j) * 2 ** size[2] + k;
  return {
    like: t,
    values: (values: ValueMap): Int32Array => {
      const v = values.get(t) as Int32Array;
      const out = v.slice();
      for (let i = 0; i < d0; i++)
        for (let j = 0; j < d1; j++) for (let k = 0; k < d2; k++) out[index(i, j, k)] = v[index(...from(i, j, k))] as number;
      return out;
    },
  };
}

describe('false accumulators (Fixture: net 1, I1; Refused because: the contraction does not end in the true operands)', () => {
  const weightsOf = (from: (i: number, j: number, k: number) => readonly [number, number, number]): Lie => ({
    extra: [moved(net, conv2Form.w, from)],
    forms: (form, i) => (i === conv2.index ? { ...(form as ConvForm), w: extra } : form),
  });

  it('R01 refuses a kernel flipped by the prover', () =>
    refused(
      net,
      weightsOf((i, j, k) => [i, j, 8 - k]),
      'V6',
    ));

  it('R02 refuses weights transposed by the prover', () =>
    refused(
      net,
      weightsOf((i, j, k) => [j, i, k]),
      'V6',
    ));

  const shifted = (form: ConvForm): ConvForm => ({ ...form, pad: [form.pad[0], form.pad[1] + 1, form.pad[2], form.pad[3] - 1] });

  it('R03 refuses a window at another offset', () =>
    refused(net, { forms: (form, i) => (i === 0 ? shifted(form as ConvForm) : form) }, 'V6'));

  it('R03 refuses a window at another offset told in phase B', () =>
    refused(net, { forms: (form, i) => (i === 0 ? shifted(form as ConvForm) : form), until: 'end' }, 'V7'));

  it('R03 refuses another stride', () =>
    // 4 rows of outputs at stride 2 from 7 rows; stride 3 with more padding gives 4 rows too.
    refused(
      bench('net4-i1'),
      { forms: (form, i) => (i === 0 ? { ...(form as ConvForm), stride: [3, 1], pad: [2, 1, 2, 2] } : form) },
      'V6',
    ));

  it('R03 refuses another dilation', () =>
    refused(
      bench('net2-i1'),
      { forms: (form, i) => (i === 0 ? { ...(form as ConvForm), dilation: [1, 1], pad: [0, 0, 1, 1] } : form) },
      'V6',
    ));

  it('R05 refuses a grouped convolution with another group map', () => {
    const b = bench('net2-i1');
    const grouped = opOf(b, 'req', 2);
    const form = grouped.form as ConvForm;
    expect(form.groups).toBe(2);
    // Group g reads the channels of group 1 − g.
    const other = moved(b, form.x, (c, i, j) => [(c + 2) % 4, i, j]);
    return refused(b, { extra: [other], forms: (f, i) => (i === grouped.index ? { ...form, x: b.key.tensors.length } : f) }, 'V6');
  });
});

/** Two dense layers of the same shape, one after the other, and a third to the output. */
function twins(): { b: Bench; w: readonly [number, number] } {
  const n = new NetworkBuilder({ sizing: 'specification' });
  const x = n.input([2, 4], -128, 127);
  const layer = (from: number, seed: number, home: 'A' | 'PUB'): [number, number] => {
    const w = n.weight(
      [4, 4],
      Int32Array.from({ length: 16 }, (_, i) => ((i * seed) % 41) - 20),
    );
    const bias = n.weight([4], Int32Array.of(5, -7, 11, 2));
    return [n.req({ kind: 'dense', x: from, w, b: bias, sp: 1 }, requantize(1 / 40, 0, -128, 127), -128, 127, { home }), w];
  };
  const [y1, w1] = layer(x, 7, 'A');
  const [y2, w2] = layer(y1, 13, 'A');
  const [o] = layer(y2, 29, 'PUB');
  const network = n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: o, dtype: 'int8', zp: 0 }]);
  return { b: benchOf(network, 'I1', [[100, -50, 3, 77, -128, 9, 64, -1]]), w: [w1, w2] };
}

describe('weights of another layer (Fixture: two dense layers of one shape; Refused because: the columns are those of the key)', () => {
  const { b, w } = twins();
  const swapped: Contents = new Map([
    ...b.contents,
    [w[0], b.contents.get(w[1]) as Int32Array],
    [w[1], b.contents.get(w[0]) as Int32Array],
  ]);
  const liar: Bench = { ...b, contents: swapped, circuit: { ...b.circuit, contents: swapped } };

  it('R04 refuses two equal-shape layers swapped, opened in the committed columns', async () => {
    const told = await tell(liar, { committed: b.contents, columns: b.contents });
    expect(told.missing).toBe(0);
    expectRefused(judge(b, told.envelope), 'V9');
  });

  it('R04 refuses two equal-shape layers swapped, opened in columns of the swapped weights', async () => {
    const told = await tell(liar, { committed: b.contents });
    expectRefused(judge(b, told.envelope), 'V12');
  });

  it('O09 refuses weights evaluated otherwise than committed', async () => {
    const w1 = opOf(net, 'req', 0).form as ConvForm;
    let run: ValueMap = new Map();
    const verdict = await verdictOn(net, {
      published: (values) => {
        run = values;
      },
      messages: {
        segs: (v) => {
          run.set(
            w1.w,
            (run.get(w1.w) as Int32Array).map((x) => (3 * x) % 257),
          );
          return v;
        },
      },
    });
    expectRefused(verdict, 'V6');
  });
});

describe('messages of phases A and B (Fixture: net 1, I1)', () => {
  const half = HALF + 1; // 1/2

  it.each<[string, Lie, string]>([
    ['A01 refuses a changed round of phase A', { messages: { 'A.r1': addTo(1) } }, 'V6'],
    [
      'A02 refuses an end pair (2u, v/2): the window of v is another',
      { messages: { 'A.end': (v) => v.map((e, i) => (i === 0 ? scale(2, e) : i === 1 ? scale(half, e) : e)) } },
      'V7',
    ],
    ['A03 refuses a changed bias value', { messages: { bias: addTo(0) } }, 'V6'],
    ['B01 refuses a changed round of phase B', { messages: { 'B.r0': addTo(0) } }, 'V7'],
    ['B02 refuses a changed end value of phase B', { messages: { 'B.end': addTo(1) } }, 'V7'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));
});
