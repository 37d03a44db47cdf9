/**
 * Σ k_i · e_i for base elements or small integers k_i and extension elements e_i, with few reductions.
 *
 * k is split as 2^16·high + low (both signed, so a small integer has no high part); each product of a limb below 2^31 by either part is below 2^47 and 32 of them
 * stay exact in a float64 before a reduction.
 */
import type { F4 } from './extension.ts';
import { P } from './field.ts';

const INVERSE_OF_P = 1 / P;
const BURST = 32;

function fold(x: number): number {
  return x - Math.floor(x * INVERSE_OF_P) * P;
}

function finish(low: number, high: number): number {
  const v = fold(high) * 65536 + fold(low);
  let r = v - Math.floor(v * INVERSE_OF_P) * P;
  if (r < 0) r += P;
  if (r >= P) r -= P;
  return r;
}

/**
 * Σ_{i<n} values[from + i·stride] · elements[at + i], values in (-2^31, 2^31), elements an extension vector (offsets in elements).
 */
export function dotBase(values: Int32Array | Uint32Array, from: number, stride: number, elements: Uint32Array, at: number, n: number): F4 {
  let l0 = 0;
  let l1 = 0;
  let l2 = 0;
  let l3 = 0;
  let h0 = 0;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let e = 4 * at;
  let k = from;
  for (let done = 0; done < n; ) {
    const stop = Math.min(n, done + BURST);
    for (; done < stop; done++) {
      const v = values[k] as number;
      k += stride;
      if (v !== 0) {
        const low = (v << 16) >> 16;
        const high = (v - low) / 65536;
        const e0 = elements[e] as number;
        const e1 = elements[e + 1] as number;
        const e2 = elements[e + 2] as number;
        const e3 = elements[e + 3] as number;
        l0 += low * e0;
        l1 += low * e1;
        l2 += low * e2;
        l3 += low * e3;
        if (high !== 0) {
          h0 += high * e0;
          h1 += high * e1;
          h2 += high * e2;
          h3 += high * e3;
        }
      }
      e += 4;
    }
    l0 = fold(l0);
    l1 = fold(l1);
    l2 = fold(l2);
    l3 = fold(l3);
    h0 = fold(h0);
    h1 = fold(h1);
    h2 = fold(h2);
    h3 = fold(h3);
  }
  return [finish(l0, h0), finish(l1, h1), finish(l2, h2), finish(l3, h3)];
}

/**
 * out[i] += values[from + i·stride] · e for i < n. `out` is an accumulator of 8 float64 an element (4 low, 4 high parts), at most
 * `ACCUMULATE_BURST` times between two calls of `settle`.
 */
export function accumulateScaled(
  out: Float64Array,
  values: Int32Array | Uint32Array,
  from: number,
  stride: number,
  e: F4,
  n: number,
): void {
  const [e0, e1, e2, e3] = e;
  let k = from;
  for (let o = 0; o < 8 * n; o += 8) {
    const v = values[k] as number;
    k += stride;
    if (v === 0) continue;
    const low = (v << 16) >> 16;
    const high = (v - low) / 65536;
    out[o] = (out[o] as number) + low * e0;
    out[o + 1] = (out[o + 1] as number) + low * e1;
    out[o + 2] = (out[o + 2] as number) + low * e2;
    out[o + 3] = (out[o + 3] as number) + low * e3;
    if (high !== 0) {
      out[o + 4] = (out[o + 4] as number) + high * e0;
      out[o + 5] = (out[o + 5] as number) + high * e1;
      out[o + 6] = (out[o + 6] as number) + high * e2;
      out[o + 7] = (out[o + 7] as number) + high * e3;
    }
  }
}

export const ACCUMULATE_BURST = BURST;

/** Brings every part of an accumulator back below p. */
export function settle(acc: Float64Array): void {
  for (let i = 0; i < acc.length; i++) acc[i] = fold(acc[i] as number);
}

/** The extension vector an accumulator holds. */
export function settled(acc: Float64Array): Uint32Array {
  const n = acc.length / 8;
  const out = new Uint32Array(4 * n);
  for (let i = 0; i < n; i++) for (let k = 0; k < 4; k++) out[4 * i + k] = finish(acc[8 * i + k] as number, acc[8 * i + 4 + k] as number);
  return out;
}
