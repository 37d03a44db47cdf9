/**
 * The witness: every committed value of a run, and how often each table row is used (protocol §7.3, §16.3).
 *
 * `accumulate`d values and keys are computed from the padded tensors as they will be committed, so a test that lies in one element gets a
 * prover that is consistent with the lie everywhere else.
 */
import type { Runnable, ValueMap } from '../circuits/evaluate.ts';
import { type Accumulate, accumulate as plainAccumulate } from '../circuits/forms/index.ts';
import { type KeyColumns, lookupOf } from '../circuits/lookups.ts';
import type { LookupOp, ReqOp, Tensor } from '../circuits/types.ts';
import { gather, tableRowsOf } from './rows.ts';

export interface Witness {
  /** Padded values by tensor, weights and multiplicities included. */
  readonly values: ValueMap;
  /** The padded accumulator of every requantisation, by op. */
  readonly accumulators: ReadonlyMap<number, Int32Array>;
  /** Keys of every L-instance, then rows of every T-instance. */
  readonly lookups: readonly KeyColumns[];
  readonly tables: readonly KeyColumns[];
  /** Lookups that are in no table: 0 for an honest run. */
  readonly missing: number;
}

/** Completes the values of a run with multiplicities, and gathers the keys of the forest. */
export function buildWitness(circuit: Runnable, values: ValueMap, accumulate: Accumulate = plainAccumulate): Witness {
  const { fields, plan } = circuit;
  const valuesOf = (t: number): Int32Array => values.get(t) as Int32Array;
  const accumulators = new Map(
    fields.ops.flatMap((op, i) =>
      op.kind === 'req' ? [[i, accumulate(fields.tensors, op.form, valuesOf, (fields.tensors[op.y] as Tensor).dims)] as const] : [],
    ),
  );
  const lookups = plan.lookups.map((instance) =>
    gather(instance, (index) => {
      const op = fields.ops[index] as LookupOp;
      const accumulator = (_: ReqOp): Int32Array => accumulators.get(index) as Int32Array;
      return lookupOf(op).keys(op, { tensors: fields.tensors, values: valuesOf, accumulator });
    }),
  );
  const rows = tableRowsOf(circuit);
  const counts = plan.tables.map((i) => new Int32Array(2 ** i.bits));
  const missing = lookups.reduce((n, keys) => n + rows.count(keys, counts), 0);
  plan.mult.forEach((t, i) => {
    values.set(t, counts[i] as Int32Array);
  });
  return { values, accumulators, lookups, tables: rows.columns, missing };
}
