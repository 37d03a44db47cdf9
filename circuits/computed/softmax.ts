/**
 * softmax along the last dimension, in the arithmetic of onnxruntime's QLinearSoftmax: a table of float32 exponentials of the distance to the
 * greatest element, their float32 sum in order, one division an element, and the rounding
 *
 *     y = clip(rint(f32(f32(t·m)/S)) + zp),   t = table[max − x],   S = Σ t
 *
 * where m is the integer ⌊1/sy⌋ that the kernel multiplies by. The float form, of a Softmax that is not fused, divides by sy at the end:
 * y = clip(rint(f32(f32(t/S)/sy)) + zp).
 */
import { bitsToFloat } from '../../protocol/float32.ts';
import { forEachRow } from '../shape.ts';
import { roundHalfEven } from '../step.ts';
import type { SoftmaxOp, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { isNormalScale, sameDims, within } from './numbers.ts';

const f32 = Math.fround;

export const softmax: ComputedSpec<SoftmaxOp, 'softmax'> = {
  described: ['softmax'],
  problem(op, { table, factor, zp, lo, hi }, tensors) {
    const [x, y] = [tensors[op.x], tensors[op.y]] as [Tensor, Tensor];
    if (!sameDims(x.dims, y.dims)) return 'shapes';
    if (table.length !== (x.hi as number) - (x.lo as number) + 1) return 'the table does not fit the bounds of x';
    // The greatest element counts, so no sum is 0.
    if (!table.every((bits) => bits >= 0 && bits < 0x7f800000) || !isNormalScale(table[0] as number)) return 'the table';
    if (!isNormalScale(factor)) return 'the factor';
    return lo <= hi && within(y, [lo - zp, hi - zp]) ? null : 'zero point or clip bounds';
  },
  values(op, { table, factor, fused, zp, lo, hi }, tensors, at) {
    const { dims } = tensors[op.y] as Tensor;
    const x = at(op.x);
    const t = Float32Array.from(table, bitsToFloat);
    const m = bitsToFloat(factor);
    const y = new Int32Array(x.length);
    forEachRow(dims, (base, _index, length) => {
      let most = Number.NEGATIVE_INFINITY;
      for (let p = base; p < base + length; p++) most = Math.max(most, x[p] as number);
      let sum = 0;
      for (let p = base; p < base + length; p++) sum = f32(sum + (t[most - (x[p] as number)] as number));
      for (let p = base; p < base + length; p++) {
        const e = t[most - (x[p] as number)] as number;
        const v = fused ? f32(f32(e * m) / sum) : f32(f32(e / sum) / m);
        y[p] = (v >= 2 ** 30 ? hi : v >= 0 ? Math.min(hi, Math.max(lo, roundHalfEven(v) + zp)) : lo) - zp;
      }
    });
    return y;
  },
  steps: (op, tensors) => 4 + 32 / ((tensors[op.y] as Tensor).dims.at(-1) as number),
};
