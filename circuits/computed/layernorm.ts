/**
 * layernorm along the last dimension, in the arithmetic of onnxruntime's CPU kernel (1.31, AVX2), on the dequantized values x = f32(q·sx):
 *
 *     mean = f32(Σ x / n), summed in float64;   ss = Σ fma(d, d, ·), d = f32(x − mean), in eight lanes that are added by halves;
 *     y = fma(f32(d·r), γ, β),   r = f32(1 / f32(√f32(f32(ss/n) + ε)));   then QuantizeLinear: clip(rint(f32(y/sy)) + zp)
 *
 * Other versions and CPUs order these sums otherwise; this is the meaning everywhere here.
 */
import { bitsToFloat } from '../../protocol/float32.ts';
import { forEachRow } from '../shape.ts';
import { roundHalfEven } from '../step.ts';
import type { LayerNormOp, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { fma } from './float.ts';
import { isFinite32, isNormalScale, sameDims, within } from './numbers.ts';

const f32 = Math.fround;
const LANES = 8;

export const layernorm: ComputedSpec<LayerNormOp, 'layernorm'> = {
  described: ['layernorm'],
  problem(op, { scale, gamma, beta, epsilon, outScale, zp, lo, hi }, tensors) {
    const [x, y] = [tensors[op.x], tensors[op.y]] as [Tensor, Tensor];
    const n = y.dims.at(-1);
    if (!sameDims(x.dims, y.dims)) return 'shapes';
    if (gamma.length !== n || (beta !== null && beta.length !== n)) return `${gamma.length} factors for rows of ${n}`;
    if (!isNormalScale(scale) || !isNormalScale(outScale) || !isNormalScale(epsilon)) return 'a scale, or epsilon';
    if (![...gamma, ...(beta ?? [])].every(isFinite32)) return 'a factor or offset is not finite';
    return lo <= hi && within(y, [lo - zp, hi - zp]) ? null : 'zero point or clip bounds';
  },
  values(op, { scale, gamma, beta, epsilon, outScale, zp, lo, hi }, tensors, at) {
    const { dims } = tensors[op.y] as Tensor;
    const x = at(op.x);
    const [sx, sy, eps] = [scale, outScale, epsilon].map(bitsToFloat) as [number, number, number];
    const g = Float32Array.from(gamma, bitsToFloat);
    const b = beta === null ? null : Float32Array.from(beta, bitsToFloat);
    const y = new Int32Array(x.length);
    forEachRow(dims, (base, _index, n) => {
      const real = Float32Array.from({ length: n }, (_, i) => f32((x[base + i] as number) * sx));
      let total = 0;
      for (const v of real) total += v;
      const mean = f32(total / n);
      const d = real.map((v) => f32(v - mean));
      const r = f32(1 / f32(Math.sqrt(f32(f32(sumOfSquares(d) / n) + eps))));
      for (let i = 0; i < n; i++) {
        const normal = f32((d[i] as number) * r);
        const v = b === null ? f32(normal * (g[i] as number)) : fma(normal, g[i] as number, b[i] as number);
        const q = f32(v / sy);
        y[base + i] = (!(q > lo - zp) ? lo : q >= hi - zp ? hi : roundHalfEven(q) + zp) - zp;
      }
    });
    return y;
  },
  steps: (op, tensors) => 8 + 64 / ((tensors[op.y] as Tensor).dims.at(-1) as number),
};

/** Σ d² as the kernel's eight lanes give it. */
function sumOfSquares(d: Float32Array): number {
  const lanes = new Float32Array(LANES);
  d.forEach((v, i) => {
    lanes[i % LANES] = fma(v, v, lanes[i % LANES] as number);
  });
  for (let half = LANES / 2; half >= 1; half /= 2)
    for (let k = 0; k < half; k++) lanes[k] = f32((lanes[k] as number) + (lanes[k + half] as number));
  return lanes[0] as number;
}
