/**
 * What every kernel set must give: the bytes of the definitions, on edge and random sizes. A new set (WebAssembly, WebGPU) runs this same
 * file; the expectations are computed here from the formulas of the protocol, not from another kernel set.
 */
import { describe, expect, it } from 'vitest';
import { commitStack } from '../../circuits/contents.ts';
import { formDims } from '../../circuits/forms/index.ts';
import type { Recipe } from '../../circuits/forms/reduction.ts';
import { forEachValid, paddedSize, paddedStrides } from '../../circuits/shape.ts';
import type { Form, Tensor } from '../../circuits/types.ts';
import { hash as hashKeyed } from '../../protocol/blake3.ts';
import { bytesOf, concat, u64 } from '../../protocol/bytes.ts';
import { add, type F4, fromInteger, get, inverse, mul, ONE, powers, scale, sub, ZERO } from '../../protocol/extension.ts';
import { P, residue } from '../../protocol/field.ts';
import { modes } from '../../protocol/hash.ts';
import { rootOf } from '../../protocol/merkle.ts';
import { eqTable, foldTop, type Point } from '../../protocol/mle.ts';
import { evaluateAt } from '../../protocol/ntt.ts';
import type { Kernels } from '../../prover/kernels/kernels.ts';
import { Random } from '../random.ts';

const element = (r: Random): F4 => [r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1), r.int(0, P - 1)];
const point = (r: Random, n: number): F4[] => Array.from({ length: n }, () => element(r));
/** Edge values first: the ends of the centred range, zero, small ones. */
const values = (r: Random, n: number): Int32Array =>
  Int32Array.from(
    { length: n },
    (_, i) => [1065353216, -1065353216, 0, -1, 1, 255, -128][i] ?? (r.int(0, 3) === 0 ? r.int(-(2 ** 29), 2 ** 29) : r.int(-255, 255)),
  );
const naive = (f: Int32Array, at: Point): F4 => {
  const eq = eqTable(at);
  return f.reduce((s, v, i) => add(s, scale(v, get(eq, i))), ZERO);
};

export function conformance(name: string, kernels: Kernels): void {
  describe(`kernels ${name}`, () => {
    it.each([
      [1, 1, 1],
      [2, 1, 2],
      [3, 6, 2],
      [70, 6, 3],
      [300, 3, 1],
      [17, 0, 1],
      [5, 4, 4],
      [33, 9, 1],
    ])('commit %i columns of 2^%i at rate 2^-%i: rows are evaluations, siblings lead to the root', async (columns, h, lr) => {
      const r = new Random(columns);
      const stack = values(r, columns * 2 ** h);
      const group = await kernels.commit(stack, h, lr);
      const n = 2 ** (h + lr);
      const row = (j: number): Uint32Array =>
        Uint32Array.from({ length: columns }, (_, c) =>
          evaluateAt(Array.from(stack.subarray(c * 2 ** h, (c + 1) * 2 ** h), residue), n, j),
        );
      const all = Array.from({ length: n }, (_, j) => j);
      const { rows } = await group.open(all);
      expect(rows).toEqual(Uint32Array.from(all.flatMap((j) => [...row(j)])));
      let level = all.map((j) => hashKeyed(modes.leaf, bytesOf(row(j))));
      const levels = [level];
      while (level.length > 1) {
        level = level.flatMap((_, i) =>
          i % 2 === 0 ? [hashKeyed(modes.node, concat(level[i] as Uint8Array, level[i + 1] as Uint8Array))] : [],
        );
        levels.push(level);
      }
      expect(group.root).toEqual(level[0]);
      const position = r.int(0, n - 1);
      const { siblings } = await group.open([position]);
      expect(siblings).toEqual(levels.slice(0, -1).map((l, k) => l[(position >>> k) ^ 1]));
      group.free();
    });

    it('a large commitment is that of the definition', async () => {
      const r = new Random(7);
      const [h, lr, columns] = [11, 2, 20];
      const stack = values(r, columns * 2 ** h);
      const group = await kernels.commit(stack, h, lr);
      const { tree } = commitStack(stack, h, lr);
      expect(group.root).toEqual(rootOf(tree));
      group.free();
    });

    it.each([0, 1, 2, 3, 6, 9, 10, 12])('evaluate vectors of 2^%i elements', async (n) => {
      const r = new Random(n + 50);
      const list = [0, 1, 2].map(() => ({ values: values(r, 2 ** n), point: point(r, n) }));
      expect(await kernels.evaluate(list)).toEqual(list.map((e) => naive(e.values, e.point)));
    });

    it.each([
      [[1], [1]],
      [[3, 1], [2]],
      [
        [5, 4],
        [6, 3, 1],
      ],
      [[2], [3]],
      [[9, 2, 1], [12]],
    ])(
      'a forest of lookups 2^%j and tables 2^%j: roots are the fraction sums, rounds and masks those of the levels',
      async (lookups, tables) => {
        const r = new Random(lookups.length * 10 + tables.length);
        const [alpha, beta] = [element(r), element(r)];
        const trees = [...lookups.map((b) => [b, true] as const), ...tables.map((b) => [b, false] as const)].map(([b, unit]) => ({
          k0: values(r, 2 ** b),
          k1: values(r, 2 ** b),
          k2: values(r, 2 ** b),
          numerators: unit ? null : values(r, 2 ** b),
        }));
        const forest = await kernels.forest(trees, alpha, beta);
        const roots = await forest.roots();
        const leaves = trees.map((t) =>
          Array.from({ length: t.k0.length }, (_, i) => ({
            num: t.numerators === null ? ONE : fromInteger(t.numerators[i] as number),
            den: sub(
              alpha,
              add(
                fromInteger(t.k0[i] as number),
                mul(beta, add(fromInteger(t.k1[i] as number), mul(beta, fromInteger(t.k2[i] as number)))),
              ),
            ),
          })),
        );
        leaves.forEach((list, q) => {
          const fraction = mul(roots[2 * q] as F4, inverse(roots[2 * q + 1] as F4));
          expect(fraction).toEqual(list.reduce((s, l) => add(s, mul(l.num, inverse(l.den))), ZERO));
        });
        // The last level of the deepest trees, computed from their leaves.
        const depth = Math.max(...lookups, ...tables);
        const active = [...lookups, ...tables].flatMap((b, q) => (b === depth ? [q] : []));
        const s = depth - 1;
        const lambda = element(r);
        const delta = powers(element(r), active.length);
        const above = point(r, s);
        await forest.level(s, active, lambda, delta, above);
        let quarters = active.map((q) => {
          const list = leaves[q] as { num: F4; den: F4 }[];
          const half = list.length / 2;
          const part = (from: number, key: 'num' | 'den'): F4[] => list.slice(from, from + half).map((l) => l[key]);
          return [part(0, 'num'), part(half, 'num'), part(0, 'den'), part(half, 'den')] as F4[][];
        });
        const at = (v: F4[], i: number, x: F4): F4 => {
          const half = v.length / 2;
          return add(v[i] as F4, mul(x, sub(v[i + half] as F4, v[i] as F4)));
        };
        for (let j = 0; j < s; j++) {
          const eq = eqTable(above.slice(j + 1));
          const t = (x: F4): F4 =>
            quarters.reduce((sum, [n0, n1, d0, d1], k) => {
              let part = ZERO;
              for (let i = 0; i < (n0 as F4[]).length / 2; i++) {
                const [a, b, c, d] = [at(n0 as F4[], i, x), at(n1 as F4[], i, x), at(d0 as F4[], i, x), at(d1 as F4[], i, x)];
                part = add(part, mul(get(eq, i), add(mul(lambda, add(mul(a, d), mul(b, c))), mul(c, d))));
              }
              return add(sum, mul(delta[k] as F4, part));
            }, ZERO);
          const [t0, t1, t2] = [t(ZERO), t(ONE), t(fromInteger(2))];
          // The X² coefficient of a quadratic from its values at 0, 1, 2.
          const tInf = mul(add(sub(t2, add(t1, t1)), t0), inverse(fromInteger(2)));
          expect(await forest.round()).toEqual([t0, tInf]);
          const rho = element(r);
          await forest.fold(rho);
          quarters = quarters.map((q) => q.map((v) => Array.from({ length: v.length / 2 }, (_, i) => at(v, i, rho))));
        }
        expect(await forest.masks()).toEqual(quarters.map((q) => q.map((v) => v[0])));
        forest.free();
      },
    );

    it('a batched sumcheck: rounds are the sums, ends the folded factors', async () => {
      const r = new Random(99);
      const tensors = [values(r, 64), values(r, 64), values(r, 16)] as const;
      const prefix = point(r, 2);
      const instances = [
        {
          variables: 6,
          sum: ZERO,
          factors: [
            { kind: 'lift', tensor: 0 },
            { kind: 'lift', tensor: 1 },
            { kind: 'eq', point: point(r, 4), repeat: 4 },
          ] as const,
        },
        {
          variables: 2,
          sum: element(r),
          factors: [
            { kind: 'contract', tensor: 2, outer: 1, inner: 4, point: prefix },
            { kind: 'contract', tensor: 2, outer: 4, inner: 1, point: prefix },
          ] as const,
        },
      ];
      const delta = powers(element(r), 2);
      const lifted = (v: Int32Array): F4[] => Array.from(v, (e) => fromInteger(e));
      const vectors = [
        [
          lifted(tensors[0]),
          lifted(tensors[1]),
          Array.from({ length: 64 }, (_, i) =>
            get(
              eqTable((instances[0] as (typeof instances)[number]).factors.flatMap((f) => (f.kind === 'eq' ? [f.point] : []))[0] as Point),
              i >> 2,
            ),
          ),
        ],
        [
          Array.from({ length: 4 }, (_, i) =>
            [0, 1, 2, 3].reduce((s, m) => add(s, scale(tensors[2][m * 4 + i] as number, get(eqTable(prefix), m))), ZERO),
          ),
          Array.from({ length: 4 }, (_, o) =>
            [0, 1, 2, 3].reduce((s, m) => add(s, scale(tensors[2][o * 4 + m] as number, get(eqTable(prefix), m))), ZERO),
          ),
        ],
      ].map((list) => list.map((v) => Uint32Array.from((v as F4[]).flat())));
      const sumcheck = await kernels.sumcheck(instances, delta, 3, (t) => tensors[t] as Int32Array);
      let now: Uint32Array[][] = vectors;
      for (let round = 0; round < 6; round++) {
        const h = (x: number): F4 => {
          const first = (now[0] as Uint32Array[]).map((f) => foldTop(f, fromInteger(x)));
          let total = sumOfProducts(first);
          const waiting = 6 - round - 2;
          const second =
            waiting > 0
              ? scale(2 ** (waiting - 1), (instances[1] as { sum: F4 }).sum)
              : sumOfProducts((now[1] as Uint32Array[]).map((f) => foldTop(f, fromInteger(x))));
          total = add(total, mul(delta[1] as F4, second));
          return total;
        };
        expect(await sumcheck.round()).toEqual([h(0), h(2), h(3)]);
        const x = element(r);
        await sumcheck.fold(x);
        now = now.map((list, k) => (k === 0 || round >= 4 ? list.map((f) => foldTop(f, x)) : list));
      }
      expect(await sumcheck.ends(2)).toEqual(now.map((list) => list.slice(0, 2).map((f) => get(f, 0))));
      sumcheck.free();
    });

    it.each([
      ['contract to rows', 0, [3, 4, 1]],
      ['contract to columns', 0, [1, 5, 8]],
      ['contract in the middle', 0, [2, 3, 4]],
      ['contract to pairs', 0, [4, 2, 2]],
      ['contract to one', 0, [1, 6, 1]],
      ['contract nothing', 0, [2, 0, 2]],
      ['contract to many', 0, [1, 3, 256]],
      ['window', 1, [3, 8, 4, 3, 2, 8]],
      ['window of small images', 1, [1, 2, 1, 2, 1, 2]],
      ['window of large images', 1, [2, 16, 32, 3, 3, 16]],
      ['eq', 2, [5, 1]],
      ['eq, repeated', 2, [2, 8]],
      ['eq of nothing, repeated', 2, [0, 4]],
      ['lift', 3, [16]],
      ['outer', 4, [3, 8, 8]],
      ['outer with short rows', 4, [2, 8, 2]],
      ['outer with rows of one', 4, [2, 4, 1]],
    ] as const)('recipe: %s', async (_name, kind, sizes) => {
      const r = new Random(kind * 100 + sizes.length + sizes[0]);
      const elements = (n: number): Uint32Array => Uint32Array.from(Array.from({ length: n }, () => element(r)).flat());
      const made = ((): { recipe: Recipe; tensor: Int32Array; expected: F4[] } => {
        if (kind === 0) {
          const [outer, bits, inner] = sizes as readonly [number, number, number];
          const at = point(r, bits);
          // Padded to a power of two by the caller: outer is one here where it is not.
          const rows = 2 ** Math.ceil(Math.log2(outer));
          const tensor = values(r, rows * 2 ** bits * inner);
          const expected = Array.from({ length: rows * inner }, (_, k) => {
            const o = Math.floor(k / inner);
            const i = k % inner;
            const column = Int32Array.from({ length: 2 ** bits }, (_, m) => tensor[(o * 2 ** bits + m) * inner + i] as number);
            return naive(column, at);
          });
          return { recipe: { kind: 'contract', tensor: 0, outer: rows, inner, point: at }, tensor, expected };
        }
        if (kind === 1) {
          const [channels, height, width, kh, kw, taps] = sizes as readonly [number, number, number, number, number, number];
          const rows = Array.from({ length: kh }, () => elements(height));
          const columns = Array.from({ length: kw }, () => elements(width));
          const count = 2 ** Math.ceil(Math.log2(channels));
          const tensor = values(r, count * height * width);
          const expected = Array.from({ length: count * taps }, () => ZERO);
          for (let c = 0; c < count; c++)
            for (let ky = 0; ky < kh; ky++)
              for (let kx = 0; kx < kw; kx++) {
                let sum = ZERO;
                for (let i = 0; i < height; i++)
                  for (let j = 0; j < width; j++)
                    sum = add(
                      sum,
                      scale(
                        tensor[(c * height + i) * width + j] as number,
                        mul(get(rows[ky] as Uint32Array, i), get(columns[kx] as Uint32Array, j)),
                      ),
                    );
                expected[c * taps + ky * kw + kx] = sum;
              }
          return { recipe: { kind: 'window', tensor: 0, rows, columns, taps }, tensor, expected };
        }
        if (kind === 2) {
          const [bits, repeat] = sizes as readonly [number, number];
          const at = point(r, bits);
          const eq = eqTable(at);
          return {
            recipe: { kind: 'eq', point: at, repeat },
            tensor: new Int32Array(0),
            expected: Array.from({ length: 2 ** bits * repeat }, (_, i) => get(eq, Math.floor(i / repeat))),
          };
        }
        if (kind === 3) {
          const tensor = values(r, sizes[0]);
          return { recipe: { kind: 'lift', tensor: 0 }, tensor, expected: Array.from(tensor, fromInteger) };
        }
        const [terms, height, width] = sizes as readonly [number, number, number];
        const list = Array.from({ length: terms }, () => ({ a: elements(height), b: elements(width) }));
        const expected = Array.from({ length: height * width }, (_, k) =>
          list.reduce((s, { a, b }) => add(s, mul(get(a, Math.floor(k / width)), get(b, k % width))), ZERO),
        );
        return { recipe: { kind: 'outer', terms: list }, tensor: new Int32Array(0), expected };
      })();
      const variables = Math.log2(made.expected.length);
      const other = point(r, variables);
      const factors = [made.recipe, { kind: 'eq', point: other, repeat: 1 }] as const;
      const sumcheck = await kernels.sumcheck([{ variables, sum: ZERO, factors }], [ONE], 2, () => made.tensor);
      let now = [Uint32Array.from(made.expected.flat()), eqTable(other)];
      for (let round = 0; round < variables; round++) {
        expect(await sumcheck.round()).toEqual([0, 2].map((x) => sumOfProducts(now.map((f) => foldTop(f, fromInteger(x))))));
        const x = element(r);
        await sumcheck.fold(x);
        now = now.map((f) => foldTop(f, x));
      }
      expect(await sumcheck.ends(2)).toEqual([now.map((f) => get(f, 0))]);
      sumcheck.free();
    });

    it('the opening: columns at a point and combined', async () => {
      const r = new Random(5);
      const stacks = [values(r, 40 * 8), values(r, 3 * 8)];
      const columns = stacks.flatMap((s) => Array.from({ length: s.length / 8 }, (_, c) => s.subarray(8 * c, 8 * c + 8)));
      const groups = [await kernels.commit(stacks[0] as Int32Array, 3, 1), await kernels.commit(stacks[1] as Int32Array, 3, 1)];
      const opening = await kernels.opening(groups, 3);
      const z = point(r, 3);
      expect(await opening.columnsAt(z)).toEqual(columns.map((c) => naive(c, z)));
      const eta = point(r, 43);
      const combined = Array.from({ length: 8 }, (_, i) => columns.reduce((s, c, k) => add(s, scale(c[i] as number, eta[k] as F4)), ZERO));
      expect(await opening.combine(eta)).toEqual(Uint32Array.from(combined.flat()));
      opening.free();
      for (const g of groups) g.free();
    });

    it.each([
      ['at random points', 0],
      ['on blocks of columns, with others', 1],
      ['on blocks of columns alone', 2],
    ])('the opening: claims batched by point, %s', async (_, blocks) => {
      const r = new Random(6 + blocks);
      const h = 5;
      const stacks = [values(r, 6 * 2 ** h), Int32Array.from({ length: 4 * 2 ** h }, () => r.int(-128, 127))];
      const columns = stacks.flatMap((s) => Array.from({ length: s.length / 2 ** h }, (_, c) => s.subarray(c * 2 ** h, (c + 1) * 2 ** h)));
      const groups = await Promise.all(stacks.map((s) => kernels.commit(s, h, 1)));
      const opening = await kernels.opening(groups, h);
      const z = [point(r, h), point(r, h)] as const;
      const claims: { first: number; high: F4[]; z: readonly F4[]; value: F4 }[] = [
        { first: 0, high: point(r, 2), z: z[0], value: ZERO },
        { first: 4, high: point(r, 1), z: z[1], value: ZERO },
        { first: 6, high: point(r, 2), z: z[0], value: ZERO },
        { first: 5, high: [], z: z[1], value: ZERO },
      ].slice(blocks === 2 ? 4 : 0);
      // Short tensors: their place in the column as 0 and 1, then a point; two in one place, and one of a single element.
      const place = (...bits: readonly number[]): F4[] => [...bits.map(fromInteger), ...point(r, h - bits.length)];
      const shared = place(1, 0);
      const onBlocks = [place(0), place(1), shared, shared, place(1, 1, 0), place(0, 1, 1, 0), place(1, 0, 1, 1, 1), place(0, 0, 0, 0, 0)];
      if (blocks > 0) claims.push(...onBlocks.map((at, k) => ({ first: (3 * k) % 10, high: [], z: at, value: ZERO })));
      const gamma = powers(element(r), claims.length);
      const batch = await opening.batch(claims, gamma);
      let now = claims.map((c, j) => {
        const high = eqTable(c.high, gamma[j] as F4);
        const g = Array.from({ length: 2 ** h }, (_, i) =>
          Array.from({ length: high.length / 4 }, (_, k) => scale((columns[c.first + k] as Int32Array)[i] as number, get(high, k))).reduce(
            add,
            ZERO,
          ),
        );
        return [Uint32Array.from(g.flat()), eqTable(c.z)];
      });
      for (let round = 0; round < h; round++) {
        const at = (x: number): F4 => now.map((list) => sumOfProducts(list.map((f) => foldTop(f, fromInteger(x))))).reduce(add, ZERO);
        expect(await batch.round()).toEqual([at(0), at(2)]);
        const x = element(r);
        await batch.fold(x);
        now = now.map((list) => list.map((f) => foldTop(f, x)));
      }
      opening.free();
      for (const g of groups) g.free();
    });

    it.each([1, 5, 10])('grinding finds the least nonce of %i bits', async (bits) => {
      const state = Uint8Array.from({ length: 32 }, (_, i) => i * bits);
      const nonce = await kernels.grind(state, bits);
      const works = (k: number): boolean => {
        const d = hashKeyed(modes.transcript, concat(state, Uint8Array.of(4, bits), u64(k)));
        return (((d[0] as number) | ((d[1] as number) << 8)) & (2 ** bits - 1)) === 0;
      };
      expect(works(nonce)).toBe(true);
      for (let k = 0; k < nonce; k++) if (works(k)) expect.fail(`nonce ${k} is less than ${nonce}`);
    });

    describe('accumulators', () => {
      const tensorsOf = (...dims: readonly (readonly number[])[]): Tensor[] =>
        dims.map((d): Tensor => ({ dims: [...d], home: 'A', lo: null, hi: null }));
      /** Padded tensors of small integers, with a few long ones; padded positions are not zero, since the relation reads them. */
      const padded = (r: Random, dims: readonly number[], limit: number): Int32Array =>
        Int32Array.from({ length: paddedSize(dims) }, () => r.int(-limit, limit));

      it.each([
        [[1], 1, 0],
        [[3], 5, 0],
        [[64], 10, 0],
        [[7, 9], 4, 0],
        [[5, 33], 17, 1],
        [[2, 3, 6], 3, 2],
        [[700], 300, 0],
      ])('dense over %j to %i, %i dimensions kept', (xDims, n, sp) => {
        const r = new Random(n);
        const k = xDims.slice(sp);
        const tensors = tensorsOf(xDims, [n, ...k], [n]);
        const values = [padded(r, xDims, 255), padded(r, [n, ...k], 127), padded(r, [n], 2 ** 20)];
        const outDims = [...xDims.slice(0, sp), n];
        const acc = kernels.accumulate(tensors, { kind: 'dense', x: 0, w: 1, b: 2, sp }, (t) => values[t] as Int32Array, outDims);
        const [x, w, b] = values as [Int32Array, Int32Array, Int32Array];
        const row = paddedSize(k);
        const expected = new Int32Array(acc.length);
        const stride = paddedSize([n]);
        const kept = new Set<number>();
        forEachValid(outDims.slice(0, sp), (p) => kept.add(p));
        for (let t = 0; t < x.length / row; t++)
          for (let c = 0; c < n; c++) {
            let sum = sp === 0 || kept.has(t) ? (b[c] as number) : 0;
            for (let i = 0; i < row; i++) sum += (w[c * row + i] as number) * (x[t * row + i] as number);
            expected[t * stride + c] = sum;
          }
        expect(acc).toEqual(expected);
      });

      it.each([
        { x: [1, 5, 5], co: 1, kh: 3, kw: 3, stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
        { x: [3, 9, 12], co: 5, kh: 3, kw: 5, stride: [1, 1], pad: [1, 2, 1, 2], dilation: [1, 1], groups: 1 },
        { x: [2, 11, 7], co: 4, kh: 3, kw: 2, stride: [2, 3], pad: [2, 1, 0, 3], dilation: [1, 1], groups: 2 },
        { x: [4, 16, 16], co: 8, kh: 3, kw: 3, stride: [1, 2], pad: [2, 0, 2, 4], dilation: [2, 2], groups: 4 },
        { x: [2, 1, 30], co: 3, kh: 1, kw: 7, stride: [1, 1], pad: [0, 3, 0, 3], dilation: [1, 1], groups: 1 },
        { x: [1, 4, 4], co: 2, kh: 7, kw: 7, stride: [3, 3], pad: [6, 6, 6, 6], dilation: [1, 1], groups: 1 },
        { x: [8, 20, 20], co: 16, kh: 3, kw: 3, stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 },
      ])('convolution %j', ({ x: xDims, co, kh, kw, stride, pad, dilation, groups }) => {
        const r = new Random(co + kh);
        const [ci, h, wd] = xDims as [number, number, number];
        const wDims = [co, ci / groups, kh * kw];
        const tensors = tensorsOf(xDims, wDims, [co]);
        const values = [padded(r, xDims, 255), padded(r, wDims, 127), padded(r, [co], 2 ** 20)];
        const form = { kind: 'conv', x: 0, w: 1, b: 2, kh, kw, stride, pad, dilation, groups } as const;
        const outDims = formDims(tensors, form as unknown as Form) as [number, number, number];
        const acc = kernels.accumulate(tensors, form as unknown as Form, (t) => values[t] as Int32Array, outDims);
        const [x, w, b] = values as [Int32Array, Int32Array, Int32Array];
        const xs = paddedStrides(xDims);
        const ws = paddedStrides(wDims);
        const expected = new Int32Array(acc.length);
        const [sy, sx] = stride as [number, number];
        const [dy, dx] = dilation as [number, number];
        const os = paddedStrides(outDims);
        for (let c = 0; c < co; c++)
          for (let oy = 0; oy < outDims[1]; oy++)
            for (let ox = 0; ox < outDims[2]; ox++) {
              let sum = b[c] as number;
              for (let i = 0; i < ci / groups; i++)
                for (let ky = 0; ky < kh; ky++)
                  for (let kx = 0; kx < kw; kx++) {
                    const row = oy * sy + ky * dy - (pad[0] as number);
                    const column = ox * sx + kx * dx - (pad[1] as number);
                    if (row < 0 || row >= h || column < 0 || column >= wd) continue;
                    const channel = Math.floor(c / (co / groups)) * (ci / groups) + i;
                    const v = x[channel * (xs[0] as number) + row * (xs[1] as number) + column] as number;
                    sum += v * (w[c * (ws[0] as number) + i * (ws[1] as number) + ky * kw + kx] as number);
                  }
              expected[c * (os[0] as number) + oy * (os[1] as number) + ox] = sum;
            }
        expect(acc).toEqual(expected);
      });
    });
  });
}

function sumOfProducts(factors: readonly Uint32Array[]): F4 {
  const n = (factors[0] as Uint32Array).length / 4;
  let total = ZERO;
  for (let i = 0; i < n; i++)
    total = add(
      total,
      factors.reduce((p, f) => mul(p, get(f, i)), ONE),
    );
  return total;
}
