/**
 * Composes a lookup into the op before it: requantisation then Relu, Clip or Add of a constant is one non-decreasing step function, so one
 * lookup an element instead of two. Only when nothing else reads the tensor between them.
 */

import {
  type Activation,
  type Combine,
  type Linear,
  type Lookup,
  operandsOf,
  type Product,
  type QuantizedGraph,
  type QuantizedOp,
  type Stage,
} from '../quantized/form.ts';
import { channelsOf, isMonotone, stagesAt } from '../quantized/functions.ts';

export function fuseLookups(graph: QuantizedGraph): QuantizedGraph {
  const readers = new Map<Activation, number>();
  const count = (a: Activation) => readers.set(a, (readers.get(a) ?? 0) + 1);
  for (const op of graph.ops) for (const a of operandsOf(op)) count(a);
  for (const out of graph.outputs) count(out.source);
  const producer = new Map<Activation, number>();
  const ops: (QuantizedOp | null)[] = [...graph.ops];
  ops.forEach((op, i) => void producer.set((op as QuantizedOp).y, i));
  ops.forEach((op, i) => {
    if (op?.kind !== 'lookup') return;
    const at = producer.get(op.x);
    const before = at === undefined ? null : (ops[at] as QuantizedOp | null);
    if (at === undefined || before === null || readers.get(op.x) !== 1) return;
    if (before.kind === 'combine') {
      const form = formThen(before.form, op.stages);
      if (form === null) return;
      ops[at] = { ...before, y: op.y, form };
      ops[i] = null;
      producer.set(op.y, at);
      return;
    }
    if (before.kind !== 'linear' && before.kind !== 'lookup' && before.kind !== 'product') return;
    if (before.kind === 'linear' && before.requant === null) return;
    if (!sameAxis(before, op.stages)) return;
    // Per channel, steps are found by bisection.
    if (before.kind === 'linear' && before.requant !== null && 'chain' in before.requant && !isMonotone(op.stages)) return;
    if (!isMonotone(op.stages) && (before.kind !== 'linear' || op.stages.some((s) => channelsOf(s) > 1))) return;
    ops[at] = { ...before, y: op.y, stages: [...before.stages, ...op.stages] };
    ops[i] = null;
    producer.set(op.y, at);
  });
  return { ...graph, ops: ops.filter((op) => op !== null) };
}

/** A function of two tensors and then a table: another function of two tensors; null if it is none of a list. */
function formThen(form: Combine['form'], stages: readonly Stage[]): Combine['form'] | null {
  if (form.kind === 'max' || stages.some((s) => channelsOf(s) > 1)) return null;
  const f = stagesAt(stages, 0);
  if (form.kind === 'table') return { ...form, table: { ...form.table, ys: form.table.ys.map(f) } };
  const values = form.steps.ys.map(f);
  const changes = [...values.keys()].filter((i) => i === 0 || values[i] !== values[i - 1]);
  const starts = Int32Array.from(changes.slice(1), (i) => form.steps.starts[i - 1] as number);
  return { ...form, steps: { starts, ys: Int16Array.from(changes, (i) => values[i] as number) } };
}

/** The axis along which an op may have one function per index: the channels. */
export function channelAxis(op: Linear | Lookup | Product): number {
  return op.kind === 'linear' && op.form.kind === 'dense' ? (op.y.dims as readonly number[]).length - 1 : 0;
}

function sameAxis(op: Linear | Lookup | Product, stages: readonly Stage[]): boolean {
  const axes = [...op.stages, ...stages].flatMap((s) => (s.axis === null ? [] : [s.axis]));
  if (op.kind === 'product') return axes.length === 0;
  if (op.kind === 'linear') return axes.every((a) => a === channelAxis(op));
  return axes.every((a) => a === axes[0]);
}
