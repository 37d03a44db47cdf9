/**
 * The rows of described tables against a slow derivation that shares nothing with the fast one: f is read at every acc of [-A, A], regions
 * and cells follow protocol §5.3 word by word. Where [-A, A] is too long to read, against bisection of f alone.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, type Interval, type Region, regionsOf, regionsToCover } from '../../circuits/cells.ts';
import type { ChannelDescription, TableDescription } from '../../circuits/descriptions.ts';
import { describedTables } from '../../circuits/key.ts';
import { firstAbove, requantize, type StepFunction } from '../../circuits/step.ts';
import type { MaxOp, ReqOp, Tensor, UnaryOp } from '../../circuits/types.ts';
import { bitsToFloat, floatToBits } from '../../protocol/float32.ts';
import { Refused } from '../../protocol/refused.ts';

type Cells = Extract<TableDescription, { kind: 'cells' }>;
type Row = readonly [k0: number, k1: number, k2: number];

const SMALLEST = 0x00800000;
const LARGEST = 0x7f7fffff;
const byRow = (p: Row, q: Row): number => p[0] - q[0] || p[1] - q[1] || p[2] - q[2];

/** Maximal intervals of [-A, A] on which f is constant, by reading f everywhere. */
function readRegions(f: StepFunction, bound: number): { a: number; b: number; y: number }[] {
  const out: { a: number; b: number; y: number }[] = [];
  for (let acc = 0 - bound; acc <= bound; acc++) {
    const y = f.at(acc);
    const last = out.at(-1);
    if (last?.y === y) last.b = acc + 1;
    else out.push({ a: acc, b: acc + 1, y });
  }
  return out;
}

/** Cells [T, y, w] of the regions that meet the interval, by the sentences of §5.3; null if a closed region is too short. */
function slowCells(f: StepFunction, [from, to]: Interval, bound: number, widths: readonly number[]): [number, number, number][] | null {
  const cells: [number, number, number][] = [];
  for (const { a, b, y } of readRegions(f, bound)) {
    if (b <= from || a > to) continue;
    const above = b === bound + 1;
    const below = a === 0 - bound && !above;
    const start = a < from && (below || above) ? from : a;
    const end = above ? to + 1 : b;
    const fitting = widths.filter((w) => 2 ** w <= end - start);
    if (fitting.length === 0 && !above && !below) return null;
    const w = fitting.at(-1) ?? (widths[0] as number);
    const starts: number[] = [];
    if (above) for (let t = start; t < end; t += 2 ** w) starts.push(t);
    else if (below) for (let t = end - 2 ** w; t > start - 2 ** w; t -= 2 ** w) starts.unshift(t);
    else {
      for (let t = start; t + 2 ** w <= end; t += 2 ** w) starts.push(t);
      if ((end - start) % 2 ** w !== 0) starts.push(end - 2 ** w);
    }
    for (const t of starts) cells.push([t, y, w]);
  }
  return cells;
}

interface Case {
  readonly d: Cells;
  readonly bound: number;
  readonly widths: readonly number[];
}

const positiveFloat = fc.oneof(
  fc.integer({ min: -12, max: 3 }).map((e) => floatToBits(2 ** e)), // ties
  fc.integer({ min: 1, max: 4000 }).map((n) => floatToBits(Math.fround(1 / n))),
  fc.double({ min: 1e-4, max: 8, noNaN: true }).map((s) => floatToBits(Math.fround(s))),
  fc.integer({ min: SMALLEST, max: LARGEST }),
  fc.constantFrom(SMALLEST, LARGEST),
);

const clip = fc
  .tuple(fc.integer({ min: -255, max: 255 }), fc.oneof(fc.constantFrom(0, 1, 255), fc.integer({ min: 0, max: 510 })))
  .map(([lo, length]) => [lo, Math.min(255, lo + length)] as const);

const mapOf = (length: number): fc.Arbitrary<Int16Array | null> =>
  fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: length }).map((zero) => Int16Array.from({ length }, (_, i) => Math.max(0, i - zero))),
    fc.integer({ min: 0, max: length }).map((middle) => Int16Array.from({ length }, (_, i) => Math.abs(i - middle) >> 2)),
    fc.array(fc.integer({ min: -1, max: 1 }), { minLength: length, maxLength: length }).map((v) => Int16Array.from(v)),
  );

const widthSet = fc
  .oneof(
    fc.subarray([0, 1, 2, 3, 5, 8, 13, 24], { minLength: 1, maxLength: 4 }),
    fc.subarray([1, 2, 4, 9]).map((ws) => [0, ...ws]),
  )
  .map((ws) => [...ws].sort((a, b) => a - b));

const intervalIn = (bound: number): fc.Arbitrary<Interval> => {
  const acc = fc.oneof(fc.integer({ min: -bound, max: bound }), fc.constantFrom(0 - bound, bound));
  return fc.oneof(
    fc.tuple(acc, acc).map(([a, b]): Interval => [Math.min(a, b), Math.max(a, b)]),
    acc.map((a): Interval => [a, a]),
    fc.constant<Interval>([0 - bound, bound]),
  );
};

const cases = (bounds: fc.Arbitrary<number>): fc.Arbitrary<Case> =>
  fc.tuple(bounds, clip, fc.integer({ min: -255, max: 255 }), widthSet).chain(([bound, [lo, hi], zp, widths]) =>
    fc
      .tuple(mapOf(hi - lo + 1), fc.array(fc.tuple(positiveFloat, intervalIn(bound)), { minLength: 1, maxLength: 4 }))
      .map(([map, channels]) => ({
        bound,
        widths,
        d: {
          kind: 'cells' as const,
          zp,
          lo,
          hi,
          map,
          channels: channels.map(([scaleBits, interval]): ChannelDescription => ({ scaleBits, interval })),
        },
      })),
  );

const ID = 7;

/** The req op and the tensors of a case; y is tensor 0. */
function opOf({ d, bound, widths }: Case): { tensors: Tensor[]; op: ReqOp } {
  const tensors: Tensor[] = [{ dims: [d.channels.length], home: 'A', lo: -255, hi: 255 }];
  const form = { kind: 'lin' as const, terms: [] as [number, number][], constant: 0 };
  const op: ReqOp = { kind: 'req', form, rem: 0, wid: null, w0: null, y: 0, id: ID, per: 1, cd: 0, bound, tmax: 0, widths: [...widths] };
  return { tensors, op };
}

/** Rows of a key with this description, or the sentence of the refusal. */
function derived(c: Case): Row[] | string {
  const { tensors, op } = opOf(c);
  try {
    return rowsOf(describedTables(tensors, [op], [c.d]));
  } catch (e) {
    if (e instanceof Refused) return e.message;
    throw e;
  }
}

function rowsOf({ runs, tables }: ReturnType<typeof describedTables>): Row[] {
  const { k1, k2 } = tables as { k1: Int32Array; k2: Int32Array };
  let at = 2;
  return runs.flatMap(([k0, count]) => Array.from({ length: count }, (): Row => [k0, k1[at] as number, k2[at++] as number]));
}

const functionOf = (d: Cells, c: ChannelDescription): StepFunction => requantize(bitsToFloat(c.scaleBits), d.zp, d.lo, d.hi, d.map);

describe('rows of a described table', () => {
  const short = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3000 }));

  it('are those of a derivation that reads f at every acc', () => {
    let refused = 0;
    let compared = 0;
    fc.assert(
      fc.property(cases(short), (c) => {
        const wanted = c.d.channels.map((channel) => slowCells(functionOf(c.d, channel), channel.interval, c.bound, c.widths));
        const got = derived(c);
        if (wanted.includes(null)) {
          refused++;
          expect(got).toMatch(/^key: S13: op 0 \(req\): a step of channel \d is shorter than the shortest cell$/);
        } else {
          compared++;
          expect(got).toEqual(
            wanted.flatMap((cells, i) => (cells as Row[]).map(([t, y, w]): Row => [32 * (ID + i) + w, t, y])).sort(byRow),
          );
        }
      }),
      { numRuns: 3000, seed: 20 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(compared).toBeGreaterThan(1000);
  });

  it('are those of bisection where [-A, A] is long', () => {
    let compared = 0;
    fc.assert(
      fc.property(
        cases(fc.oneof(fc.integer({ min: 2 ** 20, max: 2 ** 30 }), fc.constant(1065353216))),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (c, steepness) => {
          // A scale that spreads its steps over [-A, A], so that float32 does not hold every acc and there still are many steps.
          const scaleBits = floatToBits(Math.fround((steepness * 128) / c.bound));
          const widths = [...new Set([...c.widths.filter((w) => w <= 8), 11, 13, 24])];
          const d = { ...c.d, map: null, channels: c.d.channels.map((channel) => ({ ...channel, scaleBits })) };
          const got = derived({ ...c, d, widths });
          if (typeof got === 'string') return expect(got).toMatch(/more than 4194304 rows|shorter than the shortest cell/);
          compared++;
          const wanted = d.channels.flatMap((channel, i) => {
            const { description: _, ...bisected } = functionOf(d, channel);
            return cellsOf(regionsToCover(bisected, channel.interval, c.bound), widths, 'test').map(
              ({ t, y, w }): Row => [32 * (ID + i) + w, t, y],
            );
          });
          expect(got.length).toBe(wanted.length);
          wanted.sort(byRow).forEach((row, i) => {
            if (byRow(row, got[i] as Row) !== 0) expect.fail(`row ${i} is ${got[i]}, not ${row}`);
          });
        },
      ),
      { numRuns: 80, seed: 21 },
    );
    expect(compared).toBeGreaterThan(40);
  });

  it('have the regions that the builder covers with cells', () => {
    fc.assert(
      fc.property(cases(short), ({ d, bound, widths }) => {
        for (const channel of d.channels) {
          const { description: _, monotone: __, at } = functionOf(d, channel);
          const read: StepFunction = { monotone: false, at };
          const covered = (f: StepFunction): Region[] => regionsToCover(f, channel.interval, bound);
          expect(covered(functionOf(d, channel))).toEqual(covered(read));
          expect(regionsOf(functionOf(d, channel), channel.interval)).toEqual(regionsOf(read, channel.interval));
          const cells = slowCells(read, channel.interval, bound, widths);
          if (cells !== null) expect(cellsOf(covered(read), widths, 'test')).toEqual(cells.map(([t, y, w]) => ({ t, y, w })));
        }
      }),
      { numRuns: 500, seed: 22 },
    );
  });
});

describe('the end of a step', () => {
  it('is where the float32 product passes q + 1/2, a tie counting for the even side', () => {
    fc.assert(
      fc.property(
        positiveFloat,
        fc.integer({ min: -511, max: 511 }),
        fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
        (scaleBits, q, bound) => {
          const f = requantize(bitsToFloat(scaleBits), 0, -600, 600);
          const at = firstAbove(bitsToFloat(scaleBits), q, -bound, bound);
          expect(at <= bound ? f.at(at) > q : f.at(bound) <= q).toBe(true);
          expect(at === -bound || f.at(at - 1) <= q).toBe(true);
          expect(Object.is(at, -0)).toBe(false);
        },
      ),
      { numRuns: 10000, seed: 23 },
    );
  });
});

describe('several tables of one key', () => {
  const y: Tensor = { dims: [1], home: 'A', lo: -3, hi: 4 };
  const d: Cells = { kind: 'cells', zp: 0, lo: -3, hi: 4, map: null, channels: [{ scaleBits: floatToBits(0.25), interval: [-16, 16] }] };
  const req = (id: number): ReqOp => ({ ...opOf({ d, bound: 16, widths: [0] }).op, id });
  const unary = (id: number): UnaryOp => ({ kind: 'unary', x: 0, y: 0, id });
  const max = (id: number): MaxOp => ({
    kind: 'max',
    x: 0,
    axis: 1,
    stride: 1,
    pad: 0,
    dilation: 1,
    k0: 0,
    k1: 1,
    prev: null,
    y: 0,
    id,
    lo: -3,
  });
  const values: TableDescription = { kind: 'unary', values: Int16Array.from([1, 2, 3, 4, 3, 2, 1, 0]) };

  it('lie in the order of their ids, whatever the order of their ops', () => {
    const rows = rowsOf(describedTables([y], [req(9), max(5), unary(3), max(5), req(2)], [d, values, d]));
    expect(rows).toEqual([...rows].sort(byRow));
    const of = (id: number): (readonly [number, number])[] =>
      rows.flatMap(([k0, t, v]) => (Math.floor(k0 / 32) === id ? [[t, v] as const] : []));
    expect(of(2)).toEqual(of(9));
    expect(of(3)).toEqual(Array.from({ length: 8 }, (_, i) => [i - 3, values.values[i]]));
    const pairs = Array.from({ length: 8 }, (_, i) => [0, i] as const);
    expect(of(5)).toEqual([...pairs, ...pairs.slice(1).map(([, e]) => [e, 0])]);
  });

  it.each([
    ['two requantisations', [req(4), req(4)], [d, d]],
    ['a requantisation and a unary op', [req(4), unary(4)], [d, values]],
    ['two unary ops', [unary(4), unary(4)], [values, values]],
    ['a unary op and a max op', [unary(4), max(4)], [values]],
  ] as [string, (ReqOp | UnaryOp | MaxOp)[], TableDescription[]][])('may not share an id: %s', (_, ops, descriptions) => {
    expect(() => describedTables([y], ops, descriptions)).toThrow(/^key: S13: two tables share the id 4$/);
  });
});
