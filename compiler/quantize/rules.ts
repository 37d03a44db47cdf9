/**
 * How each operator is quantized. One line an operator; what is not here is refused by name.
 *
 *  linear    constant int8 weights, int32 bias; the result gets a scale of its own
 *  same      moves elements or takes maxima: the result has scale and zero point of the operand
 *  average   means and sums: the result has its own scale, the operand one that float sums of a window are exact with
 *  join      every operand is quantized, constants too; the result gets its own scale
 *  function  a function of one value
 *  norm      its factors are int8 with one scale, its summands stay float
 *  gather    rows of a constant table, which share its scale; of a computed tensor, by constant indices, as `same`
 *  tail      behind the last integers it stays in float; elsewhere it is refused, but for Softmax
 *  rewritten a pass replaces it (BatchNormalization, Squeeze, …)
 */
import { type Node, refuse } from '../onnx/graph.ts';

export type Rule = 'linear' | 'same' | 'average' | 'join' | 'function' | 'norm' | 'gather' | 'tail' | 'rewritten';

const of = (rule: Rule, names: string): [string, Rule][] => names.split(' ').map((name) => [name, rule]);

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...of('linear', 'Conv ConvTranspose Gemm MatMul'),
  ...of('same', 'MaxPool ReduceMax ReduceMin Reshape Flatten Transpose Slice Pad Resize Identity'),
  ...of('average', 'AveragePool GlobalAveragePool ReduceMean ReduceSum'),
  ...of('join', 'Add Sub Mul Div PRelu Concat'),
  ...of(
    'function',
    'Relu Clip LeakyRelu ThresholdedRelu Sigmoid Tanh Elu Selu Celu HardSigmoid HardSwish Softplus Softsign Erf Gelu Mish Exp Log Sqrt Reciprocal Pow Abs Neg Sin Cos Atan',
  ),
  ...of('norm', 'LayerNormalization'),
  ...of('gather', 'Gather'),
  ...of('tail', 'Softmax LogSoftmax ArgMax TopK'),
  ...of(
    'rewritten',
    'Dropout Cast BatchNormalization InstanceNormalization GroupNormalization Squeeze Unsqueeze Split Where Min Max GlobalMaxPool',
  ),
]);

export const QUANTIZABLE: readonly string[] = [...RULES.keys()];

/** Undefined for an operator that `requireQuantizable` refuses. */
export const ruleOf = (node: Node): Rule | undefined => RULES.get(node.op);

const INTEGER_OPS = /Quantize|^QLinear|Integer$|QGemm|QAttention/;

/** Why some operators that users do have are not here. */
const ADVICE: Readonly<Record<string, string>> = {
  Shape: 'the shape it asks for is not known, because of a node before it',
  'ai.onnx.ml.ZipMap': 'it makes a map for every row; export with the option zipmap=False',
  LSTM: 'recurrent networks cannot be quantized here',
  GRU: 'recurrent networks cannot be quantized here',
};

/** Whether an operator works on quantized integers, or makes or ends them. */
export const isIntegerOp = (node: Node): boolean => INTEGER_OPS.test(node.op);

export function requireQuantizable(node: Node): void {
  if (RULES.has(node.op)) return;
  if (isIntegerOp(node)) refuse(node, 'model.quantized', 'the model is quantized already; assay compile takes it as it is');
  refuse(
    node,
    'model.unsupported-op',
    ADVICE[node.op] ?? `this operator (opset ${node.opset}) cannot be quantized; supported: ${QUANTIZABLE.join(', ')}`,
  );
}
