/** What the figures are held against: a machine of two cores, warm, medians. */
import type { Measured } from './measure.ts';
import type { Proofs, Way } from './rounds.ts';
import { median, pairedRatio } from './statistics.ts';

export interface Judged {
  readonly what: string;
  readonly figure: number;
  readonly goal: number;
  /** The figure is to be at most, or at least, the goal. */
  readonly sense: '≤' | '≥';
  readonly unit: string;
  readonly met: boolean;
}

interface ModelGoals {
  /** Milliseconds: WebAssembly, one thread. */
  readonly prove: number;
  /** Milliseconds in the worker of Chromium, warm. */
  readonly verify: number;
  /** kB of 1000 bytes. */
  readonly proof: number;
  /** Times the reference takes as long. */
  readonly speedup: number | null;
}

const MODELS: Readonly<Record<string, ModelGoals>> = {
  'mnist-cnn.qop-pt': { prove: 40, verify: 5, proof: 100, speedup: 10 },
  'cifar-cnn-264k.qop': { prove: 70, verify: 8, proof: 300, speedup: 10 },
  'dense-4m.qop': { prove: 150, verify: 10, proof: 450, speedup: null },
};
const TWO_THREADS = 0.6;
const NS_PER_LEAF = 60;
const COLD_START = 500;

export const proofsBy = (proofs: readonly Proofs[], way: Way): Proofs | undefined => proofs.find((p) => p.way === way && p.ms.length > 0);

/** a/b over paired rounds; null where one of them was not measured. */
export function ratioOf(proofs: readonly Proofs[], a: Way, b: Way): number | null {
  const [x, y] = [proofsBy(proofs, a), proofsBy(proofs, b)];
  return x === undefined || y === undefined ? null : pairedRatio(x.ms, y.ms);
}

/**
 * Nanoseconds of LogUp-GKR (stage `lookups`: the fraction trees built and proven) a leaf, which is a lookup or a table row, and a lookup; null
 * where nothing is looked up.
 */
export function nanoseconds(m: Measured, { phases }: Proofs): { readonly leaf: number; readonly lookup: number } | null {
  if (m.lookups === 0 || phases.lookups === undefined) return null;
  const ns = 1e6 * phases.lookups;
  return { leaf: ns / (m.lookups + m.tableRows), lookup: ns / m.lookups };
}

export function judge(results: readonly Measured[], coldStarts: readonly number[] | null): Judged[] {
  const out: Judged[] = [];
  const add = (what: string, figure: number | null | undefined, sense: Judged['sense'], goal: number, unit: string): void => {
    if (figure === null || figure === undefined) return;
    out.push({ what, figure, goal, sense, unit, met: sense === '≤' ? figure <= goal : figure >= goal });
  };
  for (const m of results) {
    const g = MODELS[m.name];
    if (g === undefined) continue;
    const places = [['Node', m.node.proofs] as const, ...(m.chromium === null ? [] : [['Chromium', m.chromium.isolated.proofs] as const])];
    for (const [place, proofs] of places) {
      const wasm = proofsBy(proofs, 'wasm');
      add(`${m.name}: prove, WebAssembly, 1 thread, ${place}`, wasm && median(wasm.ms), '≤', g.prove, 'ms');
      add(`${m.name}: 2 threads / 1 thread, ${place}`, ratioOf(proofs, 'wasm 2 threads', 'wasm'), '≤', TWO_THREADS, '×');
      if (g.speedup !== null)
        add(`${m.name}: reference / WebAssembly, ${place}`, ratioOf(proofs, 'reference', 'wasm'), '≥', g.speedup, '×');
    }
    add(`${m.name}: verify, worker of Chromium`, m.chromium && median(m.chromium.plain.verify.warm), '≤', g.verify, 'ms');
    add(`${m.name}: proof`, m.bytes.proof / 1000, '≤', g.proof, 'kB');
  }
  for (const m of results) {
    const wasm = proofsBy(m.node.proofs, 'wasm');
    if (wasm === undefined || (MODELS[m.name] === undefined && !m.name.startsWith('synthetic'))) continue;
    const ns = nanoseconds(m, wasm);
    if (ns === null) continue;
    const { leaf, lookup } = ns;
    add(`${m.name}: LogUp-GKR a lookup or table row, WebAssembly, 1 thread`, leaf, '≤', NS_PER_LEAF, 'ns');
    if (m.lookups > m.tableRows) add(`${m.name}: the same, a lookup (table rows not counted)`, lookup, '≤', NS_PER_LEAF, 'ns');
  }
  add('cold start of the page to the verdict on its example', coldStarts && median(coldStarts), '≤', COLD_START, 'ms');
  return out;
}
