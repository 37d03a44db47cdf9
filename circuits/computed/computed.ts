/**
 * Ops that the verifier computes itself, from tensors in the clear to one in the clear (protocol §7.7): nothing about them is proven, nothing
 * is committed, and their arithmetic may be any that all machines share. One file an op; this one lists them.
 */
import type { TableDescription } from '../descriptions.ts';
import type { ComputedOp, Tensor } from '../types.ts';
import { apply } from './apply.ts';
import { layernorm } from './layernorm.ts';
import { softmax } from './softmax.ts';

type DescriptionOf<K> = Extract<TableDescription, { kind: K }>;

export interface ComputedSpec<O extends ComputedOp, D extends TableDescription['kind']> {
  /** The kind of description that says what the op computes. */
  readonly described: D;
  /** What is wrong with shapes and numbers, or null; indices are in range, x is in the clear. */
  problem(op: O, d: DescriptionOf<D>, x: Tensor, y: Tensor): string | null;
  /** The padded values of y from those of x. */
  values(op: O, d: DescriptionOf<D>, y: Tensor, x: Int32Array): Int32Array;
}

const specs = { apply, softmax, layernorm } as const;

export function computedOf(op: ComputedOp): ComputedSpec<ComputedOp, TableDescription['kind']> {
  return specs[op.kind] as unknown as ComputedSpec<ComputedOp, TableDescription['kind']>;
}
