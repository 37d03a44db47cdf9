/**
 * Lies about tables and cells (attacks.md T01–T19). Fixture: net 1 (conv, conv, residual add, max-pool, dense, dense) in mode I1, profile
 * toy. Each lie is told right after its op and everything downstream is computed from it, so one lookup is the only thing wrong.
 */
import { describe, expect, it } from 'vitest';
import type { ValueMap } from '../../circuits/evaluate.ts';
import { accumulate } from '../../circuits/forms/index.ts';
import { ZETA } from '../../circuits/tables.ts';
import type { LinForm, ReqOp, Tensor } from '../../circuits/types.ts';
import { at, type Bench, bench, expectAccepted, expectRefused, judge, opOf, rowsOf, tell } from '../lies.ts';
import { type Cell, forgedCell } from './forge.helpers.ts';

describe.each([1, 2] as const)('key version %i', (version) => {
  const net = bench('net1-i1', version);
  const conv1 = opOf(net, 'req', 0);
  const conv2 = opOf(net, 'req', 1);
  const residual = opOf(net, 'req', 2);
  const dense = opOf(net, 'req', 3);
  const lastMax = opOf(net, 'max', 1);
  const E = at(net, conv1.y, [1, 2, 3]);

  /** acc of an op at a padded position, from the values of a run. */
  function accOf(b: Bench, op: ReqOp, values: ValueMap, p: number): number {
    const dims = (b.key.tensors[op.y] as Tensor).dims;
    return accumulate(b.key.tensors, op.form, (t) => values.get(t) as Int32Array, dims)[p] as number;
  }

  function put(op: ReqOp, values: ValueMap, p: number, { rem, y, wid }: { rem: number; y: number; wid: number }): void {
    (values.get(op.rem) as Int32Array)[p] = rem;
    (values.get(op.y) as Int32Array)[p] = y;
    if (op.wid !== null) (values.get(op.wid) as Int32Array)[p] = wid;
  }

  /** Tells a lie at one element right after an op; the run has exactly `missing` keys in no table. */
  async function refusedWith(
    code: string,
    op: { readonly index: number },
    lie: (values: ValueMap) => void,
    missing: { min: number; max: number } = { min: 1, max: 2 },
  ): Promise<void> {
    const told = await tell(net, {
      afterOp: (i, _, values) => {
        if (i === op.index) lie(values);
      },
    });
    expect(told.missing).toBeGreaterThanOrEqual(missing.min);
    expect(told.missing).toBeLessThanOrEqual(missing.max);
    expectRefused(judge(net, told.envelope), code);
  }

  const bump = (t: number, p: number, d: number) => (values: ValueMap) => {
    const v = values.get(t) as Int32Array;
    v[p] = (v[p] as number) + d;
  };

  /** A cell of table id that holds acc, if there is one. */
  const holding = (id: number, acc: number) => rowsOf(net, id).find((r) => r.t <= acc && acc < r.t + 2 ** r.w);

  describe('cells of one element (Refused because: the key is no row, so the fraction sums differ)', () => {
    it('T01 refuses a remainder above its cell, with the row below', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const acc = accOf(net, conv1, values, E);
          const below = rowsOf(net, conv1.id + 1)
            .filter((r) => r.t + 2 ** r.w <= acc)
            .at(-1) as Cell;
          put(conv1, values, E, { rem: acc - below.t, y: below.y, wid: below.w });
        },
        { min: 1, max: 1 },
      ));

    it('T02 refuses a negative remainder, with the row above', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const acc = accOf(net, conv1, values, E);
          const above = rowsOf(net, conv1.id + 1).find((r) => r.t > acc) as Cell;
          put(conv1, values, E, { rem: acc - above.t, y: above.y, wid: above.w });
        },
        { min: 1, max: 1 },
      ));

    it('T03 refuses the other width with the same cell start and value', () =>
      refusedWith('V2', conv1, (values) => {
        const wid = values.get(conv1.wid as number) as Int32Array;
        wid[E] = conv1.widths[wid[E] === conv1.widths[0] ? 1 : 0] as number;
      }));

    it('T04 refuses a remainder between the short and the long width, with the short width and a long row', () =>
      refusedWith('V2', dense, (values) => {
        const [short, long] = dense.widths as [number, number];
        const p = at(net, dense.y, [2]);
        const row = rowsOf(net, dense.id).find((r) => r.w === long) as Cell;
        put(dense, values, p, { rem: 2 ** short + 5, y: row.y, wid: short });
      }));

    it('T05 refuses a remainder off by one: its cell start is no row', () =>
      refusedWith('V2', conv1, (values) => bump(conv1.rem, E, (values.get(conv1.rem) as Int32Array)[E] === 0 ? 1 : -1)(values)));

    it('T06 refuses the row of another channel', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const acc = accOf(net, conv1, values, E);
          const other = holding(conv1.id + 2, acc) as Cell;
          put(conv1, values, E, { rem: acc - other.t, y: other.y, wid: other.w });
        },
        { min: 1, max: 1 },
      ));

    it('T07 refuses a row of a table of another layer', () =>
      refusedWith('V2', conv2, (values) => {
        const p = at(net, conv2.y, [1, 2, 3]);
        const acc = accOf(net, conv2, values, p);
        const other = holding(conv1.id, acc) ?? { t: acc - 3, y: 7, w: conv2.widths[0] as number };
        put(conv2, values, p, { rem: acc - other.t, y: other.y, wid: other.w });
      }));

    it('T08 refuses y off by one with its cell kept', () => refusedWith('V2', conv1, bump(conv1.y, E, 1), { min: 1, max: 1 }));

    it('T08 refuses y of the neighbouring region in the same cell', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const acc = accOf(net, conv1, values, E);
          const rows = rowsOf(net, conv1.id + 1);
          const k = rows.findLastIndex((r) => r.t <= acc);
          const next = rows.slice(k).find((r) => r.y !== rows[k]?.y) as Cell;
          (values.get(conv1.y) as Int32Array)[E] = next.y;
        },
        { min: 1, max: 1 },
      ));

    it('T09 refuses a width that smuggles another table id', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const p = at(net, conv1.y, [0, 1, 1]);
          const acc = accOf(net, conv1, values, p);
          const other = holding(conv1.id + 1, acc) as Cell;
          put(conv1, values, p, { rem: acc - other.t, y: other.y, wid: other.w + 32 });
        },
        { min: 1, max: 1 },
      ));

    it('T10 refuses a range key answered by a row of a cell table', () =>
      refusedWith(
        'V2',
        conv1,
        (values) => {
          const forged = forgedCell(net, conv1, values);
          put(conv1, values, forged.position, forged);
        },
        { min: 1, max: 1 },
      ));

    it('T12 refuses a maximum that is too large', () =>
      refusedWith('V2', lastMax, bump(lastMax.y, at(net, lastMax.y, [0, 1, 1]), 1), { min: 1, max: 1 }));

    it('T13 refuses a maximum that is too small', () =>
      refusedWith('V2', lastMax, bump(lastMax.y, at(net, lastMax.y, [0, 1, 1]), -1), { min: 1, max: 1 }));
  });

  describe('whole tensors', () => {
    it('T14 refuses an add with swapped coefficients, cells consistent with the false sum', async () => {
      const swapped = (form: LinForm): LinForm => {
        const [[c, t], [d, u]] = form.terms as [[number, number], [number, number]];
        return {
          ...form,
          terms: [
            [d, t],
            [c, u],
          ],
        };
      };
      const told = await tell(net, {
        forms: (form, i) => (i === residual.index ? swapped(form as LinForm) : form),
        until: 'evaluated',
      });
      expect(told.missing).toBeGreaterThan(10);
      expectRefused(judge(net, told.envelope), 'V2');
    });

    it('T15 refuses a residual operand that differs for one of its consumers (changed after all of them)', async () => {
      const told = await tell(net, { values: bump(conv2.y, at(net, conv2.y, [0, 0, 0]), 1) });
      expect(told.missing).toBeGreaterThan(0);
      expectRefused(judge(net, told.envelope), 'V2');
    });

    it('T15 refuses a residual operand that differs for one of its consumers (opened differently for the add)', async () => {
      // conv1.y is read by conv2 and by the add: the add is proven over a private copy with one element changed.
      const told = await tell(net, {
        extra: [
          {
            like: conv1.y,
            values: (values) => {
              const copy = (values.get(conv1.y) as Int32Array).slice();
              copy[E] = (copy[E] as number) ^ 1;
              return copy;
            },
          },
        ],
        forms: (form, i) =>
          i === residual.index
            ? { ...(form as LinForm), terms: (form as LinForm).terms.map(([c, t]) => [c, t === conv1.y ? net.key.tensors.length : t]) }
            : form,
        until: 'end',
        // The prover claims the copy's value for the committed tensor.
      });
      expect(told.missing).toBe(0);
      expectRefused(judge(net, told.envelope), 'V9');
    });

    it('T11 refuses a value at a padded position', async () => {
      const told = await tell(net, {
        values: (values) => {
          (values.get(conv1.y) as Int32Array)[7] = 5;
        },
      });
      expectRefused(judge(net, told.envelope), 'V2');
    });

    it.each([
      ['y = ZETA', (v: ValueMap, p: number) => put0(v, conv1.y, p, ZETA)],
      [
        'y = ZETA with wid = w',
        (v: ValueMap, p: number) => {
          put0(v, conv1.y, p, ZETA);
          put0(v, conv1.wid as number, p, conv1.widths[1] as number);
        },
      ],
    ])('T11 refuses %s at a padded position', async (_, lie) => {
      const told = await tell(net, { values: (values) => lie(values, 7) });
      expectRefused(judge(net, told.envelope), 'V2');
    });
  });

  function put0(values: ValueMap, t: number, p: number, v: number): void {
    (values.get(t) as Int32Array)[p] = v;
  }

  describe('multiplicities', () => {
    const badY = { afterOp: (i: number, _: unknown, values: ValueMap) => (i === conv1.index ? bump(conv1.y, E, 1)(values) : undefined) };
    const content = net.plan.mult[0] as number;
    const last = net.plan.mult.at(-1) as number;

    it('T16 refuses a bad key compensated by a negative multiplicity', async () => {
      const { envelope } = await tell(net, { ...badY, counts: bump(content, 0, -1) });
      expectRefused(judge(net, envelope), 'V2');
    });

    it('T17 refuses a bad key compensated by the multiplicity of another row', async () => {
      const { envelope } = await tell(net, { ...badY, counts: bump(content, 5, 1) });
      expectRefused(judge(net, envelope), 'V2');
    });

    it('T18 refuses one multiplicity off by one', async () => {
      const { envelope, missing } = await tell(net, { counts: bump(last, 0, 1) });
      expect(missing).toBe(0);
      expectRefused(judge(net, envelope), 'V2');
    });

    const moved = (from: number, to: number) => (values: ValueMap) => {
      bump(content, from, -1)(values);
      bump(content, to, 1)(values);
    };
    const used = 2 + net.key.runs.reduce((s, [, n]) => s + n, 0);

    it('T19 accepts a count moved between two equal rows: any split is the same multiset', async () => {
      const { envelope } = await tell(net, { counts: moved(1, used) });
      expectAccepted(judge(net, envelope));
    });

    it.each([
      ['a pad row and a range row', 1, 0],
      ['two cell rows', 2, 3],
    ])('T19 refuses a count moved between different rows: %s', async (_, from, to) => {
      const { envelope } = await tell(net, { counts: moved(from, to) });
      expectRefused(judge(net, envelope), 'V2');
    });
  });
});
