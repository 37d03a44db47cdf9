/**
 * Lies about tensors that show others (attacks.md G): the prover moves the wrong elements, and everything downstream is consistent with it, so
 * no key is missing and only phase C can see it; and keys whose views would break what the relation assumes.
 */
import { describe, expect, it } from 'vitest';
import { checkKey } from '../../circuits/check.ts';
import { decodeKey, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import { requantize } from '../../circuits/step.ts';
import type { GatherOp, IoTensor, Op, PairMaxOp, ReqOp, Tensor, ViewOp } from '../../circuits/types.ts';
import { addTo, type Bench, benchOf, expectAccepted, expectRefused, judge, type Lie, opOf, refusalOf, tell, verdictOn } from '../lies.ts';

const AXES = [
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];
const identity = requantize(1, 0, -128, 127);

/** x [3, 4, 5] requantised; a slice of it beside a transpose-like flip; rows of a constant by index; a product, a maximum, an output. */
function net(): Bench {
  const n = new NetworkBuilder();
  const x = n.input([3, 4, 5], -100, 100);
  const ids = n.input([3], 0, 6);
  const y = n.req({ kind: 'lin', terms: [[1, x]], constant: 0 }, identity, -128, 127);
  const counts = [3, 4, 2];
  const part = (from: number, to: number) => ({
    x: y,
    counts,
    from: [AXES[0], AXES[1], [from, 0, 0, 2]] as number[][],
    to: [AXES[0], AXES[1], [to, 0, 0, 1]] as number[][],
  });
  const joined = n.view([part(0, 0), part(1, 2)], [3, 4, 5], 7);
  const turned = n.view([{ x: y, counts: [3, 4, 5], from: AXES, to: [AXES[0], AXES[2], AXES[1]] as number[][] }], [3, 5, 4]);
  const table = n.constant(
    [7, 4, 5],
    Int32Array.from({ length: 140 }, (_, i) => ((i * 37) % 181) - 90),
  );
  const rows = n.gather(table, ids);
  const sum = n.req(
    {
      kind: 'lin',
      terms: [
        [1, joined],
        [1, rows],
      ],
      constant: 0,
    },
    requantize(0.5, 0, -128, 127),
    -128,
    127,
  );
  const best = n.pairmax(sum, joined);
  const product = n.req({ kind: 'bmm', a: best, b: turned }, requantize(0.002, 0, -128, 127), -128, 127, { home: 'PUB' });
  const network = n.finish(
    [
      { tensor: x, dtype: 'int8', zp: 0 },
      { tensor: ids, dtype: 'int32', zp: 0 },
    ],
    [{ tensor: product, dtype: 'int8', zp: 0 }],
  );
  const values = Array.from({ length: 60 }, (_, i) => ((i * 53) % 199) - 99);
  return benchOf(network, 'I1', [values, [4, 0, 6]], 2);
}

const b = net();
const [joined, turned] = [opOf(b, 'view', 0), opOf(b, 'view', 1)];
const gathered = opOf(b, 'gather');
const best = opOf(b, 'pairmax');
const product = opOf(b, 'req', 2);

/** Told right after op `index`: its output with elements moved or changed. */
const lieAfter = (index: number, change: (v: Int32Array) => void): Lie => ({
  afterOp: (i, op, values) => {
    if (i !== index) return;
    const t = (op as { y: number }).y;
    const v = (values.get(t) as Int32Array).slice();
    change(v);
    values.set(t, v);
  },
});

async function refused(lie: Lie, code: string, missing: 'none' | 'some' = 'none'): Promise<void> {
  const told = await tell(b, lie);
  if (missing === 'none') expect(told.missing).toBe(0);
  expectRefused(judge(b, told.envelope), code);
}

/** Index in [3, 4→4, 5→8]. */
const place = (c: number, i: number, j: number): number => (c * 4 + i) * 8 + j;

it('G00 accepts the honest run', async () => expectAccepted(await verdictOn(b, {})));

describe('what is shown (Fixture: a view of two parts and a fill, a transpose, rows by index; Refused because: the sums of phase C do not end in the tensors)', () => {
  it('G01 refuses a view that starts one element further', () =>
    refused(
      lieAfter(joined.index, (v) => {
        for (let c = 0; c < 3; c++) for (let i = 0; i < 4; i++) v.copyWithin(place(c, i, 0), place(c, i, 1), place(c, i, 2));
      }),
      'V7c',
    ));

  it('G02 refuses two parts swapped', () =>
    refused(
      lieAfter(joined.index, (v) => {
        for (let c = 0; c < 3; c++)
          for (let i = 0; i < 4; i++) {
            const row = v.slice(place(c, i, 0), place(c, i, 4));
            v.set([...row.slice(2), ...row.slice(0, 2)], place(c, i, 0));
          }
      }),
      'V7c',
    ));

  it('G03 refuses another fill', () =>
    refused(
      lieAfter(joined.index, (v) => {
        v[place(1, 2, 4)] = 6;
      }),
      'V7c',
    ));

  it('G04 refuses column-major for row-major', () =>
    refused(
      lieAfter(turned.index, (v) => {
        const honest = v.slice();
        // [3, 5→8, 4]: swap two elements of one matrix across the diagonal.
        [v[4 * 1 + 2], v[4 * 2 + 1]] = [honest[4 * 2 + 1] as number, honest[4 * 1 + 2] as number];
      }),
      'V7c',
    ));

  it('G05 refuses a value at a padded position of a view', () =>
    refused(
      lieAfter(turned.index, (v) => {
        v[4 * 6] = 1;
      }),
      'V7c',
    ));

  it('G06 refuses the row of another index', () =>
    refused(
      lieAfter(gathered.index, (v) => {
        v.copyWithin(0, 32, 64);
      }),
      'V7c',
    ));

  it('G07 refuses one entry of a row changed', () =>
    refused(
      lieAfter(gathered.index, (v) => {
        v[3] = (v[3] as number) + 1;
      }),
      'V7c',
    ));

  it.each([
    ['a round', 'C.r1', 0],
    ['an end value', 'C.end', 1],
    ['the last end value', 'C.end', -1],
  ])('G08 refuses %s of phase C changed', async (_, label, k) =>
    expectRefused(await verdictOn(b, { messages: { [label]: addTo(k) } }), 'V7c'),
  );

  it('G09 refuses constants other than the committed ones', async () => {
    const op = b.key.ops[gathered.index] as GatherOp;
    const verdict = await verdictOn(b, {
      published: (values) => {
        values.set(
          op.x,
          (values.get(op.x) as Int32Array).map((v) => -v),
        );
      },
    });
    expectRefused(verdict, 'V7c');
  });
});

describe('dimensions of size 1 (Refused because: a coordinate without bits takes no place in a point)', () => {
  /** x [1, 1, 4, 2] and one part whose digits move the first two dimensions too: what they move away is not shown. */
  function single(): Bench {
    const n = new NetworkBuilder();
    const x = n.input([1, 1, 4, 2], -100, 100);
    const y = n.req({ kind: 'lin', terms: [[1, x]], constant: 0 }, identity, -128, 127);
    const from = [
      [0, 1, 0],
      [0, 0, 1],
      [0, 1, 0],
      [0, 0, 1],
    ];
    const to = [
      [0, 1, 0],
      [0, 0, 1],
    ];
    const part = { x: y, counts: [4, 2], from, to };
    const turned = {
      x: y,
      counts: [2, 4],
      from: [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
      ] as number[][],
      to: [
        [0, 0, 1],
        [1, -1, 0],
      ] as number[][],
    };
    const terms: [number, number][] = [
      [1, n.view([part], [4, 2], 9)],
      [1, n.view([turned], [4, 2])],
    ];
    const out = n.req({ kind: 'lin', terms, constant: 0 }, identity, -128, 127, { home: 'PUB' });
    const network = n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: out, dtype: 'int8', zp: 0 }]);
    return benchOf(network, 'I1', [[10, 20, 30, 40, -50, -60, 70, 80]], 2);
  }
  const s = single();
  const first = opOf(s, 'view', 0);

  it('G13 shows what is inside, and proves it', async () => {
    const told = await tell(s, {});
    expectAccepted(judge(s, told.envelope));
    // 10 and then the fill, beside the rows reversed.
    expect([...(told.witness.values.get(s.key.outputs[0]?.tensor as number) as Int32Array)]).toEqual([30, 19, 49, 39, -51, -41, 89, 79]);
  });

  it('G13 refuses an element that is not shown', async () => {
    const told = await tell(s, {
      afterOp: (i, _, values) => {
        if (i !== first.index) return;
        const v = (values.get(first.y) as Int32Array).slice();
        v[3] = 40;
        values.set(first.y, v);
      },
    });
    expectRefused(judge(s, told.envelope), 'V7c');
  });
});

describe('products and maxima of two tensors', () => {
  it('G10 refuses a false product of two computed tensors', async () => {
    // y and its cell are those of another accumulator: the prover multiplies by the tensor that was not transposed.
    const told = await tell(b, {
      forms: (form, i) => (i === product.index ? { kind: 'bmm', a: (form as { a: number }).a, b: b.key.tensors.length } : form),
      extra: [
        {
          like: turned.y,
          values: (values) => {
            const v = (values.get(turned.y) as Int32Array).slice();
            for (let c = 0; c < 3; c++) v.set([...v.slice(c * 32, c * 32 + 20)].reverse(), c * 32);
            return v;
          },
        },
      ],
    });
    expect(told.missing).toBe(0);
    expectRefused(judge(b, told.envelope), 'V6');
  });

  it('G11 refuses ZETA at a padded position of an operand', () =>
    refused(
      lieAfter(best.index, (v) => {
        v[5] = 2 ** 20;
      }),
      'V2',
      'some',
    ));

  it.each([1, -1])('G12 refuses a maximum that is off by %i', (d) =>
    refused(
      lieAfter(best.index, (v) => {
        v[9] = (v[9] as number) + d;
      }),
      'V2',
      'some',
    ),
  );
});

describe('keys (Refused because: the relation would not be what the conditions say)', () => {
  type Draft = { ops: Op[]; tensors: Tensor[]; outputs: IoTensor[] };
  const verdict = (change: (key: Draft) => void) => {
    const { bytes: _, hash: __, ...fields } = b.key;
    const draft = structuredClone(fields) as typeof fields;
    change(draft as unknown as Draft);
    return refusalOf(() => {
      const key = decodeKey(sealKey(draft).bytes);
      checkKey(key, planOf(key), { allowToy: true });
    });
  };
  const view = (k: Draft): ViewOp => k.ops[joined.index] as ViewOp;
  const at = (k: Draft, t: number): Tensor => k.tensors[t] as Tensor;
  const published = (k: Draft, t: number): void => {
    at(k, t).home = 'PUB';
    k.outputs.push({ name: 'shown', tensor: t, dtype: 'int8', zp: 0 } as IoTensor);
  };

  it.each<[string, string, (k: Draft) => void]>([
    ['a view of a view', 'S7', (k) => (((k.ops[turned.index] as ViewOp).parts[0] as { x: number }).x = joined.y)],
    ['a view of itself', 'S7', (k) => ((view(k).parts[0] as { x: number }).x = joined.y)],
    ['a committed view', 'S7', (k) => (at(k, joined.y).home = 'A')],
    ['a view that claims to be in the clear', 'S7', (k) => (at(k, joined.y).home = 'D')],
    ['a view wider than its bounds', 'S11', (k) => (at(k, joined.y).hi = 6)],
    ['two parts of which one lands on the other', 'S11', (k) => ((view(k).parts[1] as { to: number[][] }).to[2] = [0, 0, 0, 1])],
    [
      'a digit that moves nothing',
      'S11',
      (k) => {
        const part = view(k).parts[0] as { from: number[][]; to: number[][] };
        [part.from[2], part.to[2]] = [
          [0, 0, 0, 0],
          [0, 0, 0, 0],
        ];
      },
    ],
    ['no digits for a dimension', 'S11', (k) => (view(k).parts[0] as { counts: number[] }).counts.pop()],
    ['a count of 1', 'S11', (k) => ((view(k).parts[0] as { counts: number[] }).counts[0] = 1)],
    ['a view of nothing', 'S11', (k) => ((view(k) as { parts: unknown[] }).parts = [])],
    ['an output that shows others', 'S7', (k) => published(k, joined.y)],
    ['an output of rows by index', 'S7', (k) => published(k, gathered.y)],
    ['a count of 0', 'S11', (k) => ((view(k).parts[0] as { counts: number[] }).counts[0] = 0)],
    ['indices that may leave the table', 'S11', (k) => (at(k, (k.ops[gathered.index] as GatherOp).ids).hi = 7)],
    ['negative indices', 'S11', (k) => (at(k, (k.ops[gathered.index] as GatherOp).ids).lo = -1)],
    ['indices that are not in the clear', 'S11', (k) => ((k.ops[gathered.index] as GatherOp).ids = (k.ops[0] as ReqOp).y)],
    ['a constant without bounds', 'S7', (k) => Object.assign(at(k, (k.ops[gathered.index] as GatherOp).x), { lo: null, hi: null })],
    ['a maximum below its operands', 'S11', (k) => (at(k, (k.ops[best.index] as PairMaxOp).y).hi = 100)],
    [
      'operands of a product that do not fit',
      'S8',
      (k) => ((k.ops[product.index] as ReqOp).form = { kind: 'bmm', a: turned.y, b: turned.y }),
    ],
  ])('G20 refuses %s (%s)', (_, condition, change) => expectRefused(verdict(change), 'E6', condition));

  it('G21 counts the work of a view once, however often it is read', () => {
    const started = performance.now();
    const v = verdict((k) => {
      const { x } = view(k).parts[0] as { x: number };
      view(k).parts = Array.from({ length: 2000 }, () => ({ x, counts: [], from: [[0]], to: [[0]] }));
      (k.ops[best.index - 1] as ReqOp).form = {
        kind: 'lin',
        terms: Array.from({ length: 2000 }, (): [number, number] => [1, joined.y]),
        constant: 0,
      };
    });
    // 4 million times a part: more than a verifier is ready to spend.
    expectRefused(v, 'E6', 'S14');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('G21 bounds the work of a view before it is done', () => {
    const huge = (k: Draft): void => {
      const p = view(k).parts[0] as { counts: number[] };
      p.counts = [2 ** 15, 2 ** 15, 2];
    };
    const started = performance.now();
    expectRefused(verdict(huge), 'E6', 'S14');
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
