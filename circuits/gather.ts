/**
 * gather: y[t.., e..] = x[ids[t..], e..], rows of x by indices that are in the clear (protocol §7.8). A claim on y at (r_t, r_e) is
 *
 *     Σ_k P(k) · x̃(k, r_e),   P(k) = Σ_t eq(r_t, t) · [ids_t = k]
 *
 * Nothing is committed. The bounds of ids keep every index inside x.
 */
import { eqTable } from '../protocol/mle.ts';
import { addInto } from './forms/reduction.ts';
import { isPublic } from './public.ts';
import { bitsOf, forEachValid, paddedSize, sum } from './shape.ts';
import type { ShowSpec, Values } from './show.ts';
import type { GatherOp, Tensor } from './types.ts';

function gathered(op: GatherOp, tensors: readonly Tensor[], values: Values): Int32Array {
  const [x, ids, y] = [op.x, op.ids, op.y].map((t) => tensors[t] as Tensor) as [Tensor, Tensor, Tensor];
  const out = new Int32Array(paddedSize(y.dims));
  const row = paddedSize(x.dims.slice(1));
  const [from, at] = [values(op.x), values(op.ids)];
  forEachValid(ids.dims, (t) => {
    const k = at[t] as number;
    out.set(from.subarray(k * row, (k + 1) * row), t * row);
  });
  return out;
}

export const gather: ShowSpec<GatherOp> = {
  problem(op, tensors) {
    const [x, ids, y] = [op.x, op.ids, op.y].map((t) => tensors[t] as Tensor) as [Tensor, Tensor, Tensor];
    if (!isPublic(ids.home)) return 'indices that are not in the clear';
    if (!((ids.lo as number) >= 0 && (ids.hi as number) < (x.dims[0] as number))) return 'indices that may leave the table';
    const dims = [...ids.dims, ...x.dims.slice(1)];
    return dims.length === y.dims.length && dims.every((d, i) => d === y.dims[i]) ? null : 'shapes';
  },
  interval(op, tensors) {
    const { lo, hi } = tensors[op.x] as { lo: number; hi: number };
    return [lo, hi];
  },
  values: gathered,
  part: (op, _, tensors, values) => gathered(op, tensors, values),
  variables: (op, tensors) => [sum(bitsOf((tensors[op.x] as Tensor).dims.slice(0, 1)))],
  visits: (op, tensors) => paddedSize((tensors[op.y] as Tensor).dims),
  work: (op, tensors) => 2 * (paddedSize((tensors[op.ids] as Tensor).dims) + paddedSize((tensors[op.x] as Tensor).dims.slice(0, 1))),
  reduce({ tensors, values }, op, { point, value }) {
    const [x, ids] = [tensors[op.x] as Tensor, tensors[op.ids] as Tensor];
    const bits = sum(bitsOf(ids.dims));
    const [rt, re] = [point.slice(0, bits), point.slice(bits)];
    const eq = eqTable(rt);
    const size = paddedSize(x.dims.slice(0, 1));
    const vector = new Uint32Array(4 * size);
    const at = values(op.ids);
    forEachValid(ids.dims, (t) => {
      addInto(vector, at[t] as number, eq, t);
    });
    const image = { outer: size, inner: 1, point: re };
    return {
      sums: [{ x: op.x, image, variables: sum(bitsOf(x.dims.slice(0, 1))), vectors: [vector], pointAt: (q) => [...q, ...re] }],
      total: value,
    };
  },
};
