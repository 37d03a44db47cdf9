/** LayerNormalization over the last dimensions, between DequantizeLinear and QuantizeLinear: computed by the verifier on the revealed integers (circuits/computed/layernorm.ts). */
import { floatToBits } from '../../../protocol/float32.ts';
import { elements, floatOf, intOf, type Node, refuse } from '../../onnx/graph.ts';
import { activation, type Context, has, operand, targetOf } from '../context.ts';
import { shownOf, virtual } from '../moved.ts';
import { realsOf } from '../real.ts';
import { reshape } from '../shown.ts';
import { plainView, stepView } from '../view.ts';
import { dimension } from './move.ts';
import { type OpReader, ownMeaning, result, wrongOperand } from './op.ts';

export const layerNormalization: OpReader = {
  attributes: ['axis', 'epsilon', 'stash_type'],
  read(node, ctx) {
    const value = operand(ctx, node, 0);
    if (value.kind !== 'real' || value.values !== null) return wrongOperand(ctx, node, 0, 'a dequantized tensor');
    const q = ctx.signed.onlyQuantizer(node.outputs[0] as string);
    if (q === null) refuse(node, 'model.unsupported-float', 'its result is not read by one QuantizeLinear alone; supported: that');
    if (intOf(node, 'stash_type', 1) !== 1)
      refuse(node, 'model.unsupported-attribute', 'attribute stash_type is not 1', { attribute: 'stash_type' });
    const to = targetOf(ctx, q, 1, 2);
    const { shape } = value.view;
    const axis = dimension(node, intOf(node, 'axis', -1), shape.length);
    const n = elements(shape.slice(axis));
    if (n % 8 !== 0)
      ownMeaning(ctx, node, `rows of ${n} elements are no whole number of vectors, and onnxruntime adds the rest in an order of its own`);
    const gamma = reals(ctx, node, 1, n);
    const beta = has(node, 2) ? reals(ctx, node, 2, n) : null;
    const rows = reshape(shownOf(ctx, node, value.x, value.view), [...shape.slice(0, axis), n]);
    const dims = rows.dims.length > 1 && rows.dims[0] === 1 ? rows.dims.slice(1) : rows.dims;
    const source = virtual(ctx, node, value.x.name, rows, dims);
    const y = activation(ctx, q.outputs[0] as string, to.dtype, source.x.dims, { zp: to.zp, lo: to.lo, hi: to.hi });
    const description = {
      kind: 'layernorm',
      scale: floatToBits(value.from.scale),
      gamma,
      beta,
      epsilon: floatToBits(floatOf(node, 'epsilon', 1e-5)),
      outScale: floatToBits(to.scale),
      zp: to.zp,
      lo: to.lo,
      hi: to.hi,
    } as const;
    ctx.ops.push({ kind: 'layernorm', node: node.label, x: source.x, y, description });
    const made = plainView(rows.dims, y.dims as readonly number[]);
    const back = stepView(made, y.dims, { op: 'reshape', shape });
    const shown = back === null ? virtual(ctx, node, y.name, reshape(shownOf(ctx, node, y, made), shape)) : { x: y, view: back };
    const from = { scale: to.scale, zp: to.zp };
    result(ctx, node, { kind: 'real', ...shown, tensor: y.name, from, values: null, axis: null, fusable: null });
  },
};

/** Operand `i`, n real constants, as float32 bits. */
function reals(ctx: Context, node: Node, i: number, n: number): number[] {
  const value = operand(ctx, node, i);
  if (value.kind !== 'constant' && value.kind !== 'real-constant') return wrongOperand(ctx, node, i, 'constants');
  const { tensor } = value;
  if (tensor.data === null || tensor.data.length !== n || (value.kind === 'constant' && tensor.dtype !== 'float32'))
    refuse(
      node,
      'model.invalid-shape',
      `operand ${i} ("${tensor.name}") is ${tensor.dtype} [${tensor.dims.join(', ')}]; it needs ${n} real constants`,
      { tensor: tensor.name },
    );
  return Array.from(realsOf(value), (real) => {
    if (!Number.isFinite(real)) refuse(node, 'model.invalid-constant', `"${tensor.name}" holds ${real}`, { tensor: tensor.name });
    return floatToBits(real);
  });
}
