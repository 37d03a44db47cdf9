/** The ledger and the choice of parameters (protocol §10, §16.1). */
import { describe, expect, it } from 'vitest';
import { P } from '../../protocol/field.ts';
import { siblingOrder } from '../../protocol/merkle.ts';
import { chooseHeight, chooseQueries, expectedSiblings, type LedgerInput, ledger, provides } from '../../protocol/security.ts';
import { seeded } from '../lies.ts';

/** The example of §16.1: mnist-cnn, I1. */
const example: LedgerInput = {
  h: 10,
  lr: 3,
  t: 104,
  grinding: [0, 0, 14],
  lookupCount: 25472,
  tableCount: 11008,
  instances: 8,
  largestInstance: 14,
  phaseA: 4,
  phaseC: 0,
  phaseB: 6,
  claims: 6 * 10 + 3 + 2,
  columns: 75,
};

const term = (k: LedgerInput, id: string): number => ledger(k).terms.find((t) => t.id === id)?.bits as number;

describe('ledger', () => {
  it('counts bits a query as −log2((1+ρ)/2): 0.678 at rate 1/4, 0.830 at 1/8', () => {
    const bits = (lr: number): number => term({ ...example, lr, t: 400, grinding: [0, 0, 0] }, 'L12') / 400;
    expect(bits(2)).toBeCloseTo(0.678, 3);
    expect(bits(3)).toBeCloseTo(0.83, 3);
  });

  it('S100 is 86.1 bits of 127 queries and 14 of grinding at rate 1/4, 86.3 of 104 at 1/8', () => {
    const queries = (lr: number, t: number, g: number): number => term({ ...example, lr, t, grinding: [0, 0, g] }, 'L12');
    expect(queries(2, 127, 0)).toBeCloseTo(86.1, 1);
    expect(queries(3, 104, 0)).toBeCloseTo(86.3, 1);
    expect(queries(2, 127, 14)).toBeCloseTo(100.1, 1);
    expect(queries(2, 126, 14)).toBeLessThan(100);
    expect(queries(3, 103, 14)).toBeLessThan(100);
  });

  it('has the twelve terms of §10.3, each the bound it says', () => {
    const l = ledger(example);
    expect(l.terms.map((t) => t.id)).toEqual(['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8', 'L9', 'L10', 'L11', 'L12']);
    const field = 4 * Math.log2(P);
    const of = (numerator: number, g = 0): number => field + g - Math.log2(numerator);
    const { lookupCount, tableCount, instances, largestInstance: n, phaseA, phaseB, claims, h, lr } = example;
    const wanted = [
      of(4 * (lookupCount + tableCount)),
      of(n * instances),
      of((3 * n * (n - 1)) / 2),
      of(n),
      of(32),
      of(96 + phaseA),
      of(64 + phaseB),
      of(claims),
      of(2 * h),
      of(7),
      of(7 * 2 ** (h + lr)),
      14 - 104 * Math.log2(9 / 16),
    ];
    l.terms.forEach((t, i) => {
      expect(t.bits).toBeCloseTo(wanted[i] as number, 6);
    });
    expect(l.bits).toBeCloseTo(-Math.log2(wanted.reduce((s, b) => s + 2 ** -b, 0)), 6);
  });

  it('sums to 100 bits in the example of §16.1, with no grinding but that of the queries', () => {
    expect(provides(ledger(example), 100)).toBe(true);
    expect(provides(ledger({ ...example, t: 103 }), 100)).toBe(false);
    const { t: _, grinding: __, ...counts } = example;
    expect(chooseQueries(counts)).toEqual({ t: 104, grinding: [0, 0, 14] });
    expect(chooseQueries({ ...counts, lr: 2 })).toEqual({ t: 127, grinding: [0, 0, 14] });
  });

  it('counts grinding where it is done, and nowhere else', () => {
    const ground = (g: [number, number, number]): Record<string, number> =>
      Object.fromEntries(ledger({ ...example, grinding: g }).terms.map((t) => [t.id, t.bits]));
    const none = ground([0, 0, 0]);
    const moved = (g: [number, number, number]): string[] =>
      Object.entries(ground(g)).flatMap(([id, bits]) => (Math.abs(bits - (none[id] as number) - 5) < 1e-9 ? [id] : []));
    expect(moved([5, 0, 0])).toEqual(['L1']);
    expect(moved([0, 5, 0])).toEqual(['L10', 'L11']);
    expect(moved([0, 0, 5])).toEqual(['L12']);
  });

  it('is monotone: more lookups, columns, rounds or claims never add bits', () => {
    const { bits } = ledger(example);
    for (const change of [
      { lookupCount: 2 ** 30 },
      { columns: 5000 },
      { h: 16 },
      { claims: 10 ** 6 },
      { instances: 40 },
      { largestInstance: 30 },
    ])
      expect(ledger({ ...example, ...change }).bits).toBeLessThan(bits);
  });

  it('needs grinding before α and η in large circuits', () => {
    const { t: _, grinding: __, ...counts } = { ...example, lookupCount: 2 ** 30, h: 19, columns: 4000 };
    const { t, grinding } = chooseQueries(counts);
    expect(grinding[0] + grinding[1]).toBeGreaterThan(0);
    expect(provides(ledger({ ...counts, t, grinding }), 100)).toBe(true);
  });
});

describe('sizes', () => {
  it('chooses the height of §16.1: lr = 3, h = 10 for groups of 38,248 and 37,568 elements', () => {
    expect(chooseHeight([38248, 37568])).toMatchObject({ h: 10, lr: 3 });
  });

  it('expects as many siblings as random positions have', () => {
    const random = seeded(4);
    for (const [t, depth] of [
      [24, 8],
      [104, 13],
      [1, 6],
    ] as const) {
      let total = 0;
      const trials = 300;
      for (let k = 0; k < trials; k++) {
        const positions = [...new Set(Array.from({ length: t }, () => random(2 ** depth)))].sort((a, b) => a - b);
        total += siblingOrder(positions, depth).length;
      }
      expect(Math.abs(total / trials - expectedSiblings(t, depth))).toBeLessThan(0.02 * expectedSiblings(t, depth) + 1);
    }
  });
});
