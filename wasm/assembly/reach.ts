/** How far integers reach: 0 where all are zero, 1 where all fit 23 bits (a product with a limb has room for no more), else 2. */
export function reach(v: usize, count: u32): u32 {
  let any = i32x4.splat(0);
  let bits = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    const x = v128.load(v + i);
    any = v128.or(any, x);
    bits = v128.or(bits, v128.xor(x, i32x4.shr_s(x, 31)));
  }
  if (!v128.any_true(any)) return 0;
  return v128.any_true(i32x4.shr_u(bits, 23)) ? 2 : 1;
}
