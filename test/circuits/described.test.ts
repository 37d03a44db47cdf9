/** Described tables (docs/protocol.md §6.8): the rows a verifier derives are the rows of the functions, and no description can lie. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auditKey } from '../../circuits/audit.ts';
import { cellsCover, cellsOf, type Interval, regionsOf, regionsToCover } from '../../circuits/cells.ts';
import { checkKey } from '../../circuits/check.ts';
import type { TableDescription } from '../../circuits/descriptions.ts';
import { evaluate } from '../../circuits/evaluate.ts';
import { decodeKey, describedTables, encodeKey, type Key, type KeyFields, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import { setup } from '../../circuits/setup.ts';
import { requantize, type StepFunction } from '../../circuits/step.ts';
import { runsOf, sortedRows } from '../../circuits/tables.ts';
import type { ReqOp } from '../../circuits/types.ts';
import { lower } from '../../compiler/index.ts';
import { floatToBits } from '../../protocol/float32.ts';
import { Refused } from '../../protocol/refused.ts';
import { centredInputs, proveValues } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { Random } from '../random.ts';

const model = (name: string): Uint8Array => readFileSync(`fixtures/models/${name}/model.onnx`);

describe('regions of a described step', () => {
  const read = (f: StepFunction, [lo, hi]: Interval): { a: number; b: number; y: number }[] => {
    const out: { a: number; b: number; y: number }[] = [];
    for (let acc = lo; acc <= hi; acc++) {
      const y = f.at(acc);
      const last = out.at(-1);
      if (last?.y === y) last.b = acc + 1;
      else out.push({ a: acc, b: acc + 1, y });
    }
    return out;
  };

  it.each([
    [1 / 150, -128, [-40000, 41234]],
    [0.5, 0, [-700, 700]],
    [1, 3, [-300, 300]],
    [1.5, 3, [-300, 300]],
    [2.75, -7, [-300, 300]],
    [0.0173, 3, [-9000, 9000]],
    [1e-4, 100, [-3000, 3000]],
  ] as [number, number, Interval][])('are those read at every point: R = %d, zp = %i', (scale, zp, interval) => {
    const f = requantize(scale, zp, -128, 127);
    expect(regionsOf(f, interval)).toEqual(read(f, interval));
  });

  it('are exact where float32 cannot hold the accumulator', () => {
    const r = new Random(7);
    for (let i = 0; i < 20; i++) {
      const scale = Math.fround(1 / r.int(200000, 90000000));
      const f = requantize(scale, r.int(-128, 127), -128, 127);
      const interval: Interval = [-(2 ** 30), 2 ** 30 - 1];
      const { description: _, ...bisected } = f;
      expect(regionsOf(f, interval)).toEqual(regionsOf(bisected, interval));
    }
  });

  it('join values that the map makes equal', () => {
    const map = Int16Array.from({ length: 256 }, (_, i) => Math.max(0, i - 128));
    const f = requantize(1 / 33, 0, -128, 127, map);
    const interval: Interval = [-6000, 6000];
    const regions = regionsOf(f, interval);
    expect(regions).toEqual(read(f, interval));
    expect(regions[0]).toMatchObject({ a: -6000, y: 0 });
    expect(cellsCover(f, interval, cellsOf(regionsToCover(f, interval, 6000), [0, 3, 5], 'test'))).toBe(true);
  });

  it('are refused cover by a gap, a false value, a cell that runs into the next region', () => {
    const f = requantize(1 / 40, 0, -128, 127);
    const interval: Interval = [-9000, 9000];
    const cells = cellsOf(regionsToCover(f, interval, 9000), [4, 5], 'test');
    expect(cellsCover(f, interval, cells)).toBe(true);
    const inner = cells.findIndex((c) => c.y === 5);
    const at = cells[inner] as (typeof cells)[number];
    for (const lie of [null, { ...at, y: 6 }, { ...at, t: at.t + 20 }, { ...at, w: 6 }]) {
      const changed = cells.flatMap((c, i) => (i === inner ? (lie === null ? [] : [lie]) : [c]));
      expect(cellsCover(f, interval, changed)).toBe(false);
    }
  });
});

describe('cells of an interval within [-A, A]', () => {
  it('cover the interval, and none holds an acc with another value, reachable or not', () => {
    const r = new Random(3);
    for (let i = 0; i < 200; i++) {
      const map = r.int(0, 2) === 0 ? Int16Array.from({ length: 256 }, (_, k) => Math.abs(k - r.int(100, 150)) >> 3) : null;
      const f = requantize(Math.fround(r.pick([0.5, 0.25, 1, 0.031, 0.0021]) * (1 + r.next())), r.int(-128, 127), -128, 127, map);
      const bound = r.int(50, 9000);
      const [a, b] = [r.int(-bound, bound), r.int(-bound, bound)];
      const interval: Interval = [Math.min(a, b), Math.max(a, b)];
      const cells = cellsOf(regionsToCover(f, interval, bound), [0, r.int(1, 3), r.int(4, 8)], 'test');
      expect(cellsCover(f, interval, cells)).toBe(true);
      for (const { t, y, w } of cells)
        for (let acc = Math.max(-bound, t); acc < Math.min(t + 2 ** w, bound + 1); acc++)
          if (f.at(acc) !== y) expect.fail(`${acc} lies in a cell of ${y}`);
    }
  });
});

describe.each(['mnist-cnn.qop', 'mnist-cnn.qdq-s8', 'lenet5-max.qdq-u8'])('%s', (name) => {
  const { network } = lower(model(name));
  const made = setup(network);

  it('derives from the key alone the rows the compiler made', () => {
    expect(made.key.version).toBe(2);
    const rows = sortedRows(network);
    const key = decodeKey(made.key.bytes);
    expect(key.runs).toEqual(runsOf(rows));
    const { k1, k2 } = key.tables as { k1: Int32Array; k2: Int32Array };
    rows.forEach(([, t, y], i) => {
      if (k1[i + 2] !== t || k2[i + 2] !== y) expect.fail(`row ${i} is ${k1[i + 2]}, ${k2[i + 2]}, not ${t}, ${y}`);
    });
    expect(encodeKey(key)).toEqual(made.key.bytes);
  });

  it('passes the audit, as does the key with committed tables', () => {
    auditKey(network, made.key, made.contents);
    const committed = setup(network, { version: 1 });
    auditKey(network, committed.key, committed.contents);
    expect(committed.key.wroot).not.toEqual(made.key.wroot);
  });
});

describe('a described key', () => {
  const { network } = lower(model('digits-mlp.qop'));
  const { key, plan, contents } = setup(network);
  const first = key.descriptions?.[0] as Extract<TableDescription, { kind: 'cells' }>;
  const req = key.ops[0] as ReqOp;

  /** The key with other fields, encoded and read again as a stranger would. */
  const reread = (change: Partial<KeyFields>): Key => {
    const again = decodeKey(sealKey({ ...key, ...change }).bytes);
    checkKey(again, planOf(again));
    return again;
  };
  const describing = (d: Partial<typeof first>): Partial<KeyFields> => ({
    descriptions: [{ ...first, ...d }, ...(key.descriptions ?? []).slice(1)],
  });
  const channel = (c: Partial<(typeof first.channels)[number]>): Partial<KeyFields> =>
    describing({ channels: [{ ...(first.channels[0] as (typeof first.channels)[number]), ...c }, ...first.channels.slice(1)] });
  const op = (o: Partial<ReqOp>): Partial<KeyFields> => ({ ops: [{ ...req, ...o }, ...key.ops.slice(1)] });

  it('is read as it was written', () => {
    expect(reread({}).hash).toEqual(key.hash);
  });

  it.each<[string, Partial<KeyFields>, string]>([
    ['a channel too few', describing({ channels: first.channels.slice(1) }), 'S13'],
    ['a table too few', { descriptions: key.descriptions?.slice(1) ?? null }, 'S13'],
    ['a table too many', { descriptions: [...(key.descriptions ?? []), first] }, 'S13'],
    [
      'a unary description for a requantisation',
      { descriptions: [{ kind: 'unary', values: new Int16Array(256) }, ...(key.descriptions ?? []).slice(1)] },
      'S13',
    ],
    ['scale 0', channel({ scaleBits: 0 }), 'S13'],
    ['a denormal scale', channel({ scaleBits: 1 }), 'S13'],
    ['an infinite scale', channel({ scaleBits: 0x7f800000 }), 'S13'],
    ['a scale that is no number', channel({ scaleBits: 0x7fc00000 }), 'S13'],
    ['a negative scale', channel({ scaleBits: floatToBits(-0.01) }), 'S13'],
    ['an interval beyond the accumulator bound', channel({ interval: [-req.bound - 1, 5] }), 'S13'],
    ['an empty interval', channel({ interval: [5, 4] }), 'S13'],
    ['clip bounds upside down', describing({ lo: 9, hi: 8 }), 'S13'],
    ['clip bounds out of range', describing({ lo: -40000 }), 'S13'],
    ['a map of another length', describing({ map: new Int16Array(3) }), 'S13'],
    ['values outside the bounds of y', describing({ zp: first.zp - 1, lo: first.lo - 1 }), 'S12'],
    ['a map with values outside the bounds of y', describing({ map: new Int16Array(256).fill(999) }), 'S12'],
    ['no widths', op({ widths: [] }), 'S13'],
    ['descending widths', op({ widths: [9, 8] }), 'S13'],
    ['a Tmax too small', op({ tmax: 10 }), 'S12'],
    ['two tables with one id', op({ id: (key.ops[1] as ReqOp).id }), 'S13'],
    ['record 1 with tensors of a described key', { version: 1, descriptions: null, runs: [[64, 3]] }, 'S11'],
  ])('is refused with %s', (_, change, condition) => {
    expect.assertions(2);
    try {
      reread(change);
    } catch (e) {
      expect(e).toBeInstanceOf(Refused);
      expect((e as Refused).message).toMatch(new RegExp(`^key: ${condition}: `));
    }
  });

  it('cannot make a reader derive more than 2^22 rows', () => {
    const huge: Partial<KeyFields> = {
      ops: [{ ...req, bound: 2 ** 30, widths: [0] }, ...key.ops.slice(1)],
      ...channel({ interval: [-(2 ** 30), 2 ** 30 - 1] }),
    };
    const started = performance.now();
    expect(() => reread(huge)).toThrow(/more than 4194304 rows/);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('refuses a prover that looks up in other tables', async () => {
    const [k1, k2] = plan.content;
    const lied = new Map(contents);
    const y = (contents.get(k2) as Int32Array).slice();
    const at = y.findIndex((v, i) => i > 40 && v > 3);
    y[at] = (y[at] as number) + 1;
    lied.set(k2, y);
    lied.set(k1, contents.get(k1) as Int32Array);
    const raw = [Int32Array.from({ length: 64 }, (_, i) => i % 17)];
    const circuit = { fields: key, plan, contents: lied };
    const { envelope } = await proveValues(circuit, evaluate(circuit, centredInputs(key, raw)));
    expect(verify(envelope, key)).toMatchObject({ ok: false, code: 'V5' });
  });

  it('proves nothing false for a key whose interval is too narrow', async () => {
    // acc = x in [-100, 100], y = rint(x / 4); the key says that no x is above 13. A cell of width 2 for y = 3 starts at 12 (11 is a tie).
    const b = new NetworkBuilder();
    const x = b.input([4], -100, 100);
    const y = b.req({ kind: 'lin', terms: [[1, x]], constant: 0 }, requantize(0.25, 0, -128, 127), -128, 127, { home: 'PUB', widths: [1] });
    const honest = setup(b.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: y, dtype: 'int8', zp: 0 }]));
    const [d] = honest.key.descriptions as [typeof first];
    const rows = (interval: Interval): [number, number][] => {
      const { runs, tables } = describedTables(honest.key.tensors, honest.key.ops, [
        { ...d, channels: [{ ...(d.channels[0] as (typeof d.channels)[number]), interval }] },
      ]);
      const { k1, k2 } = tables as { k1: Int32Array; k2: Int32Array };
      return Array.from({ length: runs.reduce((n, [, count]) => n + count, 0) }, (_, i) => [k1[i + 2] as number, k2[i + 2] as number]);
    };
    for (const interval of [
      [-100, 13],
      [-100, 12],
      [-3, 13],
      [-13, -9],
    ] as Interval[])
      for (const [t, value] of rows(interval)) for (const acc of [t, t + 1]) expect(requantize(0.25, 0, -128, 127).at(acc)).toBe(value);
  });

  it('refuses a proof of the same network under the key with committed tables', async () => {
    const other = setup(network, { version: 1 });
    const circuit = { fields: other.key, plan: other.plan, contents: other.contents };
    const raw = [Int32Array.from({ length: 64 }, (_, i) => i % 17)];
    const { envelope } = await proveValues(circuit, evaluate(circuit, centredInputs(other.key, raw)));
    expect(verify(envelope, other.key)).toMatchObject({ ok: true });
    expect(verify(envelope, key)).toMatchObject({ ok: false, code: 'E3' });
  });
});

describe('a key that would cost its verifier too much', () => {
  const { network } = lower(model('digits-mlp.qop'));
  const { key } = setup(network);

  it.each<[string, Partial<KeyFields>]>([
    ['the lowest rate there is', { lr: 24 - key.h }],
    ['2^16 - 1 queries over many columns of a tiny height', { h: 1, lr: 22, t: 65535 }],
  ])('is refused before any work: %s', (_, change) => {
    const again = decodeKey(sealKey({ ...key, ...change }).bytes);
    const started = performance.now();
    expect(() => checkKey(again, planOf(again))).toThrow(/S14/);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
