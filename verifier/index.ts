/** Verification with files and names: what the package exports (`assay/verifier`). No Node API, no prover, no ONNX. */
export { kernelsInUse } from './arithmetic.ts';
export { type VerifyOptions, verify } from './native.ts';
export type { Accepted, CommittedTensor, RefusedVerdict, Verdict } from './verdict.ts';
