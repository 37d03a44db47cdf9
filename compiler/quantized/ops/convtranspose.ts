/**
 * ConvTranspose between DQ and Q: the convolution, by the turned weights, of a view that spreads the image by the strides and shows the zero point in
 * between (protocol §7.8). onnxruntime has no integer kernel for it: it sums in float32, which is the integer sum where no partial sum can round.
 */
import { elements, intsOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { type Context, has, operand } from '../context.ts';
import { shownOf, virtual } from '../moved.ts';
import { pick } from '../shown.ts';
import type { Accumulator, Value } from '../value.ts';
import { convolution } from './conv.ts';
import { type OpReader, oneOrAll, ownMeaning, result, wrongOperand } from './op.ts';
import { dequantizedBias, dequantizedWeights, type Weights } from './weights.ts';
import { groupsOf, WINDOW_ATTRIBUTES } from './window.ts';

export const convTranspose: OpReader = {
  attributes: [...WINDOW_ATTRIBUTES, 'group', 'output_padding', 'output_shape'],
  read(node, ctx) {
    const x = operand(ctx, node, 0);
    if (x.kind !== 'real' || x.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
    const { shape } = x.view;
    const groups = groupsOf(node);
    const given = dequantizedWeights(ctx, node, 1, () => 1);
    const { dims } = given.tensor;
    if (
      shape.length < 3 ||
      shape.length > 5 ||
      dims.length !== shape.length ||
      !(groups >= 1) ||
      dims[0] !== shape[1] ||
      shape[1] % groups !== 0
    )
      refuse(
        node,
        'model.invalid-shape',
        `weights [${dims.join(', ')}] with group ${groups} do not fit an operand [${shape.join(', ')}]; supported: one to three spatial dimensions`,
      );
    const weights = turned(given, groups);
    const scales = weights.scales.map((s) => Math.fround(x.from.scale * s));
    const bias = dequantizedBias(ctx, node, 2, weights.tensor.dims[0] as number, scales);
    const axes = spreadsOf(node, shape.slice(2), dims.slice(2));
    const sizes = axes.map((a) => a.positions.length);
    if (elements([shape[0] as number, shape[1] as number, ...sizes]) > MAX_ELEMENTS)
      refuse(node, 'model.unsupported-shape', `spreads [${shape.join(', ')}] to more than ${MAX_ELEMENTS} elements`);
    const spread = axes.reduce((s, { positions }, i) => pick(s, i + 2, positions, x.from.zp), shownOf(ctx, node, x.x, x.view));
    const image = virtual(ctx, node, x.x.name, spread);
    const inner: Node = {
      ...node,
      attributes: new Map([
        ['dilations', { kind: 'ints', value: axes.map((a) => a.dilation) }],
        ['group', { kind: 'int', value: groups }],
      ]),
    };
    const made = convolution(ctx, inner, image.x, image.view, weights, bias, scales);
    exactness(ctx, node, made.acc, x, given.scales);
    result(ctx, node, { kind: 'accumulator', ...made, chain: [{ op: 'Mul', constants: oneOrAll(scales) }], clamps: [], pools: [] });
  },
};

/** Weights [C, M/g, ..k] as [M, C/g, ..k], every kernel back to front, and scales of M/g channels as those of M. */
function turned({ tensor, data, scales }: Weights, groups: number): Weights {
  const [c, m] = tensor.dims as [number, number];
  const kernel = tensor.dims.slice(2);
  const [taps, each] = [elements(kernel), c / groups];
  const out = new Int32Array(data.length);
  for (let i = 0; i < c; i++)
    for (let j = 0; j < m; j++) {
      const to = ((Math.floor(i / each) * m + j) * each + (i % each)) * taps;
      for (let k = 0; k < taps; k++) out[to + taps - 1 - k] = data[(i * m + j) * taps + k] as number;
    }
  const channels = m * groups;
  return {
    tensor: { ...tensor, dims: [channels, each, ...kernel] },
    data: out,
    scales: scales.length === 1 ? scales : Array.from({ length: channels }, (_, o) => scales[o % m] as number),
  };
}

interface Spread {
  /** Positions of the image along an axis, or -1 for the zero point. */
  readonly positions: readonly number[];
  readonly dilation: number;
  /** Elements of the result along it. */
  readonly out: number;
}

/** The spread image of every spatial axis, padded so that a plain convolution gives the result (ONNX ConvTranspose-11). */
export function spreadsOf(node: Node, sizes: readonly number[], kernel: readonly number[]): Spread[] {
  const n = sizes.length;
  const list = (name: string, length: number, otherwise: number, low: number): readonly number[] => {
    const given = intsOf(node, name) ?? Array.from({ length }, () => otherwise);
    if (given.length !== length || given.some((v) => !(v >= low && v <= 2 ** 20)))
      refuse(node, 'model.invalid-attribute', `attribute ${name} is [${given.join(', ')}]; it needs ${length} numbers of at least ${low}`, {
        attribute: name,
      });
    return given;
  };
  const declared = intsOf(node, 'kernel_shape');
  if (declared !== undefined && declared.join() !== kernel.join())
    refuse(node, 'model.invalid-attribute', `attribute kernel_shape is [${declared.join(', ')}], the weights have [${kernel.join(', ')}]`, {
      attribute: 'kernel_shape',
    });
  const [strides, dilations, more] = [list('strides', n, 1, 1), list('dilations', n, 1, 1), list('output_padding', n, 0, 0)];
  const pads = list('pads', 2 * n, 0, 0);
  const asked = intsOf(node, 'output_shape')?.slice(-n);
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto))
    refuse(node, 'model.invalid-attribute', `attribute auto_pad is "${auto}"`, { attribute: 'auto_pad' });
  return sizes.map((size, a) => {
    const [stride, dilation] = [strides[a] as number, dilations[a] as number];
    const reach = dilation * ((kernel[a] as number) - 1);
    const whole = stride * (size - 1) + (more[a] as number) + reach + 1;
    const fixed = asked?.[a] ?? (auto.startsWith('SAME') ? Math.min(whole, size * stride) : null);
    if ((more[a] as number) >= stride || (fixed !== null && fixed - whole >= stride))
      refuse(
        node,
        'model.invalid-attribute',
        `gives ${fixed ?? whole} elements of an axis of ${size}, more than its stride ${stride} leaves between two`,
      );
    let [before, out] = [auto === 'NOTSET' ? (pads[a] as number) : 0, whole];
    if (fixed === null) out -= before + (auto === 'NOTSET' ? (pads[a + n] as number) : 0);
    else {
      const total = Math.max(0, whole - fixed);
      before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      out = fixed;
    }
    if (!(out >= 1 && out <= 2 ** 24)) refuse(node, 'model.invalid-shape', `gives ${out} elements of an axis of ${size}`);
    const positions = Array.from({ length: out + reach }, (_, j) => {
      const at = (j - reach + before) / stride;
      return Number.isInteger(at) && at >= 0 && at < size ? at : -1;
    });
    return { positions, dilation, out };
  });
}

/** Notes the node as one of own meaning, unless every product and partial sum of onnxruntime is a float32: then so is its result, and ours. */
function exactness(
  ctx: Context,
  node: Node,
  { linear, scales }: Accumulator,
  x: Extract<Value, { kind: 'real' }>,
  own: readonly number[],
): void {
  const row = linear.weights.length / linear.bias.length;
  const most = Math.max(x.x.hi - x.from.zp, x.from.zp - x.x.lo);
  const rounds = Array.from(linear.bias).some((b, c) => {
    const sum = linear.weights.subarray(c * row, (c + 1) * row).reduce((s, w) => s + Math.abs(w), 0) * most + Math.abs(b);
    const scale = own[own.length === 1 ? 0 : c % own.length] as number;
    return sum * odd(x.from.scale) * odd(scale) >= 2 ** 24 || x.from.scale * scale !== scales[scales.length === 1 ? 0 : c];
  });
  const bias = has(node, 2) ? operand(ctx, node, 2) : null;
  const moved = bias?.kind === 'real-constant' && bias.scales.some((s, c) => s !== scales[scales.length === 1 ? 0 : c]);
  if (rounds || moved) ownMeaning(ctx, node, 'onnxruntime sums it in float32, which rounds');
}

/** The odd part of a float32: v is it times a power of two. */
function odd(v: number): number {
  let m = v;
  while (!Number.isInteger(m)) m *= 2;
  while (m % 2 === 0) m /= 2;
  return m;
}
