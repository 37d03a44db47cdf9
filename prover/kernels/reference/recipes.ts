/** The factor vectors of phases A and B, made from committed values (circuits/forms/reduction.ts `Recipe`). */
import type { OuterTerm, Recipe } from '../../../circuits/forms/reduction.ts';
import { ACCUMULATE_BURST, accumulateScaled, dotBase, settle, settled } from '../../../protocol/accumulator.ts';
import { get, mulTo } from '../../../protocol/extension.ts';
import { add as addBase, residue } from '../../../protocol/field.ts';
import { eqTable } from '../../../protocol/mle.ts';

/** The vector a recipe stands for. */
export function vectorOf(r: Recipe, values: (tensor: number) => Int32Array): Uint32Array {
  if (r.kind === 'contract') return contract(values(r.tensor), r.outer, r.inner, eqTable(r.point));
  if (r.kind === 'window') return windowSums(values(r.tensor), r.rows, r.columns, r.taps);
  if (r.kind === 'lift') return lift(values(r.tensor));
  if (r.kind === 'outer') return outerSum(r.terms);
  const eq = eqTable(r.point);
  const out = new Uint32Array(eq.length * r.repeat);
  for (let i = 0; i < eq.length / 4; i++) {
    const at = 4 * i * r.repeat;
    for (let k = 0; k < 4 * r.repeat; k++) out[at + k] = eq[4 * i + (k & 3)] as number;
  }
  return out;
}

function lift(v: Int32Array): Uint32Array {
  const out = new Uint32Array(4 * v.length);
  for (let i = 0; i < v.length; i++) out[4 * i] = residue(v[i] as number);
  return out;
}

/** out[o, i] = Σ_m e[m] · v[o, m, i]. */
export function contract(v: Int32Array, outer: number, inner: number, e: Uint32Array): Uint32Array {
  const middle = e.length / 4;
  const out = new Uint32Array(4 * outer * inner);
  if (inner === 1) {
    for (let o = 0; o < outer; o++) out.set(dotBase(v, o * middle, 1, e, 0, middle), 4 * o);
    return out;
  }
  const acc = new Float64Array(8 * inner);
  for (let o = 0; o < outer; o++) {
    acc.fill(0);
    for (let m = 0; m < middle; m++) {
      accumulateScaled(acc, v, (o * middle + m) * inner, 1, get(e, m), inner);
      if (m % ACCUMULATE_BURST === ACCUMULATE_BURST - 1) settle(acc);
    }
    settle(acc);
    out.set(settled(acc), 4 * o * inner);
  }
  return out;
}

/** out[c, ky·kw + kx] = Σ_{i,j} v[c, i, j] · rows[ky][i] · columns[kx][j]. */
function windowSums(v: Int32Array, rows: readonly Uint32Array[], columns: readonly Uint32Array[], taps: number): Uint32Array {
  const height = (rows[0] as Uint32Array).length / 4;
  const width = (columns[0] as Uint32Array).length / 4;
  const channels = v.length / (height * width);
  const out = new Uint32Array(4 * channels * taps);
  const t = new Uint32Array(4);
  const line = new Uint32Array(4 * height);
  for (let c = 0; c < channels; c++) {
    columns.forEach((column, kx) => {
      for (let i = 0; i < height; i++) line.set(dotBase(v, (c * height + i) * width, 1, column, 0, width), 4 * i);
      rows.forEach((row, ky) => {
        const at = 4 * (c * taps + ky * columns.length + kx);
        for (let i = 0; i < 4 * height; i += 4) {
          mulTo(t, 0, line, i, row, i);
          for (let k = 0; k < 4; k++) out[at + k] = addBase(out[at + k] as number, t[k] as number);
        }
      });
    });
  }
  return out;
}

/** Σ_m a_m ⊗ b_m, row-major. */
function outerSum(terms: readonly OuterTerm[]): Uint32Array {
  const [{ a: first, b: second }] = terms as [OuterTerm, ...OuterTerm[]];
  const width = second.length;
  const out = new Uint32Array((first.length / 4) * width);
  const t = new Uint32Array(4);
  for (const { a, b } of terms)
    for (let i = 0; i < a.length / 4; i++) {
      if (((a[4 * i] as number) | (a[4 * i + 1] as number) | (a[4 * i + 2] as number) | (a[4 * i + 3] as number)) === 0) continue;
      for (let j = 0; j < width; j += 4) {
        mulTo(t, 0, a, 4 * i, b, j);
        const at = i * width + j;
        for (let k = 0; k < 4; k++) out[at + k] = addBase(out[at + k] as number, t[k] as number);
      }
    }
  return out;
}
