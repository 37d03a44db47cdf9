/** What every op file exports: the attributes it reads and its meaning. `read` sets the values of the node's outputs in the context. */
import type { Node } from '../../onnx/graph.ts';
import { refuse } from '../../onnx/graph.ts';
import { activation, type Context, operand } from '../context.ts';
import type { Linear, QuantizedOp, Stage, Target } from '../form.ts';
import { channelsOf } from '../functions.ts';
import { settle, shownOf, virtual } from '../moved.ts';
import type { Pool, Value } from '../value.ts';
import { describe } from '../value.ts';

export interface OpReader {
  readonly attributes: readonly string[];
  read(node: Node, ctx: Context): void;
}

/** Notes that the integers of a node are our own meaning of it, and where they can differ from onnxruntime's. */
export function ownMeaning(ctx: Context, node: Node, why: string): void {
  ctx.own.set(node.label, why);
  ctx.notes.push(`${node.op} "${node.label}": ${why}; proven is our own meaning of it, which can differ by one step`);
}

export function result(ctx: Context, node: Node, value: Value): void {
  ctx.values.set(node.outputs[0] as string, value);
  node.outputs.slice(1).forEach((name, i) => {
    if (name !== '') refuse(node, 'model.unsupported-output', `output ${i + 1} ("${name}") is not supported`, { tensor: name });
  });
}

/** R of every channel: f32(scale of the accumulator / scale of the result). */
export function requantScale(node: Node, accumulator: readonly number[], to: Target): number[] {
  const scales = accumulator.map((s) => Math.fround(s / to.scale));
  const bad = scales.find((r) => !(r >= 2 ** -126 && r < 2 ** 127));
  if (bad !== undefined)
    refuse(node, 'model.invalid-scale', `input scale times weight scale over output scale is ${bad}, no normal float32`);
  return scales;
}

type Requantised = Pick<Extract<Value, { kind: 'accumulator' }>, 'acc' | 'view' | 'chain' | 'pools' | 'moved'>;

/** `acc` requantised to `to` as tensor `name`, then pooled, then moved. `node`: the one that quantises. */
export function requantised(ctx: Context, node: Node, { acc, view, chain, pools, moved }: Requantised, to: Target, name: string): Value {
  const y = activation(ctx, name, to.dtype, acc.dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  const requant = chain === null ? { scales: oneOrAll(requantScale(node, acc.scales, to)), to } : { chain, to };
  const op: Linear = { kind: 'linear', ...acc.linear, y, requant, stages: [] };
  ctx.ops.push(op);
  let current = y;
  for (const pool of pools) {
    const next = activation(ctx, name, to.dtype, pool.dims, { zp: to.zp, lo: to.lo, hi: to.hi }, { zp: current.zp });
    ctx.ops.push({ kind: 'maxpool', ...windowOf(pool), node: pool.node, x: current, y: next });
    current = next;
  }
  if (moved === null) return { kind: 'integer', x: current, view };
  return { kind: 'integer', ...virtual(ctx, node, name, moved.move(shownOf(ctx, node, current, view))) };
}

/** One number where all are the same. */
export const oneOrAll = (list: readonly number[]): readonly number[] => (list.every((v) => v === list[0]) ? list.slice(0, 1) : list);

export const windowOf = ({ kernel, stride, pad, dilation }: Pool) => ({ kernel, stride, pad, dilation });

/** x through one stage, as a lookup op. */
export function looked(ctx: Context, node: Node, value: Extract<Value, { kind: 'real' }>, stage: Stage, name: string): Value {
  const { x, dims, view } = settle(ctx, node, value.x, value.view);
  const { to } = stage;
  const y = activation(ctx, name, to.dtype, dims, { zp: to.zp, lo: to.lo, hi: to.hi });
  const op: QuantizedOp = {
    kind: 'lookup',
    node: stage.node,
    x,
    y,
    stages: [channelsOf(stage) === 1 ? { ...stage, axis: null } : stage],
  };
  ctx.ops.push(op);
  return { kind: 'integer', x: y, view };
}

/** Refuses `node` because operand `i` is of the wrong kind. */
export function wrongOperand(ctx: Context, node: Node, i: number, supported: string): never {
  return refuse(
    node,
    'model.unsupported-float',
    `operand ${i} ("${node.inputs[i]}") is ${describe(operand(ctx, node, i))}; supported: ${supported}`,
    {
      tensor: node.inputs[i],
    },
  );
}
