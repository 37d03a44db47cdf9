/**
 * The table rows of a circuit, as the forest takes them and as the witness counts them: made once a circuit, then only read.
 */
import type { Runnable } from '../circuits/evaluate.ts';
import type { KeyColumns } from '../circuits/lookups.ts';
import { CONTENT, type Instance, type Plan } from '../circuits/plan.ts';
import { k0Column, ZETA } from '../circuits/tables.ts';

export interface TableRows {
  /** The rows of every T-instance. */
  readonly columns: readonly KeyColumns[];
  /** Counts these keys in `counts`, an array for every T-instance: the first row equal to a key, in instance order and then row order. Returns the keys that are no row. */
  count(keys: KeyColumns, counts: readonly Int32Array[]): number;
}

const known = new WeakMap<object, { readonly plan: Plan; readonly rows: TableRows }>();

export function tableRowsOf(circuit: Runnable): TableRows {
  const before = known.get(circuit.contents);
  if (before?.plan === circuit.plan) return before.rows;
  const rows = make(circuit);
  known.set(circuit.contents, { plan: circuit.plan, rows });
  return rows;
}

/** The key columns of an instance: those of its segments, one after the other. */
export function gather(instance: Instance, columns: (op: number) => KeyColumns): KeyColumns {
  const [first] = instance.segments;
  if (instance.segments.length === 1 && first !== undefined) return columns(first.op);
  const n = 2 ** instance.bits;
  const out = { k0: new Int32Array(n), k1: new Int32Array(n), k2: new Int32Array(n) };
  for (const s of instance.segments) {
    const { k0, k1, k2 } = columns(s.op);
    out.k0.set(k0, s.offset);
    out.k1.set(k1, s.offset);
    out.k2.set(k2, s.offset);
  }
  return out;
}

function make({ fields, plan, contents }: Runnable): TableRows {
  if (plan.tables.length === 0) return { columns: [], count: () => 0 };
  const [c1, c2] = plan.content.map((t) => contents.get(t) as Int32Array) as [Int32Array, Int32Array];
  const content: KeyColumns = { k0: k0Column(fields.runs), k1: c1, k2: c2 };
  const rowsOf = (table: number): KeyColumns => {
    if (table === CONTENT) return content;
    const n = 2 ** table;
    return { k0: new Int32Array(n).fill(table), k1: Int32Array.from({ length: n }, (_, v) => v), k2: new Int32Array(n).fill(ZETA) };
  };
  /** Where each table starts: its T-instance and offset. */
  const starts = new Map(
    plan.tables.flatMap((instance, q) => instance.segments.map((s) => [s.op, { table: q, offset: s.offset }] as const)),
  );
  const ranges = new Map(fields.omega.map((w) => [w, starts.get(w) as { table: number; offset: number }]));
  const find = rowFinder(content);
  const { table: contentTable, offset: contentOffset } = starts.get(CONTENT) as { table: number; offset: number };
  return {
    columns: plan.tables.map((instance) => gather(instance, rowsOf)),
    count({ k0, k1, k2 }, counts) {
      const inContent = counts[contentTable] as Int32Array;
      let missing = 0;
      for (let i = 0; i < k0.length; i++) {
        const a = k0[i] as number;
        const b = k1[i] as number;
        const c = k2[i] as number;
        const range = c === ZETA ? ranges.get(a) : undefined;
        if (range !== undefined) {
          const column = counts[range.table] as Int32Array;
          if (b >= 0 && b < 2 ** a) column[range.offset + b] = (column[range.offset + b] as number) + 1;
          else missing++;
          continue;
        }
        const row = find(a, b, c);
        if (row < 0) missing++;
        else inContent[contentOffset + row] = (inContent[contentOffset + row] as number) + 1;
      }
      return missing;
    },
  };
}

/** Finds the first content row equal to a key, or -1: an open hash table of row numbers. */
function rowFinder({ k0, k1, k2 }: KeyColumns): (a: number, b: number, c: number) => number {
  const mask = 2 * k0.length - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  /** The slot of an equal row, or the free one where it would stand. */
  const slotOf = (a: number, b: number, c: number): number => {
    let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    let at = (h ^ (h >>> 13)) & mask;
    for (;;) {
      const row = slots[at] as number;
      if (row < 0 || (k0[row] === a && k1[row] === b && k2[row] === c)) return at;
      at = (at + 1) & mask;
    }
  };
  for (let row = 0; row < k0.length; row++) {
    const at = slotOf(k0[row] as number, k1[row] as number, k2[row] as number);
    if ((slots[at] as number) < 0) slots[at] = row;
  }
  return (a, b, c) => slots[slotOf(a, b, c)] as number;
}
