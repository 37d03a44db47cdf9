/**
 * bmm: acc[h, t, e] = Σ_s a[h, t, s] · b[h, s, e], a product of two computed tensors for every index h of the leading dims (protocol §7.2).
 * It sums over whole padded rows of s, so both operands must be 0 beyond their dims: they are, as every operand is (S7).
 */
import { mul as times } from '../../protocol/extension.ts';
import { eqPoints } from '../../protocol/mle.ts';
import { paddedSize, sum } from '../shape.ts';
import type { BmmForm, Tensor } from '../types.ts';
import { type FormSpec, magnitude } from './form.ts';
import type { ReductionContext } from './reduction.ts';

/** Bits of the leading dims, and of t, s, e. */
function bitsOfForm({ plan }: ReductionContext, f: BmmForm): { h: number; t: number; s: number; e: number } {
  const [a, b] = [plan.bits[f.a] as number[], plan.bits[f.b] as number[]];
  return { h: sum(a.slice(0, -2)), t: a.at(-2) as number, s: a.at(-1) as number, e: b.at(-1) as number };
}

export const bmm: FormSpec<BmmForm> = {
  fields: [
    ['a', 'int'],
    ['b', 'int'],
  ],
  operands: (f) => [f.a, f.b],
  weights: () => null,
  dims(tensors, f) {
    const [a, b] = [tensors[f.a]?.dims, tensors[f.b]?.dims];
    if (a === undefined || b === undefined || a.length < 2 || a.length !== b.length || a.at(-1) !== b.at(-2)) return null;
    const lead = a.slice(0, -2);
    return lead.every((d, i) => d === b[i]) ? [...lead, a.at(-2) as number, b.at(-1) as number] : null;
  },
  bounds: (tensors, f) => [(tensors[f.a]?.dims.at(-1) as number) * magnitude(tensors[f.a] as Tensor) * magnitude(tensors[f.b] as Tensor)],
  intervals(tensors, f) {
    const [a, b] = [tensors[f.a] as Tensor, tensors[f.b] as Tensor];
    const corners = [a.lo, a.hi].flatMap((u) => [b.lo, b.hi].map((v) => (u as number) * (v as number)));
    const n = a.dims.at(-1) as number;
    return [[n * Math.min(...corners), n * Math.max(...corners)]];
  },
  numbers: () => null,
  accumulate(tensors, f, values, outDims) {
    const [a, b] = [values(f.a), values(f.b)];
    const [t, s] = (tensors[f.a] as Tensor).dims.slice(-2) as [number, number];
    const e = outDims.at(-1) as number;
    const [tp, sp, ep] = [t, s, e].map((d) => paddedSize([d])) as [number, number, number];
    const out = new Int32Array(paddedSize(outDims));
    for (let h = 0; h < out.length / (tp * ep); h++)
      for (let i = 0; i < tp; i++)
        for (let k = 0; k < sp; k++) {
          const u = a[(h * tp + i) * sp + k] as number;
          if (u === 0) continue;
          const [from, to] = [(h * sp + k) * ep, (h * tp + i) * ep];
          for (let j = 0; j < ep; j++) out[to + j] = (out[to + j] as number) + u * (b[from + j] as number);
        }
    return out;
  },
  phases(ctx, f) {
    const { h, s } = bitsOfForm(ctx, f);
    return { contraction: { variables: h + s, degree: h > 0 ? 3 : 2 }, spatial: null };
  },
  reduce(ctx, f, { op, point, acc }) {
    const { h, t, s } = bitsOfForm(ctx, f);
    const [rh, rt, re] = [point.slice(0, h), point.slice(h, h + t), point.slice(h + t)];
    return {
      contraction: {
        op,
        variables: h + s,
        degree: h > 0 ? 3 : 2,
        sum: acc,
        factors: [
          { kind: 'contract', tensor: f.a, outer: 2 ** h, inner: 2 ** s, point: rt },
          { kind: 'contract', tensor: f.b, outer: 2 ** (h + s), inner: 1, point: re },
          ...(h > 0 ? [{ kind: 'eq', point: rh, repeat: 2 ** s } as const] : []),
        ],
        finish(u, v, q) {
          const [qh, qs] = [q.slice(0, h), q.slice(h)];
          const uv = times(u, v);
          return {
            product: h > 0 ? times(uv, eqPoints(rh, qh)) : uv,
            claims: [
              { tensor: f.a, point: [...qh, ...rt, ...qs], value: u },
              { tensor: f.b, point: [...qh, ...qs, ...re], value: v },
            ],
            spatial: null,
          };
        },
      },
    };
  },
};
