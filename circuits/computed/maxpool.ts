/** maxpool: the greatest element of each window of an image; the lower bound of the image where a window meets none. */
import { paddedSize, paddedStrides } from '../shape.ts';
import type { MaxPoolOp, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { isCount, within } from './numbers.ts';

/** [C, H', W'] of the pooled image. */
export function pooledDims([c, h, w]: readonly number[], { kernel, stride, pad, dilation }: Omit<MaxPoolOp, 'kind' | 'x' | 'y'>): number[] {
  const out = (size: number, i: 0 | 1): number =>
    Math.floor((size + pad[i] + (pad[i + 2] as number) - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  return [c as number, out(h as number, 0), out(w as number, 1)];
}

export const maxpool: ComputedSpec<MaxPoolOp, null> = {
  described: [],
  problem(op, _, tensors) {
    const [x, y] = [tensors[op.x], tensors[op.y]] as [Tensor, Tensor];
    if (x.dims.length !== 3 || y.dims.length !== 3) return 'its operand is no image';
    if (![...op.kernel, ...op.stride, ...op.dilation].every((v) => isCount(v) && v >= 1) || !op.pad.every(isCount)) return 'the window';
    if (pooledDims(x.dims, op).some((d, i) => d !== y.dims[i])) return 'shapes';
    return within(y, [x.lo, x.hi] as number[]) ? null : 'a value lies outside the bounds of its output';
  },
  values({ x, y, kernel: [kh, kw], stride, pad, dilation }, _, tensors, at) {
    const [from, to] = [tensors[x], tensors[y]] as [Tensor & { lo: number }, Tensor];
    const [, h, w] = from.dims as [number, number, number];
    const [channels, rows, columns] = to.dims as [number, number, number];
    const [sc, sh] = paddedStrides(from.dims) as [number, number, number];
    const [tc, th] = paddedStrides(to.dims) as [number, number, number];
    const image = at(x);
    const out = new Int32Array(paddedSize(to.dims));
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          let most = from.lo;
          for (let k = 0; k < kh; k++) {
            const r = i * stride[0] - pad[0] + k * dilation[0];
            if (r < 0 || r >= h) continue;
            for (let l = 0; l < kw; l++) {
              const s = j * stride[1] - pad[1] + l * dilation[1];
              if (s >= 0 && s < w) most = Math.max(most, image[c * sc + r * sh + s] as number);
            }
          }
          out[c * tc + i * th + j] = most;
        }
    return out;
  },
  steps: ({ kernel: [kh, kw] }) => kh * kw,
};
