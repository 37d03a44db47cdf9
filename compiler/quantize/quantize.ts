/** Prepared model and ranges to the quantized model. */
import type { Ranges } from './calibrate.ts';
import { insert, type Quantized } from './insert.ts';
import { planOf } from './plan.ts';
import type { Prepared } from './prepare.ts';

export interface QuantizeOptions {
  /** Weight scales of a layer: one a channel (default), the most exact; one; or one a channel for the layers that make these tensors. */
  readonly weights?: 'channel' | 'tensor' | ReadonlySet<string> | undefined;
  /** Weights of 7 bits: for runtimes on CPUs without VNNI, whose 8-bit kernels saturate sums of two products. */
  readonly reduceRange?: boolean | undefined;
}

/**
 * The quantized model: uint8 activations with zero points, int8 weights without, int32 biases; float32 inputs and outputs. Deterministic:
 * the same model, ranges and options give the same bytes on any machine. `ranges` must name every tensor of the prepared model.
 */
export function quantize(prepared: Prepared, ranges: Ranges, options: QuantizeOptions = {}): Quantized {
  const { weights = 'channel', reduceRange = false } = options;
  const perChannel = (tensor: string): boolean => (typeof weights === 'string' ? weights === 'channel' : weights.has(tensor));
  return insert(prepared.draft, planOf(prepared.draft, ranges), { perChannel, largest: reduceRange ? 64 : 127 });
}
