/** The operations of random graphs: how each chooses its operands and attributes, and what it makes of them. */
import { BINARY, DEFAULTS, SCALARS } from '../../compiler/quantized/scalar.ts';
import type { AttributeValue } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';
import { MOST, type Quantized, RANGE, type Scaling, type Shape, type Sketch, size } from './sketch.helpers.ts';

type Attributes = Record<string, AttributeValue>;

export interface Kind {
  readonly family: string;
  /** The opset that brought it. */
  readonly since?: number;
  readonly build: (g: Sketch) => void;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const spread = (values: readonly number[], n = 24): number[] =>
  range(n).map((i) => values[Math.floor((i * (values.length - 1)) / (n - 1))] as number);
const float = (v: number) => ({ float: Math.fround(v) });

// ---- moves: of integers in QOperator graphs, of reals between pairs with the same parameters in QDQ graphs

type Part = readonly [name: string, shape: Shape];
interface Move {
  readonly fits?: (s: Shape) => boolean;
  /** Opset since which onnxruntime has it for integers. */
  readonly integers?: number;
  /** `p` of the tensor; `raw`: x holds integers. */
  readonly move: (g: Sketch, x: string, s: Shape, p: Scaling, raw: boolean) => Part | readonly Part[];
}

const part = (name: string, shape: Shape): Part => [name, shape];
const replaced = (s: Shape, axis: number, ...by: readonly number[]): number[] => [...s.slice(0, axis), ...by, ...s.slice(axis + 1)];
const room = (s: Shape): number => MOST / size(s);
const axisOf = (g: Sketch, s: Shape, fits: (d: number) => boolean): number => g.d.pick(range(s.length).filter((i) => fits(s[i] as number)));
/** Attribute before some opset, operand since. */
const given = (g: Sketch, x: string, name: string, values: readonly number[], since: number): [string[], Attributes] =>
  g.opset < since ? [[x], { [name]: [...values] }] : [[x, g.list(values)], {}];

const moves: Readonly<Record<string, Move>> = {
  Identity: { move: (g, x, s) => part(g.node('Identity', [x]), s) },
  Reshape: {
    move(g, x, s) {
      const axis = axisOf(g, s, () => true);
      const n = s[axis] as number;
      const factor = g.d.pick(
        range(n)
          .map((i) => i + 1)
          .filter((f) => n % f === 0),
      );
      const split = s.length < 5 && g.d.chance(0.5);
      const to = split
        ? replaced(s, axis, factor, n / factor)
        : s.length > 1 && axis > 0
          ? [...s.slice(0, axis - 1), (s[axis - 1] as number) * n, ...s.slice(axis + 1)]
          : [1, size(s)];
      const open = g.d.chance(0.4) ? g.d.int(0, to.length - 1) : -1;
      return part(g.node('Reshape', [x, g.list(to.map((v, i) => (i === open ? -1 : v === s[i] && g.d.chance(0.2) ? 0 : v)))]), to);
    },
  },
  Transpose: {
    move(g, x, s) {
      const perm = g.d.chance(0.2)
        ? range(s.length).reverse()
        : range(s.length)
            .map((i) => [g.d.next(), i] as const)
            .sort((a, b) => a[0] - b[0])
            .map(([, i]) => i);
      const reversed = perm.every((p, i) => p === s.length - 1 - i);
      return part(
        g.node('Transpose', [x], reversed && g.d.chance(0.5) ? {} : { perm }),
        perm.map((p) => s[p] as number),
      );
    },
  },
  Flatten: {
    move(g, x, s) {
      const axis = g.d.int(0, s.length);
      return part(g.node('Flatten', [x], { axis }), [size(s.slice(0, axis)), size(s.slice(axis))]);
    },
  },
  Squeeze: {
    fits: (s) => s.length > 1 && s.includes(1),
    move(g, x, s) {
      const axis = axisOf(g, s, (v) => v === 1);
      const [inputs, attributes] = given(g, x, 'axes', [axis], 13);
      return part(g.node('Squeeze', inputs, attributes), replaced(s, axis));
    },
  },
  Unsqueeze: {
    fits: (s) => s.length < 5,
    move(g, x, s) {
      const axis = g.d.int(0, s.length);
      const [inputs, attributes] = given(g, x, 'axes', [axis], 13);
      return part(g.node('Unsqueeze', inputs, attributes), [...s.slice(0, axis), 1, ...s.slice(axis)]);
    },
  },
  Slice: {
    move(g, x, s) {
      const axis = axisOf(g, s, () => true);
      const n = s[axis] as number;
      const [a, b] = g.d.ints(2, 0, n - 1).sort((p, q) => p - q) as [number, number];
      const step = g.d.pick([1, 1, 2, 3, -1, -2]);
      const [start, end] =
        step > 0 ? [g.d.pick([a, a - n]), g.d.pick(b === n - 1 ? [n, 2 ** 31] : [b + 1])] : [b, a === 0 ? -n - 1 : a - 1];
      const count = Math.ceil((b - a + 1) / Math.abs(step));
      return part(
        g.node('Slice', [x, g.list([start]), g.list([end]), g.list([g.d.pick([axis, axis - s.length])]), g.list([step])]),
        replaced(s, axis, count),
      );
    },
  },
  Split: {
    fits: (s) => s.some((v) => v > 1),
    move(g, x, s) {
      const axis = axisOf(g, s, (v) => v > 1);
      const n = s[axis] as number;
      const first = g.d.int(1, n - 1);
      const [inputs, attributes] = given(g, x, 'split', [first, n - first], 13);
      const names = [g.m.fresh('s'), g.m.fresh('s')] as const;
      g.node('Split', inputs, { ...attributes, axis }, names);
      return [part(names[0], replaced(s, axis, first)), part(names[1], replaced(s, axis, n - first))];
    },
  },
  Pad: {
    integers: 13,
    move(g, x, s, { dtype, scale, zp }, raw) {
      const mode = g.d.pick(['constant', 'constant', 'edge', 'reflect', ...(g.opset >= 19 ? ['wrap'] : [])]);
      const pads = [...s, ...s].map((v) =>
        g.d.chance(0.5) ? 0 : g.d.int(mode === 'constant' && v > 2 && g.opset >= 11 ? -1 : 0, Math.min(2, mode === 'constant' ? 2 : v - 1)),
      );
      let to = s.map((v, i) => v + (pads[i] as number) + (pads[i + s.length] as number));
      if (size(to) > MOST || size(to) < 2) [to, pads.length] = [[...s], 0];
      if (pads.length === 0) pads.push(...s.map(() => 0), ...s.map(() => 0));
      const [min, max] = RANGE[dtype];
      const fill = g.d.int(min, max);
      const value = Math.fround((fill - zp) * scale);
      if (g.opset < 11) return part(g.node('Pad', [x], { mode, pads, value: float(value) }), to);
      const constant = mode !== 'constant' || g.d.chance(0.3) ? [] : [raw ? g.m.scalar(dtype, fill) : g.m.scalar('float32', value)];
      return part(g.node('Pad', [x, g.list(pads), ...constant], { mode }), to);
    },
  },
  Gather: {
    move(g, x, s) {
      const axis = axisOf(g, s, () => true);
      const n = s[axis] as number;
      const dims = g.d.pick(s.length < 5 ? [[], [2], [3], [1, 2]] : [[], [2]]);
      if (s.length === 1 && dims.length === 0) dims.push(2);
      const indices = g.m.constant('int64', dims, g.d.ints(size(dims), g.opset < 11 ? 0 : -n, n - 1));
      return part(g.node('Gather', [x, indices], { axis }), replaced(s, axis, ...dims));
    },
  },
  Expand: {
    fits: (s) => size(s) * 2 <= MOST,
    move(g, x, s) {
      const most = Math.min(4, Math.floor(room(s)));
      const ones = range(s.length).filter((i) => s[i] === 1);
      const to =
        ones.length > 0 && g.d.chance(0.6)
          ? replaced(s, g.d.pick(ones), g.d.int(1, most))
          : s.length < 5
            ? [g.d.int(1, most), ...s]
            : [...s];
      return part(g.node('Expand', [x, g.list(g.d.chance(0.3) ? to.map((v, i) => (v === s[i - to.length + s.length] ? 1 : v)) : to)]), to);
    },
  },
  Tile: {
    fits: (s) => size(s) * 2 <= MOST,
    move(g, x, s) {
      const axis = axisOf(g, s, () => true);
      const times = g.d.int(1, Math.min(3, Math.floor(room(s))));
      return part(g.node('Tile', [x, g.list(s.map((_, i) => (i === axis ? times : 1)))]), replaced(s, axis, (s[axis] as number) * times));
    },
  },
  Resize: {
    fits: (s) => s.length === 4 && size(s) * 2 <= MOST,
    move(g, x, s) {
      const scales = s.map((v, i) => (i < 2 ? 1 : g.d.pick([1, 2, 1.5, 1.25, ...(v > 2 ? [0.5, 0.75] : [])])));
      let to = s.map((v, i) => Math.floor(Math.fround(v * (scales[i] as number))));
      if (size(to) > MOST) [to, scales[2], scales[3]] = [[...s], 1, 1];
      const asked = g.m.constant('float32', [4], scales);
      if (g.opset < 11) return part(g.node('Resize', [x, asked], { mode: 'nearest' }), to);
      const attributes = {
        mode: 'nearest',
        coordinate_transformation_mode: g.d.pick(['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric']),
        nearest_mode: g.d.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']),
      };
      const roi = g.opset < 13 ? g.m.constant('float32', [0], []) : '';
      if (g.d.chance(0.5)) return part(g.node('Resize', [x, roi, asked], attributes), to);
      return part(g.node('Resize', [x, roi, g.opset < 13 ? g.m.constant('float32', [0], []) : '', g.list(to)], attributes), to);
    },
  },
  DepthToSpace: {
    fits: ([, c, , w]) => w !== undefined && (c as number) % 4 === 0,
    integers: 13,
    move(g, x, s) {
      const [n, c, h, w] = s as [number, number, number, number];
      return part(g.node('DepthToSpace', [x], { blocksize: 2, ...(g.opset < 11 ? {} : { mode: g.d.pick(['DCR', 'CRD']) }) }), [
        n,
        c / 4,
        h * 2,
        w * 2,
      ]);
    },
  },
  SpaceToDepth: {
    fits: ([, , h, w]) => w !== undefined && (h as number) % 2 === 0 && w % 2 === 0,
    integers: 13,
    move(g, x, s) {
      const [n, c, h, w] = s as [number, number, number, number];
      return part(g.node('SpaceToDepth', [x], { blocksize: 2 }), [n, c * 4, h / 2, w / 2]);
    },
  },
};

function moving(op: string): Kind {
  const { fits = () => true, integers = 10, move } = moves[op] as Move;
  const exact = (s: Shape) => fits(s) && (!op.includes('To') || s.length === 4);
  return {
    family: 'moves',
    build(g) {
      const x = g.take(exact);
      const raw = g.qop && g.opset >= integers;
      const done = move(g, raw ? g.integers(x) : g.real(x), x.shape, x, raw);
      for (let [name, shape] of typeof done[0] === 'string' ? [done as Part] : (done as readonly Part[])) {
        // Between one pair there may be several moves.
        if (!raw && g.d.chance(0.3))
          [name, shape] = (moves[g.d.pick(['Reshape', 'Transpose', 'Slice', 'Identity'])] as Move).move(g, name, shape, x, raw) as Part;
        if (raw) g.add(name, shape, x);
        else g.close(name, shape, x);
      }
    },
  };
}

// ---- functions of one tensor

const SINCE: Readonly<Record<string, number>> = { Celu: 12, HardSwish: 14, Mish: 18, Gelu: 20, Round: 11 };
/** Where a function is a number. */
const DOMAIN: Readonly<Record<string, readonly [number, number]>> = {
  Log: [0.125, 8],
  Sqrt: [0, 1e6],
  Acosh: [1, 50],
  Asin: [-1, 1],
  Acos: [-1, 1],
  Atanh: [-0.875, 0.875],
  Reciprocal: [0.125, 100],
  Tan: [-1.5, 1.5],
};
const functions: Readonly<Record<string, true>> = {
  ...Object.fromEntries(Object.keys(SCALARS).map((op) => [op, true])),
  Clip: true,
  Cast: true,
};

/** One function of a real tensor whose values are these. */
function apply(g: Sketch, op: string, real: string, values: readonly number[]): { real: string; values: readonly number[] } {
  if (op === 'Cast') return { real: g.node(op, [real], { to: 1 }), values };
  if (op === 'Clip')
    return clipped(
      g,
      real,
      values,
      spread(values, 3)
        .map((v) => v * (0.4 + g.d.next()))
        .sort((a, b) => a - b),
    );
  const [lo, hi] = DOMAIN[op] ?? [];
  if (lo !== undefined && hi !== undefined && values.some((v) => v < lo || v > hi)) ({ real, values } = clipped(g, real, values, [lo, hi]));
  const defaults = DEFAULTS[op] ?? {};
  const chosen = Object.fromEntries(
    Object.entries(defaults)
      .filter(() => g.d.chance(0.5))
      .map(([k, v]) => [k, float(Math.max(0.05, v * (0.5 + g.d.next())))]),
  );
  const f = SCALARS[op]?.((name) => chosen[name]?.float ?? Math.fround(defaults[name] ?? 0));
  return { real: g.node(op, [real], chosen), values: values.map((v) => f?.(v) ?? v) };
}

function clipped(
  g: Sketch,
  real: string,
  values: readonly number[],
  bounds: readonly number[],
): { real: string; values: readonly number[] } {
  const [lo, hi] = [Math.fround(bounds[0] as number), Math.fround(bounds.at(-1) as number)];
  const now = values.map((v) => Math.min(hi, Math.max(lo, v)));
  if (g.opset < 11) return { real: g.node('Clip', [real], { min: float(lo), max: float(hi) }), values: now };
  return { real: g.node('Clip', [real, g.m.scalar('float32', lo), g.m.scalar('float32', hi)]), values: now };
}

const chain = (op: string): Kind => ({
  family: 'functions',
  since: SINCE[op] ?? 10,
  build(g) {
    const x = g.take(() => true);
    const more = range(g.d.pick([0, 0, 0, 1, 2])).map(() => g.d.pick(Object.keys(functions).filter((f) => (SINCE[f] ?? 10) <= g.opset)));
    const { real, values } = [op, ...more].reduce((now, f) => apply(g, f, now.real, now.values), {
      real: g.real(x),
      values: g.values(x) as readonly number[],
    });
    g.close(real, x.shape, g.around(values));
  },
});

// ---- functions of two tensors, or of a tensor and a constant

interface Operand {
  readonly name: string;
  readonly shape: Shape;
  readonly values: readonly number[];
}

function broadcast(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const at = (s: Shape, i: number): number => s[i - rank + s.length] ?? 1;
  const out = range(rank).map((i) => Math.max(at(a, i), at(b, i)));
  return out.every((v, i) => [1, v].includes(at(a, i)) && [1, v].includes(at(b, i))) && size(out) <= MOST ? out : null;
}

/** A shape that broadcasts to x. */
const under = (g: Sketch, s: Shape): Shape => s.map((v) => (g.d.chance(0.3) ? 1 : v)).slice(g.d.chance(0.2) ? 1 : 0);

/** A second operand: another tensor, or a constant: a number, one a channel, or integers of any shape. */
function second(g: Sketch, x: Quantized, kernel: boolean): Operand & { readonly q?: Quantized } {
  const form = g.d.pick(['number', 'integer', 'channels', 'integers', 'tensor', 'tensor', 'tensor', 'self'] as const);
  if (form === 'tensor' || form === 'self' || (kernel && (form === 'number' || form === 'channels'))) {
    const others = g.made.filter((t) => t !== x && broadcast(t.shape, x.shape) !== null && (!kernel || t.dtype === x.dtype));
    const q = form === 'self' ? x : others.length > 0 ? g.d.pick(others) : g.input(under(g, x.shape));
    return { name: '', shape: q.shape, values: g.values(q), q };
  }
  const about = spread(g.values(x))
    .map((v) => Math.fround(v * (0.3 + g.d.next())))
    .filter((v) => v !== 0);
  if (form === 'number') return constant(g, g.d.chance(0.5) ? [] : [1], [g.d.pick(about)]);
  const channel = x.shape[0] === 1 && x.shape.length > 1 ? 1 : 0;
  if (form === 'channels') {
    const dims = x.shape.map((v, i) => (i === channel ? v : 1));
    return constant(
      g,
      dims,
      range(size(dims)).map(() => g.d.pick(about)),
    );
  }
  const p = g.around(about);
  const [min, max] = RANGE[p.dtype];
  const dims = form === 'integer' ? [] : under(g, x.shape);
  const data = g.d.ints(size(dims), min, max).map((v) => (v === p.zp ? (v === max ? v - 1 : v + 1) : v));
  const q = { ...p, q: g.m.constant(p.dtype, dims, data), shape: dims };
  return { name: kernel ? '' : g.real(q), shape: dims, values: data.map((v) => (v - p.zp) * p.scale), ...(kernel ? { q } : {}) };
}

const constant = (g: Sketch, shape: Shape, values: readonly number[]): Operand => ({
  name: g.m.constant('float32', shape, values),
  shape,
  values,
});

const ofTwo = (op: string): Kind => ({
  family: 'binary',
  build(g) {
    const x = g.take(() => true);
    const other = second(g, x, false);
    let a = { real: g.real(x), values: spread(g.values(x)) as readonly number[] };
    let b = { real: other.q === undefined ? other.name : g.real(other.q), values: spread(other.values) as readonly number[] };
    if (op === 'Pow') a = apply(g, 'Abs', a.real, a.values);
    if (op === 'Pow') b = clipped(g, b.real, b.values, [-2, 3]);
    if (op === 'Div' && other.q !== undefined) b = clipped(g, b.real, b.values, [0.25, 100]);
    const swap = !['Div', 'Pow', 'PRelu'].includes(op) && g.d.chance(0.5);
    const shape = broadcast(x.shape, other.shape) as Shape;
    // PRelu's slope spreads, its operand does not.
    if (op === 'PRelu' && shape.join() !== x.shape.join()) b.real = g.m.scalar('float32', 0.25);
    const real = g.node(op, swap ? [b.real, a.real] : [a.real, b.real]);
    const f = BINARY[op] as (a: number, b: number) => number;
    g.close(real, op === 'PRelu' ? x.shape : shape, g.around(a.values.flatMap((u) => b.values.map((v) => (swap ? f(v, u) : f(u, v))))));
  },
});

const kernelOfTwo = (op: 'Add' | 'Mul'): Kind => ({
  family: 'binary',
  build(g) {
    const x = g.take((_, t) => t.dtype === g.dtype);
    const { q, shape } = second(g, x, true);
    const other = q as Quantized;
    const f = BINARY[op] as (a: number, b: number) => number;
    const p = { ...g.around(spread(g.values(x)).flatMap((u) => spread(g.values(other)).map((v) => f(u, v)))) };
    const to = p.dtype === x.dtype ? p : g.parameters(p.scale, RANGE[x.dtype][0], x.dtype);
    const operands = [x, other].map((t) => [g.integers(t), t.s, t.z]);
    const name = g.node(`com.microsoft.QLinear${op}`, [...(g.d.chance(0.5) ? operands : operands.reverse()).flat(), to.s, to.z]);
    g.add(name, broadcast(x.shape, shape) as Shape, to);
  },
});

/** Scaling of the type that a kernel has for operand and result. */
function sameType(g: Sketch, x: Scaling, values: Iterable<number>): Scaling {
  const p = g.around(values);
  return p.dtype === x.dtype ? p : g.parameters(p.scale, RANGE[x.dtype][0], x.dtype);
}

const kernelOfOne = (op: string): Kind => ({
  family: 'functions',
  build(g) {
    const x = g.take(() => true);
    const alpha = 0.05 + g.d.next();
    const f = SCALARS[op]?.(() => alpha) as (v: number) => number;
    const to = sameType(g, x, g.values(x).map(f));
    g.add(
      g.node(`com.microsoft.QLinear${op}`, [g.integers(x), x.s, x.z, to.s, to.z], op === 'LeakyRelu' ? { alpha: float(alpha) } : {}),
      x.shape,
      to,
    );
  },
});

// ---- joins

const joining = (kernel: boolean): Kind => ({
  family: 'moves',
  build(g) {
    const x = g.take((s) => size(s) * 3 <= MOST);
    const axis = g.d.int(0, x.shape.length - 1);
    const alike = (s: Shape): boolean =>
      s.length === x.shape.length && s.every((v, i) => i === axis || v === x.shape[i]) && size(s) * 3 <= MOST;
    const parts = [
      x,
      ...range(g.d.int(1, 2)).map(() =>
        g.d.pick([
          ...g.made.filter((t) => alike(t.shape) && (!g.qop || t.dtype === x.dtype)),
          g.input(replaced(x.shape, axis, g.d.int(1, 3))),
        ]),
      ),
    ];
    const shape = replaced(
      x.shape,
      axis,
      parts.reduce((n, t) => n + (t.shape[axis] as number), 0),
    );
    const to = g.d.chance(0.3)
      ? x
      : sameType(
          g,
          x,
          parts.flatMap((t) => g.values(t)),
        );
    const at = g.opset >= 11 && g.d.chance(0.3) ? axis - shape.length : axis;
    if (kernel)
      g.add(
        g.node('com.microsoft.QLinearConcat', [to.s, to.z, ...parts.flatMap((t) => [g.integers(t), t.s, t.z])], { axis: at }),
        shape,
        to,
      );
    else
      g.close(
        g.node(
          'Concat',
          parts.map((t) => g.real(t)),
          { axis: at },
        ),
        shape,
        to,
      );
  },
});

// ---- products

/** Integer weights with a scale, or one a channel. */
function weights(g: Sketch, x: Scaling, dims: Shape, axis: number, perChannel: boolean) {
  const type = x.dtype === 'uint8' && g.d.chance(0.15) ? 'uint8' : 'int8';
  const many = perChannel && g.d.chance(0.4);
  const channels = dims[axis] as number;
  const scales = range(many ? channels : 1).map(() => g.d.scale(-7));
  const w = g.m.constant(type, dims, g.d.ints(size(dims), type === 'uint8' ? 0 : -WEIGHT_LIMIT, WEIGHT_LIMIT));
  const s = g.m.constant('float32', many ? [channels] : [], scales);
  const z = g.m.constant(
    type,
    many ? [channels] : [],
    scales.map(() => 0),
  );
  const fan = size(dims) / channels;
  const values = g.values(x);
  const energy = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const deviation = Math.sqrt(energy * fan) * (WEIGHT_LIMIT / 1.7) * (scales.reduce((a, b) => a + b, 0) / scales.length);
  const operator = [w, s, z];
  const real = () => g.node('DequantizeLinear', operator, many ? { axis } : {});
  return { scales, operator, real, about: [-2.5 * deviation, 2.5 * deviation], channels };
}

/** An int32 bias at the scale of the accumulator. */
function bias(g: Sketch, x: Scaling, { scales, channels, about }: ReturnType<typeof weights>): { raw: string; real: () => string } {
  const steps = scales.map((s) => Math.fround(x.scale * s));
  const most = Math.round((about[1] as number) / (4 * Math.max(...steps)));
  const raw = g.m.constant('int32', [channels], g.d.ints(channels, -most, most));
  const real = () =>
    g.node(
      'DequantizeLinear',
      [raw, g.m.constant('float32', scales.length > 1 ? [channels] : [], steps)],
      scales.length > 1 ? { axis: 0 } : {},
    );
  return { raw, real };
}

const perChannel = (g: Sketch, kernel: boolean): boolean => kernel || g.opset >= 13;

/** Sometimes Relu, Clip or MaxPool lies between a product and its QuantizeLinear. */
function finished(g: Sketch, real: string, shape: Shape, about: readonly number[]): void {
  const after = g.d.next();
  if (after < 0.15) real = g.node('Relu', [real]);
  else if (after < 0.25)
    ({ real } = clipped(
      g,
      real,
      [],
      about.map((v) => v * 0.4),
    ));
  g.close(real, shape, g.around(about));
}

interface Windows {
  readonly attributes: Attributes;
  readonly kernel: readonly number[];
  readonly out: readonly number[];
}

function windows(g: Sketch, space: Shape, pool: boolean, dilated: boolean): Windows {
  const kernel = space.map((n) => g.d.int(1, Math.min(3, n)));
  const strides = g.d.chance(0.4) ? [...kernel] : space.map(() => g.d.int(1, 2));
  const dilations = kernel.map((k, i) => (dilated && g.d.chance(0.2) && 2 * k - 1 <= (space[i] as number) ? 2 : 1));
  const pads = [0, 1].flatMap(() =>
    kernel.map((k, i) => (g.d.chance(0.5) || (dilations[i] as number) > 1 ? 0 : g.d.int(0, pool ? k - 1 : 2))),
  );
  const n = space.length;
  const auto = g.d.next() < 0.2 && dilations.every((v) => v === 1) ? g.d.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) : null;
  const out = space.map((v, i) => {
    const s = strides[i] as number;
    const span = (dilations[i] as number) * ((kernel[i] as number) - 1) + 1;
    if (auto?.startsWith('SAME')) return Math.ceil(v / s);
    return Math.floor((v + (auto === null ? (pads[i] as number) + (pads[i + n] as number) : 0) - span) / s) + 1;
  });
  const where: Attributes = auto === null ? { pads } : { auto_pad: auto };
  return { attributes: { kernel_shape: kernel, strides, ...(dilations.some((v) => v > 1) ? { dilations } : {}), ...where }, kernel, out };
}

const image = (s: Shape): boolean => s.length >= 3 && size(s.slice(2)) > 1;

const convolution = (kernel: boolean): Kind => ({
  family: 'products',
  build(g) {
    const x = g.take((s, t) => image(s) && (!kernel || t.dtype === g.dtype));
    const [n, ci, ...space] = x.shape as [number, number, ...number[]];
    const group = g.d.chance(0.3) ? g.d.pick([1, 2, 3, ci].filter((v) => ci % v === 0)) : 1;
    const co = group * g.d.int(1, 4);
    const { attributes, kernel: k, out } = windows(g, space, false, true);
    const w = weights(g, x, [co, ci / group, ...k], 0, perChannel(g, kernel));
    const b = g.d.chance(0.6) ? bias(g, x, w) : null;
    const shape = [n, co, ...out];
    if (kernel) {
      const to = sameType(g, x, w.about);
      g.add(
        g.node('QLinearConv', [g.integers(x), x.s, x.z, ...w.operator, to.s, to.z, ...(b === null ? [] : [b.raw])], {
          ...attributes,
          group,
        }),
        shape,
        to,
      );
    } else finished(g, g.node('Conv', [g.real(x), w.real(), ...(b === null ? [] : [b.real()])], { ...attributes, group }), shape, w.about);
  },
});

const dense = (op: 'Gemm' | 'MatMul' | 'QLinearMatMul' | 'com.microsoft.QGemm'): Kind => ({
  family: 'products',
  build(g) {
    const gemm = op.endsWith('Gemm');
    const kernel = op.includes('QLinear') || op.includes('QGemm');
    const x = g.take((s) => (gemm ? s.length === 2 : s.length >= 2));
    const k = x.shape.at(-1) as number;
    const n = g.d.int(1, 12);
    const transB = gemm && g.d.chance(0.5) ? 1 : 0;
    const w = weights(g, x, transB === 1 ? [n, k] : [k, n], transB === 1 ? 0 : 1, perChannel(g, kernel));
    const b = gemm && g.d.chance(0.6) ? bias(g, x, w) : null;
    const shape = [...x.shape.slice(0, -1), n];
    const operands = [g.integers(x), x.s, x.z, ...w.operator];
    const to = sameType(g, x, w.about);
    if (op === 'QLinearMatMul') g.add(g.node(op, [...operands, to.s, to.z]), shape, to);
    else if (kernel) g.add(g.node(op, [...operands, b?.raw ?? '', to.s, to.z], { transB, alpha: { float: 1 } }), shape, to);
    else if (gemm) finished(g, g.node('Gemm', [g.real(x), w.real(), ...(b === null ? [] : [b.real()])], { transB }), shape, w.about);
    else finished(g, g.node('MatMul', [g.real(x), w.real()]), shape, w.about);
  },
});

/** Two tensors; where onnxruntime's kernel of signed operands saturates, unsigned ones alone. */
const product = (kernel: boolean): Kind => ({
  family: 'products',
  build(g) {
    const fits = (s: Shape, t: Scaling): boolean => s.length >= 2 && (WEIGHT_LIMIT > 64 || t.dtype === 'uint8');
    const good = g.made.filter((t) => fits(t.shape, t));
    const a = good.at(-1) ?? (g.dtype === 'uint8' || WEIGHT_LIMIT > 64 ? g.input(g.shape((s) => s.length >= 2)) : null);
    if (a === null) return;
    const [rows, k] = a.shape.slice(-2) as [number, number];
    const lead = a.shape.slice(0, -2);
    const columns = g.d.int(1, 6);
    const transposed = g.d.chance(0.4);
    const dims = [...(g.d.chance(0.5) ? lead : lead.map(() => 1)), ...(transposed ? [columns, k] : [k, columns])];
    if (g.dtype !== a.dtype || size(dims) > MOST) return;
    const b = g.input(dims);
    const perm = [...range(dims.length - 2), dims.length - 1, dims.length - 2];
    const square = g.values(a).reduce((m, v) => Math.max(m, Math.abs(v)), 0) * g.values(b).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const about = [-square * Math.sqrt(k) * 0.4, square * Math.sqrt(k) * 0.4];
    const shape = [...lead, rows, columns];
    if (kernel) {
      const q = transposed ? g.node('Transpose', [g.integers(b)], { perm }) : g.integers(b);
      const to = sameType(g, a, about);
      g.add(g.node('QLinearMatMul', [g.integers(a), a.s, a.z, q, b.s, b.z, to.s, to.z]), shape, to);
      return;
    }
    const real = transposed ? g.node('Transpose', [g.real(b)], { perm }) : g.real(b);
    g.close(g.node('MatMul', [g.real(a), real]), shape, g.around(about));
  },
});

// ---- pools and reductions

const maxPool: Kind = {
  family: 'pools',
  since: 12,
  build(g) {
    const x = g.take((s) => image(s) && size(s) > 4);
    const [n, c, ...space] = x.shape as [number, number, ...number[]];
    const { attributes, out } = windows(g, space, true, false);
    const shape = [n, c, ...out];
    if (size(shape) < 2) return;
    if (g.qop) g.add(g.node('MaxPool', [g.integers(x)], attributes), shape, x);
    else g.close(g.node('MaxPool', [g.real(x)], attributes), shape, x);
  },
};

const averagePool = (kernel: boolean): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take((s) => image(s) && s.length < 5);
    const [n, c, ...space] = x.shape as [number, number, ...number[]];
    const { attributes, out } = windows(g, space, true, false);
    const more = { ...attributes, count_include_pad: g.d.pick([0, 1]) };
    const shape = [n, c, ...out];
    const to = sameType(g, x, g.values(x));
    if (kernel) g.add(g.node('com.microsoft.QLinearAveragePool', [g.integers(x), x.s, x.z, to.s, to.z], more), shape, to);
    else g.close(g.node('AveragePool', [g.real(x)], more), shape, to);
  },
});

const globalPool = (kernel: boolean): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take(image);
    const shape = x.shape.map((v, i) => (i < 2 ? v : 1));
    const to = sameType(
      g,
      x,
      spread(g.values(x)).map((v) => v / 2),
    );
    if (kernel)
      g.add(g.node('com.microsoft.QLinearGlobalAveragePool', [g.integers(x), x.s, x.z, to.s, to.z], { channels_last: 0 }), shape, to);
    else g.close(g.node('GlobalAveragePool', [g.real(x)]), shape, to);
  },
});

const reduction = (op: 'ReduceMean' | 'ReduceSum'): Kind => ({
  family: 'pools',
  build(g) {
    const x = g.take((s) => s.length >= 2);
    const axes = range(x.shape.length)
      .filter(() => g.d.chance(0.5))
      .slice(0, x.shape.length - 1);
    if (axes.length === 0) axes.push(x.shape.length - 1);
    const keepdims = g.d.pick([0, 1]);
    const shape = x.shape.flatMap((v, i) => (!axes.includes(i) ? [v] : keepdims === 1 ? [1] : []));
    const [inputs, attributes] = given(g, g.real(x), 'axes', axes, op === 'ReduceSum' ? 13 : 18);
    const times = op === 'ReduceSum' ? Math.sqrt(size(axes.map((a) => x.shape[a] as number))) : 1;
    g.close(g.node(op, inputs, { ...attributes, keepdims }), shape, g.around(g.values(x).map((v) => v * times)));
  },
});

// ---- normalizations, and rows by index

const softmax = (kernel: boolean): Kind => ({
  family: 'normalizations',
  build(g) {
    const x = g.take((s) => s.length >= 2);
    const axis = g.opset >= 13 || kernel ? g.d.int(0, x.shape.length - 1) : g.d.int(1, x.shape.length - 1);
    const to = g.parameters(g.d.pick([1 / 256, Math.fround(1 / 255), g.d.scale(-8)]), RANGE[x.dtype][0], x.dtype);
    if (kernel) g.add(g.node('com.microsoft.QLinearSoftmax', [g.integers(x), x.s, x.z, to.s, to.z], { axis, opset: g.opset }), x.shape, to);
    else g.close(g.node('Softmax', [g.real(x)], { axis }), x.shape, to);
  },
});

const layerNormalization: Kind = {
  family: 'normalizations',
  since: 17,
  build(g) {
    const whole = g.d.chance(0.7);
    const x = g.take((s) => s.length >= 2 && ((s.at(-1) as number) % 8 === 0) === whole && (s.at(-1) as number) > 1);
    const n = x.shape.at(-1) as number;
    const list = (about: number): string =>
      g.m.constant(
        'float32',
        [n],
        range(n).map(() => about + g.d.next() - 0.5),
      );
    const real = g.node('LayerNormalization', [g.real(x), list(1), ...(g.d.chance(0.7) ? [list(0)] : [])], {
      axis: -1,
      epsilon: float(1e-5),
    });
    g.close(real, x.shape, g.around([-2.5, 2.5]));
  },
};

const embedding: Kind = {
  family: 'moves',
  build(g) {
    const { d, m } = g;
    const [rows, width, count] = [d.int(2, 12), d.int(2, 12), d.int(2, 6)];
    const ids = m.input(m.fresh('ids'), 'int64', [1, count]);
    g.inputs[ids] = { dtype: 'int64', shape: [1, count], data: Int32Array.from(d.ints(count, 0, rows - 1)) };
    const p = g.parameters(d.scale(-6), d.int(...RANGE[g.dtype]));
    const table = m.constant(p.dtype, [rows, width], d.ints(rows * width, ...RANGE[p.dtype]));
    if (g.qop) g.add(g.node('Gather', [table, ids]), [1, count, width], p);
    else g.close(g.node('Gather', [g.node('DequantizeLinear', [table, p.s, p.z]), ids]), [1, count, width], p);
  },
};

/** By the operator that each is there for. */
export const kinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(Object.keys(moves).map((op) => [op, moving(op)])),
  ...Object.fromEntries(Object.keys(functions).map((op) => [op, chain(op)])),
  ...Object.fromEntries(Object.keys(BINARY).map((op) => [op, ofTwo(op)])),
  QLinearAdd: kernelOfTwo('Add'),
  QLinearMul: kernelOfTwo('Mul'),
  QLinearSigmoid: kernelOfOne('Sigmoid'),
  QLinearLeakyRelu: kernelOfOne('LeakyRelu'),
  Concat: joining(false),
  QLinearConcat: joining(true),
  Conv: convolution(false),
  QLinearConv: convolution(true),
  Gemm: dense('Gemm'),
  MatMul: dense('MatMul'),
  QLinearMatMul: dense('QLinearMatMul'),
  QGemm: dense('com.microsoft.QGemm'),
  'MatMul of two': product(false),
  'QLinearMatMul of two': product(true),
  MaxPool: maxPool,
  AveragePool: averagePool(false),
  QLinearAveragePool: averagePool(true),
  GlobalAveragePool: globalPool(false),
  QLinearGlobalAveragePool: globalPool(true),
  ReduceMean: reduction('ReduceMean'),
  ReduceSum: reduction('ReduceSum'),
  Softmax: softmax(false),
  QLinearSoftmax: softmax(true),
  LayerNormalization: layerNormalization,
  'Gather of rows': embedding,
};
