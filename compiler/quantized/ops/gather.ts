/** Gather: by constant indices a move; rows of a constant table by indices of the graph's input (protocol §7.8 gather): an embedding. */
import { intOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, constantActivation, operand, quantizedIndices } from '../context.ts';
import type { IntegerType } from '../form.ts';
import { plainView } from '../view.ts';
import { dimension, gatherConstant } from './move.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

export const gather: OpReader = {
  attributes: ['axis'],
  read(node, ctx) {
    const indices = operand(ctx, node, 1);
    if (indices.kind !== 'indices') return gatherConstant(ctx, node);
    rowsByIndex(ctx, node, indices.input, indices.shape);
  },
};

function rowsByIndex(ctx: Context, node: Node, input: number, shape: readonly number[]): void {
  const table = operand(ctx, node, 0);
  if (table.kind !== 'constant' && (table.kind !== 'real-constant' || table.scales.length !== 1))
    wrongOperand(ctx, node, 0, 'a constant table of integers with one scale, where the indices are an input');
  const { tensor } = table;
  if ((tensor.dtype !== 'uint8' && tensor.dtype !== 'int8') || tensor.dims.length < 2)
    refuse(
      node,
      'model.unsupported-type',
      `the table "${tensor.name}" is ${tensor.dtype} [${tensor.dims.join(', ')}]; supported: rows of uint8 or int8`,
      { tensor: tensor.name },
    );
  if (dimension(node, intOf(node, 'axis', 0), tensor.dims.length) !== 0)
    refuse(node, 'model.unsupported-attribute', 'attribute axis is not 0: rows by computed indices are of the first dimension', {
      attribute: 'axis',
    });
  const [rows, ...row] = tensor.dims as [number, ...number[]];
  const ids = quantizedIndices(ctx, node, input, shape, rows);
  const zp = table.kind === 'real-constant' ? table.zp : null;
  const x = constantActivation(ctx, tensor.name, tensor, zp, true);
  const dims = [...(ids.dims as readonly number[]), ...row];
  const y = activation(
    ctx,
    node.outputs[0] as string,
    tensor.dtype as IntegerType,
    dims,
    { zp: null, lo: x.lo, hi: x.hi },
    { zp: x.zp, gathered: true },
  );
  ctx.ops.push({ kind: 'gather', node: node.label, x, ids, y });
  const view = plainView([...shape, ...row], dims);
  if (table.kind === 'constant') {
    result(ctx, node, { kind: 'integer', x: y, view });
    return;
  }
  const from = { scale: table.scales[0] as number, zp: table.zp };
  result(ctx, node, { kind: 'real', x: y, view, tensor: y.name, from, values: null, axis: null, fusable: null });
}
