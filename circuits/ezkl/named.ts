/** The tensors of an EZKL statement by name: the integers that are proven, and the real numbers they stand for. */
import { type NamedTensor, named } from '../named.ts';
import type { FixedPoint } from './settings.ts';

export const integersOf = (t: FixedPoint, values: Int32Array): NamedTensor => named(`${t.name} (integers)`, 'int32', t.dims, values);

/** integer / 2^scale: exact up to 2^24, then rounded once to float32. */
export const realsOf = (t: FixedPoint, values: Int32Array): NamedTensor =>
  named(
    t.name,
    'float32',
    t.dims,
    Float64Array.from(values, (v) => v / 2 ** t.scale),
  );
