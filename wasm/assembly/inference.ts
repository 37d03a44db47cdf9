/**
 * Accumulators of small-integer inference (protocol §7.2): sums of products of 32-bit integers, exact modulo 2^32 and so for every
 * |acc| < 2^31. circuits/forms/dense.ts and conv.ts are the definitions.
 */

/** out[c] += Σ_i w[c, i] x[i] for rows c in [from, to) of `size` integers; x has `size` integers, a multiple of four or behind zeros. */
export function denseRows(thread: u32, from: u32, to: u32, w: usize, x: usize, size: u32, out: usize): void {
  const end = <usize>size << 2;
  for (let c = from; c < to; c++) {
    const row = w + <usize>c * end;
    let i: usize = 0;
    let sum = i32x4.splat(0);
    let more = i32x4.splat(0);
    for (; i + 32 <= end; i += 32) {
      sum = i32x4.add(sum, i32x4.mul(v128.load(row + i), v128.load(x + i)));
      more = i32x4.add(more, i32x4.mul(v128.load(row + i, 16), v128.load(x + i, 16)));
    }
    sum = i32x4.add(sum, more);
    let total: i32 =
      i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
    for (; i < end; i += 4) total += load<i32>(row + i) * load<i32>(x + i);
    const at = out + (<usize>c << 2);
    store<i32>(at, load<i32>(at) + total);
  }
}

/** Words of a convolution's shape. */
const INPUTS = 0; // channels of a group
const PER_GROUP = 4; // output channels of a group
const KH = 8;
const KW = 12;
const STRIDE_Y = 16;
const STRIDE_X = 20;
const DILATION_Y = 24;
const DILATION_X = 28;
const TOP = 32;
const LEFT = 36;
const HEIGHT = 40; // of the image
const WIDTH = 44;
const ROWS = 48; // of the output
const COLUMNS = 52;
// Integers from one to the next in the padded layouts.
const X_CHANNEL = 56;
const X_ROW = 60;
const W_CHANNEL = 64;
const W_INPUT = 68;
const OUT_CHANNEL = 72;
const OUT_ROW = 76;

/** Output channels [from, to) of a convolution: bias, then one tap after the other over whole rows. `shape` has the twenty words above. */
export function convChannels(thread: u32, from: u32, to: u32, x: usize, w: usize, bias: usize, out: usize, shape: usize): void {
  const inputs = load<i32>(shape, INPUTS);
  const perGroup = load<u32>(shape, PER_GROUP);
  const kh = load<i32>(shape, KH);
  const kw = load<i32>(shape, KW);
  const strideY = load<i32>(shape, STRIDE_Y);
  const strideX = load<i32>(shape, STRIDE_X);
  const dilationY = load<i32>(shape, DILATION_Y);
  const dilationX = load<i32>(shape, DILATION_X);
  const top = load<i32>(shape, TOP);
  const left = load<i32>(shape, LEFT);
  const height = load<i32>(shape, HEIGHT);
  const width = load<i32>(shape, WIDTH);
  const rows = load<i32>(shape, ROWS);
  const columns = load<i32>(shape, COLUMNS);
  const xChannel = load<u32>(shape, X_CHANNEL);
  const xRow = load<u32>(shape, X_ROW);
  const wChannel = load<u32>(shape, W_CHANNEL);
  const wInput = load<u32>(shape, W_INPUT);
  const outChannel = load<u32>(shape, OUT_CHANNEL);
  const outRow = load<u32>(shape, OUT_ROW);
  for (let c = from; c < to; c++) {
    const plane = out + ((<usize>c * outChannel) << 2);
    const b = load<i32>(bias + (<usize>c << 2));
    for (let y = 0; y < rows; y++) for (let j = 0; j < columns; j++) store<i32>(plane + ((<usize>y * outRow + j) << 2), b);
    const group = c / perGroup;
    for (let i = 0; i < inputs; i++) {
      const image = x + ((<usize>(group * inputs + i) * xChannel) << 2);
      const weights = w + ((<usize>c * wChannel + <usize>i * wInput) << 2);
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const k = load<i32>(weights + (<usize>(ky * kw + kx) << 2));
          if (k === 0) continue;
          const dy = ky * dilationY - top;
          const dx = kx * dilationX - left;
          // Columns j with 0 ≤ j·strideX + dx < width.
          const first: i32 = dx >= 0 ? 0 : (strideX - 1 - dx) / strideX;
          const last: i32 = width - 1 - dx;
          const end: i32 = last < 0 ? 0 : min(columns, last / strideX + 1);
          if (end <= first) continue;
          for (let y = 0; y < rows; y++) {
            const row = y * strideY + dy;
            if (row < 0 || row >= height) continue;
            addRow(plane + ((<usize>y * outRow + first) << 2), image + (((<usize>row * xRow) + first * strideX + dx) << 2), end - first, strideX, k);
          }
        }
      }
    }
  }
}

/** out[j] += k · x[j · step] for j < count. */
// @ts-ignore: decorator
@inline
function addRow(out: usize, x: usize, count: i32, step: i32, k: i32): void {
  let j: i32 = 0;
  if (step === 1) {
    const factor = i32x4.splat(k);
    for (; j + 4 <= count; j += 4) {
      const at = out + (<usize>j << 2);
      v128.store(at, i32x4.add(v128.load(at), i32x4.mul(factor, v128.load(x + (<usize>j << 2)))));
    }
  }
  for (; j < count; j++) {
    const at = out + (<usize>j << 2);
    store<i32>(at, load<i32>(at) + k * load<i32>(x + (<usize>(j * step) << 2)));
  }
}
