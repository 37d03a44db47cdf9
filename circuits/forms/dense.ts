/**
 * dense: acc[t,n] = b[n] + Σ_k W[n,k] · X[t,k]; the first `sp` dims of X are t, the rest is k (protocol §7.2). Gemm, MatMul with weights;
 * a Flatten before it is absorbed by the shape of W.
 */
import { mul, sub } from '../../protocol/extension.ts';
import { indicator } from '../../protocol/mle.ts';
import { forEachValid, paddedSize, paddedStrides, sum } from '../shape.ts';
import type { DenseForm, Tensor } from '../types.ts';
import { type FormSpec, isInteger, weightedBounds, weightedIntervals } from './form.ts';

export const dense: FormSpec<DenseForm> = {
  fields: [
    ['x', 'int'],
    ['w', 'int'],
    ['b', 'int'],
    ['sp', 'int'],
  ],
  operands: (f) => [f.x],
  weights: (f) => [f.w, f.b],
  dims(tensors, f) {
    const x = tensors[f.x]?.dims;
    const w = tensors[f.w]?.dims;
    const b = tensors[f.b]?.dims;
    if (x === undefined || w === undefined || b === undefined || f.sp >= x.length || b.length !== 1 || b[0] !== w[0]) return null;
    const k = x.slice(f.sp);
    if (w.length !== k.length + 1 || !k.every((v, i) => v === w[i + 1])) return null;
    return [...x.slice(0, f.sp), w[0] as number];
  },
  bounds: weightedBounds,
  intervals: (tensors, f, weights) => weightedIntervals(tensors, f, weights, false),
  numbers: (tensors, f) => (isInteger(f.sp, 0, 8) && f.sp < (tensors[f.x]?.dims.length ?? 0) ? null : 'sp outside [0, 8] or the rank of x'),
  accumulate(tensors, f, values, outDims) {
    const xDims = tensors[f.x]?.dims as number[];
    const [x, w, b] = [values(f.x), values(f.w), values(f.b)];
    const rowSize = paddedSize(xDims.slice(f.sp));
    const rows = x.length / rowSize;
    const n = outDims[outDims.length - 1] as number;
    const nPadded = paddedSize([n]);
    const out = new Int32Array(rows * nPadded);
    for (let t = 0; t < rows; t++) {
      const from = t * rowSize;
      for (let c = 0; c < n; c++) {
        let s = 0;
        for (let i = 0, j = c * rowSize; i < rowSize; i++, j++) s += (x[from + i] as number) * (w[j] as number);
        out[t * nPadded + c] = s;
      }
    }
    const stride = f.sp === 0 ? [] : paddedStrides(outDims);
    const lead = outDims.slice(0, f.sp);
    if (stride.length === 0) for (let c = 0; c < n; c++) out[c] = (out[c] as number) + (b[c] as number);
    else
      forEachValid(lead, (p) => {
        for (let c = 0; c < n; c++) out[p * nPadded + c] = (out[p * nPadded + c] as number) + (b[c] as number);
      });
    return out;
  },
  phases: ({ plan }, f) => ({ contraction: { variables: sum((plan.bits[f.x] as number[]).slice(f.sp)), degree: 2 }, spatial: null }),
  reduce({ tensors, plan }, f, { op, y, point, acc, bias }) {
    const bits = plan.bits[y] as number[];
    const rowBits = sum(bits.slice(0, -1));
    const rowPoint = point.slice(0, rowBits);
    const nPoint = point.slice(rowBits);
    const variables = sum((plan.bits[f.x] as number[]).slice(f.sp));
    const valid = indicator((tensors[y] as Tensor).dims.slice(0, -1), bits.slice(0, -1), rowPoint);
    return {
      contraction: {
        op,
        variables,
        degree: 2,
        sum: sub(acc, mul(bias, valid)),
        factors: [
          { kind: 'contract', tensor: f.w, outer: 1, inner: 2 ** variables, point: nPoint },
          { kind: 'contract', tensor: f.x, outer: 1, inner: 2 ** variables, point: rowPoint },
        ],
        finish: (u, v, q) => ({
          product: mul(u, v),
          claims: [
            { tensor: f.w, point: [...nPoint, ...q], value: u },
            { tensor: f.x, point: [...rowPoint, ...q], value: v },
          ],
          spatial: null,
        }),
      },
    };
  },
};
