/** What onnxruntime does to an accumulator in float32 before its QuantizeLinear: Add, Mul and their like of a constant are steps of its chain. */
import { PASSED } from '../../notes.ts';
import { broadcast } from '../../onnx/arrays.ts';
import { type Node, refuse } from '../../onnx/graph.ts';
import { CHAIN_OPS, type ChainStep, clampSteps } from '../chain.ts';
import type { Context } from '../context.ts';
import { shapeOf, type Value } from '../value.ts';
import { oneOrAll, ownMeaning } from './op.ts';

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
  const shape = shapeOf(value) as readonly number[];
  if (broadcast(shape, dims)?.join() !== shape.join())
    refuse(node, 'model.unsupported-broadcast', `a constant [${dims.join(', ')}] spreads an accumulator [${shape.join(', ')}]`);
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
  const float = made?.op === 'MatMul' || ctx.signed.isQuantized(made?.outputs[0] ?? '');
  if (made !== undefined && float && !ctx.own.has(made.label))
    ownMeaning(ctx, made, `onnxruntime may run it in float32, because ${node.op} reads its result`);
}

/**
 * An accumulator before a move that onnxruntime moves no QuantizeLinear past: a result of Gemm or MatMul is scaled to a float there, and a Conv is
 * float32 altogether.
 */
export function beforeMove(ctx: Context, node: Node, value: Accumulated): Accumulated {
  return value.chain !== null || PASSED.includes(node.op)
    ? value
    : unfused(ctx, value, `${node.op} lies between it and its QuantizeLinear`);
}

/**
 * An accumulator that this node quantizes: by the kernel of the node that makes it, if nothing else reads what lies between. A result that one
 * QuantizeLinear of several reads is float32 altogether.
 */
export function beforeQuantize(ctx: Context, node: Node, value: Accumulated): Accumulated {
  if (value.chain !== null) return value;
  let tensor = node.inputs[0] as string;
  let once = ctx.signed.readOnce(tensor);
  let direct = true;
  for (;;) {
    const before = ctx.producer.get(tensor);
    if (before === undefined || before.label === value.acc.linear.node) break;
    tensor = before.inputs[0] as string;
    once &&= ctx.signed.readOnce(tensor);
    direct &&= before.op === 'Identity';
  }
  return once ? value : unfused(ctx, value, 'more than its QuantizeLinear reads its result', direct || ctx.signed.isQuantized(tensor));
}

/** An accumulator that no kernel quantizes; `float`: nor scales. */
function unfused(ctx: Context, value: Accumulated, why: string, float = false): Accumulated {
  const { acc } = value;
  if (!float && acc.linear.form.kind !== 'conv') return { ...value, chain: [{ op: 'Mul', constants: oneOrAll(acc.scales) }] };
  const made = ctx.graph.nodes.find((n) => n.label === acc.linear.node);
  if (made !== undefined && !ctx.own.has(made.label)) ownMeaning(ctx, made, `onnxruntime runs it in float32, because ${why}`);
  return value;
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
