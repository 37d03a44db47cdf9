/**
 * Poseidon over the scalar field of BN254, as circomlib has it: x^5, 8 full rounds, constants of the paper's generator
 * (Grassi et al., USENIX Security 2021). The commitment to a tensor is a chain over its limbs that begins with a random salt:
 *
 *     h = salt;  for every 15 limbs: h = Poseidon(h, limbs…)
 *
 * It hides the limbs while the salt is secret and random, and binds to them by collision resistance.
 */
import { grainGenConstants, type PoseidonFn, poseidon } from '@noble/curves/abstract/poseidon.js';
import { bn254 } from '@noble/curves/bn254.js';

const { Fr } = bn254.fields;

/** Limbs that one call takes beside the state. */
export const CHUNK = 15;
export const FULL_ROUNDS = 8;
/** By the number of inputs, from one (Poseidon paper, table 8, for 128 bits). */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

export const partialRounds = (inputs: number): number => PARTIAL_ROUNDS[inputs - 1] as number;

/** R1CS constraints of a call: three for every x^5, but for the first, whose x is a constant. */
export const poseidonCost = (inputs: number): number => 3 * (FULL_ROUNDS * (inputs + 1) + partialRounds(inputs) - 1);

export interface PoseidonConstants {
  readonly roundConstants: readonly (readonly bigint[])[];
  readonly mds: readonly (readonly bigint[])[];
}

const options = (inputs: number) =>
  ({ Fp: Fr, t: inputs + 1, roundsFull: FULL_ROUNDS, roundsPartial: partialRounds(inputs), sboxPower: 5 }) as const;

/** Round constants and matrix for `inputs` from 1 to 16. */
export const poseidonConstants = (inputs: number): PoseidonConstants => grainGenConstants(options(inputs));

const made = new Map<number, PoseidonFn>();

/** Poseidon of 1 to 16 elements. */
export function poseidonHash(inputs: readonly bigint[]): bigint {
  let permutation = made.get(inputs.length);
  if (permutation === undefined) {
    permutation = poseidon({ ...options(inputs.length), ...grainGenConstants(options(inputs.length)) });
    made.set(inputs.length, permutation);
  }
  return permutation([0n, ...inputs])[0] as bigint;
}

/** The commitment to these limbs under this salt. */
export function commitment(salt: bigint, limbs: readonly bigint[]): bigint {
  let h = salt;
  for (let i = 0; i < limbs.length; i += CHUNK) h = poseidonHash([h, ...limbs.slice(i, i + CHUNK)]);
  return h;
}
