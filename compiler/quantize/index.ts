/**
 * Float models to quantized ones: static post-training quantization.
 *
 *     const prepared = prepare(model);                                // fixed shapes, constants and normalizations folded
 *     const ranges = await calibrate(prepared, samples, runtime);     // what every tensor holds, over the samples
 *     const { model: bytes } = quantize(prepared, ranges);            // a QDQ model that onnxruntime fuses and assay compiles
 *     const report = await compare(model, prepared, { … }, samples, runtime);
 *
 * Bytes in, bytes out: whoever runs models is the caller's `Runtime`.
 */
import type { Ranges } from './calibrate.ts';
import { insert, type Quantized } from './insert.ts';
import { planOf } from './plan.ts';
import type { Prepared } from './prepare.ts';

export { type CalibrateOptions, calibrate, type Method, type Ranges } from './calibrate.ts';
export { type CompareOptions, type Comparison, compare, type Difference } from './compare.ts';
export type { Range } from './histogram.ts';
export type { Quantized, QuantizedTensor } from './insert.ts';
export { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
export type { FloatTensor, Runtime, Sample, Session } from './runtime.ts';

export interface QuantizeOptions {
  /**
   * Weight scales of a layer. channel (default): one a channel, the most exact. tensor: one. proving: at most four, the fewest that add less
   * than 1 dB of noise; a proof has a table for each distinct one.
   */
  readonly weights?: 'channel' | 'tensor' | 'proving' | undefined;
  /** Weights of 7 bits: for runtimes on CPUs without VNNI, whose 8-bit kernels saturate sums of two products. */
  readonly reduceRange?: boolean | undefined;
}

const CLASSES = 4;

/**
 * The quantized model: uint8 activations with zero points, int8 weights without, int32 biases; float32 inputs and outputs. Deterministic:
 * the same model, ranges and options give the same bytes on any machine. `ranges` must name every tensor of the prepared model.
 */
export function quantize(prepared: Prepared, ranges: Ranges, options: QuantizeOptions = {}): Quantized {
  const { weights = 'channel', reduceRange = false } = options;
  const granularity = weights === 'proving' ? { classes: CLASSES } : weights;
  return insert(prepared.draft, planOf(prepared.draft, ranges), { granularity, largest: reduceRange ? 64 : 127 });
}
