/**
 * Tables by description (docs/protocol.md §6.8): a version 2 key says which function every table is, in a few bytes a channel, and whoever
 * holds the key derives the rows. Nothing about a table is committed or trusted: the verifier evaluates k1 and k2 itself.
 */
import { floatToBits } from '../protocol/float32.ts';
import type { Interval } from './cells.ts';
import {
  Budget,
  cellTable,
  checkComputed,
  type DescribedTable,
  maxTables,
  ok,
  pairTable,
  type Run,
  unaryTable,
} from './described-tables.ts';
import type { Network, TableMeaning } from './network.ts';
import { isDescribed } from './public.ts';
import type { StepList } from './step.ts';
import { type Content, emptyContent } from './tables.ts';
import { isComputed, type Op, type Tensor } from './types.ts';

/** The function of one channel: R as float32 bits, and the interval of its accumulators. */
export interface ChannelDescription {
  readonly scaleBits: number;
  readonly interval: Interval;
}

/** A function of one channel as a list of steps, whose starts lie in (from, to]. */
export interface StepsChannel extends StepList {
  readonly interval: Interval;
}

export type TableDescription =
  /** acc ↦ map[clip(rint(f32(acc)·R) + zp, lo, hi) − lo], or that value − zp without a map. */
  | {
      readonly kind: 'cells';
      readonly zp: number;
      readonly lo: number;
      readonly hi: number;
      readonly map: Int16Array | null;
      readonly channels: readonly ChannelDescription[];
    }
  /** The function of an `apply`: as of cells, one scale (float32 bits) for all elements or one a channel; it has no rows. */
  | {
      readonly kind: 'step';
      readonly zp: number;
      readonly lo: number;
      readonly hi: number;
      readonly map: Int16Array | null;
      readonly scales: readonly number[];
    }
  /** The function of a `softmax`: table[z] of the distance z to the maximum, and the factor (float32 bits); `fused`: 1 the kernel's form, 0 the float form. */
  | {
      readonly kind: 'softmax';
      readonly table: readonly number[];
      readonly factor: number;
      readonly fused: 0 | 1;
      readonly zp: number;
      readonly lo: number;
      readonly hi: number;
    }
  /** The function of a `layernorm`; scales, factors and offsets are float32 bits. */
  | {
      readonly kind: 'layernorm';
      readonly scale: number;
      readonly gamma: readonly number[];
      readonly beta: readonly number[] | null;
      readonly epsilon: number;
      readonly outScale: number;
      readonly zp: number;
      readonly lo: number;
      readonly hi: number;
    }
  /** A list of steps for each channel, over its interval; beyond it the end values continue. */
  | { readonly kind: 'steps'; readonly channels: readonly StepsChannel[] }
  /** Centred y for every x from the lower to the upper bound of x. */
  | { readonly kind: 'unary'; readonly values: Int16Array }
  /** Centred y for every a, and within that for every b, from lower to upper bounds. */
  | { readonly kind: 'pair'; readonly values: Int16Array };

/** Descriptions of the tables of a network, in the order of its req, unary and apply ops; null if some table has no description. */
export function describeTables(network: Network): TableDescription[] | null {
  const out: TableDescription[] = [];
  for (const [i, op] of network.ops.entries()) {
    const meaning = network.meanings.get(i);
    if (op.kind === 'bin' && meaning?.kind === 'pair') {
      const [a, b] = [network.tensors[op.a], network.tensors[op.b]] as unknown as [{ lo: number; hi: number }, { lo: number; hi: number }];
      const width = b.hi - b.lo + 1;
      const at = (_: unknown, i: number): number => meaning.at(a.lo + Math.floor(i / width), b.lo + (i % width));
      out.push({ kind: 'pair', values: Int16Array.from({ length: (a.hi - a.lo + 1) * width }, at) });
    }
    if (meaning?.kind === 'computed') out.push(meaning.description);
    if ((op.kind === 'unary' || op.kind === 'apply') && meaning?.kind === 'unary') {
      const { lo, hi } = network.tensors[op.x] as { lo: number; hi: number };
      out.push({ kind: 'unary', values: Int16Array.from({ length: hi - lo + 1 }, (_, k) => meaning.rows.get(lo + k) as number) });
    } else if (op.kind === 'apply' && meaning?.kind === 'cells') {
      const d = describeCells(meaning);
      if (d?.kind === 'cells')
        out.push({ kind: 'step', zp: d.zp, lo: d.lo, hi: d.hi, map: d.map, scales: d.channels.map((c) => c.scaleBits) });
      else if (d?.kind === 'steps') out.push(d);
      else return null;
    } else if (op.kind === 'req' && meaning?.kind === 'cells') {
      const d = describeCells(meaning);
      if (d === null) return null;
      out.push(d);
    }
  }
  return out;
}

/** The functions of one table were made describable by the builder: all are lists, or requantisations that differ in R alone. */
function describeCells({ functions, intervals }: Extract<TableMeaning, { kind: 'cells' }>): TableDescription | null {
  const lists = functions.flatMap(({ steps }, c) => (steps === undefined ? [] : [{ ...steps, interval: intervals[c] as Interval }]));
  if (lists.length === functions.length) return { kind: 'steps', channels: lists };
  const [first, ...others] = functions.flatMap((f) => f.description ?? []);
  if (first === undefined || others.length + 1 !== functions.length) return null;
  const channels = [first, ...others].map((d, c) => ({ scaleBits: floatToBits(d.scale), interval: intervals[c] as Interval }));
  return { kind: 'cells', zp: first.zp, lo: first.lo, hi: first.hi, map: first.map, channels };
}

/** The content rows and runs of a described key; refuses descriptions that do not fit their ops (S13). */
export function describedContent(
  tensors: readonly Tensor[],
  ops: readonly Op[],
  descriptions: readonly TableDescription[],
): { readonly runs: [number, number][]; readonly content: Content } {
  const budget = new Budget();
  const tables: DescribedTable[] = [];
  let next = 0;
  ops.forEach((op, i) => {
    if (!isDescribed(op)) return;
    const d = descriptions[next++];
    const at = `op ${i} (${op.kind})`;
    if (op.kind === 'req' && (d?.kind === 'cells' || d?.kind === 'steps')) tables.push(cellTable(budget, op, tensors, d, at));
    else if (op.kind === 'unary' && d?.kind === 'unary') tables.push(unaryTable(budget, op, tensors, d, at));
    else if (op.kind === 'bin' && d?.kind === 'pair') tables.push(pairTable(budget, op, tensors, d, at));
    else if (isComputed(op) && d !== undefined) checkComputed(op, tensors, d, at);
    else ok(false, `${at} has no description of its kind`);
  });
  ok(next === descriptions.length, `${descriptions.length} descriptions for ${next} tables`);
  for (const table of maxTables(budget, tensors, ops)) tables.push(table);
  const sorted = tables.flatMap((t) => t.runs).sort((a, b) => a.k0 - b.k0);
  let row = 2;
  sorted.forEach((run, i) => {
    ok(i === 0 || run.k0 !== (sorted[i - 1] as Run).k0, `two tables share the id ${Math.floor(run.k0 / 32)}`);
    run.at = row;
    row += run.count;
  });
  const runs = sorted.map(({ k0, count }): [number, number] => [k0, count]);
  const content = emptyContent(runs);
  for (const table of tables) table.write(content);
  return { runs, content };
}
