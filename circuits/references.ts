/** Which tensors an op names: its form's operands and weights, what it reads, what it writes. */
import { specOf } from './forms/index.ts';
import { type Form, isComputed, type Op } from './types.ts';

/** The accumulator form of an op, if it has one. */
export const formOf = (op: Op): Form | null => (op.kind === 'req' || op.kind === 'out' ? op.form : null);

/** Every tensor index an op names. */
export function tensorsOf(op: Op): number[] {
  const form = formOf(op);
  const inForm = form === null ? [] : [...specOf(form).operands(form), ...(specOf(form).weights(form) ?? [])];
  return [...inForm, ...readsOf(op), ...writesOf(op), ...(op.kind === 'range' ? [op.x] : [])];
}

/** Tensors an op reads as values. */
export function readsOf(op: Op): number[] {
  const form = formOf(op);
  if (form !== null) return specOf(form).operands(form);
  if (op.kind === 'view') return op.parts.map((p) => p.x);
  if (op.kind === 'gather') return [op.x, op.ids];
  if (op.kind === 'accumulate') return specOf(op.form).operands(op.form);
  if (op.kind === 'bin' || op.kind === 'pairmax' || op.kind === 'maximum') return [op.a, op.b];
  if (op.kind === 'unary' || isComputed(op)) return [op.x];
  if (op.kind === 'max') return op.prev === null ? [op.x] : [op.x, op.prev];
  return [];
}

/** Tensors an op writes: rem, wid, y. */
export function writesOf(op: Op): number[] {
  if (op.kind === 'range') return [];
  if (op.kind !== 'req') return [op.y];
  return op.wid === null ? [op.rem, op.y] : [op.rem, op.wid, op.y];
}
