/**
 * Ops that the verifier computes itself, from tensors in the clear to one in the clear (protocol §7.7): nothing about them is proven, nothing
 * is committed, and their arithmetic may be any that all machines share. One file an op; this one lists them.
 */
import type { TableDescription } from '../descriptions.ts';
import type { ComputedOp, Tensor } from '../types.ts';
import { accumulate } from './accumulate.ts';
import { apply } from './apply.ts';
import { layernorm } from './layernorm.ts';
import { maximum } from './maximum.ts';
import { maxpool } from './maxpool.ts';
import { softmax } from './softmax.ts';

/** Padded values by tensor index. */
export type Values = (tensor: number) => Int32Array;

type DescriptionOf<K extends TableDescription['kind'] | null> = K extends null ? null : Extract<TableDescription, { kind: K }>;

export interface ComputedSpec<O extends ComputedOp, K extends TableDescription['kind'] | null> {
  /** Kinds of description that say what the op computes; none if it says so itself. */
  readonly described: readonly K[];
  /** What is wrong with shapes and numbers, or null; indices are in range, what it reads is in the clear. */
  problem(op: O, d: DescriptionOf<K>, tensors: readonly Tensor[]): string | null;
  /** The padded values of y. */
  values(op: O, d: DescriptionOf<K>, tensors: readonly Tensor[], at: Values): Int32Array;
  /** Steps an element of y takes. */
  steps(op: O, tensors: readonly Tensor[]): number;
}

const specs = { apply, softmax, layernorm, accumulate, maxpool, maximum } as const;

export function computedOf(op: ComputedOp): ComputedSpec<ComputedOp, TableDescription['kind'] | null> {
  return specs[op.kind] as unknown as ComputedSpec<ComputedOp, TableDescription['kind'] | null>;
}
