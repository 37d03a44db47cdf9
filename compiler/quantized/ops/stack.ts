/**
 * Convolutions of any batch and of three dimensions as one two-dimensional convolution of a view: images and depths lie one below the other,
 * padded so that no window that counts reads into the next one, and the taps of depth are channels. Rows between the images are computed and
 * shown to nobody.
 */
import { elements } from '../../onnx/graph.ts';
import { concat, permute, pick, reshape, type Shown } from '../shown.ts';

/** Sizes of a convolution over [N, C, D, H, W]: windows over depth and height; the width is the convolution's own. */
export interface Stack {
  readonly depth: Axis;
  readonly height: Axis;
}

export interface Axis {
  readonly size: number;
  readonly before: number;
  readonly after: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly out: number;
}

/** Rows that one image takes: padded, and a multiple of the stride. */
export const rowsOf = ({ size, before, after, stride }: Axis): number => Math.ceil((size + before + after) / stride) * stride;

const NOTHING = -1;

/** [N, C, D, H, W] as [C·KD, N·Do·P, W]; elements outside the images are `zero`. */
export function stacked<X>(s: Shown<X>, { depth, height }: Stack, zero: number): Shown<X> {
  const [n, c, , , w] = s.dims as [number, number, number, number, number];
  const images = permute(s, [1, 0, 2, 3, 4]); // [C, N, D, H, W]
  const rows = Array.from({ length: rowsOf(height) }, (_, i) => inside(i - height.before, height.size));
  const taps = Array.from({ length: depth.taps }, (_, k) => {
    const at = Array.from({ length: depth.out }, (_, o) => inside(o * depth.stride + k * depth.dilation - depth.before, depth.size));
    const picked = pick(pick(images, 2, at, zero), 3, rows, zero);
    return reshape(picked, [c, 1, n * depth.out * rows.length, w]);
  });
  const all = concat(taps, 1) as Shown<X>;
  return reshape(all, [c * depth.taps, n * depth.out * rows.length, w]);
}

const inside = (i: number, size: number): number => (i >= 0 && i < size ? i : NOTHING);

/** Rows of outputs that the convolution of the stack gives. */
export function outputRows(count: number, height: Axis): number {
  const total = count * rowsOf(height);
  return Math.floor((total - height.dilation * (height.taps - 1) - 1) / height.stride) + 1;
}

/** The outputs [Co, rows, Wo] of a stack as [N, Co, Do, Ho, Wo]. */
export function unstacked<X>(s: Shown<X>, n: number, { depth, height }: Stack): Shown<X> {
  const [co, , wo] = s.dims as [number, number, number];
  const each = rowsOf(height) / height.stride;
  const rows = Array.from({ length: n * depth.out * height.out }, (_, i) => Math.floor(i / height.out) * each + (i % height.out));
  return permute(reshape(pick(s, 1, rows), [co, n, depth.out, height.out, wo]), [1, 0, 2, 3, 4]);
}

/** Weights [Co, Ci, KD, KH, KW] are those of channels Ci·KD: the same numbers, row-major. */
export const stackedChannels = (wDims: readonly number[]): readonly number[] => [
  wDims[0] as number,
  (wDims[1] as number) * (wDims[2] as number),
  elements(wDims.slice(3)),
];
