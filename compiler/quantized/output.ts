/** From a value to what the verifier recomputes: the last integer activation and the steps after it. */
import type { OutputType } from '../../circuits/interface.ts';
import { floatToBits } from '../../protocol/float32.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Context } from './context.ts';
import type { Activation } from './form.ts';
import { copyOf, settle } from './moved.ts';
import { publicAccumulator } from './ops/dense.ts';
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
  if (value.kind !== 'accumulator' || value.clamps.length > 0 || value.pools.length > 0 || value.moved !== null) return null;
  const { acc, view } = value;
  if (acc.linear.form.kind === 'conv') return null;
  const source = publicAccumulator(ctx, acc, name);
  const scales = acc.scales.every((s) => s === acc.scales[0]) ? acc.scales.slice(0, 1) : acc.scales;
  return {
    kind: 'tail',
    source,
    shape: view.shape,
    dtype: 'float32',
    // The channels are the last key axis whatever the view does later.
    steps: [{ op: 'dequantize', scales: scales.map(floatToBits), axis: acc.dims.length - 1, zp: 0 }, ...viewSteps(acc.dims, view)],
  };
}
