/**
 * The witness: every committed value of a run, and how often each table row is used (protocol §7.3, §16.3).
 *
 * `accumulate`d values and keys are computed from the padded tensors as they will be committed, so a test that lies in one element gets a
 * prover that is consistent with the lie everywhere else.
 */
import type { Runnable, ValueMap } from '../circuits/evaluate.ts';
import { type KeyColumns, type LookupOp, lookupOf } from '../circuits/lookups.ts';
import { CONTENT, type Instance, type Plan } from '../circuits/plan.ts';
import { k0Column, ZETA } from '../circuits/tables.ts';

export interface Witness {
  /** Padded values by tensor, weights and multiplicities included. */
  readonly values: ValueMap;
  /** Keys of every L-instance, then rows of every T-instance. */
  readonly lookups: readonly KeyColumns[];
  readonly tables: readonly KeyColumns[];
  /** Lookups that are in no table: 0 for an honest run. */
  readonly missing: number;
}

/** Completes the values of a run with multiplicities, and gathers the keys of the forest. */
export function buildWitness(circuit: Runnable, values: ValueMap): Witness {
  const { fields, plan } = circuit;
  const view = { tensors: fields.tensors, values: (t: number) => values.get(t) as Int32Array };
  const lookups = plan.lookups.map((instance) =>
    gather(instance, (op) => {
      const o = fields.ops[op] as LookupOp;
      return lookupOf(o).keys(o, view);
    }),
  );
  const tables = plan.tables.map((instance) => gather(instance, (table) => tableRows(circuit, table)));
  const counts = plan.tables.map((i) => new Int32Array(2 ** i.bits));
  const find = rowFinder(circuit);
  let missing = 0;
  for (const { k0, k1, k2 } of lookups)
    for (let i = 0; i < k0.length; i++) {
      const at = find(k0[i] as number, k1[i] as number, k2[i] as number);
      if (at === null) missing++;
      else {
        const [table, row] = at;
        const column = counts[table] as Int32Array;
        column[row] = (column[row] as number) + 1;
      }
    }
  plan.mult.forEach((t, i) => {
    values.set(t, counts[i] as Int32Array);
  });
  return { values, lookups, tables, missing };
}

/** The key columns of an instance: those of its segments, one after the other. */
function gather(instance: Instance, columns: (op: number) => KeyColumns): KeyColumns {
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

/** The rows of a table segment. */
function tableRows({ fields, plan, contents }: Runnable, table: number): KeyColumns {
  if (table === CONTENT) {
    const [k1, k2] = plan.content.map((t) => contents.get(t) as Int32Array) as [Int32Array, Int32Array];
    return { k0: k0Column(fields.runs), k1, k2 };
  }
  const n = 2 ** table;
  return { k0: new Int32Array(n).fill(table), k1: Int32Array.from({ length: n }, (_, v) => v), k2: new Int32Array(n).fill(ZETA) };
}

type Found = readonly [table: number, row: number];

const finders = new WeakMap<object, (k0: number, k1: number, k2: number) => Found | null>();

/** Finds the first row equal to a key, in instance order and then row order; built once a circuit. */
function rowFinder(circuit: Runnable): (k0: number, k1: number, k2: number) => Found | null {
  const { fields, plan, contents } = circuit;
  const known = finders.get(contents);
  if (known !== undefined) return known;
  const starts = startsOf(plan);
  const [contentTable, contentStart] = starts.get(CONTENT) as Found;
  const { k0: c0, k1: c1, k2: c2 } = tableRows(circuit, CONTENT);
  const byK0 = new Map<number, Map<number, number>>();
  // (k1, k2) as one number: |k2| ≤ 2^20 and |k1| < 2^31.
  const pair = (k1: number, k2: number): number => k1 * 2 ** 22 + k2;
  for (let i = 0; i < c0.length; i++) {
    let rows = byK0.get(c0[i] as number);
    if (rows === undefined) {
      rows = new Map();
      byK0.set(c0[i] as number, rows);
    }
    const at = pair(c1[i] as number, c2[i] as number);
    if (!rows.has(at)) rows.set(at, i);
  }
  const ranges = new Map(fields.omega.map((w) => [w, starts.get(w) as Found]));
  const find = (k0: number, k1: number, k2: number): Found | null => {
    if (k2 === ZETA) {
      const range = ranges.get(k0);
      if (range !== undefined) return k1 >= 0 && k1 < 2 ** k0 ? [range[0], range[1] + k1] : null;
    }
    const row = byK0.get(k0)?.get(pair(k1, k2));
    return row === undefined ? null : [contentTable, contentStart + row];
  };
  finders.set(contents, find);
  return find;
}

/** Where each table starts: its T-instance and offset. */
function startsOf(plan: Plan): Map<number, Found> {
  return new Map(plan.tables.flatMap((instance, q) => instance.segments.map((s) => [s.op, [q, s.offset] as const])));
}
