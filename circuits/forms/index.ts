/** The accumulator forms, by kind. A new form is its own file and one line here. */
import type { Interval } from '../cells.ts';
import type { Form, Tensor } from '../types.ts';
import { average } from './average.ts';
import { bmm } from './bmm.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import type { FormSpec, Values } from './form.ts';
import { lin } from './lin.ts';
import { mul } from './mul.ts';
import { pool } from './pool.ts';

export const forms = { conv, dense, lin, pool, average, mul, bmm } as const;

export function specOf<F extends Form>(form: F): FormSpec<F> {
  return forms[form.kind] as unknown as FormSpec<F>;
}

export function formDims(tensors: readonly Tensor[], form: Form): number[] | null {
  return specOf(form).dims(tensors, form);
}

export function accumulatorBounds(tensors: readonly Tensor[], form: Form, weights: (t: number) => Int32Array): number[] {
  return specOf(form).bounds(tensors, form, weights);
}

/** Intervals of acc per channel, one entry when all channels share it. */
export function accumulatorIntervals(tensors: readonly Tensor[], form: Form, weights: (t: number) => Int32Array): Interval[] {
  return specOf(form).intervals(tensors, form, weights);
}

/** Computes the padded accumulator of a form from padded operands; `accumulate` is the definition, kernels may be faster. */
export type Accumulate = (tensors: readonly Tensor[], form: Form, values: Values, outDims: readonly number[]) => Int32Array;

/** The padded accumulator of a form. */
export function accumulate(tensors: readonly Tensor[], form: Form, values: Values, outDims: readonly number[]): Int32Array {
  return specOf(form).accumulate(tensors, form, values, outDims);
}
