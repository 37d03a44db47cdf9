/**
 * From what a tensor shows to the parts of a view (protocol §7.8): lists of positions and offsets become digits with strides, and offsets
 * in the index of the source become coordinates where no digit carries into the next dimension.
 */
import type { ViewPart } from '../../circuits/types.ts';
import { elements } from '../onnx/graph.ts';
import type { ShownPart } from './shown.ts';

/** Positions and offsets of one dimension as digits: at = at0 + Σ d_k · at_k, from = from0 + Σ d_k · from_k. */
interface Nest {
  readonly counts: readonly number[];
  readonly at: readonly number[];
  readonly from: readonly number[];
}

type Pair = readonly [number, number];

const minus = (a: Pair, b: Pair): Pair => [a[0] - b[0], a[1] - b[1]];
const equal = (a: Pair, b: Pair): boolean => a[0] === b[0] && a[1] === b[1];

/** The nest that a whole sequence is, or null. */
function nestOf(pairs: readonly Pair[]): Nest | null {
  const [first, second] = pairs as [Pair, Pair?];
  if (second === undefined) return { counts: [], at: [first[0]], from: [first[1]] };
  const step = minus(second, first);
  const run = runLength(pairs, step);
  if (pairs.length % run !== 0) return null;
  const block = pairs.slice(0, run).map((p) => minus(p, first));
  for (let i = 0; i < pairs.length; i++)
    if (!equal(minus(pairs[i] as Pair, pairs[i - (i % run)] as Pair), block[i % run] as Pair)) return null;
  const outer = nestOf(pairs.filter((_, i) => i % run === 0));
  if (outer === null) return null;
  return { counts: [...outer.counts, run], at: [...outer.at, step[0]], from: [...outer.from, step[1]] };
}

/** How many elements from the first on follow each other by this step. */
function runLength(pairs: readonly Pair[], step: Pair): number {
  let n = 1;
  while (n < pairs.length && equal(minus(pairs[n] as Pair, pairs[n - 1] as Pair), step)) n++;
  return n;
}

/** Nests that together are the sequence. */
function nestsOf(pairs: readonly Pair[]): Nest[] {
  const out: Nest[] = [];
  let rest = pairs;
  while (rest.length > 0) {
    const all = nestOf(rest);
    if (all !== null) return [...out, all];
    const run = runLength(rest, minus(rest[1] as Pair, rest[0] as Pair));
    out.push(nestOf(rest.slice(0, run)) as Nest);
    rest = rest.slice(run);
  }
  return out;
}

/** The parts of a view that one shown part becomes. `xDims`: of its source. */
export function viewParts<X>(part: ShownPart<X>, xDims: readonly number[], tensor: number): ViewPart[] {
  let made: Nest[][] = [[]];
  part.at.forEach((at, d) => {
    const pairs = [...at].map((p, i): Pair => [p, part.from[d]?.[i] as number]).sort((a, b) => a[0] - b[0]);
    const ways = nestsOf(pairs);
    made = made.flatMap((m) => ways.map((w) => [...m, w]));
  });
  return made.map((nests) => {
    const counts = nests.flatMap((n) => n.counts);
    const strides = nests.flatMap((n) => n.from.slice(1));
    const start = part.base + nests.reduce((s, n) => s + (n.from[0] as number), 0);
    let first = 0;
    const to = nests.map((n) => {
      const row = [n.at[0] as number, ...counts.map(() => 0)];
      n.counts.forEach((_, k) => {
        row[1 + first + k] = n.at[k + 1] as number;
      });
      first += n.counts.length;
      return row;
    });
    return { x: tensor, counts, from: coordinates(start, strides, counts, xDims) ?? [[start, ...strides]], to };
  });
}

/** Rows of coordinates of a source, or null where a digit carries. */
function coordinates(start: number, strides: readonly number[], counts: readonly number[], dims: readonly number[]): number[][] | null {
  const at = (index: number): number[] => {
    let rest = index;
    return dims
      .map((_, k) => {
        const inner = elements(dims.slice(k + 1));
        const c = Math.floor(rest / inner);
        rest -= c * inner;
        return c;
      })
      .slice();
  };
  const origin = at(start);
  const moves = strides.map((s) => at(start + s).map((c, d) => c - (origin[d] as number)));
  // Every coordinate stays inside for all digits, so no combination carries.
  const fits = dims.every((size, d) => {
    let [low, high] = [origin[d] as number, origin[d] as number];
    moves.forEach((m, k) => {
      const reach = ((counts[k] as number) - 1) * (m[d] as number);
      low += Math.min(0, reach);
      high += Math.max(0, reach);
    });
    return low >= 0 && high < size;
  });
  return fits ? dims.map((_, d) => [origin[d] as number, ...moves.map((m) => m[d] as number)]) : null;
}
