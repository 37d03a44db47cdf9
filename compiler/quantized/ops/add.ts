/**
 * Add of a constant to a dequantized tensor, and com.microsoft QLinearAdd with a constant operand: one function per element of the
 * constant, so the constant may vary along one dimension only.
 */
import { elements, type Node, refuse, type Tensor } from '../../onnx/graph.ts';
import { type Context, constantOf, integerOf, operand, scaleOf, settle, targetOf, zeroPointOf } from '../context.ts';
import type { Activation } from '../form.ts';
import type { Value } from '../value.ts';
import type { View } from '../view.ts';
import { looked, type OpReader, result, wrongOperand } from './op.ts';

export const add: OpReader = {
  attributes: [],
  read(node, ctx) {
    const [a, b] = [operand(ctx, node, 0), operand(ctx, node, 1)];
    const first = a.kind === 'constant' || a.kind === 'real-constant';
    const [x, k] = first ? [b, a] : [a, b];
    const i = first ? 0 : 1;
    if (x.kind !== 'real' || x.steps.length > 0) return wrongOperand(ctx, node, 1 - i, 'a dequantized tensor plus a constant');
    if (k.kind !== 'constant' && k.kind !== 'real-constant')
      return wrongOperand(ctx, node, i, 'a constant; the sum of two tensors is not supported yet');
    const { tensor } = k;
    if (tensor.data === null || (k.kind === 'constant' && tensor.dtype !== 'float32'))
      refuse(
        node,
        'model.unsupported-type',
        `the constant "${tensor.name}" is ${tensor.dtype}; supported: float32, or integers behind a DequantizeLinear`,
      );
    if (k.kind === 'real-constant' && k.scales.length > 1)
      refuse(node, 'model.unsupported-per-axis', `the constant "${tensor.name}" has ${k.scales.length} scales; supported: one`, {
        tensor: tensor.name,
      });
    const spread = along(ctx, node, x.x, x.view, tensor);
    const raw = spread.values;
    const values = k.kind === 'constant' ? raw : raw.map((q) => Math.fround((q - k.zp) * (k.scales[0] as number)));
    const other = k.kind === 'constant' ? null : { scale: k.scales[0] as number, zp: k.zp };
    if (values.some((v) => !Number.isFinite(v)))
      refuse(node, 'model.invalid-constant', `the constant "${tensor.name}" is not finite`, { tensor: tensor.name });
    result(ctx, node, {
      ...x,
      view: spread.view,
      steps: [{ op: 'add', values }],
      axis: spread.axis,
      add: other === null ? null : { dtype: tensor.dtype, constant: raw, other, first, scalar: spread.scalar },
    });
  },
};

/** Operands A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point. */
export const qlinearAdd: OpReader = {
  attributes: [],
  read(node, ctx) {
    const first = operand(ctx, node, 0).kind === 'constant';
    const [xi, ki] = first ? [3, 0] : [0, 3];
    if (operand(ctx, node, ki).kind !== 'constant')
      refuse(node, 'model.unsupported-operand', 'adds two tensors; supported: one tensor and one constant');
    const { x, view, from } = integerOf(ctx, node, xi);
    const tensor = constantOf(ctx, node, ki, 'constant operand', ['uint8', 'int8']);
    const other = {
      scale: scaleOf(ctx, node, ki + 1, 'scale of the constant'),
      zp: zeroPointOf(ctx, node, ki + 2, 'zero point of the constant', tensor.dtype).zp,
    };
    const to = targetOf(ctx, node, 6, 7);
    if (x.dtype !== to.dtype || tensor.dtype !== to.dtype)
      refuse(node, 'model.invalid-type', `adds ${x.dtype} and ${tensor.dtype} to ${to.dtype}; supported: one type for all three`);
    const { values, axis, scalar, view: shown } = along(ctx, node, x, view, tensor);
    const value: Extract<Value, { kind: 'real' }> = { kind: 'real', x, view: shown, tensor: '', from, steps: [], axis, add: null };
    const name = node.outputs[0] as string;
    result(
      ctx,
      node,
      looked(ctx, node, value, { kind: 'qlinear-add', node: node.label, axis, from, to, constant: values, other, first, scalar }, name),
    );
  },
};

/**
 * The values of a constant along the one key axis on which they vary (axis null and one value if they do not), the view of the sum, and
 * whether onnxruntime's broadcast runs its kernel for a scalar operand (the constant does not vary in the innermost dimension).
 */
function along(
  ctx: Context,
  node: Node,
  x: Activation,
  given: View,
  tensor: Tensor,
): { values: number[]; axis: number | null; view: View; scalar: boolean } {
  const data = tensor.data as ArrayLike<number>;
  const { view } = settle(ctx, node, x, given);
  const layout = view.layout as readonly (readonly number[])[];
  const rank = Math.max(view.shape.length, tensor.dims.length);
  const shape = [...Array.from({ length: rank - view.shape.length }, () => 1), ...view.shape];
  const lists = [...Array.from({ length: rank - view.shape.length }, () => [] as number[]), ...layout];
  const dims = [...Array.from({ length: rank - tensor.dims.length }, () => 1), ...tensor.dims];
  if (dims.some((d, i) => d !== 1 && d !== shape[i]) || elements(dims) === 0)
    refuse(
      node,
      'model.unsupported-broadcast',
      `a constant [${tensor.dims.join(', ')}] is added to [${view.shape.join(', ')}]; supported: a constant that broadcasts to the tensor`,
      {
        tensor: tensor.name,
      },
    );
  const big = shape.flatMap((d, i) => (d > 1 ? [i] : []));
  const inner = big.at(-1);
  const scalar = inner === undefined || dims[inner] === 1;
  const whole = { shape, layout: lists, steps: [] };
  const varies = dims.flatMap((d, i) => (d > 1 ? [i] : []));
  if (Array.from(data).every((v) => v === data[0])) return { values: [data[0] as number], axis: null, view: whole, scalar };
  const [only] = varies;
  const list = only === undefined ? undefined : lists[only];
  if (varies.length !== 1 || list?.length !== 1)
    refuse(
      node,
      'model.unsupported-broadcast',
      `the constant "${tensor.name}" [${tensor.dims.join(', ')}] varies along several dimensions; supported: along one`,
      {
        tensor: tensor.name,
      },
    );
  return { values: Array.from(data), axis: list[0] as number, view: whole, scalar };
}
