/**
 * average: the sum over a window, weighted so that one table serves windows that meet different numbers of elements: a window's sum is multiplied by
 * L_y/c_y · L_x/c_x, c the elements of the image that it meets along an axis, L their least common multiple (protocol §7.2, §7.5).
 */
import type { F4 } from '../../protocol/extension.ts';
import { mul as mulBase, residue } from '../../protocol/field.ts';
import { eqTable, splitPoint } from '../../protocol/mle.ts';
import { paddedStrides } from '../shape.ts';
import type { AverageForm, PoolForm, Tensor } from '../types.ts';
import { type FormSpec, magnitude, scaledInterval } from './form.ts';
import { pool } from './pool.ts';
import { addInto, tapFunctionals } from './reduction.ts';

const asPool = (f: AverageForm): PoolForm => ({ ...f, kind: 'pool' });

/** Largest common multiple of the counts along an axis. */
const MOST = 2 ** 20;

function gcd(a: number, b: number): number {
  let [p, q] = [a, b];
  while (q !== 0) [p, q] = [q, p % q];
  return p;
}

/** The weights of the outputs along an axis, and their L; null if a window meets nothing. */
export function axisWeights(f: AverageForm, axis: 0 | 1, size: number, count: number): { weights: number[]; multiple: number } | null {
  const taps = axis === 0 ? f.kh : f.kw;
  const counts = Array.from({ length: count }, (_, o) => {
    const start = o * f.stride[axis] - f.pad[axis];
    const first = Math.max(0, Math.ceil(-start / f.dilation[axis]));
    const last = Math.min(taps - 1, Math.floor((size - 1 - start) / f.dilation[axis]));
    return last - first + 1;
  });
  if (counts.some((c) => c < 1)) return null;
  let multiple = 1;
  for (const c of new Set(counts)) {
    multiple = (multiple / gcd(multiple, c)) * c;
    if (multiple > MOST) return null;
  }
  return { weights: counts.map((c) => multiple / c), multiple };
}

function weightsOf(tensors: readonly Tensor[], f: AverageForm, [, ho, wo]: readonly number[]) {
  const [, h, w] = (tensors[f.x] as Tensor).dims as [number, number, number];
  const [y, x] = [axisWeights(f, 0, h, ho as number), axisWeights(f, 1, w, wo as number)];
  return y === null || x === null ? null : { y, x, multiple: y.multiple * x.multiple };
}

/** L_y·L_x of a form whose shapes fit. */
function multipleOf(tensors: readonly Tensor[], f: AverageForm): number {
  const dims = pool.dims(tensors, asPool(f));
  return (dims === null ? null : weightsOf(tensors, f, dims))?.multiple ?? Number.POSITIVE_INFINITY;
}

export const average: FormSpec<AverageForm> = {
  fields: pool.fields as FormSpec<AverageForm>['fields'],
  operands: (f) => [f.x],
  weights: () => null,
  dims(tensors, f) {
    const dims = pool.dims(tensors, asPool(f));
    return dims === null || weightsOf(tensors, f, dims) === null ? null : dims;
  },
  // Whatever a window meets, its weights add up to L_y·L_x.
  bounds: (tensors, f) => [multipleOf(tensors, f) * magnitude(tensors[f.x] as Tensor)],
  intervals: (tensors, f) => [scaledInterval(multipleOf(tensors, f), tensors[f.x] as Tensor)],
  numbers: (tensors, f) => pool.numbers(tensors, asPool(f)),
  accumulate(tensors, f, values, outDims) {
    const out = pool.accumulate(tensors, asPool(f), values, outDims);
    const { y, x } = weightsOf(tensors, f, outDims) as NonNullable<ReturnType<typeof weightsOf>>;
    const [oc, or] = paddedStrides(outDims) as [number, number, number];
    for (let p = 0; p < out.length; p++) {
      const [i, j] = [Math.floor(p / or) % (oc / or), p % or];
      out[p] = (out[p] as number) * (y.weights[i] ?? 0) * (x.weights[j] ?? 0);
    }
    return out;
  },
  phases: (_, f) => ({ contraction: null, spatial: f.x }),
  reduce({ tensors, plan }, f, { y, point, acc }) {
    const [prefix, ry, rx] = splitPoint(point, plan.bits[y] as number[]) as [F4[], F4[], F4[]];
    const dims = tensors[y]?.dims as number[];
    const xDims = tensors[f.x]?.dims as number[];
    const xBits = plan.bits[f.x] as number[];
    const weights = weightsOf(tensors, f, dims) as NonNullable<ReturnType<typeof weightsOf>>;
    const along = (axis: 0 | 1, r: F4[], taps: number): Uint32Array => {
      const eq = eqTable(r);
      (axis === 0 ? weights.y : weights.x).weights.forEach((w, o) => {
        for (let c = 0; c < 4; c++) eq[4 * o + c] = mulBase(eq[4 * o + c] as number, residue(w));
      });
      const [size, bits] = [xDims[axis + 1] as number, xBits[axis + 1] as number];
      const phi = tapFunctionals(eq, dims[axis + 1] as number, taps, f.stride[axis], f.dilation[axis], f.pad[axis], size, bits);
      const total = new Uint32Array((phi[0] as Uint32Array).length);
      for (const v of phi) for (let i = 0; i < total.length / 4; i++) addInto(total, i, v, i);
      return total;
    };
    return { spatial: { x: f.x, prefix, terms: [{ a: along(0, ry, f.kh), b: along(1, rx, f.kw) }], sum: acc } };
  },
};
