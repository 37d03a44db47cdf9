/**
 * The rows behind the descriptions of a key, table by table (protocol §5.2, §5.3, §6.8): first how many rows of which k0, within a
 * budget, then the rows themselves, written straight into the content columns.
 */
import { bitsToFloat } from '../protocol/float32.ts';
import { Refused } from '../protocol/refused.ts';
import { computedOf } from './computed/computed.ts';
import type { TableDescription } from './descriptions.ts';
import { readsOf } from './references.ts';
import { appendRegions, appendSteps, type ChannelRegions, RegionColumns } from './regions.ts';
import { type Content, maxReach } from './tables.ts';
import type { BinOp, ComputedOp, Op, ReqOp, Tensor, UnaryOp } from './types.ts';

/** Content rows of a described key are derived whenever it is read, so their number is bounded. */
export const MAX_ROWS = 2 ** 22;

export function ok(condition: boolean, sentence: string): asserts condition {
  if (!condition) refuse(sentence);
}

function refuse(sentence: string): never {
  throw new Refused('E6', `key: S13: ${sentence}`, { condition: 'S13' });
}

/** What deriving a key may cost. */
export class Budget {
  #rows = 0;
  #steps = 0;

  /** Values that the functions of all channels can take: what deriving costs, however many rows remain. */
  reserveSteps(more: number): void {
    this.#steps += more;
    if (this.#steps > MAX_ROWS) refuse(`the tables have more than ${MAX_ROWS} steps`);
  }

  /** Refuses before `more` rows would pass the limit. */
  reserveRows(more: number): void {
    this.#rows += more;
    if (this.#rows > MAX_ROWS) refuse(`the tables have more than ${MAX_ROWS} rows`);
  }
}

/** Rows with one k0, ascending by (k1, k2). */
export interface Run {
  readonly k0: number;
  readonly count: number;
  /** Content row of the first, known when all tables are. */
  at: number;
}

export interface DescribedTable {
  readonly runs: readonly Run[];
  /** Fills the rows of its runs. */
  write(content: Content): void;
}

/** Refuses a computed op whose description does not fit it, or can leave the bounds of its output. It has no rows. */
export function checkComputed(op: ComputedOp, tensors: readonly Tensor[], d: TableDescription, at: string): void {
  const spec = computedOf(op);
  ok(
    spec.described.includes(d.kind) && [...readsOf(op), op.y].every((t) => tensors[t] !== undefined),
    `${at} has no description of its kind`,
  );
  const problem = spec.problem(op, d, tensors);
  ok(problem === null, `${at}: ${problem}`);
}

/** Cells of a requantisation; refuses a description that does not fit the op. */
export function cellTable(
  budget: Budget,
  op: ReqOp,
  tensors: readonly Tensor[],
  d: Extract<TableDescription, { kind: 'cells' | 'steps' }>,
  at: string,
): DescribedTable {
  const y = tensors[op.y];
  const channels = op.per === 1 ? y?.dims[op.cd ?? 0] : 1;
  ok(d.channels.length === channels, `${at}: ${d.channels.length} channels, its output has ${channels}`);
  const { widths } = op;
  ok(widths.length > 0 && widths.every((w, k) => w >= 0 && w <= 24 && (k === 0 || w > (widths[k - 1] as number))), `${at}: widths`);
  ok(op.id >= 2 && op.id < 2 ** 25, `${at}: table id`);
  const sizes = Float64Array.from(widths, (w) => 2 ** w);
  const { columns, append } = d.kind === 'cells' ? requantisedRegions(budget, op, d, at) : listedRegions(budget, d, at);
  const counts = new Float64Array(widths.length);
  const runs: Run[] = [];
  const regions = d.channels.map(({ interval: [from, to] }, c): ChannelRegions => {
    if (!(from <= to && from >= -op.bound && to <= op.bound)) refuse(`${at}: the interval of channel ${c} leaves [-A, A]`);
    const channel = append(c);
    const fits = countCells(columns, channel, sizes, counts.fill(0));
    budget.reserveRows(counts.reduce((s, n) => s + n, 0));
    if (!fits) refuse(`${at}: a step of channel ${c} is shorter than the shortest cell`);
    widths.forEach((w, k) => {
      const count = counts[k] as number;
      if (count > 0) runs.push({ k0: 32 * (op.id + c) + w, count, at: 0 });
    });
    return channel;
  });
  return {
    runs,
    write: (content) => {
      const next = new Int32Array(sizes.length);
      let r = 0;
      regions.forEach((channel, c) => {
        for (; r < runs.length && (runs[r] as Run).k0 < 32 * (op.id + c + 1); r++) {
          const { k0, at: row } = runs[r] as Run;
          next[widths.indexOf(k0 % 32)] = row;
        }
        writeCells(columns, channel, sizes, next, content);
      });
    },
  };
}

/** The regions of the channels of a description, appended one channel after the other. */
interface RegionSource {
  readonly columns: RegionColumns;
  append(channel: number): ChannelRegions;
}

type Described<K extends TableDescription['kind']> = Extract<TableDescription, { kind: K }>;

function requantisedRegions(budget: Budget, op: ReqOp, { zp, lo, hi, map, channels }: Described<'cells'>, at: string): RegionSource {
  ok(zp >= -255 && zp <= 255 && lo <= hi && lo >= -255 && hi <= 255, `${at}: zero point or clip bounds`);
  ok(map === null || map.length === hi - lo + 1, `${at}: the map does not fit the clip bounds`);
  budget.reserveSteps(channels.length * (hi - lo + 1));
  const columns = new RegionColumns(channels.length * (hi - lo + 1));
  return {
    columns,
    append: (c) => {
      const { scaleBits, interval } = channels[c] as (typeof channels)[number];
      // Positive, normal, finite.
      if (!(scaleBits >= 0x00800000 && scaleBits < 0x7f800000)) refuse(`${at}: scale of channel ${c}`);
      return appendRegions(columns, { scale: bitsToFloat(scaleBits), zp, lo, hi, map }, interval, op.bound);
    },
  };
}

/** Every start begins another value inside the interval: a function over an interval has one list only. */
function listedRegions(budget: Budget, { channels }: Described<'steps'>, at: string): RegionSource {
  const steps = channels.reduce((n, { ys }) => n + ys.length, 0);
  budget.reserveSteps(steps);
  const columns = new RegionColumns(steps);
  return {
    columns,
    append: (c) => {
      const channel = channels[c] as (typeof channels)[number];
      const { starts, ys, interval } = channel;
      ok(ys.length === starts.length + 1, `${at}: channel ${c} has ${ys.length} values for ${starts.length} starts`);
      let before = interval[0];
      starts.forEach((start, i) => {
        if (!(start > before && start <= interval[1])) refuse(`${at}: the starts of channel ${c} do not ascend within its interval`);
        if (ys[i] === ys[i + 1]) refuse(`${at}: a step of channel ${c} changes nothing`);
        before = start;
      });
      return appendSteps(columns, channel, interval);
    },
  };
}

/** The largest size that fits a region, the smallest if none does; `sizes` ascending. */
function sizeFor(sizes: Float64Array, length: number): number {
  let k = sizes.length - 1;
  while (k > 0 && (sizes[k] as number) > length) k--;
  return k;
}

/** Adds the cells of a channel by size to `counts`; false if a closed region is shorter than the shortest cell. */
function countCells({ ends }: RegionColumns, channel: ChannelRegions, sizes: Float64Array, counts: Float64Array): boolean {
  const { first, last, openBelow, openAbove } = channel;
  const shortest = sizes[0] as number;
  let fits = true;
  let a = channel.start;
  for (let i = first; i < last; i++) {
    const length = (ends[i] as number) - a;
    const k = sizeFor(sizes, length);
    counts[k] = (counts[k] as number) + Math.ceil(length / (sizes[k] as number));
    if (length < shortest && !(openBelow && i === first) && !(openAbove && i === last - 1)) fits = false;
    a = ends[i] as number;
  }
  return fits;
}

/** Writes the cells of a channel, those of size k from row next[k] on. The rule is that of `cellsOf`. */
function writeCells(
  { ends, ys }: RegionColumns,
  channel: ChannelRegions,
  sizes: Float64Array,
  next: Int32Array,
  { k1, k2 }: Content,
): void {
  const { first, last, openBelow, openAbove } = channel;
  let a = channel.start;
  for (let i = first; i < last; i++) {
    const b = ends[i] as number;
    const y = ys[i] as number;
    const k = sizeFor(sizes, b - a);
    const size = sizes[k] as number;
    const count = Math.ceil((b - a) / size);
    const row = next[k] as number;
    const below = openBelow && i === first;
    // Open below: downwards from b. Else upwards from a, and the last cell of a closed region ends exactly at b.
    const from = below ? b - size * count : a;
    for (let j = 0; j < count; j++) {
      k1[row + j] = from + size * j;
      k2[row + j] = y;
    }
    if (!below && !(openAbove && i === last - 1)) k1[row + count - 1] = b - size;
    next[k] = row + count;
    a = b;
  }
}

/** One row a value; refuses a description that does not fit the op. */
export function unaryTable(
  budget: Budget,
  op: UnaryOp,
  tensors: readonly Tensor[],
  { values }: Extract<TableDescription, { kind: 'unary' }>,
  at: string,
): DescribedTable {
  const x = tensors[op.x];
  ok(
    x !== undefined && x.lo !== null && x.hi !== null && values.length === x.hi - x.lo + 1,
    `${at}: the values do not fit the bounds of x`,
  );
  ok(op.id >= 2 && op.id < 2 ** 25, `${at}: table id`);
  budget.reserveRows(values.length);
  const { lo } = x as { lo: number };
  const run: Run = { k0: 32 * op.id, count: values.length, at: 0 };
  return {
    runs: values.length === 0 ? [] : [run],
    write: ({ k1, k2 }) => {
      k2.set(values, run.at);
      for (let k = 0; k < values.length; k++) k1[run.at + k] = lo + k;
    },
  };
}

/** One row a pair, ascending by a + 1024·b; refuses a description that does not fit the op. */
export function pairTable(
  budget: Budget,
  op: BinOp,
  tensors: readonly Tensor[],
  { values }: Extract<TableDescription, { kind: 'pair' }>,
  at: string,
): DescribedTable {
  const [a, b] = [tensors[op.a], tensors[op.b]];
  const size = (t: Tensor | undefined): number => (t === undefined || t.lo === null || t.hi === null ? 0 : t.hi - t.lo + 1);
  ok(
    size(a) >= 1 && size(b) >= 1 && size(a) <= 1023 && values.length === size(a) * size(b),
    `${at}: the values do not fit the bounds of a and b`,
  );
  ok(op.id >= 2 && op.id < 2 ** 25, `${at}: table id`);
  budget.reserveRows(values.length);
  const run: Run = { k0: 32 * op.id, count: values.length, at: 0 };
  const [low, other] = [a?.lo as number, b?.lo as number];
  return {
    runs: [run],
    write: ({ k1, k2 }) => {
      let row = run.at;
      for (let v = 0; v < size(b); v++)
        for (let u = 0; u < size(a); u++, row++) {
          k1[row] = low + u + 1024 * (other + v);
          k2[row] = values[u * size(b) + v] as number;
        }
    },
  };
}

/** The max tables, which follow from bounds alone. */
export function maxTables(budget: Budget, tensors: readonly Tensor[], ops: readonly Op[]): DescribedTable[] {
  return [...maxReach(tensors, ops, (rows) => budget.reserveRows(rows))].map(([id, reach]) => {
    const run: Run = { k0: 32 * id, count: 2 * reach + 1, at: 0 };
    return {
      runs: [run],
      write: ({ k1, k2 }) => {
        // Ascending: (0, 0) … (0, reach), (1, 0) … (reach, 0); what is not written is 0.
        for (let e = 1; e <= reach; e++) {
          k2[run.at + e] = e;
          k1[run.at + reach + e] = e;
        }
      },
    };
  });
}
