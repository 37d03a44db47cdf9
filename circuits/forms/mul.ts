/** mul: acc = a · b, elementwise, same dims (protocol §7.2). */
import { mul as times } from '../../protocol/extension.ts';
import { eqPoints } from '../../protocol/mle.ts';
import { sum } from '../shape.ts';
import type { MulForm, Tensor } from '../types.ts';
import { type FormSpec, magnitude } from './form.ts';

export const mul: FormSpec<MulForm> = {
  fields: [
    ['a', 'int'],
    ['b', 'int'],
  ],
  operands: (f) => [f.a, f.b],
  weights: () => null,
  dims(tensors, f) {
    const [a, b] = [tensors[f.a]?.dims, tensors[f.b]?.dims];
    if (a === undefined || b === undefined || a.length !== b.length || !a.every((v, i) => v === b[i])) return null;
    return [...a];
  },
  bounds: (tensors, f) => [magnitude(tensors[f.a] as never) * magnitude(tensors[f.b] as never)],
  intervals(tensors, f) {
    const [a, b] = [tensors[f.a] as Tensor, tensors[f.b] as Tensor];
    const corners = [a.lo, a.hi].flatMap((u) => [b.lo, b.hi].map((v) => (u as number) * (v as number)));
    return [[Math.min(...corners), Math.max(...corners)]];
  },
  numbers: () => null,
  accumulate(_, f, values) {
    const [a, b] = [values(f.a), values(f.b)];
    return a.map((v, i) => v * (b[i] as number));
  },
  phases: ({ plan }, _, y) => ({ contraction: { variables: sum(plan.bits[y] as number[]), degree: 3 }, spatial: null }),
  reduce(_, f, { op, point, acc }) {
    return {
      contraction: {
        op,
        variables: point.length,
        degree: 3,
        sum: acc,
        factors: [
          { kind: 'lift', tensor: f.a },
          { kind: 'lift', tensor: f.b },
          { kind: 'eq', point, repeat: 1 },
        ],
        finish: (u, v, q) => ({
          product: times(eqPoints(point, q), times(u, v)),
          claims: [
            { tensor: f.a, point: q, value: u },
            { tensor: f.b, point: q, value: v },
          ],
          spatial: null,
        }),
      },
    };
  },
};
