/**
 * Which accumulators a proof shows (protocol §7.7). Showing one costs its bytes; proving its requantisation costs a lookup or more an element
 * and the rows of its tables. And what follows from tensors in the clear costs nothing, so that the choices depend on each other: some
 * thresholds are tried, and the network whose proofs cost least is taken.
 */
import { proofSize } from '../circuits/proof-size.ts';
import { draftKey } from '../circuits/setup.ts';
import type { Lowered } from './lower.ts';

/** Steps of tables an element from which on an accumulator is shown, rarest first. */
const THRESHOLDS = [32, 16, 8, 4, 2, 1, 1 / 2, 0];

/** Lookups and rows that weigh as much as a byte of the proof: some 5 µs of a prover, 1 µs of a verifier. */
const LOOKUPS_PER_BYTE = 4;

/** The cheapest network over the thresholds. */
export function cheapest(make: (threshold: number) => Lowered): Lowered {
  const [most, ...others] = THRESHOLDS as [number, ...number[]];
  let best = make(most);
  const { stepsPerElement } = best;
  let least = costOf(best);
  others.forEach((threshold, i) => {
    // A threshold that moves no op between the sides changes nothing.
    if (!stepsPerElement.some((s) => s >= threshold && s < (THRESHOLDS[i] as number))) return;
    const made = make(threshold);
    const cost = costOf(made);
    if (cost < least) [best, least] = [made, cost];
  });
  return best;
}

function costOf({ network }: Lowered): number {
  const { fields, plan } = draftKey(network);
  return proofSize(fields, plan).expected + (plan.lookupCount + plan.tableCount) / LOOKUPS_PER_BYTE;
}
