/** pool: the sum over a window, 0 outside (protocol §7.2, §7.5); the division is in the cells. */
import type { F4 } from '../../protocol/extension.ts';
import { eqTable, splitPoint } from '../../protocol/mle.ts';
import { paddedSize, paddedStrides } from '../shape.ts';
import type { PoolForm, Tensor } from '../types.ts';
import { type FormSpec, forEachTap, magnitude, scaledInterval, windowCount, windowNumbers } from './form.ts';
import { addInto, tapFunctionals } from './reduction.ts';

export const pool: FormSpec<PoolForm> = {
  fields: [
    ['x', 'int'],
    ['kh', 'int'],
    ['kw', 'int'],
    ['stride', 'pair'],
    ['pad', 'quad'],
    ['dilation', 'pair'],
  ],
  operands: (f) => [f.x],
  weights: () => null,
  dims(tensors, f) {
    const x = tensors[f.x]?.dims;
    if (x === undefined || x.length !== 3) return null;
    const ho = windowCount(x[1] as number, f.pad[0], f.pad[2], f.dilation[0], f.kh, f.stride[0]);
    const wo = windowCount(x[2] as number, f.pad[1], f.pad[3], f.dilation[1], f.kw, f.stride[1]);
    return ho === null || wo === null ? null : [x[0] as number, ho, wo];
  },
  bounds: (tensors, f) => [f.kh * f.kw * magnitude(tensors[f.x] as never)],
  intervals: (tensors, f) => [scaledInterval(f.kh * f.kw, tensors[f.x] as Tensor, true)],
  numbers: (_, f) => windowNumbers(f),
  accumulate(tensors, f, values, outDims) {
    const xDims = tensors[f.x]?.dims as [number, number, number];
    const x = values(f.x);
    const [xc, xr] = paddedStrides(xDims) as [number, number, number];
    const [oc, or] = paddedStrides(outDims) as [number, number, number];
    const out = new Int32Array(paddedSize(outDims));
    const channels = x.length / xc;
    for (let c = 0; c < channels; c++)
      for (let ky = 0; ky < f.kh; ky++)
        for (let kx = 0; kx < f.kw; kx++)
          forEachTap({ ky, kx, ...f }, outDims.slice(1) as [number, number], [xDims[1], xDims[2]], or, xr, (o, at, n, step) => {
            for (let j = 0, p = c * xc + at, q = c * oc + o; j < n; j++, p += step, q++) out[q] = (out[q] as number) + (x[p] as number);
          });
    return out;
  },
  phases: (_, f) => ({ contraction: null, spatial: f.x }),
  reduce({ tensors, plan }, f, { y, point, acc }) {
    const [prefix, ry, rx] = splitPoint(point, plan.bits[y] as number[]) as [F4[], F4[], F4[]];
    const dims = tensors[y]?.dims as number[];
    const xDims = tensors[f.x]?.dims as number[];
    const xBits = plan.bits[f.x] as number[];
    const along = (axis: 0 | 1, r: typeof point, taps: number): Uint32Array => {
      const phi = tapFunctionals(
        eqTable(r),
        dims[axis + 1] as number,
        taps,
        f.stride[axis],
        f.dilation[axis],
        f.pad[axis],
        xDims[axis + 1] as number,
        xBits[axis + 1] as number,
      );
      const total = new Uint32Array((phi[0] as Uint32Array).length);
      for (const v of phi) for (let i = 0; i < total.length / 4; i++) addInto(total, i, v, i);
      return total;
    };
    return { spatial: { x: f.x, prefix, terms: [{ a: along(0, ry, f.kh), b: along(1, rx, f.kw) }], sum: acc } };
  },
};
