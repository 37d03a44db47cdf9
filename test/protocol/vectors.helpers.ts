/** The published vectors (fixtures/vectors/vectors.json, protocol §15). */
import { readFileSync } from 'node:fs';
import type { F4 } from '../../protocol/extension.ts';

export interface ProofVector {
  readonly input: number[][];
  readonly output: number[][];
  readonly weights: Record<string, number[] | number[][]>;
  readonly modelId: string;
  readonly ctx: string;
  readonly widths: number[][];
  readonly content_rows: number;
  readonly content_hash: string;
  readonly runs: [number, number][];
  readonly nct: number;
  readonly vk_bytes_hash: string;
  readonly vkHash: string;
  readonly wroot: string;
  readonly placement: Record<string, [string, number]>;
  readonly instances: { L: [number, [number, number, number][]][]; T: [number, [number, number, number][]][] };
  readonly statementDigest: string;
  readonly proof_bytes: number;
  readonly proof_hash: string;
  readonly envelope_hash: string;
  readonly states: [string, string | F4[]][];
  readonly vk_bytes_hex?: string;
  readonly envelope_base64?: string;
}

export interface Vectors {
  readonly field: {
    p: number;
    generator: number;
    two_adicity: number;
    mul: [number, number, number][];
    inv: [number, number][];
    omega: Record<string, number>;
    centred: [number, number][];
  };
  readonly f4: { a: F4; b: F4; mul: F4; inv_a: F4; inv_b: F4 };
  readonly eq: { point: F4[]; table: F4[]; lt5: F4; mle_of_0_to_7: F4 };
  readonly ntt: { coeffs: number[]; n: number; out: number[] };
  readonly keys: Record<string, string>;
  readonly transcript: [string, ...unknown[]][];
  readonly k0: { runs: [number, number][]; point: F4[]; value: F4 };
  readonly merkle: {
    rows: number[][];
    leaf0: string;
    root: string;
    positions: number[];
    siblings_level_index: [number, number][];
    siblings: string[];
  };
  readonly cells: {
    R_f32_bits: string;
    R: number;
    zy: number;
    clip: [number, number];
    A: number;
    Ws: number[];
    rows_T_y_w: [number, number, number][];
  };
  readonly cells_half: { R: number; zy: number; clip: [number, number]; A: number; Ws: number[]; rows_T_y_w: [number, number, number][] };
  readonly regions: { R_f32_bits: string; zy: number; clip: [number, number]; A: number; first_acc_of_each_value: number[] };
  readonly proof_I0: ProofVector;
  readonly proof_I1: ProofVector;
  readonly net4_I1: {
    input: number[][][];
    outputs: Record<string, number[]>;
    vk_bytes_hex: string;
    vkHash: string;
    proof_bytes: number;
    proof_hash: string;
    envelope_hash: string;
  };
}

export const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/vectors.json', import.meta.url), 'utf8'),
) as Vectors;
