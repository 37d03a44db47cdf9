/** Add, Mul and their like of an accumulator and a constant: one more step of its chain. */
import { type Node, refuse } from '../../onnx/graph.ts';
import { CHAIN_OPS, type ChainStep, clampSteps } from '../chain.ts';
import type { Context } from '../context.ts';
import { shapeOf, type Value } from '../value.ts';
import { ownMeaning } from './op.ts';

type Accumulated = Extract<Value, { kind: 'accumulator' }>;

/** The steps of an accumulator; one that a kernel scales is scaled first. */
function chainOf({ acc, chain, clamps }: Accumulated): readonly ChainStep[] {
  return [...(chain ?? [{ op: 'Mul', constants: acc.scales } as const]), ...clamps.flatMap(clampSteps)];
}

/** An accumulator and a constant, which is operand `at` of the node. */
export function chained(
  ctx: Context,
  node: Node,
  value: Accumulated,
  op: string,
  dims: readonly number[],
  data: Float32Array,
  at: 0 | 1,
): Value {
  const known = CHAIN_OPS.find((o) => o === op);
  const order = at === 1 || (op !== 'Sub' && op !== 'Div');
  const scales = op === 'Mul' || op === 'Div';
  if (known === undefined || !order || (scales && data.some((k) => !(k > 0))))
    refuse(
      node,
      'model.unsupported-float',
      `does to an accumulator what can turn its order around; supported: ${CHAIN_OPS.join(', ')} by constants on the right, positive where they multiply`,
    );
  if (value.chain === null) scaledByKernel(ctx, node, value);
  const constants = data.every((k) => k === data[0]) ? [data[0] as number] : channelConstants(node, value, dims, data);
  return { ...value, chain: [...chainOf(value), { op: known, constants }], clamps: [] };
}

/** onnxruntime has kernels that give Gemm and MatMul as scaled accumulators; a Conv alone is float32, and so may be a MatMul and what follows. */
function scaledByKernel(ctx: Context, node: Node, { acc }: Accumulated): void {
  if (acc.linear.form.kind === 'conv')
    refuse(
      node,
      'model.unsupported-float',
      'reads a float result of Conv; supported: quantized first, or a result of Gemm, MatMul, ConvInteger',
    );
  const made = ctx.graph.nodes.find((n) => n.label === acc.linear.node);
  if (made?.op === 'MatMul' && !ctx.own.has(made.label))
    ownMeaning(ctx, made, `onnxruntime may run it and the ${node.op} behind it as one Gemm in float32`);
}

/** Constants along the channels of the accumulator. */
function channelConstants(node: Node, value: Accumulated, dims: readonly number[], data: Float32Array): readonly number[] {
  const shape = shapeOf(value) as readonly number[];
  const axis = value.acc.linear.form.kind === 'conv' ? 0 : value.acc.dims.length - 1;
  const channels = value.moved === null ? (value.view.layout ?? []).findIndex((list) => list.join() === `${axis}`) : -1;
  const along = shape.length - dims.length + dims.findIndex((d) => d > 1);
  if (dims.filter((d) => d > 1).length !== 1 || along !== channels || data.length !== shape[channels])
    refuse(
      node,
      'model.unsupported-broadcast',
      `a constant [${dims.join(', ')}] meets an accumulator [${shape.join(', ')}]; supported: one number, or one per channel`,
    );
  return Array.from(data);
}
