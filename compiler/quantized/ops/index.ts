/** Every operator the compiler reads. A new one is its own file and a line here. */
import { binary } from './binary.ts';
import { concat, qlinearConcat } from './concat.ts';
import { conv, qlinearConv } from './conv.ts';
import { convTranspose } from './convtranspose.ts';
import { gemm, matMul, qgemm, qlinearMatMul } from './dense.ts';
import { extremes } from './extremes.ts';
import { gather } from './gather.ts';
import { integer } from './integer.ts';
import { layerNormalization } from './layernorm.ts';
import { maxPool } from './maxpool.ts';
import { depthToSpace, expand, slice, spaceToDepth, split, tile } from './move.ts';
import type { OpReader } from './op.ts';
import { pad } from './pad.ts';
import { pools } from './pool.ts';
import { qlinear } from './qlinear.ts';
import { dequantizeLinear, quantizeLinear } from './quantize.ts';
import { resize } from './resize.ts';
import { qlinearSoftmax, softmax } from './softmax.ts';
import { argMax, argMin, logSoftmax, topK } from './tail.ts';
import { unary } from './unary.ts';
import { flatten, identity, reshape, squeeze, transpose, unsqueeze } from './views.ts';

export const ops: Readonly<Record<string, OpReader>> = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  'com.microsoft.QuantizeLinear': quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
  QLinearConv: qlinearConv,
  QLinearMatMul: qlinearMatMul,
  'com.microsoft.QGemm': qgemm,
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: matMul,
  MaxPool: maxPool,
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Identity: identity,
  Slice: slice,
  Split: split,
  Concat: concat,
  'com.microsoft.QLinearConcat': qlinearConcat,
  Pad: pad,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Softmax: softmax,
  'com.microsoft.QLinearSoftmax': qlinearSoftmax,
  LayerNormalization: layerNormalization,
  ArgMax: argMax,
  ArgMin: argMin,
  TopK: topK,
  LogSoftmax: logSoftmax,
  ...unary,
  ...binary,
  ...qlinear,
  ...pools,
  ...extremes,
  ...integer,
};
