/**
 * AveragePool, GlobalAveragePool, ReduceMean, ReduceSum between their pairs, and com.microsoft QLinearAveragePool, QLinearGlobalAveragePool: the exact
 * sum of a window, then a step function of it (protocol §7.5). Batch and channels are one dimension.
 */
import { paddedSize } from '../../../circuits/shape.ts';
import { elements, intOf, intsOf, type Node, refuse } from '../../onnx/graph.ts';
import { averageFunction } from '../average.ts';
import { activation, type Context, integerOf, operand, targetOf } from '../context.ts';
import type { Activation, Affine, Pool, Target, Window } from '../form.ts';
import { settle, shownOf, virtual } from '../moved.ts';
import { concat, permute, pick, reshape, type Shown } from '../shown.ts';
import { plainView, type View } from '../view.ts';
import { reducedDims } from './move.ts';
import { type OpReader, ownMeaning, requantScale, result, wrongOperand } from './op.ts';
import type { Axis } from './stack.ts';
import { axesOf, WINDOW_ATTRIBUTES } from './window.ts';

interface Source {
  readonly x: Activation;
  readonly view: View;
  readonly from: Affine;
}

/** What pools: the kernel onnxruntime fuses, or float32 arithmetic between the pairs. */
interface Use {
  readonly source: Source;
  readonly to: Target;
  readonly name: string;
  readonly fused: boolean;
  /** 128 where onnxruntime makes signed tensors unsigned. */
  readonly shift: number;
}

/** A reader of both forms: behind a DequantizeLinear, and `com.microsoft.QLinear…` (x, scale, zero point, y scale, y zero point). */
function pooling(
  attributes: readonly string[],
  pool: (ctx: Context, node: Node, use: Use) => { x: Activation; view: View },
): { qdq: OpReader; qlinear: OpReader } {
  return {
    qdq: {
      attributes,
      read(node, ctx) {
        const value = operand(ctx, node, 0);
        if (value.kind !== 'real' || value.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
        const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
        if (q === null) refuse(node, 'model.unsupported-float', 'its result is not read by one QuantizeLinear alone; supported: that');
        const to = targetOf(ctx, q, 1, 2);
        const name = q.outputs[0] as string;
        const inside = ctx.signed.typeOf(value.tensor, value.x.dtype);
        const fused = inside === ctx.signed.typeOf(name, to.dtype);
        const shift = fused && inside !== value.x.dtype ? 128 : 0;
        const { x, view } = pool(ctx, node, { source: value, to, name, fused, shift });
        result(ctx, node, {
          kind: 'real',
          x,
          view,
          tensor: x.name,
          from: { scale: to.scale, zp: to.zp },
          values: null,
          axis: null,
          fusable: null,
        });
      },
    },
    qlinear: {
      attributes: [...attributes, 'channels_last'],
      read(node, ctx) {
        if (intOf(node, 'channels_last', 0) !== 0)
          refuse(node, 'model.unsupported-attribute', 'attribute channels_last is set; supported: channels first', {
            attribute: 'channels_last',
          });
        const source = integerOf(ctx, node, 0);
        const to = targetOf(ctx, node, 3, 4);
        if (source.x.dtype !== to.dtype)
          refuse(node, 'model.invalid-type', `takes ${source.x.dtype} and gives ${to.dtype}; supported: one type`);
        result(ctx, node, { kind: 'integer', ...pool(ctx, node, { source, to, name: node.outputs[0] as string, fused: true, shift: 0 }) });
      },
    },
  };
}

/** The operand as its node sees it. */
const seen = (ctx: Context, node: Node, { source }: Use): Shown<Activation> => shownOf(ctx, node, source.x, source.view);

/** x shown as [channels, rows, columns], pooled and seen as `shape`. */
function pooled(
  ctx: Context,
  node: Node,
  { source, to, name }: Use,
  image: Shown<Activation>,
  window: Window,
  out: readonly [number, number],
  how: Pick<Pool, 'average' | 'requant' | 'steps' | 'exact'>,
  shape: readonly number[],
): { x: Activation; view: View } {
  const { x } = virtual(ctx, node, source.x.name, image, image.dims);
  const dims = [image.dims[0] as number, ...out];
  const y = activation(ctx, name, to.dtype, dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  if (how.exact !== null) ownMeaning(ctx, node, how.exact);
  ctx.ops.push({ kind: 'pool', node: node.label, ...window, x, y, ...how });
  return virtual(ctx, node, name, reshape(shownOf(ctx, node, y, plainView(dims, dims)), shape));
}

const centred = ({ lo, hi, zp }: Activation): [number, number] => [lo - (zp.value ?? 0), hi - (zp.value ?? 0)];

/** QLinearGlobalAveragePool: R = f32(sx/f32(sy·n)), the zero point after the rounding. */
function mean(node: Node, { source, to, fused }: Use, n: number): Pick<Pool, 'average' | 'requant' | 'steps' | 'exact'> {
  if (!fused) return { average: false, requant: null, ...rational(source, to, n, false, 0) };
  const scale = Math.fround(source.from.scale / Math.fround(to.scale * Math.fround(n)));
  const [r] = requantScale(node, [scale], { ...to, scale: 1 });
  return { average: false, requant: { scales: [r as number], to }, steps: null, exact: null };
}

/** The average of n elements as float32 arithmetic that is not a fused kernel: its order of summation is not known. */
function rational(source: Source, to: Target, n: number, zeroPointFirst: boolean, shift: number): Pick<Pool, 'steps' | 'exact'> {
  const f = averageFunction({ scale: source.from.scale, count: n, to, zeroPointFirst, shift }, centred(source.x));
  const about =
    f.ambiguous === 0
      ? null
      : `for ${f.ambiguous} of ${f.ys.length} sums onnxruntime's float32 sum rounds either way, depending on its order`;
  return {
    steps: stepsOf(
      f.low,
      1,
      f.ys.map((y) => y - to.zp),
    ),
    exact: about,
  };
}

/** Values of consecutive multiples as steps. */
function stepsOf(low: number, factor: number, ys: Int16Array): NonNullable<Pool['steps']> {
  const starts: number[] = [];
  const values: number[] = [];
  ys.forEach((y, i) => {
    if (y === values.at(-1)) return;
    if (values.length > 0) starts.push(factor * (low + i));
    values.push(y);
  });
  return { starts: Int32Array.from(starts), ys: Int16Array.from(values) };
}

const WHOLE = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] } as const;

const global = pooling([], (ctx, node, use) => {
  const { shape } = use.source.view;
  if (shape.length < 3) refuse(node, 'model.invalid-shape', `the operand has shape [${shape.join(', ')}]; it needs spatial dimensions`);
  const [n, c] = shape as [number, number];
  const size = elements(shape.slice(2));
  const image = reshape(seen(ctx, node, use), [n * c, 1, size]);
  return pooled(ctx, node, use, image, { kernel: [1, size], ...WHOLE }, [1, 1], mean(node, use, size), [
    n,
    c,
    ...shape.slice(2).map(() => 1),
  ]);
});

const ONE: Axis = { size: 1, before: 0, after: 0, taps: 1, stride: 1, dilation: 1, out: 1 };
const pads = ({ before, after }: Axis): boolean => before + after > 0;

const windowed = pooling([...WINDOW_ATTRIBUTES, 'ceil_mode', 'count_include_pad'], (ctx, node, use) => {
  const { source, to, fused } = use;
  const { shape } = source.view;
  if (shape.length < 3 || shape.length > 5)
    refuse(
      node,
      'model.unsupported-shape',
      `the operand has shape [${shape.join(', ')}]; supported: [N, C, L], [N, C, H, W] and [N, C, D, H, W]`,
    );
  const kernel = intsOf(node, 'kernel_shape');
  if (kernel === undefined) refuse(node, 'model.invalid-attribute', 'attribute kernel_shape is missing', { attribute: 'kernel_shape' });
  const within = axesOf(node, shape.slice(2), kernel);
  const axes = intOf(node, 'ceil_mode', 0) === 1 ? axesOf(node, shape.slice(2), kernel, true) : within;
  const [d, h, w] = [...Array.from({ length: 3 - axes.length }, () => ONE), ...axes] as [Axis, Axis, Axis];
  const include = intOf(node, 'count_include_pad', 0) === 1;
  // Of a window that ceil_mode cuts off, the fused kernel counts everything, float32 the image and its pads.
  const cut = !fused && axes.some((a, i) => a.out !== within[i]?.out);
  if (include && cut && within.some(pads))
    refuse(node, 'model.unsupported-attribute', 'attribute ceil_mode cuts off a window with pads that count; supported: pads that do not', {
      attribute: 'ceil_mode',
    });
  const counted = !axes.some(pads) || (include && !cut);
  const rows = withDepth(node, d, h, counted);
  const window: Window = {
    kernel: [rows.taps, w.taps],
    stride: [rows.stride, w.stride],
    pad: [rows.before, w.before, rows.after, w.after],
    dilation: [rows.dilation, w.dilation],
  };
  const taps = rows.taps * w.taps;
  const whole = axes.every((a) => !pads(a) && a.taps === a.size);
  const how =
    whole && fused
      ? mean(node, use, taps)
      : counted
        ? { average: false, requant: null, ...rational(source, to, taps, fused, use.shift) }
        : excluded(use, rows, w);
  const [n, c] = shape as [number, number];
  const image = layers(reshape(seen(ctx, node, use), [n * c, d.size, h.size, w.size]), d, source.from.zp);
  return pooled(ctx, node, use, image, window, [rows.out, w.out], how, [n, c, ...axes.map((a) => a.out)]);
});

/** The height of images whose rows stand once for every tap of depth. */
function withDepth(node: Node, depth: Axis, height: Axis, counted: boolean): Axis {
  const n = depth.taps;
  if (n === 1 && !pads(depth)) return height;
  if (height.dilation !== 1)
    refuse(node, 'model.unsupported-attribute', `dilates the height of a window of depth by ${height.dilation}; supported: 1`, {
      attribute: 'dilations',
    });
  if (pads(depth) && !counted)
    refuse(
      node,
      'model.unsupported-padding',
      'pads the depth, and pads do not count; supported: no pads of the depth, or count_include_pad',
    );
  const { size, before, after, taps, stride } = height;
  return { ...height, size: size * n, before: before * n, after: after * n, taps: taps * n, stride: stride * n };
}

/** [C, D, H, W] as [C·Do, H·KD, W]: for every window of depth an image of the rows that it meets, side by side; pads are `zero`. */
function layers(s: Shown<Activation>, { size, before, taps, stride, dilation, out }: Axis, zero: number): Shown<Activation> {
  const [c, , h, w] = s.dims as [number, number, number, number];
  const list = Array.from({ length: taps }, (_, k) => {
    const at = Array.from({ length: out }, (_, o) => o * stride + k * dilation - before);
    const kept = at.map((i) => (i >= 0 && i < size ? i : -1));
    return reshape(pick(s, 1, kept, kept.includes(-1) ? zero : s.fill), [c * out, h, 1, w]);
  });
  return reshape(concat(list, 2) as Shown<Activation>, [c * out, h * taps, w]);
}

/** Windows that meet different numbers of elements: one function of the weighted sum, if the functions of all counts agree on it. */
function excluded({ source, to, fused, shift }: Use, h: Axis, w: Axis): Pick<Pool, 'average' | 'requant' | 'steps' | 'exact'> {
  const [cy, cx] = [counts(h), counts(w)];
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  const lcm = (list: readonly number[]): number => list.reduce((l, v) => (l / gcd(l, v)) * v, 1);
  const multiple = lcm(cy) * lcm(cx);
  const known = new Map<number, number>();
  let [ambiguous, sums] = [0, 0];
  const [lo, hi] = centred(source.x);
  for (const count of new Set(cy.flatMap((a) => cx.map((b) => a * b)))) {
    const f = averageFunction({ scale: source.from.scale, count, to, zeroPointFirst: fused, shift }, [lo, hi]);
    ambiguous += f.ambiguous;
    sums += f.ys.length;
    f.ys.forEach((y, i) => {
      const at = (f.low + i) * (multiple / count);
      const before = known.get(at);
      if (before !== undefined && before !== y - to.zp) ambiguous++;
      known.set(at, y - to.zp);
    });
  }
  const sorted = [...known].sort((a, b) => a[0] - b[0]);
  const starts: number[] = [];
  const values: number[] = [];
  for (const [at, y] of sorted) {
    if (y === values.at(-1)) continue;
    if (values.length > 0) starts.push(at);
    values.push(y);
  }
  const exact =
    ambiguous === 0 ? null : `for ${ambiguous} of ${sums} sums onnxruntime's float32 sum rounds either way, depending on its order`;
  return { average: true, requant: null, steps: { starts: Int32Array.from(starts), ys: Int16Array.from(values) }, exact };
}

/** Elements of the image that each window meets along an axis. */
function counts({ size, before, taps, stride, dilation, out }: Axis): number[] {
  return Array.from({ length: out }, (_, o) => {
    const start = o * stride - before;
    return Array.from({ length: taps }, (_, k) => start + k * dilation).filter((i) => i >= 0 && i < size).length;
  });
}

/** ReduceMean and ReduceSum: float32 in onnxruntime, whatever the types. */
function reduce(count: (n: number) => number): OpReader {
  return pooling(['axes', 'keepdims', 'noop_with_empty_axes'], (ctx, node, use) => {
    const { shape } = use.source.view;
    const last = reducedDims(ctx, node, shape.length);
    if (last.length === 0) refuse(node, 'model.unsupported-attribute', 'reduces nothing', { attribute: 'noop_with_empty_axes' });
    const kept = shape.map((_, i) => i).filter((i) => !last.includes(i));
    const n = elements(last.map((i) => shape[i] as number));
    const rows = elements(kept.map((i) => shape[i] as number));
    settle(ctx, node, use.source.x, use.source.view);
    const turned = virtual(ctx, node, use.source.x.name, permute(shownOf(ctx, node, use.source.x, use.source.view), [...kept, ...last]));
    const to = intOf(node, 'keepdims', 1) === 1 ? shape.map((d, i) => (last.includes(i) ? 1 : d)) : kept.map((i) => shape[i] as number);
    if (paddedSize([rows, n]) > 2 ** 26) refuse(node, 'model.unsupported-shape', `reduces ${rows} rows of ${n}`);
    const { from, x } = use.source;
    const f = averageFunction(
      { scale: from.scale, count: count(n), to: use.to, zeroPointFirst: false, shift: 0 },
      count(n) === n ? centred(x) : [n * centred(x)[0], n * centred(x)[1]],
    );
    const exact =
      f.ambiguous === 0
        ? null
        : `for ${f.ambiguous} of ${f.ys.length} sums onnxruntime's float32 sum rounds either way, depending on its order`;
    const how = {
      average: false,
      requant: null,
      steps: stepsOf(
        f.low,
        1,
        f.ys.map((y) => y - use.to.zp),
      ),
      exact,
    };
    const source = { ...use.source, ...turned };
    const image = reshape(seen(ctx, node, { ...use, source }), [rows, 1, n]);
    return pooled(ctx, node, use, image, { kernel: [1, n], ...WHOLE }, [1, 1], how, to);
  }).qdq;
}

export const pools: Readonly<Record<string, OpReader>> = {
  GlobalAveragePool: global.qdq,
  'com.microsoft.QLinearGlobalAveragePool': global.qlinear,
  AveragePool: windowed.qdq,
  'com.microsoft.QLinearAveragePool': windowed.qlinear,
  ReduceMean: reduce((n) => n),
  ReduceSum: reduce(() => 1),
};
