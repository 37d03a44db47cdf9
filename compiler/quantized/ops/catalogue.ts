/**
 * What docs/operators.md says of every operator in index.ts: meaning, the relation that proves it, its cost, and whether its integers are
 * onnxruntime's. Costs are per element of the result inside a network, whatever is looked up and committed there; a table row is committed too.
 */

export interface Relation {
  /** The op of the circuit (protocol §7.2, §7.3). Of functions of two: of two tensors, for with constants they are functions of one. */
  readonly by: string;
  readonly lookups: readonly [least: number, most: number];
  /** Negative: what is in the clear need not be committed. */
  readonly committed: readonly [least: number, most: number];
  readonly rows: string;
}

/** Two lookups, a remainder and a result; with cells of several widths, a width too. */
const requantised = { lookups: [2, 2], committed: [2, 3] } as const;
const free = { lookups: [0, 0], committed: [0, 0], rows: 'none' } as const;
const cells = 'cells: some hundreds; one such table a channel where scales or constants differ by channel';

export const RELATIONS = {
  border: { by: 'none: scales; quantized inputs and dequantized outputs are recomputed', ...free },
  view: { by: 'view (§7.8), or a layout (§7.4)', ...free },
  join: {
    by: 'view (§7.8); unary first for an operand of other scale',
    lookups: [0, 1],
    committed: [0, 1],
    rows: '256 an operand of other scale',
  },
  gather: {
    by: 'by constants view, by an input gather (§7.8); a view of gathered rows copies them',
    lookups: [0, 1],
    committed: [0, 1],
    rows: 'none',
  },
  unary: { by: 'unary (§7.3); nothing after a requantisation that can take it in', lookups: [0, 1], committed: [0, 1], rows: '256' },
  lin: { by: 'req of lin', ...requantised, rows: cells },
  mul: { by: 'req of mul', ...requantised, rows: cells },
  pairmax: { by: 'pairmax of one scale, else bin', lookups: [1, 1], committed: [1, 1], rows: '256, or 65,536 of bin' },
  bin: { by: 'bin (§7.3)', lookups: [1, 1], committed: [1, 1], rows: '65,536' },
  conv: { by: 'req of conv', ...requantised, rows: cells },
  dense: { by: 'req of dense; of two tensors req of bmm', ...requantised, rows: cells },
  tree: {
    by: 'pairmax, K − 1 times for K elements (§7.3); of the least, unary of each before and after',
    lookups: [1, 2],
    committed: [1, 2],
    rows: '256, and 256 more of the least',
  },
  max: { by: 'max, K − 1 times an axis of K taps (§7.6)', lookups: [1, 1], committed: [1, 1], rows: '256' },
  pool: { by: 'req of pool, or of average', ...requantised, rows: cells },
  computed: { by: 'computed by the verifier on an operand in the clear (§7.7)', lookups: [0, 0], committed: [-1, -1], rows: 'none' },
  tail: { by: 'none: recomputed behind the last integer', ...free },
  folded: { by: 'none: read with the graph', ...free },
} as const satisfies Readonly<Record<string, Relation>>;

export interface Entry {
  readonly relation: keyof typeof RELATIONS;
  /** Opsets of its domain that are read. */
  readonly opsets: readonly [from: number, to: number];
  readonly meaning: string;
  /** Where its results are not onnxruntime's to the bit; null: they are. */
  readonly own: string | null;
}

const LATEST = 23;
const entry = (relation: Entry['relation'], meaning: string, since = 10, own: string | null = null): Entry => ({
  relation,
  opsets: [since, LATEST],
  meaning,
  own,
});
const ms = (relation: Entry['relation'], meaning: string): Entry => ({ relation, opsets: [1, 1], meaning, own: null });
const all = (relation: Entry['relation'], names: Readonly<Record<string, string>>, own: string | null = null): Record<string, Entry> =>
  Object.fromEntries(Object.entries(names).map(([op, meaning]) => [op, entry(relation, meaning, SINCE[op] ?? 10, own)]));

/** Operators that came after opset 10. */
const SINCE: Readonly<Record<string, number>> = { Celu: 12, Gelu: 20, HardSwish: 14, LayerNormalization: 17, Mish: 18, Round: 11 };

/** Nowhere to the bit. */
export const ALWAYS = 'always';
const FLOAT = 'where onnxruntime runs it in float32: signed or mixed types, Relu or Clip before its QuantizeLinear';
const SUMS = 'where a float32 sum rounds either way, by its order';

export const catalogue: Readonly<Record<string, Entry>> = {
  ...all('border', {
    QuantizeLinear: 'clip(rint(f32(x/s)) + z), uint8 or int8, one scale a tensor',
    DequantizeLinear: 'f32((q − z)·s); of constants also int32, and one scale a channel',
  }),
  'com.microsoft.QuantizeLinear': ms('border', 'as QuantizeLinear'),
  'com.microsoft.DequantizeLinear': ms('border', 'as DequantizeLinear'),
  ...all('conv', { Conv: 'constant weights, int32 bias; one to three dimensions, any batch, groups, strides, pads, dilations' }, FLOAT),
  ...all('conv', { QLinearConv: 'as Conv', ConvInteger: 'its int32 accumulator, cast to float or an output' }),
  ...all(
    'conv',
    { ConvTranspose: 'constant weights, int32 bias; one to three dimensions, any batch, groups and attributes' },
    'where a float32 sum can round',
  ),
  ...all(
    'dense',
    {
      Gemm: 'constant weights, alpha = beta = 1, transA = 0',
      MatMul: 'constant weights, or two tensors with leading dimensions that broadcast',
    },
    FLOAT,
  ),
  ...all('dense', { QLinearMatMul: 'as MatMul', MatMulInteger: 'its int32 accumulator, cast to float or an output' }),
  'com.microsoft.QGemm': ms('dense', 'as Gemm; without an output scale its result is a float output'),
  ...all('view', {
    Identity: 'x',
    Flatten: 'two dimensions',
    Reshape: 'another shape',
    Transpose: 'dimensions in another order',
    Squeeze: 'without dimensions of 1',
    Unsqueeze: 'with dimensions of 1',
    Slice: 'ranges, with steps of either sign',
    Split: 'parts along a dimension',
    Pad: 'constant, edge, reflect, wrap; negative pads crop',
    Expand: 'dimensions of 1 repeated',
    Tile: 'dimensions repeated',
    Resize: 'nearest neighbour, any factor',
    Upsample: 'nearest neighbour; opset 10 has it as deprecated, and onnxruntime does not open that',
    DepthToSpace: 'blocks of channels to pixels, DCR and CRD',
    SpaceToDepth: 'blocks of pixels to channels',
  }),
  ...all('join', { Concat: 'operands one after the other' }),
  'com.microsoft.QLinearConcat': ms('join', 'Concat of operands with scales of their own'),
  ...all('gather', { Gather: 'elements by constant indices, or rows of a constant by indices of an input' }),
  ...all('folded', {
    Constant: 'tensors and numbers',
    Shape: 'of any tensor',
    Size: 'of any tensor',
    ConstantOfShape: 'of constants',
    Range: 'of constants',
    Where: 'of constants',
    Equal: 'of constants',
  }),
  ...all('tail', {
    ArgMax: 'index of the greatest, after the last integer',
    TopK: 'constant k, in order; values and indices, after the last integer',
  }),
  ...all('tail', { LogSoftmax: 'after the last integer, in float64: equal to about 1e-6' }, ALWAYS),
  ...all('unary', { ArgMin: 'index of the least, after the last integer: of complements, which are outputs' }),
  ...all('tree', {
    ReduceMax: 'over any dimensions',
    ReduceMin: 'over any dimensions',
    GlobalMaxPool: 'over all dimensions but batch and channels',
  }),
  ...all(
    'computed',
    { Softmax: 'one dimension; before opset 13 all from the axis on' },
    'between pairs of two types; at the end float64, equal to about 1e-6',
  ),
  'com.microsoft.QLinearSoftmax': ms('computed', 'Softmax on integers'),
  ...all(
    'computed',
    { LayerNormalization: 'over the last dimensions, constant factors and offsets' },
    'for rows of no multiple of 8 elements',
  ),
  ...all('max', { MaxPool: 'one to three dimensions, any batch; every window meets the image' }),
  ...all(
    'pool',
    {
      AveragePool: 'one to three dimensions; padding counted or not',
      GlobalAveragePool: 'over all dimensions but batch and channels',
      ReduceMean: 'over any dimensions',
      ReduceSum: 'over any dimensions',
    },
    SUMS,
  ),
  'com.microsoft.QLinearAveragePool': { ...ms('pool', 'AveragePool on integers'), own: SUMS },
  'com.microsoft.QLinearGlobalAveragePool': ms('pool', 'GlobalAveragePool on integers'),
  ...all('lin', { Add: 'with broadcasting' }),
  ...all('lin', { Sub: 'with broadcasting' }),
  ...all('mul', { Mul: 'with broadcasting' }),
  ...all('pairmax', { Min: 'with broadcasting', Max: 'with broadcasting' }),
  ...all('bin', { Div: 'with broadcasting', Pow: 'with broadcasting', PRelu: 'a slope that broadcasts' }),
  'com.microsoft.QLinearAdd': ms('lin', 'Add on integers'),
  'com.microsoft.QLinearMul': ms('mul', 'Mul on integers'),
  ...all('unary', {
    Relu: 'max(x, 0)',
    Clip: 'constant bounds',
    LeakyRelu: 'x, or α·x below 0',
    ThresholdedRelu: 'x above α, else 0',
    Shrink: 'x nearer to 0 by a bias, 0 around it',
    Sigmoid: '1/(1 + e^−x)',
    HardSigmoid: 'clip(α·x + β) to [0, 1]',
    HardSwish: 'x·HardSigmoid(x)',
    Tanh: 'tanh',
    Elu: 'x, or α·(e^x − 1) below 0',
    Celu: 'x, or α·(e^(x/α) − 1) below 0',
    Selu: 'γ·Elu',
    Gelu: 'x·Φ(x), by erf or tanh',
    Erf: 'erf',
    Exp: 'e^x',
    Log: 'ln',
    Sqrt: '√x',
    Reciprocal: '1/x',
    Abs: '|x|',
    Neg: '−x',
    Sign: 'sign',
    Floor: 'down to an integer',
    Ceil: 'up to an integer',
    Round: 'to the nearest integer, half to even',
    Softplus: 'ln(1 + e^x)',
    Softsign: 'x/(1 + |x|)',
    Mish: 'x·tanh(Softplus(x))',
    Sin: 'sin',
    Cos: 'cos',
    Tan: 'tan',
    Asin: 'arcsin',
    Acos: 'arccos',
    Atan: 'arctan',
    Sinh: 'sinh',
    Cosh: 'cosh',
    Asinh: 'arsinh',
    Acosh: 'arcosh',
    Atanh: 'artanh',
    Cast: 'float or an int32 accumulator to float32: x',
  }),
  'com.microsoft.Gelu': ms('unary', 'x·Φ(x)'),
  'com.microsoft.FastGelu': ms('unary', 'x·Φ(x) by tanh'),
  'com.microsoft.QuickGelu': ms('unary', 'x·Sigmoid(α·x)'),
  'com.microsoft.QLinearSigmoid': ms('unary', 'Sigmoid on integers'),
  'com.microsoft.QLinearLeakyRelu': ms('unary', 'LeakyRelu on integers'),
};
