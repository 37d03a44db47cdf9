/**
 * ReduceMax, ReduceMin, GlobalMaxPool: on the integers, because quantisation keeps the order. A balanced tree of pairwise maxima over views that
 * halve what is reduced (protocol §7.3 pairmax); the least is the complement of the greatest complement.
 */
import { elements, intOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, meet, operand } from '../context.ts';
import { type Activation, type IntegerType, RANGE } from '../form.ts';
import { settle, shownOf, virtual } from '../moved.ts';
import { permute, pick, reshape } from '../shown.ts';
import { plainView, type View } from '../view.ts';
import { reducedDims } from './move.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

/** A tensor and how it is seen. */
interface Seen {
  readonly x: Activation;
  readonly view: View;
}

type Axes = (ctx: Context, node: Node, shape: readonly number[]) => readonly number[];

function extreme(attributes: readonly string[], axesOf: Axes, least: boolean): OpReader {
  return {
    attributes,
    read(node, ctx) {
      const value = operand(ctx, node, 0);
      if (value.kind !== 'integer' && (value.kind !== 'real' || value.values !== null))
        return wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor');
      if (value.x.dtype === 'int32') return wrongOperand(ctx, node, 0, 'uint8 and int8');
      const { shape } = value.view;
      const axes = axesOf(ctx, node, shape);
      if (axes.length === 0) return result(ctx, node, value);
      const greatest = greatestOf(ctx, node, least ? complement(ctx, node, value) : value, axes);
      const reduced = least ? complement(ctx, node, greatest, value.x) : greatest;
      const kept = shape.flatMap((d, i) => (axes.includes(i) ? (intOf(node, 'keepdims', 1) === 1 ? [1] : []) : [d]));
      const name = node.outputs[0] as string;
      result(ctx, node, { ...value, ...virtual(ctx, node, name, reshape(shownOf(ctx, node, reduced.x, reduced.view), kept)) });
    },
  };
}

/** The greatest over some axes of a tensor, as [rows, 1]. */
function greatestOf(ctx: Context, node: Node, { x, view }: Seen, axes: readonly number[]): Seen {
  const { shape } = view;
  const kept = shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const rows = elements(kept.map((i) => shape[i] as number));
  let n = elements(axes.map((i) => shape[i] as number));
  let shown = reshape(permute(shownOf(ctx, node, x, view), [...kept, ...axes]), [rows, n]);
  while (n > 1) {
    const half = Math.ceil(n / 2);
    // A lookup needs two elements: the last of all is made twice.
    const count = Math.max(half, rows === 1 ? 2 : 1);
    const from = (start: number): Activation => {
      const at = Array.from({ length: count }, (_, i) => (start + i) % n);
      return virtual(ctx, node, x.name, pick(shown, 1, at), [rows, count]).x;
    };
    const [a, b] = [from(0), from(n - half)];
    const y = activation(ctx, node.outputs[0] as string, x.dtype, [rows, count], { zp: null, lo: x.lo, hi: x.hi }, { zp: x.zp });
    ctx.ops.push({ kind: 'combine', node: node.label, a, b, y, form: { kind: 'max' } });
    shown = pick(
      shownOf(ctx, node, y, plainView([rows, count], [rows, count])),
      1,
      Array.from({ length: half }, (_, i) => i),
    );
    n = half;
  }
  return virtual(ctx, node, x.name, shown);
}

/** x with its order turned around: every integer as its bitwise complement; `back`: as integers of that tensor, whose complement x is. */
export function complement(ctx: Context, node: Node, seen: Seen, back?: Activation): Seen {
  const { x, dims, view } = settle(ctx, node, seen.x, seen.view);
  if (x.zp.value === null) meet(node, x, 0);
  const dtype = x.dtype as IntegerType;
  const [low, high] = RANGE[dtype];
  const turned = (v: number): number => low + high - v;
  const zp = turned(x.zp.value as number);
  const [lo, hi] = [turned(x.hi), turned(x.lo)];
  const y = activation(ctx, x.name, dtype, dims, { zp, lo, hi }, back === undefined ? {} : { zp: back.zp });
  const stage = {
    node: node.label,
    axis: null,
    from: { scale: 1, zp: x.zp.value as number },
    to: { scale: 1, zp, dtype, lo, hi },
    lo: x.lo,
    ys: [Int16Array.from({ length: x.hi - x.lo + 1 }, (_, i) => turned(x.lo + i))],
  };
  ctx.ops.push({ kind: 'lookup', node: node.label, x, y, stages: [stage] });
  return { x: y, view };
}

const reduced: Axes = (ctx, node, shape) => reducedDims(ctx, node, shape.length);

const spatial: Axes = (_, node, shape) => {
  if (shape.length < 3) refuse(node, 'model.invalid-shape', `the operand has shape [${shape.join(', ')}]; it needs spatial dimensions`);
  return shape.flatMap((_, i) => (i < 2 ? [] : [i]));
};

const REDUCE = ['axes', 'keepdims', 'noop_with_empty_axes'];

export const extremes: Readonly<Record<string, OpReader>> = {
  ReduceMax: extreme(REDUCE, reduced, false),
  ReduceMin: extreme(REDUCE, reduced, true),
  GlobalMaxPool: extreme([], spatial, false),
};
