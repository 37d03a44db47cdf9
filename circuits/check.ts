/**
 * The static conditions S1–S12 on a key (protocol §6.4). A key that fails one is refused with code E6, which names the condition.
 *
 * `contents` are the padded W tensors: in mode I0 the ones the verifier will use, in an audit the published ones; without them S12 and
 * the bounds of conv and dense are trusted with the key.
 */
import { equalBytes } from '../protocol/bytes.ts';
import { HALF, P } from '../protocol/field.ts';
import { PROVABLE_BITS, provides } from '../protocol/security.ts';
import { DTYPES } from '../protocol/statement.ts';
import { checkTables } from './check-tables.ts';
import { computedOf } from './computed/computed.ts';
import { ok, refuse } from './conditions.ts';
import { weightsHash } from './contents.ts';
import { isInteger } from './forms/form.ts';
import { accumulatorBounds, formDims, specOf } from './forms/index.ts';
import type { Key } from './key.ts';
import { ledgerOf } from './ledger.ts';
import type { Plan } from './plan.ts';
import { isDescribed, isPublic } from './public.ts';
import { formOf, readsOf, tensorsOf, writesOf } from './references.ts';
import { maxOf, sum, validMask } from './shape.ts';
import { showOf } from './show.ts';
import { isComputed, isLookup, isShow, type LookupOp, type Op, type Tensor } from './types.ts';
import { MAX_WORK, verifierWork } from './work.ts';

export type Contents = ReadonlyMap<number, Int32Array>;

export interface CheckOptions {
  /** Accept the profile `toy`, which exists for vectors and tests alone. */
  readonly allowToy?: boolean;
  readonly contents?: Contents;
}

/** Refuses the key unless every condition holds. */
export function checkKey(key: Key, plan: Plan, options: CheckOptions = {}): void {
  const { tensors: T, ops } = key;
  const index = (t: number): boolean => isInteger(t, 0, T.length - 1);
  ok(
    key.profile === 'S100' || (key.profile === 'toy' && options.allowToy === true),
    'S9',
    `profile ${JSON.stringify(key.profile)} is not S100`,
  );
  ok(key.mode === 'I0' || key.mode === 'I1', 'S11', `mode ${JSON.stringify(key.mode)}`);
  ok(
    key.grinding.every((g) => isInteger(g, 0, 32)),
    'S11',
    `grinding ${key.grinding.join(', ')}`,
  );
  ok(isInteger(key.t, 1, 2 ** 16 - 1), 'S11', `${key.t} queries`);
  ok(
    key.omega.every((w, i) => isInteger(w, 1, 24) && (i === 0 || w > (key.omega[i - 1] as number))),
    'S11',
    'widths are not ascending in [1, 24]',
  );
  ok(plan.lookupCount + plan.tableCount < P, 'S3', `${plan.lookupCount + plan.tableCount} lookups and rows`);
  for (const op of ops) ok(tensorsOf(op).every(index), 'S11', 'a tensor index is out of range');
  for (const io of [...key.inputs, ...key.outputs]) ok(index(io.tensor), 'S11', 'a tensor index of an input or output is out of range');
  for (const op of ops) {
    const problem = isShow(op) ? showOf(op).problem(op, T) : null;
    ok(problem === null, 'S11', `a ${op.kind}: ${problem}`);
  }
  const work = verifierWork(key, plan);
  ok(work <= MAX_WORK, 'S14', `a proof would cost its verifier ${work} products, more than ${MAX_WORK}`);
  checkTensors(T, ops);
  checkLists(key, plan);
  checkOps(key, plan, options.contents);
  if (options.contents !== undefined) checkWeights(key, plan, options.contents);
  const [c1, c2] = plan.content;
  const tables = key.tables ?? { k1: options.contents?.get(c1), k2: options.contents?.get(c2) };
  if (tables.k1 !== undefined && tables.k2 !== undefined) checkTables(key, tables as { k1: Int32Array; k2: Int32Array });
  if (key.profile === 'S100') {
    const l = ledgerOf(key, plan);
    ok(provides(l, PROVABLE_BITS), 'S9', `the ledger gives ${l.bits.toFixed(2)} bits, not ${PROVABLE_BITS}`);
  }
}

function checkTensors(T: readonly Tensor[], ops: readonly Op[]): void {
  const ys = new Set(ops.flatMap((op) => (op.kind === 'range' ? [] : [op.y])));
  T.forEach((t, i) => {
    ok(['PUB', 'R', 'D', 'W', 'X', 'A', 'T', 'V'].includes(t.home), 'S11', `tensor ${i} has home ${JSON.stringify(t.home)}`);
    if (isPublic(t.home) || t.home === 'X' || t.home === 'V' || ys.has(i))
      ok(t.lo !== null && t.hi !== null && isInteger(t.lo, -HALF, HALF) && isInteger(t.hi, t.lo, HALF), 'S11', `bounds of tensor ${i}`);
    else if (t.home === 'W' && (t.lo !== null || t.hi !== null))
      ok(t.lo !== null && t.hi !== null && isInteger(t.lo, -HALF, HALF) && isInteger(t.hi, t.lo, HALF), 'S11', `bounds of tensor ${i}`);
    else ok(t.lo === null && t.hi === null, 'S11', `tensor ${i} has bounds without meaning`);
  });
}

function checkLists(key: Key, plan: Plan): void {
  const { tensors: T, inputs, outputs } = key;
  const io = [...inputs, ...outputs];
  const named = new Set(io.map((e) => e.tensor));
  ok(named.size === io.length, 'S10', 'a tensor is named twice');
  ok(
    inputs.every((e) => T[e.tensor]?.home === 'PUB' || T[e.tensor]?.home === 'X'),
    'S10',
    'an input of another home than PUB or X',
  );
  ok(
    outputs.every((e) => T[e.tensor]?.home === 'PUB'),
    'S10',
    'an output of another home than PUB',
  );
  const committed = T.flatMap((t, i) => (t.home === 'X' ? [i] : []));
  ok(
    T.every((t, i) => t.home !== 'PUB' || named.has(i)),
    'S10',
    'a public tensor is in no list',
  );
  ok(
    committed.length <= 1 && committed.every((i) => inputs.some((e) => e.tensor === i)),
    'S10',
    'a committed tensor is not the one committed input',
  );
  for (const e of [...inputs, ...outputs]) {
    const d = Object.hasOwn(DTYPES, e.dtype) ? DTYPES[e.dtype] : null;
    ok(d !== null && isInteger(e.zp, d.lo, d.hi), 'S11', `dtype or zero point of tensor ${e.tensor}`);
  }
  ok(
    plan.mult.every((t) => T[t]?.home === 'A') && plan.content.every((t) => T[t]?.home === (key.version === 2 ? 'T' : 'W')),
    'S11',
    'homes of the multiplicity and content tensors',
  );
  ok(
    T.every((t, i) => t.home !== 'T' || plan.content.includes(i)),
    'S11',
    'a tensor of home T that is no content column',
  );
}

function checkOps(key: Key, plan: Plan, contents: Contents | undefined): void {
  const { tensors: T, ops, inputs, outputs, omega, runs } = key;
  const dims = (t: number): number[] => (T[t] as Tensor).dims;
  const same = (a: readonly number[] | null, b: readonly number[]): boolean =>
    a !== null && a.length === b.length && a.every((v, i) => v === b[i]);
  const derived = new Set<number>([...plan.mult, ...plan.content]);
  const isWeight = (t: number): boolean => T[t]?.home === 'W' && !derived.has(t);
  const outputTensors = new Set(outputs.map((e) => e.tensor));
  // W tensors with bounds are constants that ops may read.
  const constants = T.flatMap((t, i) => (t.home === 'W' && t.lo !== null && !derived.has(i) ? [i] : []));
  const ready = new Set([...inputs.map((e) => e.tensor).filter((t) => T[t]?.home === 'PUB'), ...constants]);
  const written = new Set<number>();
  const owner = new Map<number, Exclude<LookupOp, { kind: 'range' }>>();
  const reach = new Map<number, number>();
  ops.forEach((op, i) => {
    const at = `op ${i} (${op.kind})`;
    const form = formOf(op);
    ok(
      readsOf(op).every((t) => ready.has(t)),
      'S7',
      `${at} reads a tensor that is no input and no earlier output`,
    );
    if (form !== null) {
      const spec = specOf(form);
      const problem = spec.numbers(T, form);
      ok(problem === null, problem?.startsWith('S5') ? 'S5' : 'S11', `${at}: ${problem}`);
      ok(spec.weights(form)?.every(isWeight) ?? true, 'S7', `${at} has weights of another home than W`);
    }
    if (op.kind === 'range') {
      const x = T[op.x] as Tensor;
      ok(x.home === 'X' && !ready.has(op.x), 'S7', `${at} is not the range check of a committed input`);
      ok(
        isInteger(op.w, 1, 24) && omega.includes(op.w) && (x.hi as number) - (x.lo as number) + 1 === 2 ** op.w,
        'S11',
        `${at} does not fit the interval`,
      );
      ok(sum(plan.bits[op.x] as number[]) >= 1, 'S8', `${at} has one element`);
      ready.add(op.x);
      return;
    }
    for (const t of writesOf(op)) {
      const home = T[t]?.home;
      const output = t === op.y && outputTensors.has(t);
      const looked = home === 'A' || (home === 'R' && t === op.y);
      const fits = isShow(op) ? home === 'V' || home === 'D' : output || (isComputed(op) ? home === 'D' : looked);
      ok(!written.has(t) && !ready.has(t) && !derived.has(t) && fits, 'S7', `${at} writes tensor ${t}, which it may not`);
      written.add(t);
    }
    const y = T[op.y] as Tensor;
    if (isShow(op)) {
      ok(
        readsOf(op).every((t) => T[t]?.home !== 'V'),
        'S7',
        `${at} shows what is shown`,
      );
      ok(y.home === 'V' || readsOf(op).every((t) => isPublic(T[t]?.home)), 'S7', `${at} is in the clear and what it shows is not`);
      const [lo, hi] = showOf(op).interval(op, T);
      ok(lo >= (y.lo as number) && hi <= (y.hi as number), 'S11', `${at}: bounds`);
      ready.add(op.y);
      return;
    }
    if (isComputed(op)) {
      ok(
        key.version === 2 && readsOf(op).every((t) => isPublic(T[t]?.home)),
        'S7',
        `${at} is computed by the verifier and reads what is not in the clear`,
      );
      // One that is described was checked with its description (S13).
      const problem = isDescribed(op) ? null : computedOf(op).problem(op, null, T);
      ok(problem === null, 'S11', `${at}: ${problem}`);
      ready.add(op.y);
      return;
    }
    const wanted =
      op.kind === 'max'
        ? checkMax(op, T, at)
        : form !== null
          ? formDims(T, form)
          : dims(op.kind === 'bin' || op.kind === 'pairmax' ? op.a : (op as { x: number }).x);
    if (op.kind === 'max' || op.kind === 'pairmax') reach.set(op.id, Math.max(reach.get(op.id) ?? 0, (y.hi as number) - (y.lo as number)));
    if (op.kind === 'bin' || op.kind === 'pairmax') {
      ok(same(dims(op.b), dims(op.a)), 'S8', `${at}: operands of different shapes`);
      if (op.kind === 'pairmax')
        ok(
          [op.a, op.b].every((t) => (T[t]?.lo as number) >= (y.lo as number) && (T[t]?.hi as number) <= (y.hi as number)),
          'S11',
          `${at}: bounds`,
        );
      else
        for (const t of [op.a, op.b])
          ok(Math.max(Math.abs(T[t]?.lo as number), Math.abs(T[t]?.hi as number)) <= 511, 'S4', `${at}: an operand exceeds 511`);
    }
    ok(
      writesOf(op).every((t) => same(wanted, dims(t))),
      'S8',
      `${at}: shapes do not agree`,
    );
    ok(!isLookup(op) || sum(plan.bits[op.y] as number[]) + (op.kind === 'req' ? 1 : 0) >= 1, 'S8', `${at} has one element`);
    if (form !== null && (op.kind === 'req' || op.kind === 'out')) {
      ok(isInteger(op.bound, 0, HALF), 'S1', `${at}: accumulator bound ${op.bound}`);
      if (specOf(form).weights(form) === null || contents !== undefined)
        ok(
          op.bound === maxOf(accumulatorBounds(T, form, (t) => contents?.get(t) as Int32Array)),
          'S2',
          `${at}: the accumulator bound is not the interval bound`,
        );
    }
    if (op.kind === 'out') {
      ok(
        isPublic(y.home) && (y.lo as number) >= -op.bound && (y.hi as number) <= op.bound,
        'S8',
        `${at}: y is not public or wider than the accumulator`,
      );
      // A revealed accumulator may be read; a stated one leaves.
      if (y.home === 'R') ready.add(op.y);
      return;
    }
    let channels = 1;
    if (op.kind === 'req') {
      const { widths } = op;
      ok(
        widths.length > 0 && widths.every((w, k) => (w === 0 || omega.includes(w)) && (k === 0 || w > (widths[k - 1] as number))),
        'S11',
        `${at}: widths ${widths.join(', ')}`,
      );
      ok(
        (op.wid === null) === (widths.length === 1) && op.w0 === (widths.length === 1 ? (widths[0] as number) : null),
        'S11',
        `${at}: wid and w0`,
      );
      ok(isInteger(op.tmax, 0, HALF) && op.bound + op.tmax + 2 ** (widths.at(-1) as number) < P, 'S1', `${at}: A + Tmax + 2^w reaches p`);
      ok(op.per === 0 || op.per === 1, 'S11', `${at}: per`);
      const cd = op.per === 0 ? null : op.form.kind === 'dense' ? y.dims.length - 1 : 0;
      ok(op.cd === cd, 'S11', `${at}: the channel coordinate is ${op.cd}, not ${cd}`);
      if (op.cd !== null) channels = y.dims[op.cd] as number;
    }
    ok(isInteger(op.id, 2, 2 ** 25 - channels), 'S11', `${at}: table id ${op.id}`);
    ok(channels <= runs.length, 'S11', `${at}: ${channels} tables, the key has ${runs.length} runs`);
    for (let id = op.id; id < op.id + channels; id++) {
      if (owner.has(id) && !(isMaximum(op) && isMaximum(owner.get(id)))) refuse('S11', `${at}: table id ${id} is taken`);
      owner.set(id, op);
    }
    ready.add(op.y);
  });
  ok(
    outputs.every((e) => written.has(e.tensor)),
    'S10',
    'an output is written by no op',
  );
  T.forEach((t, i) => {
    if (t.home === 'X') ok(ready.has(i), 'S7', 'the committed input has no range check');
    if (t.home === 'A' || t.home === 'R' || t.home === 'D')
      ok(written.has(i) || plan.mult.includes(i), 'S7', `tensor ${i} is written by no op`);
  });
  checkRuns(runs, owner, reach);
}

/** Maxima may share a table. */
const isMaximum = (op: Op | undefined): boolean => op?.kind === 'max' || op?.kind === 'pairmax';

function checkMax(op: Extract<Op, { kind: 'max' }>, T: readonly Tensor[], at: string): number[] {
  const [x, y] = [T[op.x] as Tensor, T[op.y] as Tensor];
  ok((op.axis === 1 || op.axis === 2) && x.dims.length === 3 && y.dims.length === 3, 'S8', `${at}: axis or rank`);
  ok(
    x.dims.every((d, k) => k === op.axis || d === y.dims[k]),
    'S8',
    `${at}: shapes do not agree`,
  );
  ok(
    isInteger(op.stride, 1, 2 ** 20) && isInteger(op.dilation, 1, 2 ** 20) && isInteger(op.pad, 0, 2 ** 20),
    'S11',
    `${at}: stride, dilation or pad`,
  );
  ok(
    isInteger(op.k1, 0, 2 ** 10) && (op.prev === null) === (op.k0 !== null) && (op.k0 === null || isInteger(op.k0, 0, 2 ** 10)),
    'S11',
    `${at}: taps`,
  );
  const read = [x, ...(op.prev === null ? [] : [T[op.prev] as Tensor])];
  if (op.prev !== null) {
    const p = (T[op.prev] as Tensor).dims;
    ok(p.length === 3 && p.every((d, k) => d === y.dims[k]), 'S8', `${at}: shapes do not agree`);
  }
  const [lo, hi] = [y.lo as number, y.hi as number];
  ok(op.lo === x.lo && read.every((r) => lo <= (r.lo as number) && (r.hi as number) <= hi) && hi - lo < 2 ** 20, 'S11', `${at}: bounds`);
  return y.dims;
}

/** Every run belongs to a declared table, every declared table has a run (S11), max tables reach far enough (S4). */
function checkRuns(runs: Key['runs'], owner: ReadonlyMap<number, LookupOp>, reach: ReadonlyMap<number, number>): void {
  const seen = new Set<number>();
  let before = 0;
  runs.forEach(([k0, count], i) => {
    if (!(isInteger(k0, 64, 2 ** 30) && isInteger(count, 1, 2 ** 24) && k0 > before)) refuse('S11', `run ${i} is out of order or range`);
    before = k0;
    const id = Math.floor(k0 / 32);
    const op = owner.get(id) ?? refuse('S11', `run ${i} belongs to no table`);
    seen.add(id);
    if (!(op.kind === 'req' ? op.widths.includes(k0 % 32) : k0 % 32 === 0)) refuse('S11', `run ${i} has a width its op does not have`);
    if (isMaximum(op)) ok(count % 2 === 1 && count >= 2 * (reach.get(id) as number) + 1, 'S4', `the max table has ${count} rows`);
  });
  ok(seen.size === owner.size, 'S11', 'a table without rows');
}

/** S12: the weights are 0 at padded positions, and in mode I0 they are the ones of the key. */
function checkWeights(key: Key, plan: Plan, contents: Contents): void {
  key.tensors.forEach((t, i) => {
    if (t.home !== 'W') return;
    const values = contents.get(i);
    ok(values !== undefined && values.length === plan.size[i], 'S12', `the contents lack tensor ${i}`);
    const valid = validMask(t.dims);
    ok(
      (values as Int32Array).every((v, k) => Math.abs(v) <= HALF && (v === 0 || valid[k] === 1)),
      'S12',
      `tensor ${i} is not 0 at padded positions`,
    );
    if (t.lo !== null)
      ok(
        (values as Int32Array).every((v, k) => valid[k] === 0 || (v >= (t.lo as number) && v <= (t.hi as number))),
        'S12',
        `tensor ${i} leaves its bounds`,
      );
  });
  if (key.mode === 'I0') ok(equalBytes(weightsHash(key, contents), key.wroot), 'S12', 'the weights and tables are not those of the key');
}
