/**
 * Nodes on constants: the chains that exporters write to compute shapes (Shape, Gather, Unsqueeze, Concat, Cast, …) and to lay out
 * weights (Transpose, Reshape, Mul). Float results are rounded once per operation, as float32 does.
 */
import { broadcast, type Constant, filled, floats, int64s, isConstant, newData, reader, transposed } from './arrays.ts';
import { elements, floatOf, intOf, type Node, refuse, type Tensor } from './graph.ts';
import { axis, cutOf, flattened, numbersOf, permOf, requireArity, reshaped, squeezed, unsqueezed } from './slices.ts';

type Evaluate = (node: Node, of: readonly Constant[], name: string) => Constant | null;

const viewed =
  (shape: (node: Node, t: Constant, of: readonly Constant[]) => readonly number[]): Evaluate =>
  (node, of, name) => ({ ...(of[0] as Constant), name, dims: shape(node, of[0] as Constant, of) });

/** Their arithmetic wraps around, and no chain needs it. */
const isByte = ({ dtype }: Constant): boolean => dtype === 'uint8' || dtype === 'int8';

const unary =
  (f: (v: number) => number): Evaluate =>
  (_, [t], name) => {
    const { dtype, dims, data } = t as Constant;
    if (isByte(t as Constant)) return null;
    const out = newData(dtype, data.length);
    data.forEach((v, i) => {
      out[i] = f(v);
    });
    return { name, dtype, dims, data: out };
  };

const binary =
  (f: (a: number, b: number, integers: boolean) => number, dtypeOf = (t: Constant): string => t.dtype): Evaluate =>
  (node, of, name) => {
    const [a, b] = of as [Constant, Constant];
    const dims = broadcast(a.dims, b.dims);
    if (dims === null) refuse(node, 'model.invalid-shape', `cannot broadcast [${a.dims.join(', ')}] and [${b.dims.join(', ')}]`);
    if (isByte(a)) return null;
    const [x, y, integers] = [reader(a), reader(b), a.dtype !== 'float32'];
    return filled(name, dtypeOf(a), dims, (i) => f(x(i), y(i), integers));
  };

const CASTS: Readonly<Record<number, string>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool' };

const cast: Evaluate = (node, [t], name) => {
  const dtype = CASTS[intOf(node, 'to', 0)];
  if (dtype === undefined) return null;
  const { dims, data } = t as Constant;
  const out = newData(dtype, data.length);
  data.forEach((v, i) => {
    out[i] = dtype === 'bool' ? Number(v !== 0) : dtype === 'float32' ? v : Math.trunc(v);
  });
  return { name, dtype, dims, data: out };
};

const gather: Evaluate = (node, of, name) => {
  const [t, indices] = of as [Constant, Constant];
  const a = axis(node, intOf(node, 'axis', 0), t.dims.length);
  const [read, at, rank] = [reader(t), reader(indices), indices.dims.length];
  const dims = [...t.dims.slice(0, a), ...indices.dims, ...t.dims.slice(a + 1)];
  const size = t.dims[a] as number;
  const bad = indices.data.findIndex((k) => !(k >= -size && k < size));
  if (bad >= 0)
    refuse(
      node,
      'model.invalid-index',
      `index ${indices.data[bad]} at position ${bad} lies outside dimension ${a} of [${t.dims.join(', ')}]`,
    );
  return filled(name, t.dtype, dims, (index) => {
    const k = at(index.slice(a, a + rank));
    return read([...index.slice(0, a), k < 0 ? k + size : k, ...index.slice(a + rank)]);
  });
};

const concat: Evaluate = (node, of, name) => {
  const first = of[0] as Constant;
  const a = axis(node, intOf(node, 'axis', 0), first.dims.length);
  if (of.some((t) => t.dtype !== first.dtype)) refuse(node, 'model.invalid-type', 'joins constants of different types');
  if (of.some((t) => t.dims.length !== first.dims.length || t.dims.some((d, i) => i !== a && d !== first.dims[i])))
    refuse(node, 'model.invalid-shape', `joins ${of.map((t) => `[${t.dims.join(', ')}]`).join(', ')} along dimension ${a}`);
  const owner = of.flatMap((t) => {
    const read = reader(t);
    return Array.from({ length: t.dims[a] as number }, (_, k) => ({ read, k }));
  });
  const dims = first.dims.map((d, i) => (i === a ? owner.length : d));
  return filled(name, first.dtype, dims, (index) => {
    const { read, k } = owner[index[a] as number] as (typeof owner)[number];
    return read(index.map((v, i) => (i === a ? k : v)));
  });
};

const slice: Evaluate = (node, of, name) => {
  const t = of[0] as Constant;
  const { start, step, shape } = cutOf(node, t.dims, (i) => of[i]);
  const read = reader(t);
  return filled(name, t.dtype, shape, (index) => read(index.map((v, d) => (start[d] as number) + v * (step[d] as number))));
};

const constantOfShape: Evaluate = (node, [shape], name) => {
  const value = node.attributes.get('value');
  const t = value?.kind === 'tensor' ? value.value : floats('', [1], [0]);
  return filled(name, t.dtype, Array.from((shape as Constant).data), () => t.data?.[0] ?? 0);
};

const range: Evaluate = (_, of, name) => {
  const [from, to, by] = of.map((t) => t.data[0] as number) as [number, number, number];
  return filled(name, (of[0] as Constant).dtype, [Math.max(0, Math.ceil((to - from) / by))], ([i]) => from + (i as number) * by);
};

const where: Evaluate = (_, of, name) => {
  const [c, a, b] = of as [Constant, Constant, Constant];
  const dims = broadcast(broadcast(c.dims, a.dims) ?? [], b.dims);
  if (dims === null) return null;
  const [when, x, y] = [reader(c), reader(a), reader(b)];
  return filled(name, a.dtype, dims, (i) => (when(i) !== 0 ? x(i) : y(i)));
};

const expand: Evaluate = (_, [t, shape], name) => {
  const dims = broadcast((t as Constant).dims, Array.from((shape as Constant).data));
  return dims === null ? null : filled(name, (t as Constant).dtype, dims, reader(t as Constant));
};

const OPS: Readonly<Record<string, Evaluate>> = {
  Identity: viewed((_, t) => t.dims),
  Cast: cast,
  Gather: gather,
  Concat: concat,
  Slice: slice,
  ConstantOfShape: constantOfShape,
  Range: range,
  Where: where,
  Expand: expand,
  Transpose: (node, [t], name) => ({ ...transposed(t as Constant, permOf(node, (t as Constant).dims)), name }),
  Reshape: viewed((node, t, of) => reshaped(node, t.dims, numbersOf(node, (i) => of[i], 1) ?? [])),
  Flatten: viewed((node, t) => flattened(node, t.dims)),
  Squeeze: viewed((node, t, of) => squeezed(node, t.dims, (i) => of[i])),
  Unsqueeze: viewed((node, t, of) => unsqueezed(node, t.dims, (i) => of[i])),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, integers) => (integers ? Math.trunc(a / b) : a / b)),
  Equal: binary(
    (a, b) => Number(a === b),
    () => 'bool',
  ),
  Neg: unary((v) => -v),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
};

/** The value of a node whose operands are constants, or null if we do not compute this operator. */
function evaluate(node: Node, operands: readonly (Tensor | undefined)[]): Constant | null {
  const op = Object.hasOwn(OPS, node.op) ? OPS[node.op] : undefined;
  if (op === undefined || operands.length === 0 || !operands.every(isConstant)) return null;
  return op(node, operands, node.outputs[0] as string);
}

/** Operators that may stand in a chain of constants and shapes. */
export const FOLDABLE: readonly string[] = ['Constant', 'Shape', 'Size', ...Object.keys(OPS)];

export const foldable = (node: Node): boolean => FOLDABLE.includes(node.op);

/** The value of a node that depends on constants and shapes alone, or null: what a tensor's name stands for is asked for where it is known. */
export function folded(
  node: Node,
  constant: (name: string) => Tensor | undefined,
  shapeOf: (name: string) => readonly number[] | undefined,
): Tensor | null {
  if (node.op === 'Constant') return constantOf(node);
  if (!foldable(node)) return null;
  requireArity(node);
  const name = node.outputs[0] as string;
  const shape = shapeOf(node.inputs[0] ?? '');
  if (node.op === 'Shape' && shape !== undefined) {
    const end = node.attributes.has('end') ? intOf(node, 'end', 0) : undefined;
    return int64s(name, shape.slice(intOf(node, 'start', 0), end));
  }
  if (node.op === 'Size' && shape !== undefined) return { ...int64s(name, [elements(shape)]), dims: [] };
  return evaluate(node, node.inputs.map(constant));
}

/** A Constant node's value. */
function constantOf(node: Node): Tensor {
  const name = node.outputs[0] as string;
  const [entry, more] = [...node.attributes.values()];
  if (entry === undefined || more !== undefined) refuse(node, 'model.invalid-attribute', 'must have exactly one value');
  switch (entry.kind) {
    case 'tensor':
      return { ...entry.value, name };
    case 'float':
      return floats(name, [], [floatOf(node, 'value_float', 0)]);
    case 'int':
      return { ...int64s(name, [entry.value]), dims: [] };
    case 'floats':
      return floats(name, [entry.value.length], entry.value);
    case 'ints':
      return int64s(name, [...entry.value]);
    default:
      refuse(node, 'model.unsupported-attribute', `holds a ${entry.kind}; supported: tensors and numbers`);
  }
}
