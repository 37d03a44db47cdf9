/**
 * The opening (protocol §9): all claims on committed columns at once. Batch them by γ, sumcheck to one point z, send the column values u
 * there, combine the columns by η into G, and check G against t random rows of every commitment.
 *
 * Unique decoding only: (1+ρ)/2 a query. G is sent in full; the verifier encodes it itself.
 */
import { dotBase } from './accumulator.ts';
import { type Arithmetic, plain } from './arithmetic.ts';
import { bytesOf, equalBytes } from './bytes.ts';
import { add, equal, type F4, get, mul, powers, ZERO } from './extension.ts';
import { ceilLog2 } from './integers.ts';
import { rootFrom, siblingOrder } from './merkle.ts';
import { dot, eqPoints, eqTable, type Point } from './mle.ts';
import { Refused } from './refused.ts';
import { proveSumcheck, type RoundOracle, verifySumcheck } from './sumcheck.ts';
import type { ProverTranscript, VerifierTranscript } from './transcript.ts';

/** A claim in the terms of the stack (§3.2): Σ_c eq(high, c − first) ⟨f_c, eq(z,·)⟩ = value. */
export interface StackClaim {
  readonly first: number;
  readonly high: Point;
  readonly z: Point;
  readonly value: F4;
}

export interface OpeningShape {
  readonly h: number;
  readonly lr: number;
  readonly queries: number;
  /** Bits of grinding before η and before the positions. */
  readonly grinding: readonly [number, number];
  /** Commitment groups in order W, X, A, with their number of columns. */
  readonly groups: readonly { readonly group: string; readonly columns: number }[];
}

export interface OpenedRows {
  /** Rows at the positions, one after the other. */
  readonly rows: Uint32Array;
  /** Sibling digests in canonical order. */
  readonly siblings: readonly Uint8Array[];
}

/** The prover's columns: kernels stand behind it. */
export interface OpeningOracle {
  /** The sumcheck of Σ_j gamma_j · claim_j over the rows of the stack. */
  batch(claims: readonly StackClaim[], gamma: readonly F4[]): Promise<RoundOracle>;
  /** f̃_c(z) of every column. */
  columnsAt(z: Point): Promise<readonly F4[]>;
  /** Σ_c eta_c f_c, as a vector. */
  combine(eta: readonly F4[]): Promise<Uint32Array>;
  open(group: string, positions: readonly number[]): Promise<OpenedRows>;
  grind(state: Uint8Array, bits: number): Promise<number>;
}

const columnsOf = (shape: OpeningShape): number => shape.groups.reduce((n, g) => n + g.columns, 0);
const etaVariables = (columns: number): number => Math.max(1, ceilLog2(columns));
const distinct = (positions: readonly number[]): number[] => [...new Set(positions)].sort((a, b) => a - b);

export async function proveOpening(
  t: ProverTranscript,
  shape: OpeningShape,
  claims: readonly StackClaim[],
  oracle: OpeningOracle,
): Promise<void> {
  const columns = columnsOf(shape);
  const gamma = powers(t.challenge('gamma'), claims.length);
  const z = await proveSumcheck(t, 'O', shape.h, await oracle.batch(claims, gamma));
  t.sendElements('O.u', await oracle.columnsAt(z));
  await t.sendNonce('grind.batch', shape.grinding[0], (state, bits) => oracle.grind(state, bits));
  const eta = eqTable(t.challenges('eta', etaVariables(columns)));
  t.sendVector('O.G', await oracle.combine(Array.from({ length: columns }, (_, c) => get(eta, c))));
  await t.sendNonce('grind.query', shape.grinding[1], (state, bits) => oracle.grind(state, bits));
  const positions = distinct(t.positions('pos', shape.queries, shape.h + shape.lr));
  for (const { group } of shape.groups) {
    const { rows, siblings } = await oracle.open(group, positions);
    t.sendOpened(bytesOf(rows));
    for (const s of siblings) t.sendOpened(s);
  }
}

/** Checks V9–V12. `roots` by group, in the order of the shape; `arithmetic` does what is long. */
export function verifyOpening(
  t: VerifierTranscript,
  shape: OpeningShape,
  claims: readonly StackClaim[],
  roots: readonly Uint8Array[],
  arithmetic: Arithmetic = plain,
): void {
  const columns = columnsOf(shape);
  const gamma = powers(t.challenge('gamma'), claims.length);
  const claimed = claims.reduce((s, c, j) => add(s, mul(gamma[j] as F4, c.value)), ZERO);
  const { point: z, value } = verifySumcheck(t, 'O', claimed, shape.h, 2);
  const u = t.receiveVector('O.u', columns);
  const total = claims.reduce((s, c, j) => {
    const high = eqTable(c.high, mul(gamma[j] as F4, eqPoints(c.z, z)));
    return add(s, dot(high, u.subarray(4 * c.first, 4 * c.first + high.length)));
  }, ZERO);
  if (!equal(total, value))
    throw new Refused('V9', 'the column values do not give the claims: a committed value is not what the proof says');
  t.receiveNonce('grind.batch', shape.grinding[0]);
  const eta = eqTable(t.challenges('eta', etaVariables(columns))).subarray(0, 4 * columns);
  const g = t.receiveVector('O.G', 2 ** shape.h);
  if (!equal(arithmetic.evaluateExtension(g, z), dot(eta, u)))
    throw new Refused('V10', 'the combined column does not take the combined value');
  t.receiveNonce('grind.query', shape.grinding[1]);
  const depth = shape.h + shape.lr;
  const positions = distinct(t.positions('pos', shape.queries, depth));
  const combined = positions.map(() => ZERO);
  let first = 0;
  shape.groups.forEach(({ group, columns: width }, k) => {
    const rows = t.receiveRows(positions.length, width, `row of ${group}`);
    positions.forEach((_, i) => {
      combined[i] = add(combined[i] as F4, dotBase(rows, i * width, 1, eta, first, width));
    });
    const leaves = arithmetic.hashRows('leaf', rows, width);
    const siblings = t.receiveSiblings(siblingOrder(positions, depth).length);
    const root = rootFrom(positions, leaves, depth, siblings, (children) => arithmetic.hashRows('node', children, 16));
    if (!equalBytes(root, roots[k] as Uint8Array))
      throw new Refused('V11', `opened rows of group ${group} do not lead to its root`, { group });
    first += width;
  });
  const word = arithmetic.encodeAt(g, 2 ** depth, positions);
  positions.forEach((j, i) => {
    if (!equal(combined[i] as F4, word[i] as F4))
      throw new Refused('V12', `row ${j} is not the combined column there: the commitment is no codeword or G is another polynomial`, {
        row: j,
      });
  });
}
