/** What to do about an operator that is not supported. */

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^(LSTM|GRU|RNN)$/, 'recurrence has no circuit; export it unrolled'],
  [/^(If|Loop|Scan)$/, 'control flow has no circuit; export it unrolled'],
  [/^Einsum$/, 'write it as Transpose, Reshape and MatMul'],
  [/Normalization$/, 'fold it into the Conv or Gemm before it, or quantize the float model with assay quantize'],
  [/^(com\.microsoft\.)?DynamicQuantize/, 'scales that depend on the input have no circuit; use static quantization (assay quantize)'],
  [/^(Random|Bernoulli|Multinomial|Dropout)/, 'what is proven is deterministic; export the model for inference'],
  [/^(NonMaxSuppression|NonZero|Unique|Where|Compress)$/, 'end the model before it, and do it on the proven output'],
];

/** Half a sentence. */
export const adviceFor = (op: string): string =>
  ADVICE.find(([pattern]) => pattern.test(op))?.[1] ?? 'replace it, or end the model before it; docs/operators.md lists what is supported';
