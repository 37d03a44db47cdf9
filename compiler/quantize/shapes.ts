/** The shape of what a node computes, from the shapes of its operands: what Shape asks for, and what BatchNormalization and MatMul are rewritten by. */
import { broadcast } from '../onnx/arrays.ts';
import { elements, intOf, intsOf, type Node, refuse } from '../onnx/graph.ts';
import { axis, cutOf, flattened, type Lookup, numbersOf, permOf, reducedAxes, reshaped, squeezed, unsqueezed } from '../onnx/slices.ts';
import { spreadsOf } from '../quantized/ops/convtranspose.ts';
import { windowFrom } from '../quantized/ops/window.ts';

type Shape = readonly number[];
type Infer = (node: Node, shapes: readonly Shape[], constant: Lookup) => Shape;

const same: Infer = (_, [x]) => x as Shape;

const together: Infer = (node, shapes) =>
  shapes.reduce(
    (a, b) =>
      broadcast(a, b) ??
      refuse(node, 'model.invalid-shape', `its operands do not fit each other: ${shapes.map((s) => `[${s.join(', ')}]`).join(', ')}`),
  );

function image(node: Node, x: Shape): [number, number] {
  if (x.length !== 3 && x.length !== 4)
    refuse(node, 'model.unsupported-shape', `the operand has shape [${x.join(', ')}]; supported: [N, C, H, W] and [N, C, L]`);
  return x.length === 4 ? [x[2] as number, x[3] as number] : [1, x[2] as number];
}

const windowed = (node: Node, x: Shape, channels: number, kernel: Shape): Shape => {
  const { out } = windowFrom(node, x.length, image(node, x), kernel, intOf(node, 'ceil_mode', 0) === 1);
  return x.length === 4 ? [x[0] as number, channels, ...out] : [x[0] as number, channels, out[1]];
};

const pooled: Infer = (node, [x]) =>
  windowed(
    node,
    x as Shape,
    (x as Shape)[1] as number,
    intsOf(node, 'kernel_shape') ?? refuse(node, 'model.invalid-attribute', 'attribute kernel_shape is missing'),
  );

const wholeImage: Infer = (node, [x]) => {
  image(node, x as Shape);
  return (x as Shape).map((d, i) => (i < 2 ? d : 1));
};

const matMul: Infer = (node, [a, b]) => {
  const [x, y] = [a as Shape, b as Shape];
  if (x.length < 2 || y.length < 2 || x.at(-1) !== y.at(-2))
    refuse(node, 'model.invalid-shape', `cannot multiply [${x.join(', ')}] and [${y.join(', ')}]`);
  return [...together(node, [x.slice(0, -2), y.slice(0, -2)], () => undefined), x.at(-2) as number, y.at(-1) as number];
};

const gemm: Infer = (node, [a, b]) => {
  const turn = (s: Shape, name: string): Shape => (intOf(node, name, 0) === 1 ? [...s].reverse() : s);
  return matMul(node, [turn(a as Shape, 'transA'), turn(b as Shape, 'transB')], () => undefined);
};

const concat: Infer = (node, shapes) => {
  const first = shapes[0] as Shape;
  const a = axis(node, intOf(node, 'axis', 0), first.length);
  return first.map((d, i) => (i === a ? shapes.reduce((n, s) => n + (s[a] as number), 0) : d));
};

const reduced: Infer = (node, [x], constant) => {
  const s = x as Shape;
  const axes = reducedAxes(node, s.length, constant);
  const keep = intOf(node, 'keepdims', 1) === 1;
  return s.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));
};

const argMax: Infer = (node, [x]) => {
  const s = x as Shape;
  const a = axis(node, intOf(node, 'axis', 0), s.length);
  return s.flatMap((d, i) => (i === a ? (intOf(node, 'keepdims', 1) === 1 ? [1] : []) : [d]));
};

const topK: Infer = (node, [x], constant) => {
  const s = x as Shape;
  const a = axis(node, intOf(node, 'axis', -1), s.length);
  const list = numbersOf(node, constant, 1) ?? [];
  const [k] = list;
  const size = s[a] as number;
  if (k === undefined || list.length !== 1 || constant(1)?.dims.length !== 1 || !(k >= 1 && k <= size))
    refuse(node, 'model.invalid-attribute', `k is [${list.join(', ')}], of ${size} elements`);
  return s.map((d, i) => (i === a ? k : d));
};

const padded: Infer = (node, [x], constant) => {
  const s = x as Shape;
  const pads = (node.opset < 11 ? intsOf(node, 'pads') : numbersOf(node, constant, 1)) ?? [];
  if (pads.length !== 2 * s.length || (node.inputs[3] ?? '') !== '')
    refuse(node, 'model.unsupported-attribute', `pads [${pads.join(', ')}] do not name every dimension of [${s.join(', ')}]`);
  return s.map((d, i) => d + (pads[i] as number) + (pads[s.length + i] as number));
};

const resized: Infer = (node, [x], constant) => {
  const s = x as Shape;
  const at = node.opset < 11 ? 1 : 2;
  const sizes = numbersOf(node, constant, 3);
  const scales = numbersOf(node, constant, at);
  if (sizes?.length === s.length) return sizes;
  if (scales?.length !== s.length) refuse(node, 'model.unsupported-operand', 'its sizes or scales must name every dimension');
  return s.map((d, i) => Math.floor(d * (scales[i] as number)));
};

const INFER: Readonly<Record<string, Infer>> = {
  Conv: (node, [x], constant) => {
    const w = constant(1)?.dims ?? refuse(node, 'model.unsupported-dynamic', 'its weights are computed; supported: constants');
    return windowed(node, x as Shape, w[0] as number, w.slice(2));
  },
  ConvTranspose: (node, [x], constant) => {
    const w = constant(1)?.dims ?? refuse(node, 'model.unsupported-dynamic', 'its weights are computed; supported: constants');
    const s = x as Shape;
    return [s[0] as number, (w[1] as number) * intOf(node, 'group', 1), ...spreadsOf(node, s.slice(2), w.slice(2)).map((a) => a.out)];
  },
  MaxPool: pooled,
  AveragePool: pooled,
  GlobalAveragePool: wholeImage,
  GlobalMaxPool: wholeImage,
  Gemm: gemm,
  MatMul: matMul,
  Reshape: (node, [x], constant) => reshaped(node, x as Shape, numbersOf(node, constant, 1) ?? []),
  Flatten: (node, [x]) => flattened(node, x as Shape),
  Squeeze: (node, [x], constant) => squeezed(node, x as Shape, constant),
  Unsqueeze: (node, [x], constant) => unsqueezed(node, x as Shape, constant),
  Transpose: (node, [x]) => permOf(node, x as Shape).map((p) => (x as Shape)[p] as number),
  Slice: (node, [x], constant) => cutOf(node, x as Shape, constant).shape,
  Concat: concat,
  Gather: (node, [x, indices]) => {
    const a = axis(node, intOf(node, 'axis', 0), (x as Shape).length);
    return [...(x as Shape).slice(0, a), ...(indices as Shape), ...(x as Shape).slice(a + 1)];
  },
  Pad: padded,
  Resize: resized,
  ReduceMax: reduced,
  ReduceMin: reduced,
  ReduceMean: reduced,
  ReduceSum: reduced,
  ArgMax: argMax,
  TopK: topK,
  PRelu: together,
  Pow: together,
  Where: together,
  Min: together,
  Max: together,
  Add: together,
  Sub: together,
  Mul: together,
  Div: together,
};

/** The shape of the first output of a node that `requireQuantizable` lets pass. Throws `Refused` where operands do not fit. */
export function shapeOf(node: Node, shapes: readonly Shape[], constant: Lookup): Shape {
  const infer = (Object.hasOwn(INFER, node.op) && INFER[node.op]) || same;
  const shape = infer(node, shapes, constant);
  if (elements(shape) < 1) refuse(node, 'model.unsupported-shape', `gives the empty shape [${shape.join(', ')}]`);
  return shape;
}
