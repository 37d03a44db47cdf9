/** Softmax, LogSoftmax, ArgMax, ArgMin and TopK after the last integer tensor: recomputed by the verifier from the output, not proven. */
import type { TailStep } from '../../../circuits/interface.ts';
import { elements, intOf, type Node, refuse } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import { tailOf } from '../output.ts';
import type { Value } from '../value.ts';
import { complement } from './extremes.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

function source(ctx: Context, node: Node): Extract<Value, { kind: 'tail' }> {
  const value = operand(ctx, node, 0);
  const tail = tailOf(ctx, node.label, value, node.inputs[0] as string);
  return tail ?? wrongOperand(ctx, node, 0, 'a dequantized tensor at the end of the graph');
}

function axisOf(node: Node, otherwise: number, rank: number): number {
  const given = intOf(node, 'axis', otherwise);
  if (given < -rank || given >= rank)
    refuse(node, 'model.invalid-attribute', `axis ${given} is outside rank ${rank}`, { attribute: 'axis' });
  return given < 0 ? given + rank : given;
}

export function softmaxTail(node: Node, ctx: Context): void {
  const tail = source(ctx, node);
  if (tail.dtype !== 'float32') wrongOperand(ctx, node, 0, 'a dequantized tensor');
  const { shape } = tail;
  const old = node.opset < 13;
  const axis = axisOf(node, old ? 1 : -1, shape.length);
  // Before opset 13 the tensor is seen as a matrix, cut at the axis.
  const matrix = [elements(shape.slice(0, axis)), elements(shape.slice(axis))];
  const op = node.op === 'LogSoftmax' ? 'logsoftmax' : 'softmax';
  const steps: TailStep[] = old
    ? [
        { op: 'reshape', shape: matrix },
        { op, axis: 1 },
        { op: 'reshape', shape },
      ]
    : [{ op, axis }];
  ctx.notes.push(`${node.op} "${node.label}" is recomputed in float64 by the verifier: equal to onnxruntime to about 1e-6, not to the bit`);
  result(ctx, node, { ...tail, steps: [...tail.steps, ...steps] });
}

/** The index of the greatest of a tail. */
function indexOf(node: Node, ctx: Context, tail: Extract<Value, { kind: 'tail' }>): void {
  const axis = axisOf(node, 0, tail.shape.length);
  const keepdims = intOf(node, 'keepdims', 1) === 1;
  const step: TailStep = { op: 'argmax', axis, keepdims, last: intOf(node, 'select_last_index', 0) === 1 };
  const shape = tail.shape.flatMap((d, i) => (i === axis ? (keepdims ? [1] : []) : [d]));
  result(ctx, node, { ...tail, dtype: 'int64', shape, steps: [...tail.steps, step] });
}

export const logSoftmax: OpReader = { attributes: ['axis'], read: softmaxTail };

/** Values and indices of the k greatest or least, in order; a tie goes to the first, as ONNX demands. */
export const topK: OpReader = {
  attributes: ['axis', 'largest', 'sorted'],
  read(node, ctx) {
    const tail = source(ctx, node);
    const axis = axisOf(node, -1, tail.shape.length);
    const size = tail.shape[axis] as number;
    const k = has(node, 1) ? constantOf(ctx, node, 1, 'k', ['int64']).data[0] : undefined;
    if (k === undefined || !(k >= 1 && k <= size)) refuse(node, 'model.invalid-attribute', `the ${k} greatest of ${size}`);
    if (intOf(node, 'sorted', 1) === 0 && k > 1)
      refuse(node, 'model.unsupported-attribute', 'sorted = 0 leaves the order open; supported: 1', { attribute: 'sorted' });
    const largest = intOf(node, 'largest', 1) === 1;
    const shape = tail.shape.map((d, i) => (i === axis ? k : d));
    node.outputs.forEach((name, i) => {
      const step: TailStep = { op: 'topk', axis, k, largest, indices: i === 1 };
      if (name !== '') ctx.values.set(name, { ...tail, dtype: i === 1 ? 'int64' : tail.dtype, shape, steps: [...tail.steps, step] });
    });
  },
};

const attributes = ['axis', 'keepdims', 'select_last_index'];

export const argMax: OpReader = { attributes, read: (node, ctx) => indexOf(node, ctx, source(ctx, node)) };

/** The least is the greatest of the complements, which are proven and public; equal integers are equal floats, so ties are the same. */
export const argMin: OpReader = {
  attributes,
  read(node, ctx) {
    const value = operand(ctx, node, 0);
    if ((value.kind !== 'integer' && (value.kind !== 'real' || value.values !== null)) || value.x.dtype === 'int32')
      return wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor');
    const turned = tailOf(ctx, node.label, { kind: 'integer', ...complement(ctx, node, value) }, node.inputs[0] as string);
    indexOf(node, ctx, turned as NonNullable<typeof turned>);
  },
};
