/** Padded shapes: v1 pads every dimension to a power of two, row-major, dimension 0 most significant (protocol §3.1). */

import { ceilLog2 } from '../protocol/integers.ts';

export function bitsOf(dims: readonly number[]): number[] {
  return dims.map(ceilLog2);
}

export function sum(values: readonly number[]): number {
  return values.reduce((s, v) => s + v, 0);
}

/** The greatest of some numbers, however many; -Infinity for none. */
export function maxOf(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const v of values) most = Math.max(most, v);
  return most;
}

/** The least of some numbers, however many; Infinity for none. */
export function minOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const v of values) least = Math.min(least, v);
  return least;
}

export function product(values: readonly number[]): number {
  return values.reduce((s, v) => s * v, 1);
}

/** Number of elements of the padded tensor. */
export function paddedSize(dims: readonly number[]): number {
  return 2 ** sum(bitsOf(dims));
}

/** Row-major strides of the padded tensor. */
export function paddedStrides(dims: readonly number[]): number[] {
  const bits = bitsOf(dims);
  return bits.map((_, k) => 2 ** sum(bits.slice(k + 1)));
}

/** Calls `visit(index in the padded tensor, index in the true tensor)` for every valid position, ascending. */
export function forEachValid(dims: readonly number[], visit: (padded: number, index: number) => void): void {
  forEachRow(dims, (base, index, length) => {
    for (let j = 0; j < length; j++) visit(base + j, index + j);
  });
}

/** Calls `visit` once for every row of the last dimension: where it begins in the padded and in the true tensor, and its true length. */
export function forEachRow(dims: readonly number[], visit: (padded: number, index: number, length: number) => void): void {
  const total = product(dims);
  const last = dims.length === 0 ? 1 : (dims[dims.length - 1] as number);
  const strides = paddedStrides(dims);
  const at = dims.map(() => 0);
  for (let index = 0; index < total; index += last) {
    let base = 0;
    for (let k = 0; k < dims.length - 1; k++) base += (at[k] as number) * (strides[k] as number);
    visit(base, index, last);
    for (let k = dims.length - 2; k >= 0; k--) {
      at[k] = (at[k] as number) + 1;
      if ((at[k] as number) < (dims[k] as number)) break;
      at[k] = 0;
    }
  }
}

/** Puts true values into the padded layout, 0 elsewhere. */
export function pad(values: ArrayLike<number>, dims: readonly number[]): Int32Array {
  const out = new Int32Array(paddedSize(dims));
  forEachValid(dims, (p, i) => {
    out[p] = values[i] as number;
  });
  return out;
}

/** Takes the true values out of the padded layout. */
export function unpad(padded: ArrayLike<number>, dims: readonly number[]): Int32Array {
  const out = new Int32Array(product(dims));
  forEachValid(dims, (p, i) => {
    out[i] = padded[p] as number;
  });
  return out;
}

/** 1 at valid positions, 0 at padded ones. */
export function validMask(dims: readonly number[]): Uint8Array {
  const out = new Uint8Array(paddedSize(dims));
  forEachValid(dims, (p) => {
    out[p] = 1;
  });
  return out;
}
