/** MaxPool: on the integers, because quantisation keeps the order; after an accumulator it waits for the QuantizeLinear. */
import { intOf, intsOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, operand } from '../context.ts';
import type { Window } from '../form.ts';
import { plainView } from '../view.ts';
import { type OpReader, result, windowOf, wrongOperand } from './op.ts';
import { imageShape, settleImage, WINDOW_ATTRIBUTES, windowFrom } from './window.ts';

export const maxPool: OpReader = {
  attributes: [...WINDOW_ATTRIBUTES, 'ceil_mode', 'storage_order'],
  read(node, ctx) {
    const value = operand(ctx, node, 0);
    if (value.kind !== 'integer' && value.kind !== 'accumulator' && (value.kind !== 'real' || value.steps.length > 0))
      return wrongOperand(ctx, node, 0, 'a quantized or dequantized tensor, or the result of Conv');
    const { view } = value;
    const shape = view.shape;
    const settled = value.kind === 'accumulator' ? null : settleImage(ctx, node, value.x, view);
    const image = settled?.image ?? imageShape(node, shape);
    const kernel = intsOf(node, 'kernel_shape');
    if (kernel === undefined) refuse(node, 'model.invalid-attribute', 'attribute kernel_shape is missing', { attribute: 'kernel_shape' });
    const { window, out } = windowFrom(node, shape.length, [image[1], image[2]], kernel, intOf(node, 'ceil_mode', 0) === 1);
    insideImage(node, window, [image[1], image[2]], out);
    const dims = [image[0], ...out];
    const shown = plainView(shape.length === 4 ? [1, ...dims] : [1, image[0], out[1]], dims);
    const pool = { node: node.label, ...window, dims };
    if (value.kind === 'accumulator') {
      if (
        value.acc.linear.form.kind !== 'conv' ||
        value.acc.dims.length !== 3 ||
        plainView(shape, value.pools.at(-1)?.dims ?? value.acc.dims).layout?.join('|') !== view.layout?.join('|')
      )
        refuse(node, 'model.unsupported-view', 'pools a view of an accumulator; supported: the result of Conv');
      return result(ctx, node, { ...value, view: shown, pools: [...value.pools, pool] });
    }
    const x = settled?.x ?? value.x;
    if (x.dtype === 'int32') return wrongOperand(ctx, node, 0, 'uint8 and int8');
    const trivial = [...window.kernel, ...window.stride].every((v) => v === 1) && window.pad.every((v) => v === 0);
    const name = node.outputs[0] as string;
    const y = trivial ? x : activation(ctx, name, x.dtype, dims, { zp: null, lo: x.lo, hi: x.hi }, { zp: x.zp });
    if (!trivial) ctx.ops.push({ kind: 'maxpool', node: node.label, ...windowOf(pool), x, y });
    result(ctx, node, value.kind === 'integer' ? { kind: 'integer', x: y, view: shown } : { ...value, x: y, view: shown });
  },
};

/** Refuses a window that lies in the padding altogether: its maximum is no element of the image. */
function insideImage(
  node: Node,
  { kernel, stride, pad, dilation }: Window,
  size: readonly [number, number],
  out: readonly [number, number],
): void {
  for (const a of [0, 1] as const)
    for (let o = 0; o < out[a]; o++) {
      const start = o * stride[a] - pad[a];
      const tap = Math.max(0, Math.ceil(-start / dilation[a])); // the first tap that is not before the image
      if (tap >= kernel[a] || start + tap * dilation[a] >= size[a])
        refuse(node, 'model.unsupported-padding', `window ${o} lies in the padding altogether; supported: windows that meet the image`);
    }
}
