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

export { type CalibrateOptions, calibrate, type Method, type Observed, type Ranges } from './calibrate.ts';
export { type CompareOptions, type Comparison, compare, type Difference } from './compare.ts';
export type { Range } from './histogram.ts';
export type { Quantized, QuantizedTensor } from './insert.ts';
export { modelKind } from './kind.ts';
export { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
export { forProving, type ProvingOptions } from './proving.ts';
export { type QuantizeOptions, quantize } from './quantize.ts';
export type { Floats, FloatTensor, InputTensor, Runtime, Sample, Session } from './runtime.ts';
