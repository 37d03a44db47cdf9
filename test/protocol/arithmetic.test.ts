/** Field, extension, accumulators, NTT and multilinear extensions against BigInt definitions, on random and edge values (protocol §2, §3). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCUMULATE_BURST, accumulateScaled, dotBase, settle, settled } from '../../protocol/accumulator.ts';
import {
  add,
  equal,
  type F4,
  fromInteger,
  get,
  inverse,
  isZero,
  mul,
  mulTo,
  ONE,
  powers,
  scale,
  set,
  sub,
  vector,
  ZERO,
} from '../../protocol/extension.ts';
import * as field from '../../protocol/field.ts';
import {
  bitsPoint,
  dot,
  elements,
  eqPoints,
  eqTable,
  evaluateBase,
  evaluateExtension,
  foldTop,
  indicator,
  interpolate,
  lessThan,
  splitPoint,
} from '../../protocol/mle.ts';
import { encode, encodeExtensionAt, evaluateAt, remainders } from '../../protocol/ntt.ts';

const { P, HALF } = field;
const p = BigInt(P);
const mod = (v: bigint): bigint => ((v % p) + p) % p;

const edges = [0, 1, 2, 3, HALF - 1, HALF, HALF + 1, P - 2, P - 1, 2 ** 16, 2 ** 24, 2 ** 30, 2 ** 31 - 2 ** 24];
const base = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: P - 1 }));
const element: fc.Arbitrary<F4> = fc.tuple(base, base, base, base);
const signed = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), HALF, -HALF), fc.integer());

const runs = { numRuns: 2000 };

describe('field', () => {
  it('adds, subtracts and multiplies as integers mod p', () => {
    fc.assert(
      fc.property(base, base, (a, b) => {
        expect(BigInt(field.add(a, b))).toBe(mod(BigInt(a) + BigInt(b)));
        expect(BigInt(field.sub(a, b))).toBe(mod(BigInt(a) - BigInt(b)));
        expect(BigInt(field.mul(a, b))).toBe(mod(BigInt(a) * BigInt(b)));
      }),
      runs,
    );
  });

  it('multiplies every pair of edge values', () => {
    for (const a of edges) for (const b of edges) expect(BigInt(field.mul(a, b))).toBe(mod(BigInt(a) * BigInt(b)));
  });

  it('inverts', () => {
    fc.assert(
      fc.property(base, (a) => {
        expect(field.mul(a, field.inverse(a))).toBe(a === 0 ? 0 : 1);
      }),
    );
  });

  it('takes signed integers to residues and back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (v) => {
        expect(BigInt(field.residue(v))).toBe(mod(BigInt(v)));
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -HALF, max: HALF }), (v) => {
        expect(field.centred(field.residue(v))).toBe(v);
      }),
    );
  });

  it('has roots of unity of order n exactly', () => {
    for (let k = 1; k <= field.TWO_ADICITY; k++) {
      const w = field.rootOfUnity(2 ** k);
      expect(field.pow(w, 2 ** k)).toBe(1);
      expect(field.pow(w, 2 ** (k - 1))).toBe(P - 1);
    }
  });
});

/** The product by the definition of §2: x⁴ = 3. */
function product(a: F4, b: F4): F4 {
  const c = [0n, 0n, 0n, 0n];
  for (let i = 0; i < 4; i++)
    for (let j = 0; j < 4; j++)
      c[(i + j) % 4] = (c[(i + j) % 4] as bigint) + BigInt(a[i] as number) * BigInt(b[j] as number) * (i + j >= 4 ? 3n : 1n);
  return c.map((v) => Number(mod(v))) as unknown as F4;
}

describe('extension', () => {
  it('multiplies by its definition', () => {
    fc.assert(
      fc.property(element, element, (a, b) => {
        expect(mul(a, b)).toEqual(product(a, b));
        const out = new Uint32Array(12);
        mulTo(out, 4, vector([ZERO, a]), 4, vector([b]), 0);
        expect(get(out, 1)).toEqual(product(a, b));
      }),
      runs,
    );
    const worst: F4 = [P - 1, P - 1, P - 1, P - 1];
    expect(mul(worst, worst)).toEqual(product(worst, worst));
  });

  it('adds, subtracts, scales and compares limb by limb', () => {
    fc.assert(
      fc.property(element, element, fc.maxSafeInteger(), (a, b, k) => {
        expect(add(a, b).map(BigInt)).toEqual(a.map((v, i) => mod(BigInt(v) + BigInt(b[i] as number))));
        expect(sub(a, b).map(BigInt)).toEqual(a.map((v, i) => mod(BigInt(v) - BigInt(b[i] as number))));
        expect(scale(k, a).map(BigInt)).toEqual(a.map((v) => mod(BigInt(v) * BigInt(k))));
        expect(equal(a, b)).toBe(isZero(sub(a, b)));
        expect(fromInteger(k)).toEqual(scale(k, ONE));
      }),
    );
  });

  it('inverts, and 0 maps to 0', () => {
    fc.assert(
      fc.property(element, (a) => {
        expect(mul(a, inverse(a))).toEqual(isZero(a) ? ZERO : ONE);
      }),
    );
    expect(inverse(ZERO)).toEqual(ZERO);
  });

  it('is a field: x⁴ − 3 has no square root of 3 in the base field', () => {
    // 3 generates F_p*, so it is no square and no fourth power; and −4·3 … is covered by order: x has order 4(p − 1) / something > p − 1.
    expect(field.pow(3, (P - 1) / 2)).toBe(P - 1);
    expect((P - 1) % 4).toBe(0);
  });

  it('takes powers', () => {
    const x: F4 = [5, 6, 7, 8];
    expect(powers(x, 4)).toEqual([ONE, x, mul(x, x), mul(mul(x, x), x)]);
    expect(powers(x, 0)).toEqual([]);
  });
});

describe('accumulators', () => {
  it('dotBase equals the sum of scaled elements, for signed and unsigned values, any stride', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(signed, element), { minLength: 1, maxLength: 100 }), fc.integer({ min: 1, max: 3 }), (list, stride) => {
        const values = new Int32Array(list.length * stride + 1);
        list.forEach(([v], i) => {
          values[1 + i * stride] = v;
        });
        const wanted = list.reduce((s, [v, e]) => add(s, scale(v, e)), ZERO);
        expect(dotBase(values, 1, stride, vector([ONE, ...list.map(([, e]) => e)]), 1, list.length)).toEqual(wanted);
      }),
    );
  });

  it('accumulateScaled stays exact for a full burst of the largest values', () => {
    const e: F4 = [P - 1, P - 1, P - 2, P - 1];
    for (const v of [P - 1, 2 ** 31 - 1]) {
      const acc = new Float64Array(8);
      for (let k = 0; k < ACCUMULATE_BURST; k++) accumulateScaled(acc, Uint32Array.of(v), 0, 1, e, 1);
      settle(acc);
      expect(get(settled(acc), 0)).toEqual(scale(ACCUMULATE_BURST * v, e));
    }
    const acc = new Float64Array(8);
    for (let k = 0; k < ACCUMULATE_BURST; k++) accumulateScaled(acc, Int32Array.of(-(2 ** 31)), 0, 1, e, 1);
    settle(acc);
    expect(get(settled(acc), 0)).toEqual(scale(-ACCUMULATE_BURST * 2 ** 31, e));
  });
});

describe('NTT', () => {
  it.each([
    [1, 1],
    [1, 2],
    [2, 2],
    [4, 16],
    [64, 256],
    [128, 128],
    [16, 1024],
  ])('encodes %i coefficients at %i points as the direct evaluation does', (m, n) => {
    const a = Array.from({ length: m }, (_, i) => (i % 5 === 0 ? P - 1 - i : (i * 123456789 + 987654321) % P));
    const out = new Uint32Array(n);
    encode(Uint32Array.from(a), m, out, n);
    for (let j = 0; j < n; j += Math.max(1, n / 64)) expect(out[j]).toBe(evaluateAt(a, n, j));
  });

  it.each([
    [1, 1],
    [1, 8],
    [2, 4],
    [8, 8],
    [8, 32],
    [128, 1024],
  ])('encodes an extension column of %i elements at any of %i points limb by limb', (m, n) => {
    const g = Array.from({ length: m }, (_, i): F4 => [i, P - 1 - i, i * i, 7]);
    const at = (j: number): number[] =>
      [0, 1, 2, 3].map((k) =>
        evaluateAt(
          g.map((e) => e[k] as number),
          n,
          j,
        ),
      );
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(n - 1), { minLength: 1, maxLength: 40 }), (positions) => {
        expect(encodeExtensionAt(vector(g), m, n, positions, remainders())).toEqual(positions.map(at));
      }),
      { numRuns: 20 },
    );
    const all = Array.from({ length: n }, (_, j) => j);
    expect(encodeExtensionAt(vector(g), m, n, all, remainders())).toEqual(all.map(at));
  });
});

describe('multilinear extensions', () => {
  const point = (n: number): fc.Arbitrary<F4[]> => fc.array(element, { minLength: n, maxLength: n });

  it('eq is the product over coordinates, the table its values on the cube', () => {
    fc.assert(
      fc.property(point(4), point(4), (a, b) => {
        const wanted = a.reduce((acc, x, i) => mul(acc, add(mul(x, b[i] as F4), mul(sub(ONE, x), sub(ONE, b[i] as F4)))), ONE);
        expect(eqPoints(a, b)).toEqual(wanted);
        const table = eqTable(a, b[0]);
        for (const i of [0, 5, 15]) expect(get(table, i)).toEqual(mul(b[0] as F4, eqPoints(a, bitsPoint(i, 4))));
      }),
      { numRuns: 200 },
    );
  });

  it('sums of eq are 1, and the extension takes the values on the cube', () => {
    fc.assert(
      fc.property(point(5), (r) => {
        expect(elements(eqTable(r)).reduce(add, ZERO)).toEqual(ONE);
      }),
      { numRuns: 100 },
    );
    const f = Int32Array.from({ length: 16 }, (_, i) => i * i - 40);
    for (let i = 0; i < 16; i++) expect(evaluateBase(f, bitsPoint(i, 4))).toEqual(fromInteger(f[i] as number));
  });

  it('lt is the extension of [index < d], for every d', () => {
    fc.assert(
      fc.property(point(4), fc.integer({ min: 0, max: 16 }), (r, d) => {
        expect(lessThan(r, d)).toEqual(
          evaluateBase(
            Int32Array.from({ length: 16 }, (_, i) => (i < d ? 1 : 0)),
            r,
          ),
        );
      }),
      { numRuns: 200 },
    );
    expect(lessThan([], 1)).toEqual(ONE);
  });

  it('the indicator is the product over dimensions', () => {
    fc.assert(
      fc.property(point(5), (r) => {
        const valid = Int32Array.from({ length: 32 }, (_, i) => (((i >> 3) & 3) < 3 && (i & 7) < 5 ? 1 : 0));
        expect(indicator([3, 5], [2, 3], r)).toEqual(evaluateBase(valid, r));
        expect(splitPoint(r, [2, 3])).toEqual([r.slice(0, 2), r.slice(2)]);
      }),
      { numRuns: 100 },
    );
  });

  it('folding the top variable evaluates there, down to the value at the point', () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 8, maxLength: 8 }), point(3), (f, r) => {
        const folded = r.reduce((v, x) => foldTop(v, x), vector(f));
        expect(get(folded, 0)).toEqual(evaluateExtension(vector(f), r));
        expect(dot(vector(f), eqTable(r))).toEqual(evaluateExtension(vector(f), r));
      }),
      { numRuns: 200 },
    );
  });

  it('interpolates polynomials of degree 1 to 3 from their values at 0, 1, 2, …', () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 2, maxLength: 4 }), element, (c, x) => {
        const value = (at: F4): F4 => c.reduceRight((acc, k) => add(mul(acc, at), k), ZERO);
        expect(
          interpolate(
            c.map((_, i) => value(fromInteger(i))),
            x,
          ),
        ).toEqual(value(x));
      }),
    );
  });

  it('set writes what get reads', () => {
    const v = new Uint32Array(8);
    set(v, 1, [1, 2, 3, 4]);
    expect(elements(v)).toEqual([ZERO, [1, 2, 3, 4]]);
  });
});
