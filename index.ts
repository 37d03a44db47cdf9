/**
 * Assay: proves what a quantized neural network computed.
 *
 *     const { circuit, key } = await compile(onnxBytes);
 *     const { envelope, outputs } = await prove(circuit, { input: pixels });
 *     const verdict = verify(envelope, key);
 */

export { type Inspection, inspect } from './circuits/inspect.ts';
export type { NamedTensor } from './circuits/named.ts';
export {
  type AuditResult,
  audit,
  type Compiled,
  type CompileOptions,
  check,
  compile,
  emit,
  FORMS,
  type Form,
  type FullReport as CheckReport,
  type Prediction,
} from './compiler/compile.ts';
export type { Progress } from './protocol/pace.ts';
export { Refused } from './protocol/refused.ts';
export {
  describeInputs,
  type NamedInputs,
  type OpenCircuit,
  openCircuit,
  type Proved,
  type ProveOptions,
  prove,
  type RunResult,
  run,
} from './prover/index.ts';
export { type ChosenKernels, chooseKernels, type KernelOptions } from './prover/kernels/index.ts';
export { type AnyOptions, type EzklEngine, verifyAny } from './verifier/any.ts';
export {
  type Accepted,
  type CommittedTensor,
  type RefusedVerdict,
  type Verdict,
  type VerifyOptions,
  verify,
} from './verifier/index.ts';
