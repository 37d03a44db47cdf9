/**
 * Tables by description (docs/protocol.md §6.8): a version 2 key says which function every table is, in a few bytes a channel, and whoever
 * holds the key derives the rows. Nothing about a table is committed or trusted: the verifier evaluates k1 and k2 itself.
 */
import { bitsToFloat, floatToBits } from '../protocol/float32.ts';
import { Refused } from '../protocol/refused.ts';
import { cellsOf, countCells, type Interval, regionsToCover } from './cells.ts';
import type { Network } from './network.ts';
import { requantize } from './step.ts';
import { byKey, type Content, emptyContent, maxRowsOf } from './tables.ts';
import type { Op, ReqOp, Tensor, UnaryOp } from './types.ts';

/** The function of one channel: R as float32 bits, and the interval of its accumulators. */
export interface ChannelDescription {
  readonly scaleBits: number;
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
  /** Centred y for every x from the lower to the upper bound of x. */
  | { readonly kind: 'unary'; readonly values: Int16Array };

/** Content rows of a described key are derived whenever it is read, so their number is bounded. */
export const MAX_ROWS = 2 ** 22;

/** Descriptions of the tables of a network, in the order of its req and unary ops; null if some table has no description. */
export function describeTables(network: Network): TableDescription[] | null {
  const out: TableDescription[] = [];
  for (const [i, op] of network.ops.entries()) {
    const meaning = network.meanings.get(i);
    if (op.kind === 'bin') return null;
    if (op.kind === 'unary' && meaning?.kind === 'unary') {
      const { lo, hi } = network.tensors[op.x] as { lo: number; hi: number };
      out.push({ kind: 'unary', values: Int16Array.from({ length: hi - lo + 1 }, (_, k) => meaning.rows.get(lo + k) as number) });
    } else if (op.kind === 'req' && meaning?.kind === 'cells') {
      const all = meaning.functions.map((f) => f.description);
      const first = all[0];
      if (first === undefined) return null;
      const shared = all.every(
        (d) => d !== undefined && d.zp === first.zp && d.lo === first.lo && d.hi === first.hi && sameMap(d.map, first.map),
      );
      if (!shared) return null;
      const channels = all.map((d, c) => ({
        scaleBits: floatToBits((d as { scale: number }).scale),
        interval: meaning.intervals[c] as Interval,
      }));
      out.push({ kind: 'cells', zp: first.zp, lo: first.lo, hi: first.hi, map: first.map, channels });
    }
  }
  return out;
}

function sameMap(a: Int16Array | null, b: Int16Array | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((v, i) => v === b[i]);
}

function ok(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Refused('E6', `key: S13: ${sentence}`, { condition: 'S13' });
}

/** Rows with one k0, ascending by (k1, k2). */
interface Block {
  readonly k0: number;
  readonly k1: number[];
  readonly k2: number[];
}

/** The content rows and runs of a described key; refuses descriptions that do not fit their ops (S13). */
export function describedContent(
  tensors: readonly Tensor[],
  ops: readonly Op[],
  descriptions: readonly TableDescription[],
): { readonly runs: [number, number][]; readonly content: Content } {
  const blocks = new Blocks();
  let next = 0;
  ops.forEach((op, i) => {
    if (op.kind !== 'req' && op.kind !== 'unary' && op.kind !== 'bin') return;
    const d = descriptions[next++];
    const at = `op ${i} (${op.kind})`;
    ok(
      d !== undefined && (op.kind === 'req' ? d.kind === 'cells' : op.kind === 'unary' && d.kind === 'unary'),
      `${at} has no description of its kind`,
    );
    if (op.kind === 'req') addCells(blocks, op, tensors, d as Extract<TableDescription, { kind: 'cells' }>, at);
    else addUnary(blocks, op as UnaryOp, tensors, d as Extract<TableDescription, { kind: 'unary' }>, at);
  });
  ok(next === descriptions.length, `${descriptions.length} descriptions for ${next} tables`);
  for (const [k0, k1, k2] of maxRowsOf(tensors, ops, (rows) => blocks.reserve(rows)).sort(byKey)) blocks.add(k0, k1, k2);
  return blocks.finish();
}

/** Collects rows by k0. */
class Blocks {
  readonly #blocks: Block[] = [];
  #rows = 0;
  #steps = 0;

  add(k0: number, k1: number, k2: number): void {
    let last = this.#blocks[this.#blocks.length - 1];
    if (last === undefined || last.k0 !== k0) {
      last = { k0, k1: [], k2: [] };
      this.#blocks.push(last);
    }
    last.k1.push(k1);
    last.k2.push(k2);
    this.#rows++;
  }

  /** Values that the functions of all channels can take: what deriving costs, however many rows remain. */
  reserveSteps(more: number): void {
    this.#steps += more;
    ok(this.#steps <= MAX_ROWS, `the tables have more than ${MAX_ROWS} steps`);
  }

  /** Refuses before `more` rows would pass the limit. */
  reserve(more: number): void {
    ok(this.#rows + more <= MAX_ROWS, `the tables have more than ${MAX_ROWS} rows`);
  }

  finish(): { runs: [number, number][]; content: Content } {
    const sorted = this.#blocks.sort((a, b) => a.k0 - b.k0);
    sorted.forEach((b, i) => {
      ok(i === 0 || b.k0 !== (sorted[i - 1] as Block).k0, `two tables share the id ${Math.floor(b.k0 / 32)}`);
    });
    const runs = sorted.map((b): [number, number] => [b.k0, b.k1.length]);
    const content = emptyContent(runs);
    let at = 2;
    for (const b of sorted) {
      content.k1.set(b.k1, at);
      content.k2.set(b.k2, at);
      at += b.k1.length;
    }
    return { runs, content };
  }
}

function addCells(
  blocks: Blocks,
  op: ReqOp,
  tensors: readonly Tensor[],
  d: Extract<TableDescription, { kind: 'cells' }>,
  at: string,
): void {
  const y = tensors[op.y];
  const channels = op.per === 1 ? y?.dims[op.cd ?? 0] : 1;
  ok(d.channels.length === channels, `${at}: ${d.channels.length} channels, its output has ${channels}`);
  ok(d.zp >= -255 && d.zp <= 255 && d.lo <= d.hi && d.lo >= -255 && d.hi <= 255, `${at}: zero point or clip bounds`);
  ok(d.map === null || d.map.length === d.hi - d.lo + 1, `${at}: the map does not fit the clip bounds`);
  const { widths } = op;
  ok(widths.length > 0 && widths.every((w, k) => w >= 0 && w <= 24 && (k === 0 || w > (widths[k - 1] as number))), `${at}: widths`);
  ok(op.id >= 2 && op.id < 2 ** 25, `${at}: table id`);
  blocks.reserveSteps(d.channels.length * (d.hi - d.lo + 1));
  d.channels.forEach(({ scaleBits, interval: [from, to] }, c) => {
    // Positive, normal, finite.
    ok(scaleBits >= 0x00800000 && scaleBits < 0x7f800000, `${at}: scale of channel ${c}`);
    ok(from <= to && from >= -op.bound && to <= op.bound, `${at}: the interval of channel ${c} leaves [-A, A]`);
    const regions = regionsToCover(requantize(bitsToFloat(scaleBits), d.zp, d.lo, d.hi, d.map), [from, to], op.bound);
    blocks.reserve(
      countCells(
        regions.map((r) => r.b - r.a),
        widths,
      ),
    );
    const shortest = 2 ** (widths[0] as number);
    ok(
      regions.every((r) => r.b - r.a >= shortest || r.open !== undefined),
      `${at}: a step of channel ${c} is shorter than the shortest cell`,
    );
    const cells = cellsOf(regions, widths, at);
    for (const w of widths) for (const cell of cells) if (cell.w === w) blocks.add(32 * (op.id + c) + w, cell.t, cell.y);
  });
}

function addUnary(
  blocks: Blocks,
  op: UnaryOp,
  tensors: readonly Tensor[],
  d: Extract<TableDescription, { kind: 'unary' }>,
  at: string,
): void {
  const x = tensors[op.x];
  ok(
    x !== undefined && x.lo !== null && x.hi !== null && d.values.length === x.hi - x.lo + 1,
    `${at}: the values do not fit the bounds of x`,
  );
  ok(op.id >= 2 && op.id < 2 ** 25, `${at}: table id`);
  blocks.reserve(d.values.length);
  const { lo } = x as { lo: number };
  d.values.forEach((v, k) => {
    blocks.add(32 * op.id, lo + k, v);
  });
}
