/**
 * A polynomial of extension elements, limbs together, at few points of a coset (protocol/ntt.ts `encodeExtensionAt` is the definition).
 * Scalars are base elements in Montgomery form, so what comes out is as plain as what goes in.
 */
import { multiplyAdd } from './extension';
import { add4, mul4, sub4 } from './field';

/** plus = low + s·high, minus = low − s·high for the halves of 2·half elements at v. */
export function halve(v: usize, half: u32, s: u32, plus: usize, minus: usize): void {
  const end: usize = <usize>half << 4;
  const scale = i32x4.splat(s);
  for (let i: usize = 0; i < end; i += 16) {
    const low = v128.load(v + i);
    const high = mul4(v128.load(v + i + end), scale);
    v128.store(plus + i, add4(low, high));
    v128.store(minus + i, sub4(low, high));
  }
}

/** The value of a polynomial of `length` elements (a multiple of four) at x, by Horner in four strands of x^4. */
export function valueAt(v: usize, length: u32, x: u32, x4: u32, out: usize): void {
  const step = i32x4.splat(x4);
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let at = v + (<usize>length << 4); at > v; ) {
    at -= 64;
    a = add4(mul4(a, step), v128.load(at));
    b = add4(mul4(b, step), v128.load(at, 16));
    c = add4(mul4(c, step), v128.load(at, 32));
    d = add4(mul4(d, step), v128.load(at, 48));
  }
  const one = i32x4.splat(x);
  v128.store(out, add4(a, mul4(add4(b, mul4(add4(c, mul4(d, one)), one)), one)));
}

/**
 * Σ_k high[k] Σ_i v[k, i] low[i]: an extension vector of `highs` times `lows` plain elements at a point, eq in two factors in Montgomery
 * form, limbs together. Plain, at `out`, with a partial sum behind it.
 */
export function evaluateElements(v: usize, highs: u32, lows: u32, high: usize, low: usize, out: usize): void {
  v128.store(out, i32x4.splat(0));
  for (let k: u32 = 0; k < highs; k++) {
    v128.store(out, i32x4.splat(0), 16);
    for (let i: u32 = 0; i < lows; i++) multiplyAdd(out + 16, v + (<usize>(k * lows + i) << 4), low + (<usize>i << 4));
    multiplyAdd(out, out + 16, high + (<usize>k << 4));
  }
}
