/**
 * The words of a circuit: tensors, accumulator forms, ops (protocol §3.1, §6.5, §7).
 *
 * All tensors hold centred integers `q - zeroPoint`. A tensor is named by its index in the tensor list.
 */

/**
 * Who evaluates the claims on a tensor: the verifier from the statement (`PUB`), from the proof body (`R`, revealed), from what it derives of
 * those (`D`) or from the described tables of the key (`T`); the model owner's commitment (`W`), a committed input (`X`), the witness (`A`).
 * Claims on a view (`V`) are reduced to claims on what it shows (phase C).
 */
export type Home = 'PUB' | 'R' | 'D' | 'W' | 'X' | 'A' | 'T' | 'V';

/** `dims` are the true sizes, each >= 1; `lo`, `hi` bound the centred values and exist only on PUB, R, D, X and V tensors, outputs of lookups, and W tensors that ops read as values (S11). */
export interface Tensor {
  dims: number[];
  home: Home;
  lo: number | null;
  hi: number | null;
}

export interface ConvForm {
  kind: 'conv';
  x: number;
  /** Weight tensor, dims [Co, Ci/groups, kh*kw]. */
  w: number;
  /** Bias tensor, dims [Co]. */
  b: number;
  kh: number;
  kw: number;
  stride: [number, number];
  /** [top, left, bottom, right] */
  pad: [number, number, number, number];
  dilation: [number, number];
  groups: number;
}

/** `acc[t, n] = b[n] + sum_k W[n, k] X[t, k]`; the first `sp` dims of X are t, the rest is k. W has dims [N, ...k dims of X]. */
export interface DenseForm {
  kind: 'dense';
  x: number;
  w: number;
  b: number;
  sp: number;
}

/** `acc = constant + sum_i c_i t_i`, all of the same dims; terms are [coefficient, tensor]. */
export interface LinForm {
  kind: 'lin';
  terms: [number, number][];
  constant: number;
}

/** Sum over the window, 0 outside; the division is in the cells. */
export interface PoolForm {
  kind: 'pool';
  x: number;
  kh: number;
  kw: number;
  stride: [number, number];
  pad: [number, number, number, number];
  dilation: [number, number];
}

/** As pool, each window weighted by the inverse of how many elements of the image it meets, times a common multiple. */
export interface AverageForm {
  kind: 'average';
  x: number;
  kh: number;
  kw: number;
  stride: [number, number];
  pad: [number, number, number, number];
  dilation: [number, number];
}

export interface MulForm {
  kind: 'mul';
  a: number;
  b: number;
}

/** acc[h.., t, e] = Σ_s a[h.., t, s] · b[h.., s, e]: a batched product of two computed tensors. */
export interface BmmForm {
  kind: 'bmm';
  a: number;
  b: number;
}

export type Form = ConvForm | DenseForm | LinForm | PoolForm | AverageForm | MulForm | BmmForm;

/** Requantisation: accumulator to y through cells (§5.3). */
export interface ReqOp {
  kind: 'req';
  form: Form;
  rem: number;
  /** Committed width column, or null when the op has one width. */
  wid: number | null;
  /** The one width when `wid` is null. */
  w0: number | null;
  y: number;
  /** First table id; with `per` = 1 channel c uses id + c. */
  id: number;
  per: 0 | 1;
  /** The channel coordinate of y when `per` = 1. */
  cd: number | null;
  /** A: |acc| <= bound. */
  bound: number;
  tmax: number;
  widths: number[];
}

export interface UnaryOp {
  kind: 'unary';
  x: number;
  y: number;
  id: number;
}

export interface BinOp {
  kind: 'bin';
  a: number;
  b: number;
  y: number;
  id: number;
}

/** One pairwise maximum along `axis` (1 = y, 2 = x): taps k0 (or `prev`) and k1 (§7.6). */
export interface MaxOp {
  kind: 'max';
  x: number;
  axis: 1 | 2;
  stride: number;
  pad: number;
  dilation: number;
  k0: number | null;
  k1: number;
  prev: number | null;
  y: number;
  id: number;
  lo: number;
}

/** y = max(a, b), elementwise. */
export interface PairMaxOp {
  kind: 'pairmax';
  a: number;
  b: number;
  y: number;
  id: number;
}

export interface RangeOp {
  kind: 'range';
  x: number;
  w: number;
}

/** An int32 accumulator in the clear: an output (home PUB), or revealed in the proof body (home R). */
export interface OutOp {
  kind: 'out';
  form: Form;
  y: number;
  bound: number;
}

/** y = f(x) elementwise, f described by the key, x in the clear: computed by the verifier, never proven (§7.7). y has home D, or PUB as an output. */
export interface ApplyOp {
  kind: 'apply';
  x: number;
  y: number;
  /** The coordinate along which each index has a function of its own, or null when all elements share one. */
  cd: number | null;
}

/** Softmax along the last dimension, computed like `apply`. */
export interface SoftmaxOp {
  kind: 'softmax';
  x: number;
  y: number;
}

/** LayerNormalization along the last dimension, computed like `apply`. */
export interface LayerNormOp {
  kind: 'layernorm';
  x: number;
  y: number;
}

/** The accumulator of a form without weights, computed like `apply` where all it reads is in the clear. */
export interface AccumulateOp {
  kind: 'accumulate';
  form: Form;
  y: number;
}

/** Max-pool of an image in the clear, [C, H, W]; `pad` is [top, left, bottom, right]. */
export interface MaxPoolOp {
  kind: 'maxpool';
  x: number;
  kernel: [number, number];
  stride: [number, number];
  pad: [number, number, number, number];
  dilation: [number, number];
  y: number;
}

/** y = max(a, b), elementwise, both in the clear. */
export interface MaximumOp {
  kind: 'maximum';
  a: number;
  b: number;
  y: number;
}

/** Ops that the verifier computes itself. */
export type ComputedOp = ApplyOp | SoftmaxOp | LayerNormOp | AccumulateOp | MaxPoolOp | MaximumOp;

/**
 * Digits run from 0 to below `counts`; each combination of them adds the element of x at coordinates `from` to the element of y at
 * coordinates `to`. A coordinate is [offset, stride of digit 0, stride of digit 1, …]. There is one a dimension, or one in all: the
 * row-major index over the true dims. A combination that leaves x or y adds nothing.
 */
export interface ViewPart {
  x: number;
  counts: number[];
  from: number[][];
  to: number[][];
}

/** y = the sum of its parts, plus `fill` where none of them adds anything: Reshape, Transpose, Slice, Concat, Pad, Resize, sums (§7.8). y has home V, or D where all it shows is in the clear. */
export interface ViewOp {
  kind: 'view';
  parts: ViewPart[];
  fill: number;
  y: number;
}

/** y[t.., e..] = x[ids[t], e]: rows of x by indices in the clear. y has home V. */
export interface GatherOp {
  kind: 'gather';
  x: number;
  ids: number;
  y: number;
}

/** Ops whose output shows other tensors. */
export type ShowOp = ViewOp | GatherOp;

/** Ops that are answered by table rows. */
export type LookupOp = ReqOp | UnaryOp | BinOp | MaxOp | PairMaxOp | RangeOp;

export type Op = LookupOp | OutOp | ComputedOp | ShowOp;

export const isShow = (op: Op): op is ShowOp => op.kind === 'view' || op.kind === 'gather';
const COMPUTED: ReadonlySet<Op['kind']> = new Set<ComputedOp['kind']>([
  'apply',
  'softmax',
  'layernorm',
  'accumulate',
  'maxpool',
  'maximum',
]);
export const isComputed = (op: Op): op is ComputedOp => COMPUTED.has(op.kind);
export const isLookup = (op: Op): op is LookupOp => op.kind !== 'out' && !isComputed(op) && !isShow(op);

import type { Dtype } from '../protocol/statement.ts';

export type { Dtype };

/** A tensor that enters or leaves the statement: raw value = centred value + zp. */
export interface IoTensor {
  tensor: number;
  dtype: Dtype;
  zp: number;
}
