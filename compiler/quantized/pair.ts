/**
 * Functions of two bytes as something a circuit proves cheaply (transformers: Farey form; protocol §7.3): a step function of M_a·a + M_b·b, of a·b,
 * the greater of both, else a table of all pairs. Whatever is chosen was compared with the kernel on every pair, so it is exact.
 */
import type { StepList } from '../../circuits/step.ts';

/** y of centred a in [aLo, aHi] and b in [bLo, bHi]; row-major, a first. */
export interface PairTable {
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
  readonly ys: Int16Array;
}

export type PairForm =
  | { readonly kind: 'lin'; readonly terms: readonly [number, number]; readonly steps: StepList }
  | { readonly kind: 'mul'; readonly steps: StepList }
  | { readonly kind: 'max' }
  | { readonly kind: 'table'; readonly table: PairTable };

/** More steps than this are dearer than what they save. */
const MOST_STEPS = 4096;

/** `slope`: of the lines a + slope·b along which the function is thought to be constant; null if it is no sum. */
export function pairForm(table: PairTable, slope: number | null): PairForm {
  const candidates = slope === null ? [] : multipliers(slope);
  for (const [p, q] of candidates) {
    const steps = stepsOf(table, (a, b) => p * a + q * b);
    if (steps !== null) return { kind: 'lin', terms: [p, q], steps };
  }
  const product = stepsOf(table, (a, b) => a * b);
  if (product !== null) return { kind: 'mul', steps: product };
  return isMaximum(table) ? { kind: 'max' } : { kind: 'table', table };
}

/** The function as steps of `of(a, b)`, or null if two pairs of one value differ in y. */
function stepsOf({ a: [aLo, aHi], b: [bLo, bHi], ys }: PairTable, of: (a: number, b: number) => number): StepList | null {
  const corners = [aLo, aHi].flatMap((a) => [bLo, bHi].map((b) => of(a, b)));
  const low = Math.min(...corners);
  const found = new Int32Array(Math.max(...corners) - low + 1).fill(-32769);
  let at = 0;
  for (let a = aLo; a <= aHi; a++)
    for (let b = bLo; b <= bHi; b++, at++) {
      const i = of(a, b) - low;
      const y = ys[at] as number;
      if (found[i] === -32769) found[i] = y;
      else if (found[i] !== y) return null;
    }
  const starts: number[] = [];
  const values: number[] = [];
  found.forEach((y, i) => {
    if (y === -32769 || y === values.at(-1)) return;
    if (values.length > 0) starts.push(low + i);
    values.push(y);
  });
  return values.length > MOST_STEPS ? null : { starts: Int32Array.from(starts), ys: Int16Array.from(values) };
}

function isMaximum({ a: [aLo, aHi], b: [bLo, bHi], ys }: PairTable): boolean {
  let at = 0;
  for (let a = aLo; a <= aHi; a++) for (let b = bLo; b <= bHi; b++, at++) if (ys[at] !== Math.max(a, b)) return false;
  return true;
}

const ORDER = 255;

/**
 * Pairs (M_a, M_b) that order all pairs of bytes as a + slope·b does: the fraction M_b/M_a that the slope is or nearly is, and the mediant of its
 * neighbours among the fractions with terms up to 255. Terms of the latter are at most 510.
 */
function multipliers(slope: number): [number, number][] {
  const sign = Math.sign(slope) || 1;
  const t = Math.abs(slope);
  let [a, b, c, d] = [0, 1, 1, 0]; // a/b ≤ t ≤ c/d
  const out: [number, number][] = [];
  for (;;) {
    const [p, q] = [a + c, b + d];
    if (p > ORDER || q > ORDER) {
      out.push([q, sign * p]);
      break;
    }
    if (Math.abs(p / q - t) <= t * 2 ** -20) {
      out.push([q, sign * p]);
      // Not quite it: the neighbours of the slope lie on one side of the fraction.
      if (p / q === t) break;
    }
    if (p / q < t) [a, b] = [p, q];
    else [c, d] = [p, q];
  }
  return out;
}
