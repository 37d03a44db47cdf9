/**
 * Functions of one tensor between DequantizeLinear and QuantizeLinear, and chains of them: whatever they are, together they are one table of the
 * integers (protocol §7.3 unary), or vanish in the requantisation before. Relu and Clip of an accumulator only narrow its clip bounds.
 */
import { floatOf, type Node, refuse, stringOf } from '../../onnx/graph.ts';
import { type Context, constantOf, has, operand } from '../context.ts';
import type { Clamp } from '../form.ts';
import { mapped } from '../real.ts';
import { DEFAULTS, geluOf, SCALARS, type Scalar } from '../scalar.ts';
import { type OpReader, result, wrongOperand } from './op.ts';

function applied(node: Node, ctx: Context, f: Scalar): void {
  const x = operand(ctx, node, 0);
  if (x.kind === 'real' || x.kind === 'pair') result(ctx, node, mapped(x, f));
  else if (x.kind === 'constant' && x.tensor.dtype === 'float32' && x.tensor.data !== null)
    result(ctx, node, { kind: 'constant', tensor: { ...x.tensor, data: Float32Array.from(x.tensor.data, f) } });
  else wrongOperand(ctx, node, 0, 'a dequantized tensor (a float result of Conv, Gemm or MatMul must be quantized first)');
}

function clamped(node: Node, ctx: Context, clamp: Clamp, f: Scalar): void {
  const x = operand(ctx, node, 0);
  if (x.kind === 'accumulator') result(ctx, node, { ...x, clamps: [...x.clamps, clamp] });
  else applied(node, ctx, f);
}

const relu: OpReader = {
  attributes: [],
  read: (node, ctx) => clamped(node, ctx, { op: 'relu' }, (v) => Math.max(v, 0)),
};

const clip: OpReader = {
  attributes: ['min', 'max'],
  read(node, ctx) {
    const bound = (name: 'min' | 'max', i: number, otherwise: number): number => {
      if (node.opset < 11) return floatOf(node, name, otherwise);
      if (!has(node, i)) return otherwise;
      const t = constantOf(ctx, node, i, name, ['float32']);
      if (t.data.length !== 1) refuse(node, 'model.invalid-shape', `${name} has ${t.data.length} elements; it must be a scalar`);
      return t.data[0] as number;
    };
    const min = bound('min', 1, Number.NEGATIVE_INFINITY);
    const max = bound('max', 2, Number.POSITIVE_INFINITY);
    if (!(min <= max)) refuse(node, 'model.invalid-attribute', `min ${min} is not at most max ${max}`);
    clamped(node, ctx, { op: 'clip', min, max }, (v) => Math.min(Math.max(v, min), max));
  },
};

const gelu: OpReader = {
  attributes: ['approximate'],
  read(node, ctx) {
    const form = stringOf(node, 'approximate', 'none');
    const f = geluOf(form);
    if (f === null) refuse(node, 'model.invalid-attribute', `attribute approximate is "${form}"`, { attribute: 'approximate' });
    applied(node, ctx, f);
  },
};

/** A Cast to float of a float is nothing; an int32 result waits for it. */
const cast: OpReader = {
  attributes: ['to', 'saturate', 'round_mode'],
  read(node, ctx) {
    const to = node.attributes.get('to');
    const value = operand(ctx, node, 0);
    const code = to?.kind === 'int' ? to.value : 0;
    const same =
      (code === 1 &&
        (value.kind === 'real' ||
          value.kind === 'pair' ||
          value.kind === 'float-input' ||
          value.kind === 'accumulator' ||
          value.kind === 'int32')) ||
      ((code === 7 || code === 6) && value.kind === 'indices');
    if (!same)
      refuse(
        node,
        'model.unsupported-attribute',
        `casts to type ${code}; supported: a float or an int32 result to float32, indices to int64 or int32`,
        {
          attribute: 'to',
        },
      );
    result(ctx, node, value.kind === 'int32' ? { ...value, kind: 'accumulator', chain: [], clamps: [], pools: [] } : value);
  },
};

/** Every operator of one tensor. */
export const unary: Readonly<Record<string, OpReader>> = {
  ...Object.fromEntries(
    Object.entries(SCALARS).map(([op, make]): [string, OpReader] => {
      const defaults = DEFAULTS[op] ?? {};
      const read: OpReader['read'] = (node, ctx) =>
        applied(
          node,
          ctx,
          make((name) => Math.fround(floatOf(node, name, defaults[name] ?? 0))),
        );
      return [op, { attributes: Object.keys(defaults), read }];
    }),
  ),
  Relu: relu,
  Clip: clip,
  Gelu: gelu,
  Cast: cast,
};
