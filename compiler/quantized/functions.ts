/** Integer meaning of stages: tables from integers to integers, which were made from float32 arithmetic when the graph was read. */
import { requantize, type StepFunction } from '../../circuits/step.ts';
import { chainAt } from './chain.ts';
import type { Linear, Stage } from './form.ts';

/** The function of consecutive stages at one channel, from centred to centred. */
export function stagesAt(stages: readonly Stage[], channel: number): (x: number) => number {
  return (x) => {
    let centred = x;
    for (const { from, to, lo, ys } of stages) {
      const list = ys[ys.length === 1 ? 0 : channel] as Int16Array;
      centred = (list[centred + from.zp - lo] as number) - to.zp + 0;
    }
    return centred;
  };
}

export const channelsOf = (stage: Stage): number => stage.ys.length;

const ascends = (list: Int16Array): boolean => list.every((v, i) => i === 0 || v >= (list[i - 1] as number));

/** Whether all of these never decrease. */
export const isMonotone = (stages: readonly Stage[]): boolean => stages.every((s) => s.ys.every(ascends));

/** The step functions of a requantised op: one, or one per channel when any scale or table differs. */
export function stepFunctions(op: Pick<Linear, 'requant' | 'stages'>, channels: number): StepFunction[] {
  const requant = op.requant as NonNullable<Linear['requant']>;
  const { to } = requant;
  const lists = 'chain' in requant ? requant.chain.map((s) => s.constants) : [requant.scales];
  const many = lists.some((l) => l.length > 1) || op.stages.some((s) => channelsOf(s) > 1);
  // Stages that all channels share are a map of the requantised value, which a key can carry; tables that differ are not.
  const shared = op.stages.every((s) => channelsOf(s) === 1);
  const rest = stagesAt(op.stages, 0);
  const map = op.stages.length > 0 && shared ? Int16Array.from({ length: to.hi - to.lo + 1 }, (_, i) => rest(to.lo + i - to.zp)) : null;
  const monotone = isMonotone(op.stages);
  return Array.from({ length: many ? channels : 1 }, (_, c) => {
    if ('chain' in requant) {
      const [raw, after] = [chainAt(requant.chain, c, to), stagesAt(op.stages, c)];
      return { monotone: isMonotone(op.stages), at: (acc) => after(raw(acc) - to.zp) + 0 };
    }
    const { scales } = requant;
    const first = requantize(scales[scales.length === 1 ? 0 : c] as number, to.zp, to.lo, to.hi, map);
    if (op.stages.length === 0 || map !== null) return first;
    const after = stagesAt(op.stages, c);
    return { monotone, at: (acc) => after(first.at(acc)) + 0 };
  });
}
