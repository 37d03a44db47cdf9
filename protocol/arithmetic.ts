/**
 * The heavy arithmetic of a verifier as a seam: a kernel set may stand behind it. `plain` is the definition; every other set gives the same
 * elements and digests. Nothing here sees a transcript.
 */
import { hashWords } from './blake3.ts';
import type { F4 } from './extension.ts';
import { type HashName, modes } from './hash.ts';
import { evaluateBase, evaluateExtension, type Point } from './mle.ts';
import { encodeExtensionAt, remainders } from './ntt.ts';

export interface Arithmetic {
  /** For people: which arithmetic this is. */
  readonly name: string;
  /** f̃(r) of residues or signed integers, f.length = 2^r.length (§3.1). */
  evaluateBase(f: Int32Array | Uint32Array, r: Point): F4;
  /** g̃(r) of an extension vector of 2^r.length elements. */
  evaluateExtension(g: Uint32Array, r: Point): F4;
  /** The polynomial g of g.length / 4 elements at ω_n^j for these j (§3.2). */
  encodeAt(g: Uint32Array, n: number, positions: readonly number[]): F4[];
  /** Digests, 8 words each, of rows of `width` words (§4.2). */
  hashRows(name: HashName, rows: Uint32Array, width: number): Uint32Array;
}

export const plain: Arithmetic = {
  name: 'TypeScript',
  evaluateBase,
  evaluateExtension,
  encodeAt: (g, n, positions) => encodeExtensionAt(g, g.length / 4, n, positions, remainders()),
  hashRows(name, rows, width) {
    const count = rows.length / width;
    const out = new Uint32Array(8 * count);
    for (let i = 0; i < count; i++) hashWords(modes[name], rows, i * width, 4 * width, out, 8 * i);
    return out;
  },
};
