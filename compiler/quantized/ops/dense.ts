/**
 * Gemm and MatMul between DQ and Q, QLinearMatMul, com.microsoft QGemm: activations times constant weights (protocol §7.2 dense).
 *
 * Any layout of the contracted dimension is absorbed by permuting the weight columns; the other dimensions must be the leading key axes.
 */
import { paddedSize } from '../../../circuits/shape.ts';
import { elements, floatOf, intOf, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import { activation, type Context, has, integerOf, operand, scaleOf, targetOf } from '../context.ts';
import type { Activation } from '../form.ts';
import { keyDims, settle, shownOf, virtual } from '../moved.ts';
import { reshape } from '../shown.ts';
import type { Accumulator } from '../value.ts';
import { plainView, positions, type View } from '../view.ts';
import { kernelTypes } from './conv.ts';
import { type OpReader, oneOrAll, requantised, result, wrongOperand } from './op.ts';
import { isActivation, matMulOfTwo, qlinearMatMulOfTwo } from './product.ts';
import { dequantizedBias, dequantizedWeights, operatorBias, operatorWeights, type Weights } from './weights.ts';

const gemmAttributes = ['alpha', 'beta', 'transA', 'transB'];

function plainGemm(node: Node, bias: boolean): void {
  const need = (name: string, is: number, must: number) => {
    if (is !== must) refuse(node, 'model.unsupported-attribute', `attribute ${name} is ${is}; supported: ${must}`, { attribute: name });
  };
  need('transA', intOf(node, 'transA', 0), 0);
  need('alpha', floatOf(node, 'alpha', 1), 1);
  if (bias) need('beta', floatOf(node, 'beta', 1), 1);
  const t = intOf(node, 'transB', 0);
  if (t !== 0 && t !== 1) need('transB', t, 1);
}

const channelAxis = (node: Node) => (t: Tensor) => {
  if (t.dims.length !== 2)
    refuse(node, 'model.unsupported-shape', `the weights "${t.name}" have dims [${t.dims.join(', ')}]; supported: two dimensions`);
  return intOf(node, 'transB', 0) === 1 ? 0 : 1;
};
const channelCount = (node: Node) => (t: Tensor) => t.dims[channelAxis(node)(t)] as number;

function dequantized(node: Node, ctx: Context, gemm: boolean) {
  const x = operand(ctx, node, 0);
  if (x.kind !== 'real' || x.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
  if (gemm) rank2(node, x.view);
  const weights = dequantizedWeights(ctx, node, 1, channelAxis(node));
  const scales = weights.scales.map((s) => Math.fround(x.from.scale * s));
  const bias = gemm
    ? dequantizedBias(ctx, node, 2, channelCount(node)(weights.tensor), scales)
    : new Int32Array(channelCount(node)(weights.tensor));
  const { acc, view } = product(ctx, node, x.x, x.view, weights, bias, scales);
  result(ctx, node, { kind: 'accumulator', acc, view, chain: null, clamps: [], pools: [], moved: null });
}

export const gemm: OpReader = {
  attributes: gemmAttributes,
  read(node, ctx) {
    plainGemm(node, has(node, 2));
    dequantized(node, ctx, true);
  },
};

export const matMul: OpReader = {
  attributes: [],
  read: (node, ctx) => (isActivation(ctx, node, 1) ? matMulOfTwo(node, ctx) : dequantized(node, ctx, false)),
};

export const qlinearMatMul: OpReader = {
  attributes: [],
  read(node, ctx) {
    if (isActivation(ctx, node, 3)) return qlinearMatMulOfTwo(node, ctx);
    const { x, view, from } = integerOf(ctx, node, 0);
    const weights = operatorWeights(ctx, node, 3, channelAxis(node));
    const to = targetOf(ctx, node, 6, 7);
    kernelTypes(node, x, to.dtype, weights);
    const scales = weights.scales.map((s) => Math.fround(from.scale * s));
    const made = product(ctx, node, x, view, weights, new Int32Array(channelCount(node)(weights.tensor)), scales);
    result(ctx, node, requantised(ctx, node, { ...made, chain: null, pools: [], moved: null }, to, node.outputs[0] as string));
  },
};

/** QGemm with an output scale requantises; without one its output is the float `f32(f32(acc)·f32(sx·sw))`. */
export const qgemm: OpReader = {
  attributes: gemmAttributes.filter((a) => a !== 'beta'),
  read(node, ctx) {
    plainGemm(node, false);
    const { x, view, from } = integerOf(ctx, node, 0);
    rank2(node, view);
    const weights = operatorWeights(ctx, node, 3, channelAxis(node));
    const bias = operatorBias(ctx, node, 6, channelCount(node)(weights.tensor));
    const scales = weights.scales.map((s) => Math.fround(from.scale * s));
    if (!has(node, 7)) {
      kernelTypes(node, x, x.dtype, weights);
      const made = product(ctx, node, x, view, weights, bias, scales);
      return result(ctx, node, {
        kind: 'accumulator',
        ...made,
        chain: [{ op: 'Mul', constants: oneOrAll(scales) }],
        clamps: [],
        pools: [],
        moved: null,
      });
    }
    scaleOf(ctx, node, 7, 'output scale');
    const to = targetOf(ctx, node, 7, 8);
    kernelTypes(node, x, to.dtype, weights);
    const made = product(ctx, node, x, view, weights, bias, scales);
    result(ctx, node, requantised(ctx, node, { ...made, chain: null, pools: [], moved: null }, to, node.outputs[0] as string));
  },
};

function rank2(node: Node, view: View): void {
  if (view.shape.length !== 2)
    refuse(node, 'model.invalid-shape', `the operand has shape [${view.shape.join(', ')}]; it must have two dimensions`);
}

/** x [.., K] times weights [K, N] (or [N, K] when transB). */
export function product(
  ctx: Context,
  node: Node,
  source: Activation,
  given: View,
  { tensor, data }: Weights,
  bias: Int32Array,
  scales: readonly number[],
): { acc: Accumulator; view: View } {
  const transposed = channelAxis(node)(tensor) === 0;
  const [n, k] = transposed ? (tensor.dims as [number, number]) : ([tensor.dims[1], tensor.dims[0]] as [number, number]);
  if (given.shape.length < 1 || given.shape.at(-1) !== k || n === 0)
    refuse(node, 'model.invalid-shape', `weights [${tensor.dims.join(', ')}] do not fit an operand [${given.shape.join(', ')}]`, {
      tensor: tensor.name,
    });
  const { x, dims, view, sp } = rowsFirst(ctx, node, source, given, n);
  const layout = view.layout as readonly (readonly number[])[];
  const axes = dims.map((_, i) => i).slice(sp);
  const column = positions(dims, axes, layout.at(-1) as readonly number[]);
  const weights = new Int32Array(n * k);
  for (let c = 0; c < n; c++)
    for (let j = 0; j < k; j++) {
      const at = column[j] as number;
      weights[c * k + j] = data[transposed ? c * k + at : at * n + c] as number;
    }
  const outDims = [...dims.slice(0, sp), n];
  if (elements(outDims) > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `gives [${outDims.join(', ')}]; the limit is ${MAX_ELEMENTS} elements`);
  return {
    acc: {
      linear: { node: node.label, x, form: { kind: 'dense', sp }, wDims: [n, ...dims.slice(sp)], weights, bias },
      dims: outDims,
      scales,
    },
    view: { shape: [...view.shape.slice(0, -1), n], layout: [...layout.slice(0, -1), n === 1 ? [] : [sp]], steps: [] },
  };
}

interface Rows {
  readonly x: Activation;
  readonly dims: readonly number[];
  readonly view: View;
  /** The first `sp` dims are the rows of the operand. */
  readonly sp: number;
}

/**
 * The operand with its rows as leading dims and everything else contracted: as it lies, if it can be, else a view of it. The weights have
 * the padding of the contracted dims, so a view is better too where that padding is more than the operand.
 */
function rowsFirst(ctx: Context, node: Node, source: Activation, given: View, channels: number): Rows {
  const { x, dims, view } = settle(ctx, node, source, given);
  const rows = (view.layout as readonly (readonly number[])[]).slice(0, -1).flat();
  const sp = rows.length === 0 ? 0 : Math.max(...rows) + 1;
  const listed = Array.from({ length: sp }, (_, i) => i).filter((i) => dims[i] !== 1);
  const lies = listed.join() === rows.join() && sp <= 8 && sp < dims.length;
  const contracted = dims.slice(sp);
  const padding = paddedSize([channels]) * (paddedSize(contracted) - paddedSize([elements(contracted)]));
  if (lies && padding <= PADDING_PER_ELEMENT * elements(dims)) return { x, dims, view, sp };
  const shape = given.shape.length > 1 && elements(given.shape.slice(0, -1)) === 1 ? given.shape.slice(-1) : given.shape;
  // The contracted dimension must be one of its dims, even one element long.
  const moved = virtual(ctx, node, x.name, reshape(shownOf(ctx, node, x, given), shape), keyDims(shape));
  const own = moved.x.dims as readonly number[];
  return { x: moved.x, dims: own, view: plainView(given.shape, own), sp: own.length - 1 };
}

/** A padded weight is an element that is committed; a view costs its prover a pass over the operand, some ten times that an element. */
export const PADDING_PER_ELEMENT = 8;

/** An accumulator as a public int32 activation (a float output of the graph is a scale away). */
export function publicAccumulator(ctx: Context, acc: Accumulator, name: string): Activation {
  const y = activation(ctx, name, 'int32', acc.dims, { zp: 0, lo: -(2 ** 31), hi: 2 ** 31 - 1 });
  ctx.ops.push({ kind: 'linear', ...acc.linear, y, requant: null, stages: [] });
  return y;
}
