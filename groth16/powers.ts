/**
 * The evaluations that a Groth16 key is made of, at a known τ: of A, B and C for every wire (Groth 2016, §3.2), over the domain that
 * snarkjs uses. One further row for every public wire keeps their A independent, as snarkjs adds it.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { R, type R1cs } from './r1cs.ts';

const { Fr } = bn254.fields;
const TWO_ADICITY = 28;
/** Of order 2^28: 5^((r − 1)/2^28), as ffjavascript has it. */
const ROOT = Fr.pow(5n, (R - 1n) >> BigInt(TWO_ADICITY));

/** A primitive 2^bits-th root of unity. */
export function rootOfUnity(bits: number): bigint {
  let w = ROOT;
  for (let i = TWO_ADICITY; i > bits; i--) w = Fr.sqr(w);
  return w;
}

/** log2 of the domain: its size exceeds constraints and public wires together. */
export const domainBits = ({
  constraints,
  publics,
}: Pick<R1cs, 'publics'> & { readonly constraints: { readonly length: number } }): number =>
  Math.floor(Math.log2(constraints.length + publics)) + 1;

/** The Lagrange polynomials of the 2^bits-th roots of unity at τ: (τ^N − 1)/N · ω^i / (τ − ω^i). */
export function lagrange(bits: number, tau: bigint): bigint[] {
  const n = 2 ** bits;
  const w = rootOfUnity(bits);
  const powers: bigint[] = [];
  for (let i = 0, x = 1n; i < n; i++, x = Fr.mul(x, w)) powers.push(x);
  const inverses = Fr.invertBatch(powers.map((x) => Fr.sub(tau, x)));
  const scale = Fr.div(Fr.sub(Fr.pow(tau, BigInt(n)), 1n), BigInt(n));
  return powers.map((x, i) => Fr.mul(Fr.mul(scale, x), inverses[i] as bigint));
}

export interface Evaluations {
  readonly a: bigint[];
  readonly b: bigint[];
  readonly c: bigint[];
}

/** A_i(τ), B_i(τ), C_i(τ) by wire. */
export function evaluations({ wires, publics, constraints }: R1cs, basis: readonly bigint[]): Evaluations {
  const [a, b, c] = [0, 1, 2].map(() => new Array<bigint>(wires).fill(0n)) as [bigint[], bigint[], bigint[]];
  constraints.forEach((rows, i) => {
    const l = basis[i] as bigint;
    [a, b, c].forEach((column, k) => {
      const { wires: at, coefficients } = rows[k] as (typeof rows)[0];
      at.forEach((w, j) => {
        column[w] = Fr.add(column[w] as bigint, Fr.mul(coefficients[j] as bigint, l));
      });
    });
  });
  for (let s = 0; s <= publics; s++) a[s] = Fr.add(a[s] as bigint, basis[constraints.length + s] as bigint);
  return { a, b, c };
}
