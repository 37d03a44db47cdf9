/**
 * Add, Sub, Mul, Div, Pow, Min, Max, PRelu of a tensor and a constant (a table, or one a channel) or of two tensors (a function of two bytes,
 * pair.ts), with broadcasting. Two uses of one tensor are a function of one.
 */
import { elements, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { type Context, constantActivation, operand } from '../context.ts';
import type { Activation } from '../form.ts';
import { keyDims, settle, shownOf, virtual } from '../moved.ts';
import { mapped, type Real, realsOf, valuesOf } from '../real.ts';
import { BINARY } from '../scalar.ts';
import type { Fusable, Value } from '../value.ts';
import { plainView, type View } from '../view.ts';
import { chained } from './chained.ts';
import { broadcast, broadcastShape } from './move.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

type Constant = Extract<Value, { kind: 'constant' | 'real-constant' }>;
const isConstant = (v: Value): v is Constant => v.kind === 'constant' || v.kind === 'real-constant';

function read(op: string, f: (a: number, b: number) => number): OpReader['read'] {
  return (node, ctx) => {
    const [a, b] = [operand(ctx, node, 0), operand(ctx, node, 1)];
    if (isConstant(a) && isConstant(b)) return result(ctx, node, folded(ctx, node, a, b, f));
    if (a.kind === 'accumulator' && isConstant(b)) return result(ctx, node, chained(ctx, node, a, op, b.tensor.dims, reals(node, b), 1));
    if (b.kind === 'accumulator' && isConstant(a)) return result(ctx, node, chained(ctx, node, b, op, a.tensor.dims, reals(node, a), 0));
    if (a.kind === 'pair' || b.kind === 'pair') return result(ctx, node, pairAndScalar(ctx, node, a, b, f));
    if (isConstant(a) && b.kind === 'real') return result(ctx, node, withConstant(ctx, node, op, b, a, 0, f));
    if (a.kind === 'real' && isConstant(b)) return result(ctx, node, withConstant(ctx, node, op, a, b, 1, f));
    if (a.kind === 'real' && b.kind === 'real') return result(ctx, node, ofTwo(ctx, node, op, a, b, f));
    wrongOperand(ctx, node, a.kind === 'real' || isConstant(a) ? 1 : 0, 'dequantized tensors and constants');
  };
}

/** Min and Max take any number of operands: of the first two, then of that and the next. */
function ofMany(read: OpReader['read']): OpReader['read'] {
  return (node, ctx) => {
    const [first, ...rest] = node.inputs as [string, ...string[]];
    if (rest.length === 0) return result(ctx, node, operand(ctx, node, 0));
    rest.reduce((before, next, i) => {
      const output = i === rest.length - 1 ? (node.outputs[0] as string) : `${node.outputs[0]}/${i}`;
      read({ ...node, inputs: [before, next], outputs: [output] }, ctx);
      return output;
    }, first);
  };
}

/** Values of a constant in float32. */
function reals(node: Node, k: Constant): Float32Array {
  const { tensor } = k;
  if (tensor.data === null || (k.kind === 'constant' && tensor.dtype !== 'float32'))
    refuse(
      node,
      'model.unsupported-type',
      `the constant "${tensor.name}" is ${tensor.dtype}; supported: float32, or integers behind a DequantizeLinear`,
      { tensor: tensor.name },
    );
  if (elements(tensor.dims) === 0)
    refuse(node, 'model.unsupported-broadcast', `the constant "${tensor.name}" is empty`, { tensor: tensor.name });
  const out = realsOf(k);
  if (out.some((v) => !Number.isFinite(v)))
    refuse(node, 'model.invalid-constant', `the constant "${tensor.name}" is not finite`, { tensor: tensor.name });
  return out;
}

function folded(ctx: Context, node: Node, a: Constant, b: Constant, f: (a: number, b: number) => number): Value {
  const [p, q] = [reals(node, a), reals(node, b)];
  const dims = broadcastShape(a.tensor.dims, b.tensor.dims);
  if (dims === null)
    refuse(node, 'model.invalid-shape', `[${a.tensor.dims.join(', ')}] and [${b.tensor.dims.join(', ')}] do not broadcast`);
  const at = (k: Constant, i: number): number => {
    let [rest, index, stride] = [i, 0, 1];
    for (let d = dims.length - 1, e = k.tensor.dims.length - 1; d >= 0; d--, e--) {
      const size = k.tensor.dims[e] ?? 1;
      index += (size === 1 ? 0 : rest % (dims[d] as number)) * stride;
      stride *= size;
      rest = Math.floor(rest / (dims[d] as number));
    }
    return index;
  };
  const data = Float32Array.from({ length: elements(dims) }, (_, i) => f(p[at(a, i)] as number, q[at(b, i)] as number));
  void ctx;
  return { kind: 'constant', tensor: { name: node.outputs[0] as string, dtype: 'float32', dims, data } };
}

function pairAndScalar(ctx: Context, node: Node, a: Value, b: Value, f: (a: number, b: number) => number): Value {
  const [pair, other, i] = a.kind === 'pair' ? [a, b, 1] : [b, a, 0];
  if (pair.kind !== 'pair' || !isConstant(other))
    return wrongOperand(ctx, node, i, 'a constant, where the other operand is a function of two tensors already; quantize it first');
  const k = reals(node, other);
  if (k.some((v) => v !== k[0]) || (broadcastShape(pair.view.shape, other.tensor.dims)?.join() ?? '') !== pair.view.shape.join())
    return wrongOperand(ctx, node, i, 'a constant of one value, where the other operand is a function of two tensors');
  const c = k[0] as number;
  return mapped(pair, i === 1 ? (v) => f(v, c) : (v) => f(c, v));
}

/** A function of x and a constant, which is operand `at`. */
function withConstant(ctx: Context, node: Node, op: string, x: Real, k: Constant, at: 0 | 1, f: (a: number, b: number) => number): Value {
  const values = reals(node, k);
  const shape = broadcastShape(x.view.shape, k.tensor.dims);
  if (shape === null)
    refuse(
      node,
      'model.unsupported-broadcast',
      `a constant [${k.tensor.dims.join(', ')}] meets [${x.view.shape.join(', ')}]; supported: shapes that broadcast`,
      { tensor: k.tensor.name },
    );
  const uniform = values.every((v) => v === values[0]);
  const up = shape.join() !== x.view.shape.join();
  const bytes = k.kind === 'real-constant' && k.scales.length === 1 && (k.tensor.dtype === 'uint8' || k.tensor.dtype === 'int8');
  if (!uniform && bytes && x.values === null) {
    const tensor = constantActivation(ctx, k.tensor.name, k.tensor, k.zp);
    const other: Real = {
      kind: 'real',
      x: tensor,
      view: plainView(k.tensor.dims, tensor.dims as readonly number[]),
      tensor: '',
      from: { scale: k.scales[0] as number, zp: k.zp },
      values: null,
      axis: null,
      fusable: null,
    };
    return at === 0 ? ofTwo(ctx, node, op, other, x, f) : ofTwo(ctx, node, op, x, other, f);
  }
  if (up && elements(shape) !== elements(x.view.shape))
    refuse(
      node,
      'model.unsupported-broadcast',
      `a constant [${k.tensor.dims.join(', ')}] spreads [${x.view.shape.join(', ')}]; supported: constants that broadcast to the tensor`,
      { tensor: k.tensor.name },
    );
  const seen = along(ctx, node, x.x, x.view, k.tensor, values);
  if (x.axis !== null && seen.axis !== null && x.axis !== seen.axis)
    refuse(
      node,
      'model.unsupported-broadcast',
      'two constants vary along different dimensions; supported: one dimension, or a QuantizeLinear between them',
    );
  const before = valuesOf(x);
  const count = Math.max(before.length, seen.values.length);
  const lists = Array.from({ length: count }, (_, c) => {
    const v = seen.values[seen.values.length === 1 ? 0 : c] as number;
    return (before[before.length === 1 ? 0 : c] as Float32Array).map((u) => (at === 1 ? f(u, v) : f(v, u)));
  });
  const plain = x.values === null && bytes;
  const raw = plain ? [...new Set(Array.from(k.tensor.data as ArrayLike<number>))] : [];
  const own = { from: x.from, dtype: ctx.signed.typeOf(x.tensor, x.x.dtype), scalar: false };
  const constant = {
    from: { scale: k.kind === 'real-constant' ? (k.scales[0] as number) : 1, zp: k.kind === 'real-constant' ? k.zp : 0 },
    dtype: k.tensor.dtype,
    scalar: seen.scalar,
  };
  return {
    ...x,
    x: seen.x,
    view: seen.view,
    values: lists,
    axis: seen.axis ?? x.axis,
    fusable: plain && raw.length === 1 ? { op, operands: at === 1 ? [own, constant] : [constant, own], constant: raw, at } : null,
  };
}

/** A function of two dequantized tensors. */
function ofTwo(ctx: Context, node: Node, op: string, a: Real, b: Real, f: (a: number, b: number) => number): Value {
  const shape = broadcastShape(a.view.shape, b.view.shape);
  if (shape === null) refuse(node, 'model.invalid-shape', `[${a.view.shape.join(', ')}] and [${b.view.shape.join(', ')}] do not broadcast`);
  const operands = [operandOf(ctx, a, shape), operandOf(ctx, b, shape)];
  const plain = a.values === null && b.values === null;
  if (a.x === b.x && a.view.shape.join() === b.view.shape.join() && sameLayout(ctx, node, a, b)) {
    const [p, q] = [valuesOf(a), valuesOf(b)];
    if (a.axis !== null && b.axis !== null && a.axis !== b.axis)
      return wrongOperand(ctx, node, 1, 'functions that vary along one dimension');
    const values = Array.from({ length: Math.max(p.length, q.length) }, (_, c) => {
      const [u, v] = [p[p.length === 1 ? 0 : c] as Float32Array, q[q.length === 1 ? 0 : c] as Float32Array];
      return u.map((s, i) => f(s, v[i] as number));
    });
    return { ...a, values, axis: a.axis ?? b.axis, fusable: plain ? { op, operands, constant: [], at: 0 } : null };
  }
  if (a.axis !== null || b.axis !== null)
    return wrongOperand(ctx, node, a.axis !== null ? 0 : 1, 'functions that are the same for all elements');
  const [u, v] = [valuesOf(a)[0] as Float32Array, valuesOf(b)[0] as Float32Array];
  const { x, y, view } = together(ctx, node, a, b, shape);
  const values = new Float32Array(u.length * v.length);
  u.forEach((s, i) => {
    for (let j = 0; j < v.length; j++) values[i * v.length + j] = f(s, v[j] as number);
  });
  const ratio = b.from.scale / a.from.scale;
  const slope = !plain ? null : op === 'Add' ? ratio : op === 'Sub' ? -ratio : null;
  return { kind: 'pair', a: x, b: y, view, values, slope, fusable: plain ? { op, operands } : null };
}

/** `scalar`: onnxruntime's inner loop, over the innermost dimension of more than one element, sees one element of it. */
function operandOf(ctx: Context, { from, tensor, x, view }: Real, shape: readonly number[]): Fusable['operands'][number] {
  const inner = shape.findLastIndex((d) => d > 1);
  const own = view.shape[inner - shape.length + view.shape.length] ?? 1;
  return { from, dtype: ctx.signed.typeOf(tensor, x.dtype), scalar: inner < 0 || own === 1 };
}

function sameLayout(ctx: Context, node: Node, a: Real, b: Real): boolean {
  const [p, q] = [settle(ctx, node, a.x, a.view), settle(ctx, node, b.x, b.view)];
  return p.x === q.x && JSON.stringify(p.view.layout) === JSON.stringify(q.view.layout);
}

/** Both tensors with the same key dims, elements in the same places. */
function together(ctx: Context, node: Node, a: Real, b: Real, shape: readonly number[]): { x: Activation; y: Activation; view: View } {
  const [p, q] = [settle(ctx, node, a.x, a.view), settle(ctx, node, b.x, b.view)];
  const alike =
    a.view.shape.join() === shape.join() &&
    b.view.shape.join() === shape.join() &&
    p.dims.join() === q.dims.join() &&
    JSON.stringify(p.view.layout) === JSON.stringify(q.view.layout);
  if (alike) return { x: p.x, y: q.x, view: p.view };
  const dims = keyDims(shape);
  const spread = (r: Real): Activation => virtual(ctx, node, r.x.name, broadcast(shownOf(ctx, node, r.x, r.view), shape), dims).x;
  return { x: spread(a), y: spread(b), view: plainView(shape, dims) };
}

/**
 * The values of a constant along the one key axis on which they vary (axis null and one value if they do not), the view of the result, and
 * whether onnxruntime's inner loop sees one element of it.
 */
function along(
  ctx: Context,
  node: Node,
  source: Activation,
  given: View,
  tensor: Tensor,
  data: Float32Array,
): { x: Activation; values: readonly number[]; axis: number | null; view: View; scalar: boolean } {
  const { x, view } = settle(ctx, node, source, given);
  const layout = view.layout as readonly (readonly number[])[];
  const rank = Math.max(view.shape.length, tensor.dims.length);
  const lead = Array.from({ length: rank - view.shape.length }, () => 1);
  const shape = [...lead, ...view.shape];
  const lists = [...lead.map(() => [] as number[]), ...layout];
  const dims = [...Array.from({ length: rank - tensor.dims.length }, () => 1), ...tensor.dims];
  const inner = shape.findLastIndex((d) => d > 1);
  const scalar = inner < 0 || dims[inner] === 1;
  const whole = { shape, layout: lists, steps: [] };
  if (data.every((v) => v === data[0])) return { x, values: [data[0] as number], axis: null, view: whole, scalar };
  const varies = dims.flatMap((d, i) => (d > 1 ? [i] : []));
  const [only] = varies;
  const list = only === undefined ? undefined : lists[only];
  if (varies.length !== 1 || list?.length !== 1)
    refuse(
      node,
      'model.unsupported-broadcast',
      `the float constant "${tensor.name}" [${tensor.dims.join(', ')}] varies along several dimensions; supported: along one, or integers behind a DequantizeLinear`,
      { tensor: tensor.name },
    );
  return { x, values: [...data], axis: list[0] as number, view: whole, scalar };
}

export const binary: Readonly<Record<string, OpReader>> = Object.fromEntries(
  Object.entries(BINARY).map(([op, f]): [string, OpReader] => [
    op,
    { attributes: op === 'Add' ? ['axis', 'broadcast'] : [], read: op === 'Min' || op === 'Max' ? ofMany(read(op, f)) : read(op, f) },
  ]),
);
