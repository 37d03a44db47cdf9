/** mul: acc = a · b, elementwise, same dims (protocol §7.2). */
import type { MulForm } from '../types.ts';
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
  numbers: () => null,
  accumulate(_, f, values) {
    const [a, b] = [values(f.a), values(f.b)];
    return a.map((v, i) => v * (b[i] as number));
  },
};
