/** Moves compose: after any chain of them, what is shown, and the view of a circuit made from it, are what moving the data step by step gives. */
import { describe, expect, it } from 'vitest';
import { pad, paddedSize, unpad } from '../../circuits/shape.ts';
import type { Tensor, ViewOp } from '../../circuits/types.ts';
import { view } from '../../circuits/views.ts';
import { viewParts } from '../../compiler/quantized/digits.ts';
import { concat, permute, pick, reshape, type Shown, showsWhole, whole } from '../../compiler/quantized/shown.ts';
import { Random } from '../random.ts';

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Data with its shape, moved step by step. */
interface Data {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

const at = ({ dims, values }: Data, index: readonly number[]): number =>
  values[index.reduce((s, i, k) => s * (dims[k] as number) + i, 0)] as number;

function build(dims: readonly number[], f: (index: number[]) => number): Data {
  const values = Array.from({ length: product(dims) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const d of [...dims].reverse()) {
      index.unshift(rest % d);
      rest = Math.floor(rest / d);
    }
    return f(index);
  });
  return { dims, values };
}

/** Splits n into factors at random. */
function factors(r: Random, n: number): number[] {
  const out: number[] = [];
  let rest = n;
  while (rest > 1 && out.length < 4) {
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => rest % d === 0);
    const d = r.pick(divisors);
    out.push(d);
    rest /= d;
  }
  return rest > 1 || out.length === 0 ? [...out, rest] : out;
}

const FILL = 77;

function move(r: Random, s: Shown<number>, d: Data): [Shown<number>, Data] {
  const kind = r.pick(['pick', 'permute', 'reshape', 'reshape', 'concat', 'pad'] as const);
  const dim = r.int(0, d.dims.length - 1);
  const size = d.dims[dim] as number;
  if (kind === 'permute') {
    const perm = d.dims.map((_, i) => i).sort(() => r.next() - 0.5);
    const dims = perm.map((p) => d.dims[p] as number);
    return [
      permute(s, perm),
      build(dims, (i) =>
        at(
          d,
          d.dims.map((_, k) => i[perm.indexOf(k)] as number),
        ),
      ),
    ];
  }
  if (kind === 'reshape') {
    const dims = factors(r, product(d.dims));
    return [reshape(s, dims), { dims, values: d.values }];
  }
  const replaced = (index: readonly number[], v: number): number[] => index.map((x, k) => (k === dim ? v : x));
  const resized = (n: number): number[] => d.dims.map((x, k) => (k === dim ? n : x));
  if (kind === 'concat') {
    if (product(d.dims) > 200) return [s, d];
    return [concat([s, s], dim) as Shown<number>, build(resized(2 * size), (i) => at(d, replaced(i, (i[dim] as number) % size)))];
  }
  const indices = kind === 'pad' ? [-1, ...Array.from({ length: size }, (_, i) => i), -1] : indexList(r, size);
  const fill = kind === 'pad' ? FILL : s.fill;
  return [
    pick(s, dim, indices, fill),
    build(resized(indices.length), (i) => {
      const from = indices[i[dim] as number] as number;
      return from < 0 ? FILL : at(d, replaced(i, from));
    }),
  ];
}

/** A slice with a step, a flip, every element twice, or any choice. */
function indexList(r: Random, size: number): number[] {
  const all = Array.from({ length: size }, (_, i) => i);
  const kind = r.int(0, 3);
  if (kind === 0) {
    const [from, step] = [r.int(0, size - 1), r.int(1, 3)];
    return all.filter((i) => i >= from && (i - from) % step === 0);
  }
  if (kind === 1) return all.reverse();
  if (kind === 2 && size <= 8) return all.flatMap((i) => [i, i]);
  return Array.from({ length: r.int(1, Math.min(size, 6)) }, () => r.int(0, size - 1));
}

describe.each(Array.from({ length: 150 }, (_, i) => i))('chain %i', (seed) => {
  it('shows what moving the data gives', () => {
    const r = new Random(seed);
    const dims = Array.from({ length: r.int(1, 3) }, () => r.int(1, 6));
    const source = r.ints(product(dims), -50, 50);
    let shown = whole(0, dims);
    let data: Data = { dims, values: [...source] };
    for (let i = r.int(1, 6); i > 0; i--) [shown, data] = move(r, shown, data);
    expect(shown.dims).toEqual(data.dims);
    const op: ViewOp = { kind: 'view', parts: shown.parts.flatMap((p) => viewParts(p, dims, 0)), fill: shown.fill ?? 0, y: 1 };
    // What shows nothing is known.
    const tensors: Tensor[] = [
      { dims, home: 'A', lo: -50, hi: 50 },
      { dims: [...data.dims], home: op.parts.length > 0 ? 'V' : 'D', lo: -50, hi: FILL },
    ];
    expect(view.problem(op, tensors)).toBeNull();
    const y = view.values(op, tensors, () => pad(source, dims));
    expect(y.length).toBe(paddedSize(data.dims));
    expect([...unpad(y, data.dims)]).toEqual(data.values);
    const same = showsWhole(shown, () => dims);
    if (same !== null) expect(data.values).toEqual([...source]);
  });
});

it('a transpose and a reshape that undo each other show the tensor itself', () => {
  const moved = permute(permute(whole('x', [3, 5, 4]), [2, 0, 1]), [1, 2, 0]);
  expect(showsWhole(reshape(reshape(moved, [15, 4]), [60]), () => [3, 5, 4])).toBe('x');
  expect(showsWhole(permute(whole('x', [3, 5]), [1, 0]), () => [3, 5])).toBeNull();
});

it('an upsampled image is one part of two digits a dimension', () => {
  const twice = (n: number) => Array.from({ length: 2 * n }, (_, i) => Math.floor(i / 2));
  const s = pick(pick(whole('x', [2, 3, 3]), 1, twice(3)), 2, twice(3));
  const parts = viewParts(s.parts[0] as (typeof s.parts)[number], [2, 3, 3], 0);
  expect(parts).toHaveLength(1);
  expect(parts[0]?.counts).toEqual([2, 3, 2, 3, 2]);
  expect(parts[0]?.from).toHaveLength(3);
});
