/**
 * Everything prover and verifier derive from a key and never encode (protocol §6.2, §6.3, §3.2): padded shapes, segments, instances,
 * the stack. Lengths of every message follow from it.
 */
import { ceilLog2, floorLog2 } from '../protocol/integers.ts';
import { Refused } from '../protocol/refused.ts';
import { computedOf } from './computed/computed.ts';
import type { KeyFields } from './key.ts';
import { bitsOf, sum } from './shape.ts';
import { isComputed, isLookup, type Op } from './types.ts';

export type Group = 'W' | 'X' | 'A';

/** A block of an instance: the lookups of op `op`, or the rows of a table (`op` = CONTENT or the width of a range table). */
export interface Segment {
  readonly bits: number;
  readonly offset: number;
  readonly op: number;
}

export const CONTENT = -1;

const MAX_RANK = 16;

/** A fraction tree of 2^bits leaves; L: lookups with unit numerators, T: table rows with multiplicities. */
export interface Instance {
  readonly side: 'L' | 'T';
  readonly bits: number;
  readonly segments: readonly Segment[];
}

export interface GroupColumns {
  readonly group: Group;
  /** Index of its first column in the global order W, X, A. */
  readonly first: number;
  readonly columns: number;
}

export interface Plan {
  /** Padded bits per dimension, and their sum, by tensor. */
  readonly bits: readonly (readonly number[])[];
  readonly size: readonly number[];
  readonly lookups: readonly Instance[];
  readonly tables: readonly Instance[];
  /** lookups, then tables. */
  readonly instances: readonly Instance[];
  readonly lookupCount: number;
  readonly tableCount: number;
  /** Steps of what the verifier computes: padded elements, of windows each of their taps (§7.7). */
  readonly computedCount: number;
  /** log2 of the content rows. */
  readonly contentBits: number;
  /** Multiplicity tensor of each T-instance. */
  readonly mult: readonly number[];
  /** The k1 and k2 columns of the content rows. */
  readonly content: readonly [number, number];
  readonly groups: readonly GroupColumns[];
  readonly columns: number;
  readonly place: ReadonlyMap<number, { readonly group: Group; readonly address: number }>;
}

/** log2 of the number of content rows: two pad rows, then the runs. */
export function contentBitsOf(runs: readonly (readonly [number, number])[]): number {
  return Math.max(1, ceilLog2(2 + sum(runs.map(([, n]) => n))));
}

/** Lookups of an op in padded elements, as bits; null for ops without. */
export function lookupBits(op: Op, bits: readonly (readonly number[])[]): number | null {
  if (!isLookup(op)) return null;
  const tensor = op.kind === 'range' ? op.x : op.y;
  return sum(bits[tensor] as number[]) + (op.kind === 'req' ? 1 : 0);
}

/** Cuts segments, sorted by size, into instances: one for every set bit of the total, from the highest (§6.3). */
export function packInstances(side: 'L' | 'T', segments: readonly { bits: number; op: number }[]): Instance[] {
  const sorted = [...segments].sort((a, b) => b.bits - a.bits); // stable: ties keep their order
  const total = sorted.reduce((s, e) => s + 2 ** e.bits, 0);
  const out: Instance[] = [];
  let next = 0;
  for (let b = floorLog2(Math.max(1, total)); b >= 0; b--) {
    if (Math.floor(total / 2 ** b) % 2 === 0) continue;
    const list: Segment[] = [];
    for (let offset = 0; offset < 2 ** b; ) {
      const s = sorted[next++] as { bits: number; op: number };
      list.push({ bits: s.bits, offset, op: s.op });
      offset += 2 ** s.bits;
    }
    out.push({ side, bits: b, segments: list });
  }
  return out;
}

/**
 * The table instances alone; the key lists their multiplicity tensors. A described key that looks nothing up and commits to nothing of a run
 * has none (one with multiplicities, as keys were made once, has them).
 */
export function tableInstances({
  version,
  tensors,
  ops,
  runs,
  omega,
}: Pick<KeyFields, 'version' | 'tensors' | 'ops' | 'runs' | 'omega'>): Instance[] {
  if (version === 2 && !ops.some(isLookup) && !tensors.some((t) => t.home === 'A')) return [];
  return packInstances('T', [{ bits: contentBitsOf(runs), op: CONTENT }, ...omega.map((w) => ({ bits: w, op: w }))]);
}

/** The groups that are committed to. */
export function groupsOf({ mode, tensors }: Pick<KeyFields, 'mode' | 'tensors'>): Group[] {
  const has = (home: Group): boolean => tensors.some((t) => t.home === home);
  return [...(mode === 'I1' ? (['W'] as const) : []), ...(['X', 'A'] as const).filter(has)];
}

/**
 * The plan of a key. Sizes come from an untrusted key: this checks the few numbers that would make the derivation itself go wrong
 * (indices, sizes, counts); every other condition is `checkKey`.
 */
export function planOf(key: KeyFields): Plan {
  const { tensors, ops, omega, runs, h } = key;
  const ok = (holds: boolean, sentence: string): void => {
    if (!holds) throw new Refused('E6', `key: ${sentence}`, { condition: sentence.slice(0, sentence.indexOf(':')) });
  };
  ok(Number.isInteger(h) && h >= 1 && h <= 23, 'S11: h outside [1, 23]');
  ok(Number.isInteger(key.lr) && key.lr >= 1 && h + key.lr <= 24, 'S6: h + lr exceeds 24');
  ok(
    omega.every((w) => w >= 1 && w <= 24),
    'S11: a width outside [1, 24]',
  );
  ok(runs.every(([, n]) => n >= 1 && n <= 2 ** 24) && sum(runs.map(([, n]) => n)) < 2 ** 28, 'S11: a run count outside [1, 2^24]');
  ok(
    tensors.every((t) => t.dims.length > 0 && t.dims.length <= MAX_RANK && t.dims.every((d) => d >= 1 && d <= 2 ** 31)),
    'S8: a rank outside [1, 16] or a dimension outside [1, 2^31]',
  );
  const bits = tensors.map((t) => bitsOf(t.dims));
  ok(
    bits.every((b) => sum(b) <= 32),
    'S6: a point of more than 32 coordinates',
  );
  const size = bits.map((b) => 2 ** sum(b));
  const index = (t: number): boolean => Number.isInteger(t) && t >= 0 && t < tensors.length;
  ok(
    ops.every((o) => index(o.kind === 'range' ? o.x : o.y)),
    'S11: a tensor index out of range',
  );
  const segments = ops.flatMap((op, i) => {
    const b = lookupBits(op, bits);
    return b === null ? [] : [{ bits: b, op: i }];
  });
  const lookups = packInstances('L', segments);
  const tables = tableInstances(key);
  const contentBits = contentBitsOf(runs);
  const n = tensors.length;
  const mult = tables.map((_, i) => n - 2 - tables.length + i);
  ok((mult[0] ?? n - 2) >= 0, 'S11: the multiplicity and content tensors are missing');
  const is = (t: number, bitsWanted: number): boolean => {
    const dims = tensors[t]?.dims as number[];
    return dims.length === 1 && dims[0] === 2 ** bitsWanted;
  };
  ok(
    mult.every((t, i) => is(t, (tables[i] as Instance).bits)) && is(n - 2, contentBits) && is(n - 1, contentBits),
    'S11: multiplicity or content tensors of another size',
  );
  const names = groupsOf(key);
  const place = new Map<number, { group: Group; address: number }>();
  const groups: GroupColumns[] = [];
  let first = 0;
  for (const group of names) {
    const members = tensors
      .flatMap((t, i) => (t.home === group ? [i] : []))
      .sort((a, b) => (size[b] as number) - (size[a] as number) || a - b);
    let address = 0;
    for (const t of members) {
      place.set(t, { group, address });
      address += size[t] as number;
    }
    const columns = Math.max(1, Math.ceil(address / 2 ** h));
    ok(first + columns < 2 ** 16, 'S6: 2^16 columns or more');
    groups.push({ group, first, columns });
    first += columns;
  }
  const total = (list: readonly Instance[]): number => sum(list.map((i) => 2 ** i.bits));
  return {
    bits,
    size,
    lookups,
    tables,
    instances: [...lookups, ...tables],
    lookupCount: total(lookups),
    tableCount: total(tables),
    computedCount: sum(ops.map((op) => (isComputed(op) ? Math.ceil(computedOf(op).steps(op, tensors) * (size[op.y] as number)) : 0))),
    contentBits,
    mult,
    content: [n - 2, n - 1],
    groups,
    columns: first,
    place,
  };
}
