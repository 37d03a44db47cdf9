/**
 * Integer meaning of stages: what onnxruntime's float32 arithmetic does to one integer, to the bit.
 *
 * f32(.) is one rounding to float32. A product or quotient of two float32 numbers, computed in float64, rounds to float32 as if
 * computed exactly; so does a sum.
 */
import { fma } from '../../circuits/computed/float.ts';
import { requantize, roundHalfEven, type StepFunction } from '../../circuits/step.ts';
import type { Linear, Stage, Target } from './form.ts';

const f32 = Math.fround;
/** y of one stage, from raw to raw. */
function rawStage(stage: Stage, q: number, channel: number): number {
  const { from, to } = stage;
  if (stage.kind === 'qlinear-add') {
    // QLinearAdd of onnxruntime 1.31 (mlas, FMA): operands a, b in the order of the node.
    const k = stage.constant[stage.constant.length === 1 ? 0 : channel] as number;
    const rx = f32(from.scale / to.scale);
    const rk = f32(stage.other.scale / to.scale);
    const [a, ra, za, b, rb, zb] = stage.first ? [k, rk, stage.other.zp, q, rx, from.zp] : [q, rx, from.zp, k, rk, stage.other.zp];
    const fix = f32(to.zp - fma(ra, za, f32(rb * zb)));
    const r = stage.scalar ? fma(q, rx, f32(fix + f32(k * rk))) : fma(a, ra, fma(b, rb, fix));
    return clip(to, roundHalfEven(r));
  }
  let v = f32((q - from.zp) * from.scale);
  for (const step of stage.steps) {
    if (step.op === 'relu') v = Math.max(v, 0);
    else if (step.op === 'clip') v = Math.min(Math.max(v, step.min), step.max);
    else v = f32(v + (step.values[step.values.length === 1 ? 0 : channel] as number));
  }
  return clip(to, roundHalfEven(f32(v / to.scale)) + to.zp);
}

const clip = (to: Target, y: number): number => Math.min(to.hi, Math.max(to.lo, y));

/** The function of consecutive stages at one channel, from centred to centred. All steps are non-decreasing, so it is. */
export function stagesAt(stages: readonly Stage[], channel: number): (x: number) => number {
  return (x) => {
    let centred = x;
    for (const stage of stages) centred = rawStage(stage, centred + stage.from.zp, channel) - stage.to.zp + 0;
    return centred;
  };
}

export const channelsOf = (stage: Stage): number =>
  stage.kind === 'qlinear-add'
    ? stage.constant.length
    : stage.steps.reduce((n, s) => (s.op === 'add' ? Math.max(n, s.values.length) : n), 1);

/** The step functions of a requantised linear op: one, or one per channel when any scale or constant differs. */
export function stepFunctions(op: Pick<Linear, 'requant' | 'stages'>, channels: number): StepFunction[] {
  const { scales, to } = op.requant as NonNullable<Linear['requant']>;
  const many = scales.length > 1 || op.stages.some((s) => channelsOf(s) > 1);
  // Stages that all channels share are a map of the requantised value, which a key can carry; constants that differ are not.
  const shared = op.stages.every((s) => channelsOf(s) === 1);
  const rest = stagesAt(op.stages, 0);
  const map = op.stages.length > 0 && shared ? Int16Array.from({ length: to.hi - to.lo + 1 }, (_, i) => rest(to.lo + i - to.zp)) : null;
  return Array.from({ length: many ? channels : 1 }, (_, c) => {
    const first = requantize(scales[scales.length === 1 ? 0 : c] as number, to.zp, to.lo, to.hi, map);
    if (op.stages.length === 0 || map !== null) return first;
    const after = stagesAt(op.stages, c);
    return { monotone: true, at: (acc) => after(first.at(acc)) + 0 };
  });
}
