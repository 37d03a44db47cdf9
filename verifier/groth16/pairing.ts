/**
 * The equation of Groth16 (Groth, EUROCRYPT 2016, §3.2):  e(A, B) · e(−α, β) · e(−Σ xᵢ·ICᵢ, γ) · e(−C, δ) = 1,  x₀ = 1.
 *
 * The lines of β, γ and δ follow from the key and are kept with it. All four pairings have one final exponentiation: it is most of what
 * the first check of a process takes.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { G1_BYTES, G2_BYTES, type Groth16Key } from '../../circuits/groth16/key.ts';
import { Refused } from '../../protocol/refused.ts';
import { type PointCodes, type PointG1, type PointG2, readG1, readG2 } from './points.ts';

const { Fp12, Fr } = bn254.fields;
const { utils } = bn254;
type Lines = ReturnType<typeof utils.calcPairingPrecomputes>;

/** A, B, C. */
export const PROOF_BYTES = 2 * G1_BYTES + G2_BYTES;

const KEY_POINT: PointCodes = { canonical: 'E6', curve: 'E6', subgroup: 'E6' };
const PROOF_POINT: PointCodes = { canonical: 'C2', curve: 'G1', subgroup: 'G2' };

export interface PreparedKey {
  readonly alpha: PointG1;
  readonly beta: Lines;
  readonly gamma: Lines;
  readonly delta: Lines;
  readonly ic: readonly PointG1[];
}

/** Reads the points of a key: E6 where one is none. */
export function prepare(key: Groth16Key): PreparedKey {
  const { points } = key;
  const lines = (i: number, name: string): Lines => utils.calcPairingPrecomputes(readG2(points, G1_BYTES + i * G2_BYTES, name, KEY_POINT));
  const from = G1_BYTES + 3 * G2_BYTES;
  return {
    alpha: readG1(points, 0, 'alpha', KEY_POINT),
    beta: lines(0, 'beta'),
    gamma: lines(1, 'gamma'),
    delta: lines(2, 'delta'),
    ic: Array.from({ length: key.signals + 1 }, (_, i) => readG1(points, from + i * G1_BYTES, `IC[${i}]`, KEY_POINT)),
  };
}

export interface Groth16Proof {
  readonly a: PointG1;
  readonly b: PointG2;
  readonly c: PointG1;
}

/** C1, C4: another length; C2: a coordinate of more than one form; G1: off the curve, or infinity; G2: outside the group. */
export function readProof(proof: Uint8Array): Groth16Proof {
  if (proof.length < PROOF_BYTES)
    throw new Refused('C1', `the proof has ${proof.length} bytes; three points take ${PROOF_BYTES}`, { at: proof.length });
  if (proof.length > PROOF_BYTES)
    throw new Refused('C4', `${proof.length - PROOF_BYTES} bytes follow the three points of the proof`, { at: PROOF_BYTES });
  return {
    a: readG1(proof, 0, 'A', PROOF_POINT),
    b: readG2(proof, G1_BYTES, 'B', PROOF_POINT),
    c: readG1(proof, G1_BYTES + G2_BYTES, 'C', PROOF_POINT),
  };
}

/** Whether the equation holds. `signals` are below r, one for each IC point but the first. */
export function holds({ a, b, c }: Groth16Proof, signals: readonly bigint[], key: PreparedKey): boolean {
  if (signals.length !== key.ic.length - 1 || signals.some((s) => s < 0n || s >= Fr.ORDER))
    throw new Error('public signals that are no field elements, or too few of them');
  const x = signals.reduce((sum, s, i) => (s === 0n ? sum : sum.add((key.ic[i + 1] as PointG1).multiplyUnsafe(s))), key.ic[0] as PointG1);
  const pair = (point: PointG1, lines: Lines): [Lines, bigint, bigint] => {
    const { x: px, y: py } = point.toAffine();
    return [lines, px, py];
  };
  const { alpha, beta, gamma, delta } = key;
  const pairs = [pair(a, utils.calcPairingPrecomputes(b)), pair(alpha.negate(), beta), pair(c.negate(), delta)];
  // A sum that is zero pairs to one.
  if (!x.is0()) pairs.push(pair(x.negate(), gamma));
  return Fp12.eql(Fp12.finalExponentiate(bn254.millerLoopBatch(pairs)), Fp12.ONE);
}
