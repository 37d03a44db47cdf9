/** apply: y = f_c(x), a requantisation step of an accumulator in the clear, one for all elements or one an index of coordinate `cd`. */
import { bitsToFloat } from '../../protocol/float32.ts';
import { forEachValid, paddedSize, paddedStrides } from '../shape.ts';
import { requantize } from '../step.ts';
import type { ApplyOp } from '../types.ts';
import type { ComputedSpec } from './computed.ts';
import { isNormalScale, within } from './numbers.ts';

export const apply: ComputedSpec<ApplyOp, 'step'> = {
  described: 'step',
  problem(op, { zp, lo, hi, map, scales }, x, y) {
    const channels = op.cd === null ? 1 : y.dims[op.cd];
    if (!(op.cd === null || op.cd === 0 || op.cd === y.dims.length - 1)) return `the channel coordinate is ${op.cd}`;
    if (scales.length !== channels) return `${scales.length} channels, its output has ${channels}`;
    if (!(zp >= -255 && zp <= 255 && lo <= hi && lo >= -255 && hi <= 255)) return 'zero point or clip bounds';
    if (map !== null && map.length !== hi - lo + 1) return 'the map does not fit the clip bounds';
    if (!scales.every(isNormalScale)) return 'a scale is no positive normal float32';
    if (x.dims.length !== y.dims.length || x.dims.some((d, i) => d !== y.dims[i])) return 'shapes';
    return within(y, map === null ? [lo - zp, hi - zp] : map) ? null : 'a value lies outside the bounds of its output';
  },
  values(op, { zp, lo, hi, map, scales }, { dims }, x) {
    const functions = scales.map((bits) => requantize(bitsToFloat(bits), zp, lo, hi, map));
    const y = new Int32Array(x.length);
    const stride = op.cd === null ? 1 : (paddedStrides(dims)[op.cd] as number);
    const channels = op.cd === null ? 1 : paddedSize([dims[op.cd] as number]);
    forEachValid(dims, (p) => {
      y[p] = ((functions[Math.floor(p / stride) % channels] as (typeof functions)[number]).at(x[p] as number) as number) + 0;
    });
    return y;
  },
};
