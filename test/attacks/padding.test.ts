/**
 * Lies at padded positions (attacks.md N03). Padded positions must hold 0 because the relation reads whole padded tensors; the lookups
 * enforce it: at a padded position the only rows a key can meet are (0, 0, ZETA) and (32, 0, 0).
 */
import { describe, expect, it, vi } from 'vitest';
import type { ValueMap } from '../../circuits/evaluate.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { validMask } from '../../circuits/shape.ts';
import { requantize } from '../../circuits/step.ts';
import { ZETA } from '../../circuits/tables.ts';
import type { ConvForm, Op, PoolForm, Tensor } from '../../circuits/types.ts';
import { type Bench, bench, benchOf, expectAccepted, expectRefused, judge, seeded, tell } from '../lies.ts';

/** Who evaluates windows as if padded rows and columns of the image existed (Φ without its bound i < H). */
const wide = vi.hoisted(() => ({ prover: false, verifier: false, proving: false }));

vi.mock('../../circuits/forms/reduction.ts', async (original) => {
  const real = await original<typeof import('../../circuits/forms/reduction.ts')>();
  const tapFunctionals: typeof real.tapFunctionals = (eq, count, taps, stride, dilation, pad, size, bits) =>
    real.tapFunctionals(eq, count, taps, stride, dilation, pad, (wide.proving ? wide.prover : wide.verifier) ? 2 ** bits : size, bits);
  return { ...real, tapFunctionals };
});

const set = (values: ValueMap, t: number, p: number, v: number): void => {
  (values.get(t) as Int32Array)[p] = v;
};

/** Every lie of one element at a padded position of the output of an op. */
function liesAt(op: Op, t: number): [string, [number, number][]][] {
  const lies: [string, [number, number][]][] = [['y = ZETA', [[t, ZETA]]]];
  if (op.kind !== 'req') return lies;
  if (op.wid !== null) {
    const w = op.widths.at(-1) as number;
    lies.push(
      [
        'wid = w with y = ZETA',
        [
          [op.wid, w],
          [t, ZETA],
        ],
      ],
      [
        'wid = w with rem and y of a row',
        [
          [op.wid, w],
          [op.rem, 1],
          [t, 1],
        ],
      ],
    );
  }
  return [...lies, ['rem = 1', [[op.rem, 1]]]];
}

/** [sentence, op, position, changes] of every committed lookup op with padded positions. */
function padded(b: Bench): [string, number, [number, number][]][] {
  return b.key.ops.flatMap((op, i): [string, number, [number, number][]][] => {
    if (op.kind === 'out') return [];
    const t = op.kind === 'range' ? op.x : op.y;
    const { home, dims } = b.key.tensors[t] as Tensor;
    const holes = [...validMask(dims)].flatMap((v, p) => (v === 0 ? [p] : []));
    if (holes.length === 0 || home === 'PUB') return [];
    return [...new Set([holes[0] as number, holes.at(-1) as number])].flatMap((p) =>
      liesAt(op, t).map(([what, changes]): [string, number, [number, number][]] => [
        `${what}, op ${i} (${op.kind}), position ${p}`,
        p,
        changes,
      ]),
    );
  });
}

describe.each(['net1-i1', 'net2-i1', 'net4-i1', 'net5-i1-committed', 'net1-committed'])('padded positions of %s', (name) => {
  const b = bench(name);
  it.each(padded(b))('N03 refuses %s', async (_, p, changes) => {
    const { envelope } = await tell(b, {
      values: (values) => {
        for (const [t, v] of changes) set(values, t, p, v);
      },
    });
    expectRefused(judge(b, envelope), 'V2');
  });
});

/** A conv, a pool and a max that read one image of 6×6 (padded 8×8) in 12 channels (padded 16), all with a border of padding. */
function overPadding(): { b: Bench; y: number; reads: { conv: number; pool: number; max: number } } {
  const n = new NetworkBuilder({ sizing: 'specification' });
  const random = seeded(5);
  const values = (k: number, range: number): Int32Array => Int32Array.from({ length: k }, () => random(2 * range) - range);
  const x = n.input([1, 6, 6], -128, 127);
  const window = { kh: 3, kw: 3, stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1] } as Omit<PoolForm, 'kind' | 'x'>;
  const conv = (from: number, w: number, bias: number): ConvForm => ({ kind: 'conv', x: from, w, b: bias, groups: 1, ...window });
  const [w1, b1] = [n.weight([12, 1, 9], values(108, 60)), n.weight([12], values(12, 900))];
  const y = n.req(conv(x, w1, b1), requantize(1 / 150, 0, -128, 127), -128, 127);
  const [w2, b2] = [n.weight([2, 12, 9], new Int32Array(216).fill(127)), n.weight([2], values(2, 900))];
  const c = n.out(conv(y, w2, b2));
  const pooled = n.out({ kind: 'pool', x: y, ...window });
  const m = n.maxPool(y, [3, 3], [1, 1], [1, 1, 1, 1], [1, 1], { home: 'PUB' });
  const network = n.finish(
    [{ tensor: x, dtype: 'int8', zp: 0 }],
    [c, pooled, m].map((t) => ({ tensor: t, dtype: t === m ? 'int8' : 'int32', zp: 0 })),
  );
  return { b: benchOf(network, 'I1', [Array.from({ length: 36 }, () => random(256) - 128)]), y, reads: { conv: c, pool: pooled, max: m } };
}

describe('windows that read over the padding (Fixture: conv, pool and max on one padded image)', () => {
  const { b, y, reads } = overPadding();
  // The row and the column just past the image of channel 0, seen by the windows at the border.
  const row = 6 * 8 + 2;
  const column = 2 * 8 + 6;

  it('accepts the honest run', async () => expectAccepted(judge(b, (await tell(b)).envelope)));

  const cases = (['nobody', 'the prover', 'both parties'] as const).flatMap((who) =>
    (
      [
        ['conv', row, 5],
        ['pool', row, 5],
        ['max', row, 5],
        ['conv', column, 5],
        ['pool', column, 5],
        ['max', column, 5],
        ['conv', row, 1000],
        ['max', row, ZETA],
      ] as const
    ).map(([kind, position, value]) => [kind, position, value, who] as const),
  );

  it.each(cases)(
    'N03 refuses a false value past the image, read by %s (position %i, value %i, wide windows: %s)',
    async (kind, position, value, who) => {
      const target = reads[kind];
      Object.assign(wide, { prover: who !== 'nobody', verifier: who === 'both parties', proving: true });
      const { envelope } = await tell(b, {
        values: (values) => {
          const image = values.get(y) as Int32Array;
          image[position] = value;
          // The output that follows from the value at the padded position.
          const out = values.get(target) as Int32Array;
          const { dims } = b.key.tensors[target] as Tensor;
          const [i, j] = [Math.floor(position / 8), position % 8];
          const channels = kind === 'conv' ? (dims[0] as number) : 1;
          for (let c = 0; c < channels; c++)
            for (let u = Math.max(0, i - 1); u <= Math.min(5, i + 1); u++)
              for (let v = Math.max(0, j - 1); v <= Math.min(5, j + 1); v++) {
                const at = c * 64 + u * 8 + v;
                if (kind === 'max') out[at] = Math.max(out[at] as number, Math.min(value, 127));
                else out[at] = (out[at] as number) + (kind === 'conv' ? 127 * value : value);
              }
        },
      });
      wide.proving = false;
      const verdict = judge(b, envelope);
      wide.verifier = false;
      expectRefused(verdict, 'V2');
    },
  );

  it('N03 refuses an output that leaves its bounds before anything else', async () => {
    const { envelope } = await tell(b, {
      values: (values) => {
        set(values, y, row, ZETA);
        set(values, reads.pool, 5 * 8 + 2, ZETA);
      },
    });
    expectRefused(judge(b, envelope), 'E5');
  });

  it('holds because the padding is part of the claim: the honest value there is 0', async () => {
    const { witness } = await tell(b);
    const mask = validMask((b.key.tensors[y] as Tensor).dims);
    expect([...(witness.values.get(y) as Int32Array)].every((v, p) => mask[p] === 1 || v === 0)).toBe(true);
  });
});
