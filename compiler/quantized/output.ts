/** From a value to what the verifier recomputes: the last integer activation and the steps after it. */
import type { OutputType } from '../../circuits/interface.ts';
import { floatToBits } from '../../protocol/float32.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Context } from './context.ts';
import type { Activation } from './form.ts';
import { copyOf, settle } from './moved.ts';
import { publicAccumulator } from './ops/dense.ts';
import { oneOrAll } from './ops/op.ts';
import type { Value } from './value.ts';
import { type View, viewSteps } from './view.ts';

/** What leaves is a result: a view of an input, or a tensor that shows others, leaves as a copy. */
function leaving(
  ctx: Context,
  where: string,
  name: string,
  value: Extract<Value, { kind: 'integer' | 'real' }>,
): { x: Activation; view: View } {
  const { x, view } = value;
  const node = ctx.producer.get(name);
  if (!x.input || node === undefined) return x.shows === null && !x.gathered ? value : { x: copyOf(ctx, where, x), view };
  const settled = settle(ctx, node, x, view);
  return { x: copyOf(ctx, where, settled.x), view: settled.view };
}

/** `value` as a tail, or null if it is none. `where` names the node or the graph output that asks. */
export function tailOf(ctx: Context, where: string, value: Value, name: string): Extract<Value, { kind: 'tail' }> | null {
  if (value.kind === 'tail') return value;
  if (value.kind === 'integer' || (value.kind === 'real' && value.values === null)) {
    const source = leaving(ctx, where, name, value);
    const { x, view } = source;
    if (x.dims === null || x.input)
      throw new Refused(
        'model.unsupported-output',
        `"${where}": the output "${name}" is a view of the input "${x.name}": there is nothing to prove`,
        {
          tensor: name,
        },
      );
    const steps = viewSteps(x.dims, view);
    const { shape } = view;
    if (value.kind === 'integer') return { kind: 'tail', source: x, shape, dtype: x.dtype as OutputType, steps };
    const { scale, zp } = value.from;
    return {
      kind: 'tail',
      source: x,
      shape,
      dtype: 'float32',
      steps: [...steps, { op: 'dequantize', scales: [floatToBits(scale)], axis: 0, zp }],
    };
  }
  if ((value.kind !== 'accumulator' && value.kind !== 'int32') || value.moved !== null) return null;
  const { acc, view } = value;
  const conv = acc.linear.form.kind === 'conv';
  if (value.kind === 'int32') {
    const source = publicAccumulator(ctx, acc, name);
    return { kind: 'tail', source, shape: view.shape, dtype: 'int32', steps: viewSteps(acc.dims, view) };
  }
  const scales = value.clamps.length > 0 || value.pools.length > 0 ? null : scalesOf(value);
  if (scales === null) return null;
  const source = publicAccumulator(ctx, acc, name);
  return {
    kind: 'tail',
    source,
    shape: view.shape,
    dtype: 'float32',
    // The channels are the first or last key axis whatever the view does later.
    steps: [
      { op: 'dequantize', scales: scales.map(floatToBits), axis: conv ? 0 : acc.dims.length - 1, zp: 0 },
      ...viewSteps(acc.dims, view),
    ],
  };
}

/** The one product that makes a float of an accumulator; null: it is more, or a Conv that onnxruntime runs in float32. */
function scalesOf({ acc, chain }: Extract<Value, { kind: 'accumulator' }>): readonly number[] | null {
  if (chain === null) return acc.linear.form.kind === 'conv' ? null : oneOrAll(acc.scales);
  const [first, more] = chain;
  if (more !== undefined || (first !== undefined && first.op !== 'Mul')) return null;
  return first?.constants ?? [1];
}
