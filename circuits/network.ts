/**
 * The integer network a compiler hands to `setup`: tensors, weights, ops, and the function behind every table.
 *
 * `NetworkBuilder` is the only way to make one; it takes ops in topological order and makes every choice the key needs
 * in the canonical order of protocol §6.6 (tensors: inputs, then per op its weight, bias, rem, wid, y).
 */
import { ceilLog2 } from '../protocol/integers.ts';
import { Refused } from '../protocol/refused.ts';
import { cellsOf, chooseWidths, type Interval, type Region, regionsToCover } from './cells.ts';
import { isComputable } from './computed/accumulate.ts';
import { pooledDims } from './computed/maxpool.ts';
import { describable } from './describable.ts';
import type { TableDescription } from './descriptions.ts';
import { accumulatorBounds, accumulatorIntervals, formDims, specOf } from './forms/index.ts';
import { isPublic } from './public.ts';
import { readsOf } from './references.ts';
import { maxOf, minOf, paddedSize, sum } from './shape.ts';
import type { StepFunction } from './step.ts';
import { maxReach } from './tables.ts';
import {
  type Form,
  type Home,
  type IoTensor,
  isShow,
  type MaxOp,
  type MaxPoolOp,
  type Op,
  type ReqOp,
  type ShowOp,
  type Tensor,
  type ViewPart,
} from './types.ts';
import { viewInterval } from './views.ts';
import { type LengthProfile, profileOf, sharedWidths, singleWidth } from './widths.ts';

const HALF = 1065353216; // (p - 1) / 2
const P = 2130706433;

/** What stands behind the table of an op: cells of one function (or one per channel), or rows in full. */
export type TableMeaning =
  | { readonly kind: 'cells'; readonly functions: readonly StepFunction[]; readonly intervals: readonly Interval[] }
  | { readonly kind: 'unary'; readonly rows: ReadonlyMap<number, number> }
  | { readonly kind: 'pair'; readonly at: (a: number, b: number) => number }
  | { readonly kind: 'computed'; readonly description: TableDescription };

/** A table row before the key sorts it: k0 = 32·id + width, k1 = T (or x, or a + 1024·b), k2 = y. */
export type Row = readonly [number, number, number];

export interface Network {
  readonly tensors: readonly Tensor[];
  /** Values of the W tensors, row-major over the true dims. */
  readonly weights: ReadonlyMap<number, Int32Array>;
  readonly ops: readonly Op[];
  /** By op index, for req, unary, bin and apply. */
  readonly meanings: ReadonlyMap<number, TableMeaning>;
  /** Names for people, by op index: the node of the model an op came from. */
  readonly labels: readonly string[];
  readonly rows: readonly Row[];
  readonly omega: ReadonlySet<number>;
  readonly inputs: readonly IoTensor[];
  readonly outputs: readonly IoTensor[];
}

export interface ReqOptions {
  readonly home?: 'A' | 'PUB';
  readonly label?: string;
  /** Force these widths. */
  readonly widths?: readonly number[];
}

export interface BuilderOptions {
  /** First table id. */
  readonly firstId?: number;
  /**
   * `compact` (default): cells cover the sharp interval of the accumulator, widths as in `widths.ts`, for small proofs.
   * `specification`: cells cover [-A, A], widths by the cost model of §5.4; what the published vectors use.
   */
  readonly sizing?: 'compact' | 'specification';
  /**
   * Reveal the accumulator of a requantisation whose tables have at least this many steps an element, and compute what follows from tensors in
   * the clear (§7.7). Default: never.
   */
  readonly reveal?: number;
}

/** A requantisation whose widths are chosen when the whole network is known. */
interface Pending {
  readonly op: ReqOp;
  readonly regions: readonly (readonly Region[])[];
  readonly profile: LengthProfile;
  readonly label: string;
}

export class NetworkBuilder {
  readonly #tensors: Tensor[] = [];
  readonly #weights = new Map<number, Int32Array>();
  readonly #ops: Op[] = [];
  readonly #meanings = new Map<number, TableMeaning>();
  readonly #labels: string[] = [];
  readonly #rows: Row[] = [];
  readonly #omega = new Set<number>();
  readonly #pending: Pending[] = [];
  readonly #stepsPerElement: number[] = [];
  readonly #compact: boolean;
  readonly #reveal: number;
  #nextId: number;
  #maxId: number | null = null;

  constructor(options: BuilderOptions = {}) {
    this.#nextId = options.firstId ?? 2;
    this.#compact = (options.sizing ?? 'compact') === 'compact';
    this.#reveal = options.reveal ?? Number.POSITIVE_INFINITY;
  }

  /** Steps an element of every requantisation that may be revealed: what `reveal` is compared with. */
  get stepsPerElement(): readonly number[] {
    return this.#stepsPerElement;
  }

  get tensors(): readonly Tensor[] {
    return this.#tensors;
  }

  /** An input tensor; call before any op. Returns the tensor index. */
  input(dims: readonly number[], lo: number, hi: number, home: 'PUB' | 'X' = 'PUB'): number {
    return this.#tensor(dims, home, lo, hi);
  }

  /** A weight or bias tensor with its values, row-major over `dims`. */
  weight(dims: readonly number[], values: Int32Array): number {
    const index = this.#tensor(dims, 'W', null, null);
    this.#weights.set(index, values);
    return index;
  }

  /** A constant that ops read as they read computed tensors: values within [lo, hi], row-major over `dims`. */
  constant(dims: readonly number[], values: Int32Array): number {
    const index = this.#tensor(dims, 'W', minOf(values), maxOf(values));
    this.#weights.set(index, values);
    return index;
  }

  /** Dims of the accumulator of a form, or a refusal S8. */
  dims(form: Form): number[] {
    const dims = formDims(this.#tensors, form);
    if (dims === null) throw new Refused('compile.shape', `the shapes of this ${form.kind} do not fit its operands`, { form });
    return dims;
  }

  /** Bound of |acc| per channel of the form (one entry when all channels share it), from the real weights (S2). */
  bounds(form: Form): number[] {
    return accumulatorBounds(this.#tensors, form, (t) => this.#weights.get(t) as Int32Array);
  }

  /**
   * A requantisation. `f`: one function, or one per channel (coordinate: last of a dense, first of every other form).
   * `lo`, `hi`: centred bounds of y. Returns the tensor index of y.
   */
  req(form: Form, f: StepFunction | readonly StepFunction[], lo: number, hi: number, options: ReqOptions = {}): number {
    const label = options.label ?? `op ${this.#ops.length}`;
    const dims = this.dims(form);
    const perChannel = Array.isArray(f);
    const given = (perChannel ? f : [f]) as readonly StepFunction[];
    const bounds = this.bounds(form);
    const bound = maxOf(bounds);
    const cd = perChannel ? (form.kind === 'dense' ? dims.length - 1 : 0) : null;
    if (cd !== null && given.length !== dims[cd])
      throw new Refused('compile.channels', `${label}: ${given.length} functions for ${dims[cd]} channels`);
    if (bound > HALF)
      throw new Refused('compile.accumulator', `${label}: the accumulator can reach ${bound}, more than (p-1)/2 = ${HALF}`, {
        label,
        bound,
      });
    const reach = this.#compact ? this.#intervals(form) : bounds.map((b): Interval => [-b, b]);
    const whole: Interval = [-maxOf(reach.map(([a]) => -a)), maxOf(reach.map(([, b]) => b))];
    const intervals = given.map((_, c) => (perChannel ? (reach[c % reach.length] as Interval) : whole));
    const functions = this.#compact ? describable(given, intervals) : given;
    const regions = functions.map((g, c) =>
      regionsToCover(g, intervals[c] as Interval, this.#compact ? bound : -(intervals[c] as Interval)[0]),
    );
    for (const list of regions)
      for (const r of list)
        if (r.y < lo || r.y > hi) throw new Refused('compile.bounds', `${label}: a value ${r.y} lies outside [${lo}, ${hi}]`);
    const steps = regions.reduce((n, list) => n + list.length, 0);
    const elements = paddedSize(dims);
    const described = options.widths === undefined && functions.every((g) => g.description ?? g.steps);
    const computable = this.#isClear(specOf(form).operands(form)) && isComputable(form);
    if (described && !computable) this.#stepsPerElement.push(steps / elements);
    if (described && (computable || steps >= this.#reveal * elements)) {
      const x = computable ? this.#accumulated(form, bound, label) : this.out(form, label, 'R');
      return this.#applied(x, { kind: 'cells', functions, intervals }, cd, [lo, hi], { ...options, label });
    }
    const profile = profileOf(regions);
    const widths = this.#widths(regions, profile, elements, options.widths);
    const id = this.#nextId;
    this.#nextId += functions.length;
    const rem = this.#tensor(dims, 'A', null, null);
    const wid = widths === null || widths.length > 1 ? this.#tensor(dims, 'A', null, null) : null;
    const y = this.#tensor(dims, options.home ?? 'A', lo, hi);
    const op: ReqOp = { kind: 'req', form, rem, wid, w0: null, y, id, per: perChannel ? 1 : 0, cd, bound, tmax: 0, widths: [] };
    this.#meanings.set(this.#ops.length, { kind: 'cells', functions, intervals });
    this.#push(op, label);
    if (widths === null) this.#pending.push({ op, regions, profile, label });
    else this.#settle(op, regions, widths, label);
    return y;
  }

  /** Whether ops on these tensors are computed by the verifier: it has their values. */
  #isClear(tensors: readonly number[]): boolean {
    return this.#reveal !== Number.POSITIVE_INFINITY && tensors.every((t) => isPublic(this.#at(t).home));
  }

  /** A tensor that the verifier computes: of home D, or the output PUB. */
  #derived(dims: readonly number[], home: ReqOptions['home'], lo: number, hi: number): number {
    return this.#tensor(dims, home === 'PUB' ? 'PUB' : 'D', lo, hi);
  }

  /** The accumulator of a form over tensors in the clear. */
  #accumulated(form: Form, bound: number, label: string): number {
    const y = this.#tensor(this.dims(form), 'D', -bound, bound);
    this.#push({ kind: 'accumulate', form, y }, label);
    return y;
  }

  /** y = f(x) of a tensor in the clear. */
  #applied(x: number, meaning: TableMeaning, cd: number | null, [lo, hi]: Interval, options: ReqOptions): number {
    const y = this.#derived(this.#at(x).dims, options.home, lo, hi);
    this.#meanings.set(this.#ops.length, meaning);
    this.#push({ kind: 'apply', x, y, cd }, options.label);
    return y;
  }

  /** Ascending widths of an op, or null when they are chosen with the others at the end. */
  #widths(
    regions: readonly (readonly Region[])[],
    profile: LengthProfile,
    elements: number,
    forced?: readonly number[],
  ): readonly number[] | null {
    if (forced !== undefined) return [...forced].sort((a, b) => a - b);
    if (!this.#compact) return chooseWidths(regions, this.#omega, elements).sort((a, b) => a - b);
    const single = singleWidth(profile, this.#omega, elements);
    return single === null ? null : [single];
  }

  /** Gives an op its widths: the rows of its tables, Tmax, and the range tables. */
  #settle(op: ReqOp, regions: readonly (readonly Region[])[], widths: readonly number[], label: string): void {
    op.widths = [...widths];
    op.w0 = op.wid === null ? (widths[0] as number) : null;
    for (const w of widths) if (w > 0) this.#omega.add(w);
    regions.forEach((list, c) => {
      for (const cell of cellsOf(list, widths, label)) {
        op.tmax = Math.max(op.tmax, Math.abs(cell.t));
        this.#rows.push([32 * (op.id + c) + cell.w, cell.t, cell.y]);
      }
    });
    const widest = widths[widths.length - 1] as number;
    if (op.bound + op.tmax + 2 ** widest >= P)
      throw new Refused(
        'compile.accumulator',
        `${label}: accumulator ${op.bound}, cell start ${op.tmax} and cell width 2^${widest} leave the field`,
        { label },
      );
  }

  #intervals(form: Form): Interval[] {
    return accumulatorIntervals(this.#tensors, form, (t) => this.#weights.get(t) as Int32Array);
  }

  /** y = table[x], one row per reachable centred x. */
  unary(x: number, rows: ReadonlyMap<number, number>, lo: number, hi: number, options: ReqOptions = {}): number {
    if (this.#isClear([x])) return this.#applied(x, { kind: 'unary', rows }, null, [lo, hi], options);
    for (const [k, v] of rows) this.#rows.push([32 * this.#nextId, k, v]);
    const y = this.#tensor(this.#at(x).dims, options.home ?? 'A', lo, hi);
    this.#meanings.set(this.#ops.length, { kind: 'unary', rows });
    this.#push({ kind: 'unary', x, y, id: this.#nextId++ }, options.label);
    return y;
  }

  /** y = at(a, b) over the bounds of both operands, each within [-511, 511] (S4). */
  bin(a: number, b: number, at: (a: number, b: number) => number, lo: number, hi: number, options: ReqOptions = {}): number {
    const [p, q] = [this.#at(a), this.#at(b)];
    for (let u = p.lo as number; u <= (p.hi as number); u++)
      for (let v = q.lo as number; v <= (q.hi as number); v++) this.#rows.push([32 * this.#nextId, u + 1024 * v, at(u, v)]);
    const y = this.#tensor(p.dims, options.home ?? 'A', lo, hi);
    this.#meanings.set(this.#ops.length, { kind: 'pair', at });
    this.#push({ kind: 'bin', a, b, y, id: this.#nextId++ }, options.label);
    return y;
  }

  /**
   * Max-pool as a separable chain of pairwise maxima, x axis first (§7.6). x must be [C, H, W]; `pad` is [top, left, bottom, right].
   * Returns the tensor index of the result, which is `x` itself for a 1×1 window with stride 1 and no padding.
   */
  maxPool(
    x: number,
    [kh, kw]: readonly [number, number],
    stride: readonly [number, number],
    pad: readonly [number, number, number, number],
    dilation: readonly [number, number],
    options: ReqOptions = {},
  ): number {
    const { lo, hi } = this.#at(x) as { lo: number; hi: number };
    const trivial = [kh, kw, ...stride].every((v) => v === 1) && pad.every((v) => v === 0);
    if (this.#isClear([x]) && !trivial) {
      const window = { kernel: [kh, kw], stride: [...stride], pad: [...pad], dilation: [...dilation] } as Omit<
        MaxPoolOp,
        'kind' | 'x' | 'y'
      >;
      const dims = pooledDims(this.#at(x).dims, window);
      if (dims.some((d) => d < 1)) throw new Refused('compile.shape', `${options.label ?? 'max-pool'}: the window does not fit the image`);
      const y = this.#derived(dims, options.home, lo, hi);
      this.#push({ kind: 'maxpool', x, ...window, y }, options.label);
      return y;
    }
    if (this.#maxId === null) this.#maxId = this.#nextId++;
    const id = this.#maxId;
    let current = x;
    const axes: readonly [1 | 2, number][] = [
      [2, kw],
      [1, kh],
    ];
    for (const [axis, taps] of axes) {
      const [s, d] = [stride[axis - 1] as number, dilation[axis - 1] as number];
      const [before, after] = [pad[axis - 1] as number, pad[axis + 1] as number];
      const dims = [...this.#at(current).dims];
      dims[axis] = Math.floor(((dims[axis] as number) + before + after - d * (taps - 1) - 1) / s) + 1;
      if ((dims[axis] as number) < 1)
        throw new Refused('compile.shape', `${options.label ?? 'max-pool'}: the window does not fit the image`);
      if (taps === 1 && s === 1 && before === 0 && after === 0) continue;
      let prev: number | null = null;
      const source = current;
      for (let k = 1; k < Math.max(taps, 2); k++) {
        const y: number = this.#tensor(dims, 'A', lo, hi);
        const op: MaxOp = {
          kind: 'max',
          x: source,
          axis,
          stride: s,
          pad: before,
          dilation: d,
          k0: prev === null ? 0 : null,
          k1: Math.min(k, taps - 1),
          prev,
          y,
          id,
          lo,
        };
        this.#push(op, options.label);
        prev = y;
      }
      current = prev as number;
    }
    if (current !== x) this.#at(current).home = options.home ?? 'A';
    return current;
  }

  /** A view of earlier tensors (§7.8), dims `dims`; digits of one value are left out. Returns its tensor. */
  view(parts: readonly ViewPart[], dims: readonly number[], fill = 0, label?: string): number {
    const list = parts.map(({ x, counts, from, to }) => {
      const moves = (row: readonly number[]): number[] => row.filter((_, k) => k === 0 || counts[k - 1] !== 1);
      return { x, counts: counts.filter((n) => n !== 1), from: from.map(moves), to: to.map(moves) };
    });
    const [lo, hi] = viewInterval({ kind: 'view', parts: list, fill }, dims, this.#tensors);
    const y = this.#tensor(dims, this.#isClear(list.map((p) => p.x)) ? 'D' : 'V', lo, hi);
    this.#push({ kind: 'view', parts: list, fill, y }, label);
    return y;
  }

  /** y[t.., e..] = x[ids[t], e], ids in the clear (§7.8). Returns its tensor. */
  gather(x: number, ids: number, label?: string): number {
    const table = this.#at(x);
    const home = this.#isClear([x, ids]) ? 'D' : 'V';
    const y = this.#tensor([...this.#at(ids).dims, ...table.dims.slice(1)], home, table.lo, table.hi);
    this.#push({ kind: 'gather', x, ids, y }, label);
    return y;
  }

  /** y = max(a, b), elementwise. */
  pairmax(a: number, b: number, options: ReqOptions = {}): number {
    const [p, q] = [this.#at(a), this.#at(b)] as [Tensor & { lo: number; hi: number }, Tensor & { lo: number; hi: number }];
    const [lo, hi] = [Math.min(p.lo, q.lo), Math.max(p.hi, q.hi)];
    if (this.#isClear([a, b])) {
      const y = this.#derived(p.dims, options.home, lo, hi);
      this.#push({ kind: 'maximum', a, b, y }, options.label);
      return y;
    }
    if (this.#maxId === null) this.#maxId = this.#nextId++;
    const y = this.#tensor(p.dims, options.home ?? 'A', lo, hi);
    this.#push({ kind: 'pairmax', a, b, y, id: this.#maxId }, options.label);
    return y;
  }

  /**
   * Makes a tensor one in the clear (§7.7): a result is revealed instead of committed, a view is computed from what it shows. A committed input
   * or a constant of the model cannot be.
   */
  reveal(t: number, label?: string): void {
    const tensor = this.#at(t);
    if (isPublic(tensor.home)) return;
    if (tensor.home === 'X' || tensor.home === 'W')
      throw new Refused(
        'compile.reveal',
        `${label ?? 'an op'} is computed by the verifier and reads a ${tensor.home === 'X' ? 'committed input' : 'constant'} directly`,
      );
    if (tensor.home === 'V') {
      const show = this.#ops.find((op) => isShow(op) && op.y === t) as ShowOp;
      for (const x of readsOf(show)) this.reveal(x, label);
      tensor.home = 'D';
    } else tensor.home = 'R';
  }

  /** Softmax along the last dimension of x, which is revealed (§7.7). Returns its tensor. */
  softmax(
    x: number,
    description: Extract<TableDescription, { kind: 'softmax' }>,
    lo: number,
    hi: number,
    options: ReqOptions = {},
  ): number {
    return this.#computed('softmax', x, description, [lo, hi], options);
  }

  /** LayerNormalization along the last dimension of x, which is revealed (§7.7). Returns its tensor. */
  layernorm(
    x: number,
    description: Extract<TableDescription, { kind: 'layernorm' }>,
    lo: number,
    hi: number,
    options: ReqOptions = {},
  ): number {
    return this.#computed('layernorm', x, description, [lo, hi], options);
  }

  #computed(kind: 'softmax' | 'layernorm', x: number, description: TableDescription, [lo, hi]: Interval, options: ReqOptions): number {
    this.reveal(x, options.label);
    const y = this.#tensor(this.#at(x).dims, options.home === 'PUB' ? 'PUB' : 'D', lo, hi);
    this.#meanings.set(this.#ops.length, { kind: 'computed', description });
    this.#push({ kind, x, y }, options.label);
    return y;
  }

  /** Range check of a committed input (home X); its interval must be 2^w long. */
  range(x: number): void {
    const { lo, hi } = this.#at(x) as { lo: number; hi: number };
    const w = ceilLog2(hi - lo + 1);
    if (2 ** w !== hi - lo + 1) throw new Refused('compile.range', `a committed input needs an interval of 2^w values, not [${lo}, ${hi}]`);
    this.#omega.add(w);
    this.#push({ kind: 'range', x, w }, 'input');
  }

  /** An int32 accumulator in the clear: an output, or (home R) revealed in the proof. Returns its tensor. */
  out(form: Form, label?: string, home: 'PUB' | 'R' = 'PUB'): number {
    const bound = maxOf(this.bounds(form));
    if (bound > HALF)
      throw new Refused('compile.accumulator', `${label ?? 'output'}: the accumulator can reach ${bound}, more than (p-1)/2 = ${HALF}`, {
        label,
        bound,
      });
    const y = this.#tensor(this.dims(form), home, -bound, bound);
    this.#push({ kind: 'out', form, y, bound }, label);
    return y;
  }

  /** Closes the network. `inputs` and `outputs` in graph order. */
  finish(inputs: readonly IoTensor[], outputs: readonly IoTensor[]): Network {
    const maxRows = sum([...maxReach(this.#tensors, this.#ops).values()].map((e) => 2 * e + 1));
    const widths = sharedWidths(
      this.#pending.map((p) => p.profile),
      this.#omega,
      this.#rows.length + maxRows,
    );
    this.#pending.forEach(({ op, regions, label }, i) => {
      this.#settle(op, regions, widths[i] as number[], label);
    });
    this.#pending.length = 0;
    return {
      tensors: this.#tensors,
      weights: this.#weights,
      ops: this.#ops,
      meanings: this.#meanings,
      labels: this.#labels,
      rows: this.#rows,
      omega: this.#omega,
      inputs,
      outputs,
    };
  }

  #at(t: number): Tensor {
    return this.#tensors[t] as Tensor;
  }

  #push(op: Op, label: string | undefined): void {
    this.#labels.push(label ?? `op ${this.#ops.length}`);
    this.#ops.push(op);
  }

  #tensor(dims: readonly number[], home: Home, lo: number | null, hi: number | null): number {
    this.#tensors.push({ dims: [...dims], home, lo, hi });
    return this.#tensors.length - 1;
  }
}
