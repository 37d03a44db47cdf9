/** maximum: the greater of two, elementwise. */
import type { MaximumOp, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { sameDims, within } from './numbers.ts';

export const maximum: ComputedSpec<MaximumOp, null> = {
  described: [],
  problem({ a, b, y }, _, tensors) {
    const [p, q, out] = [tensors[a], tensors[b], tensors[y]] as [Tensor, Tensor, Tensor];
    if (!sameDims(p.dims, out.dims) || !sameDims(q.dims, out.dims)) return 'shapes';
    return within(out, [p.lo, q.lo, p.hi, q.hi] as number[]) ? null : 'a value lies outside the bounds of its output';
  },
  values: ({ a, b }, _, _tensors, at) => at(a).map((v, p) => Math.max(v, at(b)[p] as number)),
  steps: () => 1,
};
