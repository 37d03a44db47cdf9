/** Functions of one tensor, and of two, or of a tensor and a constant, in random graphs. */
import { BINARY, DEFAULTS, SCALARS } from '../../compiler/quantized/scalar.ts';
import { float, type Kind, MOST, type Quantized, RANGE, range, type Shape, type Sketch, size, spread } from './sketch.helpers.ts';

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
  Exp: [-8, 8],
  Sinh: [-8, 8],
  Cosh: [-8, 8],
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

/** Clip of a real tensor, by attributes or operands. */
export function clipped(
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
    const more = range(g.d.pick(op === 'Cast' ? [1, 2] : [0, 0, 0, 1, 2])).map(() =>
      g.d.pick(Object.keys(functions).filter((f) => (SINCE[f] ?? 10) <= g.opset)),
    );
    const { real, values } = [op, ...more].reduce((now, f) => apply(g, f, now.real, now.values), {
      real: g.real(x),
      values: g.values(x) as readonly number[],
    });
    g.close(real, x.shape, g.around(values));
  },
});

interface Operand {
  readonly name: string;
  readonly shape: Shape;
  readonly values: readonly number[];
}

function broadcast(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const at = (s: Shape, i: number): number => s[i - rank + s.length] ?? 1;
  const out = range(rank).map((i) => Math.max(at(a, i), at(b, i)));
  return out.every((v, i) => [1, v].includes(at(a, i)) && [1, v].includes(at(b, i))) ? out : null;
}

/** A shape that broadcasts to x. */
const under = (g: Sketch, s: Shape): Shape => s.map((v) => (g.d.chance(0.3) ? 1 : v)).slice(g.d.chance(0.2) ? 1 : 0);

/** A second operand: another tensor, or a constant: a number, one a channel, or integers of any shape. */
const FORMS = ['number', 'integer', 'channels', 'integers', 'tensor', 'tensor', 'tensor', 'self'] as const;

function second(
  g: Sketch,
  x: Quantized,
  kernel: boolean,
  forms: readonly (typeof FORMS)[number][] = FORMS,
): Operand & { readonly q?: Quantized } {
  const form = g.d.pick(forms);
  if (form === 'tensor' || form === 'self' || (kernel && (form === 'number' || form === 'channels'))) {
    const fits = (t: Quantized): boolean => size(broadcast(t.shape, x.shape) ?? [MOST, 2]) <= MOST && (!kernel || t.dtype === x.dtype);
    const others = g.made.filter((t) => t !== x && fits(t));
    const q = form === 'self' ? x : others.length > 0 ? g.d.pick(others) : g.input(under(g, x.shape), x.dtype);
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
  const p = kernel ? g.like(x, about) : g.around(about);
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
    const other = op === 'Pow' ? second(g, x, false, ['number', 'channels', 'tensor']) : second(g, x, false);
    let a = { real: g.real(x), values: spread(g.values(x)) as readonly number[] };
    let b = { real: other.q === undefined ? other.name : g.real(other.q), values: spread(other.values) as readonly number[] };
    if (op === 'Pow') a = apply(g, 'Abs', a.real, a.values);
    if (op === 'Pow') b = clipped(g, b.real, b.values, [-2, 3]);
    if (op === 'Div' && other.q !== undefined) b = clipped(g, b.real, b.values, [0.25, 100]);
    const swap = !['Div', 'Pow', 'PRelu'].includes(op) && g.d.chance(0.5);
    const shape = broadcast(x.shape, other.shape) as Shape;
    // PRelu's slope spreads, its operand does not.
    if (op === 'PRelu' && shape.join() !== x.shape.join()) b.real = g.m.scalar('float32', 0.25);
    // Min and Max take any number.
    const third = (op === 'Min' || op === 'Max') && g.d.chance(0.3) ? [g.m.scalar('float32', g.d.pick(a.values))] : [];
    const real = g.node(op, [...(swap ? [b.real, a.real] : [a.real, b.real]), ...third]);
    const f = BINARY[op] as (a: number, b: number) => number;
    g.close(real, op === 'PRelu' ? x.shape : shape, g.around(a.values.flatMap((u) => b.values.map((v) => (swap ? f(v, u) : f(u, v))))));
  },
});

const kernelOfTwo = (op: 'Add' | 'Mul'): Kind => ({
  family: 'binary',
  build(g) {
    const x = g.take(() => true);
    const { q, shape } = second(g, x, true);
    const other = q as Quantized;
    const f = BINARY[op] as (a: number, b: number) => number;
    const to = g.like(
      x,
      spread(g.values(x)).flatMap((u) => spread(g.values(other)).map((v) => f(u, v))),
    );
    const operands = [x, other].map((t) => [g.integers(t), t.s, t.z]);
    const name = g.node(`com.microsoft.QLinear${op}`, [...(g.d.chance(0.5) ? operands : operands.reverse()).flat(), to.s, to.z]);
    g.add(name, broadcast(x.shape, shape) as Shape, to);
  },
});

const kernelOfOne = (op: string): Kind => ({
  family: 'functions',
  build(g) {
    const x = g.take(() => true);
    const alpha = 0.05 + g.d.next();
    const f = SCALARS[op]?.(() => alpha) as (v: number) => number;
    const to = g.like(x, g.values(x).map(f));
    g.add(
      g.node(`com.microsoft.QLinear${op}`, [g.integers(x), x.s, x.z, to.s, to.z], op === 'LeakyRelu' ? { alpha: float(alpha) } : {}),
      x.shape,
      to,
    );
  },
});

export const elementwise: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(Object.keys(functions).map((op) => [op, chain(op)])),
  ...Object.fromEntries(Object.keys(BINARY).map((op) => [op, ofTwo(op)])),
  QLinearAdd: kernelOfTwo('Add'),
  QLinearMul: kernelOfTwo('Mul'),
  QLinearSigmoid: kernelOfOne('Sigmoid'),
  QLinearLeakyRelu: kernelOfOne('LeakyRelu'),
};
