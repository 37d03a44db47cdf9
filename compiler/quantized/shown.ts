/**
 * What a moved tensor shows: for every element the element of another tensor, or a fill. Moves compose here, so that a circuit needs one
 * view however many nodes moved the data.
 *
 * A part shows a product set: per dimension a list of positions, and for each how far it moves in the row-major index of the source:
 * element (at[0][i], at[1][j], …) is element base + from[0][i] + from[1][j] + … of x. Slices, transposes, flips, repeats, pads and
 * concatenations keep this form; a reshape merges lists, or cuts them where the offsets still add up.
 */
import { Refused } from '../../protocol/refused.ts';
import { elements } from '../onnx/graph.ts';

export interface ShownPart<X> {
  readonly x: X;
  readonly base: number;
  readonly at: readonly Int32Array[];
  readonly from: readonly Int32Array[];
}

export interface Shown<X> {
  readonly dims: readonly number[];
  readonly parts: readonly ShownPart<X>[];
  /** The raw value of elements that no part shows; null while there are none. */
  readonly fill: number | null;
}

const iota = (n: number, step = 1): Int32Array => Int32Array.from({ length: n }, (_, i) => i * step);

/** All of x, which has these dims. */
export function whole<X>(x: X, dims: readonly number[]): Shown<X> {
  const at = dims.map((d) => iota(d));
  const from = dims.map((d, k) => iota(d, elements(dims.slice(k + 1))));
  return { dims, parts: [{ x, base: 0, at, from }], fill: null };
}

/** Position j along `dim` shows position `indices[j]`, or the fill where that is -1. What was filled before has that value too. */
export function pick<X>(s: Shown<X>, dim: number, indices: readonly number[], fill: number | null = s.fill): Shown<X> {
  const fills = indices.includes(-1);
  if (fills && s.fill !== null && s.fill !== fill)
    throw new Refused(
      'model.unsupported-view',
      `a tensor padded with ${s.fill} is padded with ${fill} again; supported: one value, or a function between them`,
    );
  const parts = s.parts.flatMap((part) => {
    const offset = new Map<number, number>();
    part.at[dim]?.forEach((p, i) => void offset.set(p, part.from[dim]?.[i] as number));
    const kept = indices.flatMap((p, j) => (offset.has(p) ? [[j, offset.get(p) as number] as const] : []));
    if (kept.length === 0) return [];
    const put = (lists: readonly Int32Array[], k: 0 | 1) => lists.map((l, d) => (d === dim ? Int32Array.from(kept, (e) => e[k]) : l));
    return [{ ...part, at: put(part.at, 0), from: put(part.from, 1) }];
  });
  return { dims: s.dims.map((d, k) => (k === dim ? indices.length : d)), parts, fill: fills ? fill : s.fill };
}

/** Dimension i of the result is dimension perm[i]. */
export function permute<X>(s: Shown<X>, perm: readonly number[]): Shown<X> {
  const of = <T>(list: readonly T[]): T[] => perm.map((p) => list[p] as T);
  return { dims: of(s.dims), parts: s.parts.map((p) => ({ ...p, at: of(p.at), from: of(p.from) })), fill: s.fill };
}

/** One after the other along `dim`; null if two of them fill with different values. */
export function concat<X>(list: readonly Shown<X>[], dim: number): Shown<X> | null {
  const fills = new Set(list.flatMap((s) => (s.fill === null ? [] : [s.fill])));
  if (fills.size > 1) return null;
  let offset = 0;
  const parts = list.flatMap((s) => {
    const start = offset;
    offset += s.dims[dim] as number;
    return s.parts.map((p) => ({ ...p, at: p.at.map((l, d) => (d === dim ? l.map((v) => v + start) : l)) }));
  });
  const [first] = list as [Shown<X>];
  return { dims: first.dims.map((d, k) => (k === dim ? offset : d)), parts, fill: [...fills][0] ?? null };
}

/** The same elements in row-major order under other dims. */
export function reshape<X>(s: Shown<X>, dims: readonly number[]): Shown<X> {
  const groups = alignedGroups(s.dims, dims);
  const parts = s.parts.flatMap((part): ShownPart<X>[] => {
    // For each group, the ways it falls into product sets; a part for every combination of ways.
    let made: Way[] = [{ base: part.base, at: [], from: [] }];
    for (const { before, after } of groups) {
      const list = merge(part, before, s.dims);
      const into = after.map((d) => dims[d] as number);
      // Dimensions of size 1 that vanish leave their offset.
      const ways: Way[] = into.length === 0 ? [{ base: list.from[0] as number, at: [], from: [] }] : split(list, into);
      made = made.flatMap((m) => ways.map((w) => ({ base: m.base + w.base, at: [...m.at, ...w.at], from: [...m.from, ...w.from] })));
    }
    return made.map((m) => ({ x: part.x, ...m }));
  });
  return { dims, parts, fill: s.fill };
}

/** Runs of dimensions on both sides with equal products, as short as they can be. */
function alignedGroups(a: readonly number[], b: readonly number[]): { before: number[]; after: number[] }[] {
  const groups: { before: number[]; after: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const group = { before: [] as number[], after: [] as number[] };
    let [p, q] = [1, 1];
    do {
      if ((p <= q && i < a.length) || j >= b.length) {
        p *= a[i] as number;
        group.before.push(i++);
      } else {
        q *= b[j] as number;
        group.after.push(j++);
      }
    } while (p !== q || (group.before.length === 0 && i < a.length));
    // A dimension of size 1 that follows costs nothing to take along.
    while (i < a.length && a[i] === 1) group.before.push(i++);
    while (j < b.length && b[j] === 1) group.after.push(j++);
    groups.push(group);
  }
  return groups;
}

type Way = Pick<ShownPart<unknown>, 'base' | 'at' | 'from'>;

interface List {
  readonly at: Int32Array;
  readonly from: Int32Array;
}

/** Some neighbouring dimensions of a part as one. */
function merge<X>(part: ShownPart<X>, group: readonly number[], dims: readonly number[]): List {
  let list: List = { at: Int32Array.of(0), from: Int32Array.of(0) };
  for (const d of group) {
    const { at, from } = list;
    const [innerAt, innerFrom] = [part.at[d] as Int32Array, part.from[d] as Int32Array];
    const n = innerAt.length;
    const size = dims[d] as number;
    list = {
      at: Int32Array.from({ length: at.length * n }, (_, i) => (at[Math.floor(i / n)] as number) * size + (innerAt[i % n] as number)),
      from: Int32Array.from({ length: at.length * n }, (_, i) => (from[Math.floor(i / n)] as number) + (innerFrom[i % n] as number)),
    };
  }
  return list;
}

/** A list over several dimensions: rows that look alike, apart from a shift, are one product set. */
function split(list: List, dims: readonly number[]): Way[] {
  if (dims.length === 1) return [{ base: 0, at: [list.at], from: [list.from] }];
  const inner = elements(dims.slice(1));
  const order = [...list.at.keys()].sort((a, b) => (list.at[a] as number) - (list.at[b] as number));
  const rows = new Map<number, number[]>();
  for (const i of order) {
    const row = Math.floor((list.at[i] as number) / inner);
    const known = rows.get(row);
    if (known === undefined) rows.set(row, [i]);
    else known.push(i);
  }
  const alike = new Map<string, { rows: number[]; shifts: number[]; list: List }>();
  for (const [row, indices] of rows) {
    const first = list.from[indices[0] as number] as number;
    const at = Int32Array.from(indices, (i) => (list.at[i] as number) % inner);
    const from = Int32Array.from(indices, (i) => (list.from[i] as number) - first);
    const key = `${at.join()} ${from.join()}`;
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { rows: [row], shifts: [first], list: { at, from } });
    else {
      known.rows.push(row);
      known.shifts.push(first);
    }
  }
  return [...alike.values()].flatMap((e) =>
    split(e.list, dims.slice(1)).map((rest) => ({
      base: 0,
      at: [Int32Array.from(e.rows), ...rest.at],
      from: [Int32Array.from(e.shifts), ...rest.from],
    })),
  );
}

/** Whether it shows all of one tensor in its own order. */
export function showsWhole<X>(s: Shown<X>, dimsOf: (x: X) => readonly number[]): X | null {
  const [part] = s.parts;
  if (s.parts.length !== 1 || part === undefined || part.base !== 0 || elements(dimsOf(part.x)) !== elements(s.dims)) return null;
  const plain = s.dims.every((d, k) => {
    const stride = elements(s.dims.slice(k + 1));
    const [at, from] = [part.at[k] as Int32Array, part.from[k] as Int32Array];
    return at.length === d && at.every((p, i) => (from[i] as number) === p * stride);
  });
  return plain ? part.x : null;
}
