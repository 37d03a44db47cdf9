/**
 * Keys that are not the model's (attacks.md K04, T21; protocol §6.7). The key is consistent and its root leads to its contents: only the
 * audit, which has the model, can tell. Fixture: net 1, I1, profile toy.
 */
import { describe, expect, it } from 'vitest';
import { auditKey } from '../../circuits/audit.ts';
import { commitStack, stackOf } from '../../circuits/contents.ts';
import { decodeKey, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { requantize } from '../../circuits/step.ts';
import { k0Column } from '../../circuits/tables.ts';
import type { ConvForm, LinForm, ReqOp, Tensor } from '../../circuits/types.ts';
import { rootOf } from '../../protocol/merkle.ts';
import type { Verdict } from '../../verifier/verify.ts';
import { type Bench, bench, benchOf, expectAccepted, expectRefused, judge, refusalOf, tell } from '../lies.ts';
import { netFixture, netNames, networkOf } from '../nets.ts';

const net = bench('net1-i1');
const net0 = bench('net1-i0');

interface Draft {
  readonly key: { ops: ReqOp[]; tensors: Tensor[]; inputs: { zp: number }[] };
  readonly contents: Map<number, Int32Array>;
}

/** The audit of a changed key whose root is that of its changed contents. */
function audited(change: (d: Draft) => void, b: Bench = net): Verdict {
  const { bytes: _, hash: __, ...fields } = b.key;
  const key = structuredClone(fields) as unknown as Draft['key'] & typeof fields;
  const contents = new Map([...b.contents].map(([t, v]) => [t, v.slice()] as const));
  change({ key, contents });
  const wroot = rootOf(
    commitStack(
      stackOf(b.plan, b.key.h, 'W', (t) => contents.get(t) as Int32Array),
      b.key.h,
      b.key.lr,
    ).tree,
  );
  return refusalOf(() => auditKey(b.network, decodeKey(sealKey({ ...key, wroot }).bytes), contents, { allowToy: true }));
}

describe('keys of the model', () => {
  it.each(netNames)('%s is accepted', (name) => {
    const b = bench(name);
    expectAccepted(refusalOf(() => auditKey(b.network, b.key, b.contents, { allowToy: true })));
  });

  it.each(['net1-i1', 'net2-i1', 'net4-i0'])(
    'a key of %s with narrower cells and other table ids is accepted, and proves',
    async (name) => {
      const b = bench(name);
      const f = structuredClone(netFixture(name)) as { calls: Record<string, unknown>[] } & ReturnType<typeof netFixture>;
      const reqs = b.key.ops.filter((o) => o.kind === 'req');
      f.calls
        .filter((c) => c.call === 'req')
        .forEach((c, i) => {
          const [short, ...long] = (reqs[i] as ReqOp).widths as [number, ...number[]];
          c.widths = [Math.max(0, short - 1), ...long];
        });
      const other = benchOf(networkOf(f, 77), f.mode, b.inputs);
      expect(other.key.hash).not.toEqual(b.key.hash);
      expectAccepted(refusalOf(() => auditKey(b.network, other.key, other.contents, { allowToy: true })));
      expectAccepted(judge(other, (await tell(other)).envelope));
    },
  );

  it('a key is refused without allowance for toy (E6, S9)', () =>
    expectRefused(
      refusalOf(() => auditKey(net.network, net.key, net.contents)),
      'E6',
      'S9',
    ));
});

/** Rows of a constant by index, requantised, through a table wider than its values; another constant is added. */
function constants(version: 1 | 2 = 1): Bench {
  const n = new NetworkBuilder();
  const ids = n.input([3], 0, 6);
  const rows = n.gather(
    n.constant(
      [7, 4],
      Int32Array.from({ length: 28 }, (_, i) => ((i * 37) % 181) - 90),
    ),
    ids,
  );
  const added = n.constant(
    [3, 4],
    Int32Array.from({ length: 12 }, (_, i) => ((i * 7) % 11) - 5),
  );
  const sum = n.req(
    {
      kind: 'lin',
      terms: [
        [2, added],
        [1, rows],
      ],
      constant: 0,
    },
    requantize(0.5, 0, -128, 127),
    -60,
    60,
  );
  const turned = n.unary(sum, new Map(Array.from({ length: 256 }, (_, i) => [i - 128, 127 - i])), -128, 127);
  const out = n.req({ kind: 'lin', terms: [[1, turned]], constant: 0 }, requantize(1, 0, -128, 127), -128, 127, { home: 'PUB' });
  const network = n.finish([{ tensor: ids, dtype: 'int32', zp: 0 }], [{ tensor: out, dtype: 'int8', zp: 0 }]);
  return benchOf(network, 'I1', [[4, 0, 6]], version);
}

const op2 = net.key.ops[1] as ReqOp;
const [c1, c2] = net.plan.content;
const firstRowOf2 = k0Column(net.key.runs).findIndex((k0) => Math.floor(k0 / 32) === op2.id);
const put =
  (t: number, i: number, d: number) =>
  ({ contents }: Draft) => {
    const v = contents.get(t) as Int32Array;
    v[i] = (v[i] as number) + d;
  };
const w2 = (op2.form as ConvForm).w;

describe('keys of something else', () => {
  it.each<[string, string, string | undefined, (d: Draft) => void]>([
    ['K04, T21 one y of a table changed', 'audit', undefined, put(c2, firstRowOf2 + 9, 1)],
    ['K04, T21 one cell moved: a gap', 'audit', undefined, put(c1, firstRowOf2 + 9, 1)],
    ['T21 a cell moved into the next region', 'audit', undefined, put(c1, firstRowOf2 + 20, -1)],
    [
      'T21 a cell replaced by its neighbour',
      'audit',
      undefined,
      ({ contents }) => {
        for (const c of [c1, c2]) {
          const v = contents.get(c) as Int32Array;
          v[firstRowOf2 + 9] = v[firstRowOf2 + 10] as number;
        }
      },
    ],
    ['K04, T26 a y past the separator', 'E6', 'S12', put(c2, firstRowOf2 + 9, 2 ** 20)],
    [
      'K04 one weight changed, the bound kept',
      'audit',
      undefined,
      ({ contents }) => {
        const v = contents.get(w2) as Int32Array;
        v[3] = -(v[3] as number);
      },
    ],
    [
      'K04 all weights of a layer doubled',
      'E6',
      'S2',
      ({ contents }) => {
        contents.set(
          w2,
          (contents.get(w2) as Int32Array).map((v) => 2 * v),
        );
      },
    ],
    [
      'K04 another coefficient',
      'E6',
      'S2',
      ({ key }) => {
        ((key.ops[2] as ReqOp).form as LinForm).terms[0] = [4, ((key.ops[2] as ReqOp).form as LinForm).terms[0]?.[1] as number];
      },
    ],
    [
      'K04 a coefficient of the other sign: the same bound',
      'audit',
      undefined,
      ({ key }) => {
        const [term] = ((key.ops[2] as ReqOp).form as LinForm).terms as [[number, number]];
        term[0] = -term[0];
      },
    ],
    [
      'K04 another pad',
      'audit',
      undefined,
      ({ key }) => {
        ((key.ops[0] as ReqOp).form as ConvForm).pad = [1, 2, 1, 0];
      },
    ],
    [
      'K04 A too small',
      'E6',
      'S2',
      ({ key }) => {
        (key.ops[1] as ReqOp).bound = 9;
      },
    ],
    ['K04 a weight at a padded position', 'E6', 'S12', put(w2, 15, 1)],
    [
      'K04 bounds of y narrower than the model',
      'E6',
      'S12',
      ({ key }) => {
        (key.tensors[op2.y] as Tensor).hi = 100;
      },
    ],
    [
      'K04 another zero point of the input',
      'audit',
      undefined,
      ({ key }) => {
        (key.inputs[0] as { zp: number }).zp = 3;
      },
    ],
  ])('refuses %s (%s)', (_, code, condition, change) => {
    expectRefused(audited(change), code, condition);
  });

  describe('constants that are read like values, and tables of what is in the clear', () => {
    const shown = constants();

    it('are those of the model', () =>
      expectAccepted(refusalOf(() => auditKey(shown.network, shown.key, shown.contents, { allowToy: true }))));

    it.each(['gather', 'lin'] as const)('K04 refuses another constant (%s)', (kind) => {
      const table = shown.key.ops.flatMap((op) => (op.kind === 'gather' ? [op.x] : []))[0] as number;
      const term = shown.key.ops.flatMap((op) =>
        op.kind === 'req' && op.form.kind === 'lin' ? [op.form.terms[0]?.[1] as number] : [],
      )[0] as number;
      const t = kind === 'gather' ? table : term;
      const v = audited(
        ({ contents }) => (contents.get(t) as Int32Array).set([(shown.contents.get(t) as Int32Array)[1] as number], 0),
        shown,
      );
      expect(v).toMatchObject({ ok: false, code: 'audit', sentence: expect.stringMatching(/^op \d+.*: constant 0 of tensor \d+ is/) });
    });

    it.each([1, 2] as const)('a table of version %i has the rows that are looked up', (version) => {
      const b = constants(version);
      expectAccepted(refusalOf(() => auditKey(b.network, b.key, b.contents, { allowToy: true })));
    });
  });

  it('K04 refuses a root of other data', () => {
    const key = decodeKey(sealKey({ ...net.key, wroot: new Uint8Array(32) }).bytes);
    expect(refusalOf(() => auditKey(net.network, key, net.contents, { allowToy: true }))).toMatchObject({
      ok: false,
      code: 'audit',
      detail: { where: 'wroot' },
    });
  });

  it('K04 refuses a hash of other data in mode I0 (S12)', () => {
    const key = decodeKey(sealKey({ ...net0.key, wroot: new Uint8Array(32) }).bytes);
    expectRefused(
      refusalOf(() => auditKey(net0.network, key, net0.contents, { allowToy: true })),
      'E6',
      'S12',
    );
  });

  it('refuses the key of another network', () => {
    const other = bench('net3-i1');
    expectRefused(
      refusalOf(() => auditKey(net.network, other.key, other.contents, { allowToy: true })),
      'audit',
    );
  });
});
