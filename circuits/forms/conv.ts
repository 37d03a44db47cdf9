/**
 * conv: acc[co,y,x] = b[co] + Σ W[co,ci',ky·Kw+kx] · X[g·Ci'+ci', y·σy+ky·δy−πt, x·σx+kx·δx−πl], X = 0 outside (protocol §7.2).
 */
import { type F4, mul, mulTo, sub } from '../../protocol/extension.ts';
import { add as addBase } from '../../protocol/field.ts';
import { ceilLog2, isPowerOfTwo } from '../../protocol/integers.ts';
import { eqPoints, eqTable, indicator, type Point, splitPoint } from '../../protocol/mle.ts';
import { paddedSize, paddedStrides } from '../shape.ts';
import type { ConvForm } from '../types.ts';
import { type FormSpec, forEachTap, isInteger, weightedBounds, weightedIntervals, windowCount, windowNumbers } from './form.ts';
import { tapFunctionals } from './reduction.ts';

export const conv: FormSpec<ConvForm> = {
  fields: [
    ['x', 'int'],
    ['w', 'int'],
    ['b', 'int'],
    ['kh', 'int'],
    ['kw', 'int'],
    ['stride', 'pair'],
    ['pad', 'quad'],
    ['dilation', 'pair'],
    ['groups', 'int'],
  ],
  operands: (f) => [f.x],
  weights: (f) => [f.w, f.b],
  dims(tensors, f) {
    const x = tensors[f.x]?.dims;
    const w = tensors[f.w]?.dims;
    const b = tensors[f.b]?.dims;
    if (x === undefined || w === undefined || b === undefined || x.length !== 3 || w.length !== 3 || b.length !== 1) return null;
    const [co, ci, taps] = w as [number, number, number];
    if (taps !== f.kh * f.kw || ci * f.groups !== x[0] || co % f.groups !== 0 || b[0] !== co) return null;
    const ho = windowCount(x[1] as number, f.pad[0], f.pad[2], f.dilation[0], f.kh, f.stride[0]);
    const wo = windowCount(x[2] as number, f.pad[1], f.pad[3], f.dilation[1], f.kw, f.stride[1]);
    return ho === null || wo === null ? null : [co, ho, wo];
  },
  bounds: weightedBounds,
  intervals: (tensors, f, weights) => weightedIntervals(tensors, f, weights, true),
  numbers(tensors, f) {
    const window = windowNumbers(f);
    if (window !== null) return window;
    if (!isInteger(f.groups, 1, 2 ** 20)) return 'groups outside [1, 2^20]';
    const [co, ci] = (tensors[f.w]?.dims ?? [0, 0]) as [number, number];
    if (f.groups > 1 && !(isPowerOfTwo(co / f.groups) && isPowerOfTwo(ci))) return 'S5: channels of a group are no power of two';
    return null;
  },
  accumulate(tensors, f, values, outDims) {
    const xDims = tensors[f.x]?.dims as [number, number, number];
    const wDims = tensors[f.w]?.dims as [number, number, number];
    const [x, w, b] = [values(f.x), values(f.w), values(f.b)];
    const [co, ho, wo] = outDims as [number, number, number];
    const [xc, xr] = paddedStrides(xDims) as [number, number, number];
    const [wc, wi] = paddedStrides(wDims) as [number, number, number];
    const [oc, or] = paddedStrides(outDims) as [number, number, number];
    const out = new Int32Array(paddedSize(outDims));
    const perGroup = co / f.groups;
    for (let c = 0; c < co; c++) {
      const bias = b[c] as number;
      for (let y = 0; y < ho; y++) out.fill(bias, c * oc + y * or, c * oc + y * or + wo);
      const group = Math.floor(c / perGroup);
      for (let i = 0; i < wDims[1]; i++) {
        const base = (group * wDims[1] + i) * xc;
        for (let ky = 0; ky < f.kh; ky++) {
          for (let kx = 0; kx < f.kw; kx++) {
            const k = w[c * wc + i * wi + ky * f.kw + kx] as number;
            if (k === 0) continue;
            forEachTap({ ky, kx, ...f }, [ho, wo], [xDims[1], xDims[2]], or, xr, (o, at, n, step) => {
              for (let j = 0, p = base + at, q = c * oc + o; j < n; j++, p += step, q++) out[q] = (out[q] as number) + k * (x[p] as number);
            });
          }
        }
      }
    }
    return out;
  },
  phases({ tensors, plan }, f, y) {
    const wBits = plan.bits[f.w] as [number, number, number];
    const groupBits = groupBitsOf(f, tensors[y]?.dims as number[], plan.bits[y] as number[]);
    return { contraction: { variables: groupBits + wBits[1] + wBits[2], degree: groupBits > 0 ? 3 : 2 }, spatial: f.x };
  },
  reduce({ tensors, plan }, f, { op, y, point, acc, bias }) {
    const dims = tensors[y]?.dims as number[];
    const bits = plan.bits[y] as number[];
    const [rc, ry, rx] = splitPoint(point, bits) as [F4[], F4[], F4[]];
    const wBits = plan.bits[f.w] as [number, number, number];
    const xDims = tensors[f.x]?.dims as number[];
    const xBits = plan.bits[f.x] as [number, number, number];
    const groupBits = groupBitsOf(f, dims, bits);
    const [rg, rco] = [rc.slice(0, groupBits), rc.slice(groupBits)];
    const rows = tapFunctionals(eqTable(ry), dims[1] as number, f.kh, f.stride[0], f.dilation[0], f.pad[0], xDims[1] as number, xBits[1]);
    const columns = tapFunctionals(
      eqTable(rx),
      dims[2] as number,
      f.kw,
      f.stride[1],
      f.dilation[1],
      f.pad[1],
      xDims[2] as number,
      xBits[2],
    );
    const inner = wBits[1] + wBits[2];
    const valid = indicator(dims.slice(1), bits.slice(1), point.slice(bits[0]));
    return {
      contraction: {
        op,
        variables: groupBits + inner,
        degree: groupBits > 0 ? 3 : 2,
        sum: sub(acc, mul(bias, valid)),
        factors: [
          { kind: 'contract', tensor: f.w, outer: 2 ** groupBits, inner: 2 ** inner, point: rco },
          { kind: 'window', tensor: f.x, rows, columns, taps: 2 ** wBits[2] },
          ...(groupBits > 0 ? [{ kind: 'eq', point: rg, repeat: 2 ** inner } as const] : []),
        ],
        finish(u, v, q) {
          const [qg, qi, qk] = splitPoint(q, [groupBits, wBits[1], wBits[2]]) as [F4[], F4[], F4[]];
          const uv = mul(u, v);
          return {
            product: groupBits > 0 ? mul(uv, eqPoints(rg, qg)) : uv,
            claims: [{ tensor: f.w, point: [...qg, ...rco, ...qi, ...qk], value: u }],
            spatial: { x: f.x, prefix: q.slice(0, groupBits + wBits[1]), terms: spatialTerms(f, rows, columns, qk), sum: v },
          };
        },
      },
    };
  },
};

/** r_c = (r_g, r_co'): the group is the high part of the output channel (S5: powers of two). */
const groupBitsOf = (f: ConvForm, dims: readonly number[], bits: readonly number[]): number =>
  f.groups === 1 ? 0 : (bits[0] as number) - ceilLog2((dims[0] as number) / f.groups);

/** One term per ky: (Φ_ky, Σ_kx eq(q_κ, ky·Kw + kx) · Φ'_kx). */
function spatialTerms(
  f: ConvForm,
  rows: readonly Uint32Array[],
  columns: readonly Uint32Array[],
  qk: Point,
): { a: Uint32Array; b: Uint32Array }[] {
  const weights = eqTable(qk);
  const t = new Uint32Array(4);
  return rows.map((a, ky) => {
    const b = new Uint32Array((columns[0] as Uint32Array).length);
    columns.forEach((phi, kx) => {
      const at = 4 * (ky * f.kw + kx);
      for (let j = 0; j < b.length; j += 4) {
        mulTo(t, 0, phi, j, weights, at);
        for (let c = 0; c < 4; c++) b[j + c] = addBase(b[j + c] as number, t[c] as number);
      }
    });
    return { a, b };
  });
}
