/**
 * Many multiples of one point: windows of eight bits, and affine additions that share one inversion over all multiples. A multiple is a sum
 * of table points of ascending windows, so two equal points never meet, nor a point and its inverse: the short formula suffices.
 */
import type { IField } from '@noble/curves/abstract/modular.js';

export interface Affine<F> {
  readonly x: F;
  readonly y: F;
}

/** `Fp.create` free field operations of noble. */
type Field<F> = Pick<IField<F>, 'add' | 'sub' | 'mul' | 'sqr' | 'invertBatch'>;

const WINDOW = 8;
const DIGITS = 2 ** WINDOW;
const WINDOWS = 32;
/** Multiples that are made at once: enough to make the inversion cheap. */
const BLOCK = 4096;

/** scalar·base for scalars in [0, 2^256); null for the point at infinity. Yields the fraction done. */
export function* multiples<F>(field: Field<F>, base: Affine<F>, scalars: readonly bigint[]): Generator<number, (Affine<F> | null)[]> {
  const table = tableOf(field, base);
  const out: (Affine<F> | null)[] = [];
  for (let from = 0; from < scalars.length; from += BLOCK) {
    const block = scalars.slice(from, from + BLOCK);
    let sums: (Affine<F> | null)[] = block.map(() => null);
    for (let w = 0; w < WINDOWS; w++) {
      const shift = BigInt(WINDOW * w);
      sums = added(
        field,
        sums,
        block.map((s) => table[w]?.[Number((s >> shift) & 255n)] ?? null),
      );
    }
    out.push(...sums);
    yield out.length / scalars.length;
  }
  return out;
}

/** By window and digit: digit·2^(8·window)·base. */
function tableOf<F>(field: Field<F>, base: Affine<F>): (Affine<F> | null)[][] {
  const table: (Affine<F> | null)[][] = [];
  let unit = base;
  for (let w = 0; w < WINDOWS; w++) {
    // 1; then with d doubled: 2, 3; 4 … 7; each half from the one before.
    let row: Affine<F>[] = [unit];
    let doubled = unit;
    while (row.length < DIGITS - 1) {
      doubled = twice(field, doubled);
      const next = added(
        field,
        row,
        row.map(() => doubled),
      ) as Affine<F>[];
      row = [...row, doubled, ...next];
    }
    table.push([null, ...row]);
    unit = twice(field, doubled);
  }
  return table;
}

function twice<F>(f: Field<F>, { x, y }: Affine<F>): Affine<F> {
  const square = f.sqr(x);
  const slope = f.mul(f.add(square, f.add(square, square)), f.invertBatch([f.add(y, y)])[0] as F);
  const x3 = f.sub(f.sqr(slope), f.add(x, x));
  return { x: x3, y: f.sub(f.mul(slope, f.sub(x, x3)), y) };
}

/** Sums pair by pair; null is the point at infinity. No pair may be equal or opposite. */
function added<F>(f: Field<F>, p: readonly (Affine<F> | null)[], q: readonly (Affine<F> | null)[]): (Affine<F> | null)[] {
  const pairs = p.flatMap((a, i) => {
    const b = q[i] ?? null;
    return a === null || b === null ? [] : [{ i, a, b }];
  });
  const inverses = f.invertBatch(pairs.map(({ a, b }) => f.sub(b.x, a.x)));
  const out = p.map((a, i) => a ?? q[i] ?? null);
  pairs.forEach(({ i, a, b }, k) => {
    const slope = f.mul(f.sub(b.y, a.y), inverses[k] as F);
    const x = f.sub(f.sub(f.sqr(slope), a.x), b.x);
    out[i] = { x, y: f.sub(f.mul(slope, f.sub(a.x, x)), a.y) };
  });
  return out;
}
