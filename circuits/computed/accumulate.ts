/** accumulate: the exact integers that a requantisation would round, for forms whose work is that of their output. */
import { HALF } from '../../protocol/field.ts';
import { accumulatorBounds, accumulatorIntervals, formDims, specOf } from '../forms/index.ts';
import { forEachValid, maxOf } from '../shape.ts';
import type { AccumulateOp, Form, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { sameDims } from './numbers.ts';

const KINDS: readonly Form['kind'][] = ['lin', 'mul', 'pool', 'average'];

/** Whether the verifier may compute a form. */
export const isComputable = (form: Form): boolean => KINDS.includes(form.kind);

export const accumulate: ComputedSpec<AccumulateOp, null> = {
  described: [],
  problem({ form, y }, _, tensors) {
    if (!isComputable(form)) return `the form ${form.kind}`;
    const numbers = specOf(form).numbers(tensors, form);
    if (numbers !== null) return numbers;
    const dims = formDims(tensors, form);
    const out = tensors[y] as Tensor;
    if (dims === null || !sameDims(dims, out.dims)) return 'shapes';
    // Sums of absolute values: what cancels must be exact on the way.
    if (!(maxOf(accumulatorBounds(tensors, form, () => new Int32Array())) <= HALF)) return 'the accumulator may leave the field';
    const reach = accumulatorIntervals(tensors, form, () => new Int32Array());
    const [lo, hi] = [-maxOf(reach.map(([a]) => -a)), maxOf(reach.map(([, b]) => b))];
    return lo >= (out.lo as number) && hi <= (out.hi as number) ? null : 'a value lies outside the bounds of its output';
  },
  values({ form, y }, _, tensors, at) {
    const { dims } = tensors[y] as Tensor;
    const acc = specOf(form).accumulate(tensors, form, at, dims);
    const out = new Int32Array(acc.length);
    forEachValid(dims, (p) => {
      out[p] = acc[p] as number;
    });
    return out;
  },
  steps: ({ form }) => ('kh' in form ? form.kh * form.kw : form.kind === 'lin' ? form.terms.length : 1),
};
