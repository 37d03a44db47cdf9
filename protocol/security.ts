/**
 * Parameters and the soundness ledger (protocol §10): provable bits in the unique-decoding regime, no conjecture.
 *
 * Every term is a rational, summed in integers at scale 2^400 and rounded up, so the verdict's number of bits is exact.
 */
import { P } from './field.ts';
import { ceilLog2 } from './integers.ts';

/** What the ledger depends on, all derived from the key. */
export interface LedgerInput {
  readonly h: number;
  readonly lr: number;
  readonly t: number;
  /** Bits of grinding before (α, β), before η, before positions. */
  readonly grinding: readonly [number, number, number];
  readonly lookupCount: number;
  readonly tableCount: number;
  readonly instances: number;
  /** log2 of the largest instance. */
  readonly largestInstance: number;
  readonly phaseA: number;
  readonly phaseB: number;
  /** Claims on views. */
  readonly phaseC: number;
  /** J: an upper bound on the claims of the opening. */
  readonly claims: number;
  readonly columns: number;
}

export interface LedgerTerm {
  readonly id: string;
  readonly event: string;
  /** Bound on the probability, times 2^400, rounded up. */
  readonly bound: bigint;
  /** -log2 of the bound. */
  readonly bits: number;
}

export interface Ledger {
  readonly terms: readonly LedgerTerm[];
  /** -log2 of the sum. */
  readonly bits: number;
  readonly sum: bigint;
}

const SCALE = 400n;
const FIELD = BigInt(P) ** 4n;

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** -log2(x / 2^400), to about 2^-40. */
function bitsOf(x: bigint): number {
  const digits = x.toString(2);
  const top = Number.parseInt(digits.slice(0, 52).padEnd(52, '0'), 2);
  return Number(SCALE) - (Math.log2(top) + digits.length - 52);
}

/** Terms L1–L12 of §10.3 and their sum; L7c where there are views. */
export function ledger(k: LedgerInput): Ledger {
  const logColumns = BigInt(Math.max(1, ceilLog2(k.columns)));
  const n = 1n << BigInt(k.h + k.lr);
  const m = BigInt(k.largestInstance);
  const [gLookup, gBatch, gQuery] = k.grinding;
  const overField = (numerator: bigint, grinding = 0): bigint => ceilDiv(numerator << SCALE, FIELD << BigInt(grinding));
  const rate = BigInt(k.lr);
  const queries = ceilDiv((((1n << rate) + 1n) ** BigInt(k.t)) << SCALE, 1n << ((rate + 1n) * BigInt(k.t) + BigInt(gQuery)));
  const list: [string, string, bigint][] = [
    ['L1', 'false lookup multiset', overField(4n * BigInt(k.lookupCount + k.tableCount), gLookup)],
    ['L2', 'batching of fraction trees', overField(m * BigInt(k.instances))],
    ['L3', 'rounds of the forest', overField((3n * m * (m - 1n)) / 2n)],
    ['L4', 'line of a level', overField(m)],
    ['L5', 'output points', overField(32n)],
    ['L6', 'contractions', overField(96n + BigInt(k.phaseA))],
    ['L7', 'spatial functionals', overField(64n + BigInt(k.phaseB))],
    ...(k.phaseC > 0 ? [['L7c', 'views', overField(64n + BigInt(k.phaseC))] as [string, string, bigint]] : []),
    ['L8', 'batching of claims', overField(BigInt(k.claims))],
    ['L9', 'rounds of the opening', overField(BigInt(2 * k.h))],
    ['L10', 'combination of columns', overField(logColumns, gBatch)],
    ['L11', 'proximity of the combination', overField(logColumns * n, gBatch)],
    ['L12', 'queries', queries],
  ];
  // What cannot happen is no term: without lookups there is no forest.
  const terms = list.filter(([, , bound]) => bound > 0n).map(([id, event, bound]) => ({ id, event, bound, bits: bitsOf(bound) }));
  const sum = terms.reduce((s, t) => s + t.bound, 0n);
  return { terms, sum, bits: bitsOf(sum) };
}

/** Whether the sum of the ledger is at most 2^-bits, exactly. */
export function provides(l: Ledger, bits: number): boolean {
  return l.sum <= 1n << (SCALE - BigInt(bits));
}

/** Whether all terms but the queries sum to at most 2^-bits. */
function withoutQueries(l: Ledger, bits: number): boolean {
  return l.terms.filter((t) => t.id !== 'L12').reduce((s, t) => s + t.bound, 0n) <= 1n << (SCALE - BigInt(bits));
}

/** Expected number of siblings of t random positions in a tree of this depth, an exact rational rounded down (§10.2). */
export function expectedSiblings(t: number, depth: number): number {
  const e = BigInt(t);
  const d = BigInt(depth);
  let numerator = 0n; // over 2^(depth·t)
  for (let l = 1n; l <= d; l++) {
    const full = 1n << l;
    numerator += (full * ((full - 1n) ** e - (full - 2n) ** e)) << ((d - l) * e);
  }
  return Number(numerator >> (d * e));
}

export const PROVABLE_BITS = 100;
export const QUERY_GRINDING = 14;

/** Rate and height that minimise the proof size of §10.2, given the padded elements of each group. */
export function chooseHeight(elementsByGroup: readonly number[]): { h: number; lr: number } {
  let best: { size: number; h: number; lr: number } | null = null;
  for (const lr of [2, 3]) {
    const t = queriesFor(lr);
    for (let h = 6; h <= 19; h++) {
      const columns = elementsByGroup.map((v) => Math.ceil(v / 2 ** h));
      const total = columns.reduce((s, c) => s + c, 0);
      const size = 4 * t * total + 32 * columns.length * expectedSiblings(t, h + lr) + 16 * 2 ** h + 16 * total;
      if (best === null || size < best.size) best = { size, h, lr };
    }
  }
  return best as { h: number; lr: number };
}

/** t₀(lr): least t with ((1+ρ)/2)^t · 2^-14 ≤ 2^-100. */
function queriesFor(lr: number): number {
  const rate = BigInt(lr);
  for (let t = 1n; ; t++) {
    if ((((1n << rate) + 1n) ** t) << BigInt(PROVABLE_BITS) <= 1n << ((rate + 1n) * t + BigInt(QUERY_GRINDING))) return Number(t);
  }
}

/** Grinding and queries for a given height and rate: the least (g_L, g_B), then the least t (§10.2). */
export function chooseQueries(k: Omit<LedgerInput, 't' | 'grinding'>): { t: number; grinding: [number, number, number] } {
  for (let gLookup = 0; gLookup <= 20; gLookup++)
    for (let gBatch = 0; gBatch <= 20; gBatch++) {
      const grinding: [number, number, number] = [gLookup, gBatch, QUERY_GRINDING];
      if (!withoutQueries(ledger({ ...k, grinding, t: 1 }), PROVABLE_BITS + 2)) continue;
      let t = 1;
      while (!provides(ledger({ ...k, grinding, t }), PROVABLE_BITS)) t++;
      return { t, grinding };
    }
  throw new RangeError('no grinding of at most 20 bits reaches 100 bits');
}
