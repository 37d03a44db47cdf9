/**
 * Groups of a convolution. A circuit wants powers of two of channels in a group (protocol S5): outputs of a group are cut into as many groups as that
 * takes, which see the inputs again through a view, filled up with the zero point. Where the view costs more than it saves, it is one group with
 * weights that are zero outside of the blocks.
 */

import { paddedSize } from '../../../circuits/shape.ts';
import { ceilLog2, isPowerOfTwo } from '../../../protocol/integers.ts';
import { elements, type Node, refuse } from '../../onnx/graph.ts';
import { MAX_ELEMENTS } from '../../onnx/tensor.ts';
import type { Context } from '../context.ts';
import type { Activation } from '../form.ts';
import { shownOf, virtual } from '../moved.ts';
import { pick } from '../shown.ts';
import { plainView } from '../view.ts';
import { PADDING_PER_ELEMENT } from './dense.ts';

/** Weights [co, ci, taps] of `groups` groups. */
interface Groups {
  readonly co: number;
  readonly ci: number;
  readonly taps: number;
  readonly groups: number;
  readonly data: Int32Array;
}

interface Grouped {
  readonly x: Activation;
  readonly groups: number;
  /** Row-major, co rows. */
  readonly weights: Int32Array;
}

/** x [ci·groups, H, W] and its weights as a circuit has them. */
export function grouped(ctx: Context, node: Node, x: Activation, given: Groups): Grouped {
  const { co, ci, taps, groups, data } = given;
  const each = co / groups;
  if (groups === 1 || (isPowerOfTwo(each) && isPowerOfTwo(ci))) return { x, groups, weights: data };
  const outputs = each & -each; // the largest power of two that divides it
  const inputs = 2 ** ceilLog2(ci);
  const many = co / outputs;
  const dims = x.dims as readonly [number, number, number];
  const shown = [many * inputs, dims[1], dims[2]];
  const saved = paddedSize([co, ci * groups, taps]) - paddedSize([co, inputs, taps]);
  const [whole, seen] = [elements([co, ci * groups, taps]), elements(shown)];
  if (Math.min(whole, Math.max(seen, co * inputs * taps)) > MAX_ELEMENTS)
    refuse(node, 'model.unsupported-shape', `${groups} groups of ${ci} to ${each} channels need more than ${MAX_ELEMENTS} weights`);
  if (whole <= MAX_ELEMENTS && (seen > MAX_ELEMENTS || saved <= PADDING_PER_ELEMENT * paddedSize(shown)))
    return { x, groups: 1, weights: rows(given, ci * groups, (g) => g * ci) };
  const channels = Array.from({ length: many * inputs }, (_, k) => {
    const group = Math.floor((Math.floor(k / inputs) * outputs) / each);
    return k % inputs < ci ? group * ci + (k % inputs) : -1;
  });
  const view = pick(shownOf(ctx, node, x, plainView(dims, dims)), 0, channels, channels.includes(-1) ? (x.zp.value ?? 0) : null);
  return { x: virtual(ctx, node, x.name, view, shown).x, groups: many, weights: rows(given, inputs, () => 0) };
}

/** Rows of `width` channels, that of an output of group g beginning at channel `at(g)`. */
function rows({ co, ci, taps, groups, data }: Groups, width: number, at: (group: number) => number): Int32Array {
  const out = new Int32Array(co * width * taps);
  for (let c = 0; c < co; c++) {
    const start = (c * width + at(Math.floor((c * groups) / co))) * taps;
    out.set(data.subarray(c * ci * taps, (c + 1) * ci * taps), start);
  }
  return out;
}
