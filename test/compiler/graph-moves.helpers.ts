/** Moves in random graphs: of integers in QOperator graphs, of reals between pairs of one scale in QDQ graphs; joins; rows by index. */
import { type Attributes, float, type Kind, MOST, RANGE, range, type Scaling, type Shape, type Sketch, size } from './sketch.helpers.ts';

type Part = readonly [name: string, shape: Shape];
interface Move {
  readonly fits?: (s: Shape) => boolean;
  /** Opset since which onnxruntime has it; for integers. */
  readonly since?: number;
  readonly integers?: number;
  /** `p` of the tensor; `raw`: x holds integers. */
  readonly move: (g: Sketch, x: string, s: Shape, p: Scaling, raw: boolean) => Part | readonly Part[];
}

const part = (name: string, shape: Shape): Part => [name, shape];
const replaced = (s: Shape, axis: number, ...by: readonly number[]): number[] => [...s.slice(0, axis), ...by, ...s.slice(axis + 1)];
const room = (s: Shape): number => MOST / size(s);
const axisOf = (g: Sketch, s: Shape, fits: (d: number) => boolean): number => g.d.pick(range(s.length).filter((i) => fits(s[i] as number)));
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
      const [inputs, attributes] = g.listed(x, 'axes', [g.opset < 11 ? axis : g.d.pick([axis, axis - s.length])], 13);
      return part(g.node('Squeeze', inputs, attributes), replaced(s, axis));
    },
  },
  Unsqueeze: {
    fits: (s) => s.length < 5,
    move(g, x, s) {
      const axis = g.d.int(0, s.length);
      const [inputs, attributes] = g.listed(x, 'axes', [axis], 13);
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
      const halves = n % 2 === 0 && g.d.chance(0.4);
      const first = halves ? n / 2 : g.d.int(1, n - 1);
      const equal: [string[], Attributes] = [[x], g.opset < 18 ? {} : { num_outputs: 2 }];
      const [inputs, attributes] = halves ? equal : g.listed(x, 'split', [first, n - first], 13);
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
    since: 11,
    fits: (s) => s.length === 4 && (s[1] as number) % 4 === 0,
    integers: 13,
    move(g, x, s) {
      const [n, c, h, w] = s as [number, number, number, number];
      return part(g.node('DepthToSpace', [x], { blocksize: 2, mode: g.d.pick(['DCR', 'CRD']) }), [n, c / 4, h * 2, w * 2]);
    },
  },
  SpaceToDepth: {
    fits: (s) => s.length === 4 && s.slice(2).every((v) => v % 2 === 0),
    integers: 13,
    move(g, x, s) {
      const [n, c, h, w] = s as [number, number, number, number];
      return part(g.node('SpaceToDepth', [x], { blocksize: 2 }), [n, c * 4, h / 2, w / 2]);
    },
  },
};

function mover(op: string): Kind {
  const { fits = () => true, since = 10, integers = 10, move } = moves[op] as Move;
  return {
    family: 'moves',
    since,
    build(g) {
      const x = g.take(fits);
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
          ...g.made.filter((t) => alike(t.shape) && (t.dtype === x.dtype || !(kernel || g.qop))),
          g.input(replaced(x.shape, axis, g.d.int(1, 3)), x.dtype),
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
      : g.like(
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

export const moving: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(Object.keys(moves).map((op) => [op, mover(op)])),
  Concat: joining(false),
  QLinearConcat: joining(true),
  'Gather of rows': embedding,
};
