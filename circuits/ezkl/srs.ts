/**
 * The structured reference string of EZKL (KZG on BN254) as its files hold it, and what a verifier needs of it.
 *
 *     u32 k ‖ 2^k G1 points: powers of s ‖ 2^k G1 points: the Lagrange basis ‖ G2 ‖ s·G2          uncompressed, Montgomery form, little-endian
 *
 * A verifier pairs with G1, G2 and s·G2 alone. The first two are the curve's generators, so s·G2 (128 bytes) is all a key has to hold; the
 * engine gets the file with k = 0 made from it.
 */
import { concat, equalBytes, fromHex } from '../../protocol/bytes.ts';
import { Refused } from '../../protocol/refused.ts';
import type { SetUp } from '../../protocol/trust.ts';

export const S_G2_BYTES = 128;

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array;
/** (1, 2). */
const G1 = hex(
  '9d0d8fc58d435dd33d0bc7f528eb780a2c4679786fa36e662fdf079ac1770a0e' + '3a1b1e8b1b87baa67b168eeb51d6f114588cf2f0de46ddcc5ebe0f3483ef141c',
);
const G2 = hex(
  '2620bc02d1b5838e72017b493519ebdcdf1a81974726b8fb3b5096af41385719' +
    '40614ca87d73b4afc4d802585add4360862fa052fc50e9096b7bea3a83f0fe14' +
    'f6e96b889dfa9d61789b9ef597d27ffefe7d1b23621a9eff06429eaeeb7efd28' +
    'ee5618c7565b0964bb3c7d3222f957dc76103533be35f9558264fd93e6a0a40d',
);

/**
 * s·G2 of the perpetual powers of tau, the ceremony whose files EZKL hands out: its negative stands in the Solidity verifiers of many
 * projects. Whoever has the secret of another SRS can prove what is false.
 */
export const CEREMONY = hex(
  '141a078d27be11a9fb58290480c66ea6fbd25e5a7202217d2c465ad9ee82b42f' +
    '7a8aa3639c341ee8b48418833e58e618d12669143b071b92ada94da2325d322b' +
    '636f091536aef4f0020c3c6f14a3f0519e994e3c62c2c6a36d08d1d2c9129520' +
    '1f4d673d5bbabcd819ef27bc777d5ef011997be0023032a61f80f6e2e0a6fd28',
);

/** Whose secret the SRS rests on: that of a ceremony of many, or that of whoever made it. */
export const setUpOf = (sG2: Uint8Array): SetUp => (equalBytes(sG2, CEREMONY) ? 'universal' : 'insecure-dev');

/** The file with k = 0: everything a verifier reads of an SRS. */
export const verifierSrs = (sG2: Uint8Array): Uint8Array => concat(new Uint8Array(4), G1, G1, G2, sG2);

/** s·G2 of an SRS file of any size. Throws `key.srs` for what is none, or has other generators. */
export function readSrs(file: Uint8Array): { readonly k: number; readonly sG2: Uint8Array } {
  const k = file.length < 4 ? -1 : new DataView(file.buffer, file.byteOffset, 4).getUint32(0, true);
  const wanted = k >= 0 && k <= 28 ? 4 + 128 * 2 ** k + 256 : 0;
  if (file.length !== wanted)
    throw new Refused('key.srs', `the SRS has ${file.length} bytes; one that begins as it does has ${wanted || 'no meaning'}`);
  const sG2 = file.slice(-S_G2_BYTES);
  if (!equalBytes(file.subarray(4, 68), G1) || !equalBytes(file.subarray(-256, -128), G2))
    throw new Refused('key.srs', 'the SRS does not begin with the generators of BN254');
  checkSecret(sG2);
  return { k, sG2 };
}

/** Secrets that everybody knows: 0 (no point at all) and 1. */
export function checkSecret(sG2: Uint8Array): void {
  if (equalBytes(sG2, G2) || sG2.every((b) => b === 0))
    throw new Refused('key.srs', 'the secret of the SRS is 0 or 1, so that everybody can forge with it');
}
