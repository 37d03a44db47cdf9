/** The last blocks in numbers, for charts: what this process saw, kept in memory, part of no state. */
import { readAmount } from '../amounts.ts';
import { priceAt, type State, supplyOf } from '../state/index.ts';

export interface HistoryEntry {
  readonly height: string;
  /** Nanoseconds since 1970, the header's. */
  readonly time: string;
  /** opg a unit of gas in the next block; opg burned since genesis. */
  readonly price: string;
  readonly burned: string;
  readonly gas: string;
  readonly txs: number;
  readonly failed: number;
}

const KEPT = 1000;

export class History {
  readonly #entries: HistoryEntry[] = [];

  add(state: State, height: bigint, time: bigint, results: readonly { readonly code: number; readonly gasUsed: bigint }[]): void {
    this.#entries.push({
      height: height.toString(),
      time: time.toString(),
      price: priceAt(state, height + 1n).toString(),
      burned: readAmount(supplyOf(state, 'opg').burned, 'burned').toString(),
      gas: results.reduce((n, r) => n + r.gasUsed, 0n).toString(),
      txs: results.length,
      failed: results.filter((r) => r.code !== 0).length,
    });
    if (this.#entries.length > KEPT) this.#entries.shift();
  }

  entries(): readonly HistoryEntry[] {
    return this.#entries;
  }
}
