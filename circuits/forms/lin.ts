/** lin: acc = B + Σ_i c_i · t_i, all of the same dims (protocol §7.2): Add, Sub, a scaled residual. */

import { HALF } from '../../protocol/field.ts';
import { forEachValid, paddedSize } from '../shape.ts';
import type { LinForm, Tensor } from '../types.ts';
import { type FormSpec, isInteger, magnitude, scaledInterval } from './form.ts';

export const lin: FormSpec<LinForm> = {
  fields: [
    ['terms', 'terms'],
    ['constant', 'int'],
  ],
  operands: (f) => f.terms.map(([, t]) => t),
  weights: () => null,
  dims(tensors, f) {
    const first = tensors[f.terms[0]?.[1] ?? -1]?.dims;
    if (first === undefined) return null;
    const same = f.terms.every(([, t]) => {
      const d = tensors[t]?.dims;
      return d !== undefined && d.length === first.length && d.every((v, i) => v === first[i]);
    });
    return same ? [...first] : null;
  },
  bounds: (tensors, f) => [f.terms.reduce((s, [c, t]) => s + Math.abs(c) * magnitude(tensors[t] as never), Math.abs(f.constant))],
  intervals(tensors, f) {
    const parts = f.terms.map(([c, t]) => scaledInterval(c, tensors[t] as Tensor));
    return [[parts.reduce((s, [a]) => s + a, f.constant), parts.reduce((s, [, b]) => s + b, f.constant)]];
  },
  numbers: (_, f) =>
    [f.constant, ...f.terms.map(([c]) => c)].every((v) => isInteger(v, -HALF, HALF)) ? null : 'a coefficient exceeds (p-1)/2',
  accumulate(_, f, values, outDims) {
    const out = new Int32Array(paddedSize(outDims));
    for (const [c, t] of f.terms) {
      const v = values(t);
      for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + c * (v[i] as number);
    }
    if (f.constant !== 0)
      forEachValid(outDims, (p) => {
        out[p] = (out[p] as number) + f.constant;
      });
    return out;
  },
  phases: () => ({ contraction: null, spatial: null }),
  reduce: () => null,
};
