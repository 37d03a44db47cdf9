/**
 * What every arithmetic of a verifier must give: the elements and digests of the definitions, on edge and random sizes. Runs in Node and in
 * a browser; the expectations come from the formulas of the protocol.
 */
import { describe, expect, it } from 'vitest';
import type { Arithmetic } from '../../protocol/arithmetic.ts';
import { hash as hashKeyed, toWords } from '../../protocol/blake3.ts';
import { bytesOf } from '../../protocol/bytes.ts';
import { add, type F4, get, mul, scale, ZERO } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';
import { modes } from '../../protocol/hash.ts';
import { eqTable } from '../../protocol/mle.ts';
import { evaluateAt } from '../../protocol/ntt.ts';
import { Random } from '../random.ts';

const element = (r: Random): F4 => [r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1)];
const limbs = (r: Random, n: number): Uint32Array => Uint32Array.from({ length: n }, (_, i) => [0, P - 1, 1][i] ?? r.int(0, P - 1));

/** Vectors by kind: what fits one product with a limb, what does not, what is nothing, and residues. */
const VECTORS: Readonly<Record<string, (r: Random, n: number) => Int32Array | Uint32Array>> = {
  'small integers': (r, n) => Int32Array.from({ length: n }, () => r.int(-255, 255)),
  'integers at the edge of 23 bits': (r, n) =>
    Int32Array.from({ length: n }, (_, i) => [2 ** 23 - 1, -(2 ** 23), 2 ** 23, -(2 ** 23) - 1][i] ?? r.int(-(2 ** 23), 2 ** 23)),
  'centred residues': (r, n) => Int32Array.from({ length: n }, (_, i) => [1065353216, -1065353216][i] ?? r.int(-(2 ** 30), 2 ** 30)),
  residues: (r, n) => limbs(r, n),
  zeros: (_, n) => new Int32Array(n),
  'all −1': (_, n) => new Int32Array(n).fill(-1),
  'one value at the end': (_, n) => new Int32Array(n).fill(P >> 2, n - 1),
};

export function arithmeticConformance(name: string, arithmetic: Arithmetic): void {
  describe(`verifier's arithmetic, ${name}`, () => {
    for (const [kind, make] of Object.entries(VECTORS))
      it.each([0, 1, 5, 9, 10, 11, 13, 17])(`evaluates ${kind} over %i variables`, (n) => {
        const r = new Random(n + kind.length);
        const f = make(r, 2 ** n);
        const point = Array.from({ length: n }, () => element(r));
        const eq = eqTable(point);
        let expected = ZERO;
        f.forEach((v: number, i: number) => {
          if (v !== 0) expected = add(expected, scale(v, get(eq, i)));
        });
        expect(arithmetic.evaluateBase(f, point)).toEqual(expected);
      });

    it.each([0, 1, 3, 5, 6, 7, 10, 13])('evaluates extension vectors over %i variables', (n) => {
      const r = new Random(n);
      const g = limbs(r, 4 * 2 ** n);
      const point = Array.from({ length: n }, () => element(r));
      const eq = eqTable(point);
      let expected = ZERO;
      for (let i = 0; i < 2 ** n; i++) expected = add(expected, mul(get(g, i), get(eq, i)));
      expect(arithmetic.evaluateExtension(g, point)).toEqual(expected);
    });

    it.each([
      [1, 2, 2],
      [2, 2, 3],
      [32, 256, 20],
      [64, 64, 64],
      [64, 512, 512],
      [128, 1024, 1],
      [256, 1024, 100],
      [1024, 8192, 30],
      [2048, 4096, 4095],
    ])('encodes %i elements at some of %i points', (m, n, count) => {
      const r = new Random(m + n);
      const g = limbs(r, 4 * m);
      const positions = count >= n ? Array.from({ length: n }, (_, j) => j) : Array.from({ length: count }, () => r.int(0, n - 1));
      const limb = (k: number): number[] => Array.from({ length: m }, (_, i) => g[4 * i + k] as number);
      const columns = [0, 1, 2, 3].map(limb);
      expect(arithmetic.encodeAt(g, n, positions)).toEqual(positions.map((j) => columns.map((c) => evaluateAt(c, n, j))));
    });

    it.each([1, 2, 15, 16, 17, 33, 255, 256, 257, 1000])('hashes rows of %i words, as many as there are', (width) => {
      for (const count of [0, 1, 2, 3, 4, 5, 9]) {
        const rows = limbs(new Random(width + count), width * count);
        const expected = Array.from({ length: count }, (_, i) => [
          ...toWords(hashKeyed(modes.leaf, bytesOf(rows.slice(i * width, (i + 1) * width)))),
        ]);
        expect(arithmetic.hashRows('leaf', rows, width)).toEqual(Uint32Array.from(expected.flat()));
      }
      const pair = limbs(new Random(width), 16);
      expect(arithmetic.hashRows('node', pair, 16)).toEqual(toWords(hashKeyed(modes.node, bytesOf(pair))));
    });
  });
}
