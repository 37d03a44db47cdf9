/**
 * The kernel seam: field work with no protocol in it, and never a transcript (kernels.md; docs/protocol.md §16.2).
 *
 * A kernel set keeps vectors where it likes (arrays, WebAssembly memory, a GPU): callers hold handles. Calls are asynchronous at the grain
 * of a protocol step (a commitment, a round over all instances), not of an element. Only small results come back: round polynomials,
 * evaluations, roots, opened rows. Every set gives the same bytes as `reference`, which is the definition.
 */
import type { Accumulate } from '../../circuits/forms/index.ts';
import type { Recipe } from '../../circuits/forms/reduction.ts';
import type { F4 } from '../../protocol/extension.ts';
import type { ForestOracle } from '../../protocol/logup.ts';
import type { Point } from '../../protocol/mle.ts';
import type { OpenedRows, StackClaim } from '../../protocol/opening.ts';
import type { RoundOracle } from '../../protocol/sumcheck.ts';

/** A committed group: its columns, codewords and Merkle tree, kept by the kernel set where it likes. */
export interface CommittedGroup {
  /** The kernel set's own handle on the columns, for `opening`. */
  readonly columns: unknown;
  readonly root: Uint8Array;
  /** Bytes the kernel set holds for it. */
  readonly bytes: number;
  open(positions: readonly number[]): Promise<OpenedRows>;
  free(): void;
}

/** A fraction tree's leaves: denominators α − (k0 + β k1 + β² k2), numerators 1 (null) or the multiplicities. */
export interface TreeLeaves {
  readonly k0: Int32Array;
  readonly k1: Int32Array;
  readonly k2: Int32Array;
  readonly numerators: Int32Array | null;
}

export interface Forest extends ForestOracle {
  free(): void;
}

/** An instance of a batched sumcheck: a sum over `variables` of a product of vectors; constant in the rounds before its variables begin. */
export interface ProductInstance {
  readonly variables: number;
  readonly sum: F4;
  readonly factors: readonly Recipe[];
}

export interface BatchedSumcheck extends RoundOracle {
  /** The folded values of the first `count` factors of every instance, after the last round. */
  ends(count: number): Promise<readonly (readonly F4[])[]>;
  free(): void;
}

/** The columns of all groups, for the opening. */
export interface OpeningColumns {
  batch(claims: readonly StackClaim[], gamma: readonly F4[]): Promise<RoundOracle>;
  columnsAt(z: Point): Promise<readonly F4[]>;
  combine(eta: readonly F4[]): Promise<Uint32Array>;
  /** Frees what `batch` holds; the groups stay. */
  free(): void;
}

/** Awaited between pieces of a long step with the fraction done: progress, the event loop's turn, cancellation. */
export type StepPace = (fraction: number) => Promise<void>;

export interface Kernels {
  readonly name: string;
  /** The padded accumulator of a form (§7.2), for inference and witness: exact for every |acc| ≤ (p − 1)/2. */
  readonly accumulate: Accumulate;
  /** Commits a stack of centred integers, columns of 2^h one after the other, at rate 2^-lr. */
  commit(stack: Int32Array, h: number, lr: number, pace?: StepPace): Promise<CommittedGroup>;
  forest(trees: readonly TreeLeaves[], alpha: F4, beta: F4): Promise<Forest>;
  /** f̃(point) of many vectors of centred integers, in one call. */
  evaluate(list: readonly { readonly values: Int32Array; readonly point: Point }[]): Promise<readonly F4[]>;
  /** The batched sumcheck of a phase; `values` gives the padded tensors that recipes name. */
  sumcheck(
    instances: readonly ProductInstance[],
    delta: readonly F4[],
    degree: number,
    values: (tensor: number) => Int32Array,
  ): Promise<BatchedSumcheck>;
  /** The columns of these groups, in their order, for the opening. */
  opening(groups: readonly CommittedGroup[], h: number): Promise<OpeningColumns>;
  /** The least nonce with `bits` low zero bits (§4.3). */
  grind(state: Uint8Array, bits: number): Promise<number>;
}
