/**
 * apply: y = f_c(x), a step function of an accumulator in the clear, one for all elements or one an index of coordinate `cd`. What it is, the
 * key says as it does for tables: a requantisation, a list of steps, or a value for every x.
 */
import { bitsToFloat } from '../../protocol/float32.ts';
import type { TableDescription } from '../descriptions.ts';
import { forEachValid, paddedSize, paddedStrides } from '../shape.ts';
import { requantize } from '../step.ts';
import { listed } from '../step-list.ts';
import type { ApplyOp, Tensor } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { isNormalScale, sameDims, within } from './numbers.ts';

type Kind = 'step' | 'steps' | 'unary';
type Function = (x: number) => number;

/** What is wrong with a function, or null: it must stay within y for every x. */
function problemOf(d: Extract<TableDescription, { kind: Kind }>, x: Tensor, y: Tensor): string | null {
  const outside = (values: Iterable<number>): string | null => (within(y, values) ? null : 'a value lies outside the bounds of its output');
  if (d.kind === 'unary') {
    if (d.values.length !== (x.hi as number) - (x.lo as number) + 1) return 'the values do not fit the bounds of x';
    return outside(d.values);
  }
  if (d.kind === 'steps') {
    for (const { starts, ys } of d.channels) {
      if (ys.length !== starts.length + 1) return `${ys.length} values for ${starts.length} starts`;
      if (starts.some((start, i) => i > 0 && start <= (starts[i - 1] as number))) return 'starts that do not ascend';
      if (!within(y, ys)) return outside(ys);
    }
    return null;
  }
  const { zp, lo, hi, map, scales } = d;
  if (!(zp >= -255 && zp <= 255 && lo <= hi && lo >= -255 && hi <= 255)) return 'zero point or clip bounds';
  if (map !== null && map.length !== hi - lo + 1) return 'the map does not fit the clip bounds';
  if (!scales.every(isNormalScale)) return 'a scale is no positive normal float32';
  return outside(map === null ? [lo - zp, hi - zp] : map);
}

const channelsOf = (d: Extract<TableDescription, { kind: Kind }>): number =>
  d.kind === 'unary' ? 1 : d.kind === 'steps' ? d.channels.length : d.scales.length;

function functionsOf(d: Extract<TableDescription, { kind: Kind }>, { lo }: Tensor): Function[] {
  if (d.kind === 'unary') return [(x) => d.values[x - (lo as number)] as number];
  if (d.kind === 'steps') return d.channels.map((c) => listed(c).at);
  return d.scales.map((bits) => requantize(bitsToFloat(bits), d.zp, d.lo, d.hi, d.map).at);
}

export const apply: ComputedSpec<ApplyOp, Kind> = {
  described: ['step', 'steps', 'unary'],
  problem(op, d, tensors) {
    const [x, y] = [tensors[op.x], tensors[op.y]] as [Tensor, Tensor];
    if (!(op.cd === null || op.cd === 0 || op.cd === y.dims.length - 1)) return `the channel coordinate is ${op.cd}`;
    if (channelsOf(d) !== (op.cd === null ? 1 : y.dims[op.cd])) return `${channelsOf(d)} channels, its output has others`;
    return sameDims(x.dims, y.dims) ? problemOf(d, x, y) : 'shapes';
  },
  values(op, d, tensors, at) {
    const { dims } = tensors[op.y] as Tensor;
    const functions = functionsOf(d, tensors[op.x] as Tensor);
    const x = at(op.x);
    const y = new Int32Array(x.length);
    const stride = op.cd === null ? 1 : (paddedStrides(dims)[op.cd] as number);
    const channels = op.cd === null ? 1 : paddedSize([dims[op.cd] as number]);
    forEachValid(dims, (p) => {
      y[p] = (functions[Math.floor(p / stride) % channels] as Function)(x[p] as number) + 0;
    });
    return y;
  },
  steps: () => 1,
};
