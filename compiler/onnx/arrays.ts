/** Index arithmetic on constants: enumerate the result, say where each element comes from. */
import { Refused } from '../../protocol/refused.ts';
import { elements, type Tensor } from './graph.ts';

export type Data = NonNullable<Tensor['data']>;
export type Constant = Tensor & { readonly data: Data };

export const isConstant = (t: Tensor | undefined): t is Constant => t !== undefined && t.data !== null;

/** Elements of a constant that is made here: weights that are laid out anew, and no file's invention. */
const MOST = 2 ** 26;

export function newData(dtype: string, count: number): Data {
  return dtype === 'float32' ? new Float32Array(count) : dtype === 'int64' ? new Float64Array(count) : new Int32Array(count);
}

export const floats = (name: string, dims: readonly number[], data: ArrayLike<number>): Constant => ({
  name,
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
});

export const int64s = (name: string, data: readonly number[]): Constant => ({
  name,
  dtype: 'int64',
  dims: [data.length],
  data: Float64Array.from(data),
});

/** Elements between neighbours of each dimension, row-major. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (dims[i + 1] as number);
  return strides;
}

/** A tensor of `dims` whose element at an index is `value(index)`. */
export function filled(name: string, dtype: string, dims: readonly number[], value: (index: readonly number[]) => number): Constant {
  const count = elements(dims);
  if (!(count <= MOST))
    throw new Refused('model.unsupported-shape', `a folded constant "${name}" would have ${count} elements; the limit is ${MOST}`);
  const data = newData(dtype, count);
  const index = dims.map(() => 0);
  for (let at = 0; at < data.length; at++) {
    data[at] = value(index);
    for (let d = dims.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (dims[d] as number)) break;
      index[d] = 0;
    }
  }
  return { name, dtype, dims, data };
}

/** The common shape of two under ONNX broadcasting, or null. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return null;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** Reads a tensor at an index of a shape that it broadcasts to. */
export function reader(t: Constant): (index: readonly number[]) => number {
  const strides = stridesOf(t.dims);
  return (index) => {
    const skip = index.length - t.dims.length;
    let at = 0;
    for (let d = 0; d < t.dims.length; d++) if (t.dims[d] !== 1) at += (strides[d] as number) * (index[skip + d] as number);
    return t.data[at] as number;
  };
}

export function transposed(t: Constant, perm: readonly number[]): Constant {
  const read = reader(t);
  const source = t.dims.map(() => 0);
  return filled(
    t.name,
    t.dtype,
    perm.map((p) => t.dims[p] as number),
    (index) => {
      perm.forEach((p, i) => {
        source[p] = index[i] as number;
      });
      return read(source);
    },
  );
}

/** `axis` counted from the front, or null outside of the rank. */
export function axisIn(axis: number, rank: number): number | null {
  const a = axis < 0 ? axis + rank : axis;
  return a >= 0 && a < rank ? a : null;
}
