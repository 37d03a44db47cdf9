/**
 * The public signals of a groth16 proof, rebuilt from the statement by whoever verifies (protocol §11.4): never read from a proof.
 *
 *     for every input, then every output: its limbs, or where it is hidden the commitment to them;  context high, context low
 *
 * A value is written as its raw integer less the least of its type, in 1 or 4 bytes, little-endian; 31 bytes make a limb (7 values where
 * they have 4 bytes), so a limb is below 2^248 and every list of values has one form. Each tensor begins a limb of its own.
 * The context signals are the halves of SHA-256(modelId ‖ context), big-endian.
 */
import { DTYPES } from '../../protocol/statement.ts';
import type { Dtype } from '../types.ts';

/** Bytes of a limb that hold values. */
const LIMB_BYTES = 31;

/** Values in one limb. */
export const perLimb = (dtype: Dtype): number => Math.floor(LIMB_BYTES / DTYPES[dtype].bytes);

export const limbCount = (dtype: Dtype, values: number): number => Math.ceil(values / perLimb(dtype));

/** The limbs of raw values (centred + zp) within the range of their type. */
export function limbsOf(dtype: Dtype, raw: ArrayLike<number>): bigint[] {
  const { bytes, lo } = DTYPES[dtype];
  const per = perLimb(dtype);
  return Array.from({ length: limbCount(dtype, raw.length) }, (_, j) => {
    let limb = 0n;
    for (let i = Math.min(raw.length, (j + 1) * per) - 1; i >= j * per; i--)
      limb = (limb << BigInt(8 * bytes)) + BigInt((raw[i] as number) - lo);
    return limb;
  });
}

/** The two context signals from the 32 bytes of SHA-256(modelId ‖ context). */
export function contextSignals(digest: Uint8Array): [bigint, bigint] {
  const half = (from: number): bigint => digest.subarray(from, from + 16).reduce((n, b) => 256n * n + BigInt(b), 0n);
  return [half(0), half(16)];
}
