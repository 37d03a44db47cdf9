/** onnxruntime's fused kernels of two quantized operands (1.31, x86-64 with FMA), from raw integers to a raw integer. */
import { fma } from '../../circuits/computed/float.ts';
import { roundHalfEven } from '../../circuits/step.ts';
import type { Target } from './form.ts';
import type { Fusable } from './value.ts';

const f32 = Math.fround;

/** The kernel of an operation, or null if there is none for it. */
export function fusedKernel({ op, operands: [x, y] }: Fusable, to: Target): ((a: number, b: number) => number) | null {
  if (x === undefined || y === undefined) return null;
  const clip = (v: number): number => Math.min(to.hi, Math.max(to.lo, v));
  const [{ scale: sa, zp: za }, { scale: sb, zp: zb }] = [x.from, y.from];
  if (op === 'Add') {
    const [ra, rb] = [f32(sa / to.scale), f32(sb / to.scale)];
    const fix = f32(to.zp - fma(ra, za, f32(rb * zb)));
    if (y.scalar) return (a, b) => clip(roundHalfEven(fma(a, ra, f32(fix + f32(b * rb)))));
    if (x.scalar) return (a, b) => clip(roundHalfEven(fma(b, rb, f32(fix + f32(a * ra)))));
    return (a, b) => clip(roundHalfEven(fma(a, ra, fma(b, rb, fix))));
  }
  if (op === 'Mul') {
    const r = f32(f32(sa * sb) / to.scale);
    // The zero point is added before the rounding.
    return (a, b) => clip(roundHalfEven(f32(f32(f32((a - za) * (b - zb)) * r) + to.zp)));
  }
  return null;
}
