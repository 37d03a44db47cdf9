/**
 * Float32 arithmetic between an int32 accumulator and its QuantizeLinear: constants, one or one per channel. Every step rounds once and keeps the
 * order, so all of them with the quantization are one step function of the accumulator (protocol §5.3).
 */
import type { Clamp, Target } from './form.ts';
import { quantized } from './real.ts';
import { BINARY } from './scalar.ts';

export const CHAIN_OPS = ['Mul', 'Div', 'Add', 'Sub', 'Max', 'Min'] as const;
type ChainOp = (typeof CHAIN_OPS)[number];

/** The value so far and a constant, in this order. */
export interface ChainStep {
  readonly op: ChainOp;
  readonly constants: readonly number[];
}

/** Raw result by accumulator, at one channel. */
export function chainAt(chain: readonly ChainStep[], channel: number, to: Target): (acc: number) => number {
  const list = chain.map(({ op, constants }) => [BINARY[op], constants[constants.length === 1 ? 0 : channel]] as const);
  return (acc) =>
    quantized(
      list.reduce((v, [f, k]) => (f as (a: number, b: number) => number)(v, k as number), Math.fround(acc)),
      to,
    );
}

/** A clamp as steps. */
export const clampSteps = (clamp: Clamp): ChainStep[] => {
  const [min, max] = clamp.op === 'clip' ? [clamp.min, clamp.max] : [0, Number.POSITIVE_INFINITY];
  const bound = (op: ChainOp, k: number): ChainStep[] => (Number.isFinite(k) ? [{ op, constants: [k] }] : []);
  return [...bound('Max', min), ...bound('Min', max)];
};
