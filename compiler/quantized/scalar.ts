/**
 * Functions of one real number as onnxruntime's CPU kernels compute them in float32: one rounding an operation where the kernel is plain arithmetic,
 * the float64 value rounded once where it is transcendental (equal to the kernels on every table of the recorded graphs).
 */
import { fma } from '../../circuits/computed/float.ts';
import { roundHalfEven } from '../../circuits/step.ts';

export type Scalar = (v: number) => number;

const f32 = Math.fround;

/** erf to about 1e-15: its series near 0, the continued fraction of erfc beyond. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

/** onnxruntime's float32 Sigmoid (MlasComputeLogistic, FMA): a rational approximation. */
export function logistic(v: number): number {
  const x = Math.min(18, Math.max(-18, f32(v)));
  const square = f32(x * x);
  const polynomial = (c: readonly number[]): number => c.slice(1).reduce((p, k) => fma(p, square, f32(k)), f32(c[0] as number));
  const p = polynomial([4.37031012579801e-11, 1.15627324459942e-7, 6.08574864600143e-5, 8.51377133304701e-3, 2.48287947061529e-1]);
  const q = polynomial([
    6.10247389755681e-13, 5.76102136993427e-9, 6.2910678501704e-6, 1.70198817374094e-3, 1.16817656904453e-1, 9.9315192102318e-1,
  ]);
  return Math.min(1, Math.max(0, f32(f32(f32(p * x) / q) + 0.5)));
}

const softplus = (v: number): number => (v > 0 ? v + Math.log1p(Math.exp(-v)) : Math.log1p(Math.exp(v)));
const hardSigmoid = (v: number, alpha: number, beta: number): number => Math.min(1, Math.max(0, f32(f32(alpha * v) + beta)));
const SQRT_HALF = Math.sqrt(0.5);

/** Attribute defaults of the operators that have any. */
export const DEFAULTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  LeakyRelu: { alpha: 0.01 },
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  Elu: { alpha: 1 },
  Celu: { alpha: 1 },
  Selu: { alpha: 1.6732631921768188, gamma: 1.0507010221481323 },
  ThresholdedRelu: { alpha: 1 },
  Shrink: { lambd: 0.5, bias: 0 },
  'com.microsoft.QuickGelu': { alpha: 1.7020000219345093 },
};

type Make = (at: (name: string) => number) => Scalar;

const plain =
  (f: Scalar): Make =>
  () =>
    f;
/** A float64 function, rounded once. */
const rounded =
  (f: Scalar): Make =>
  () =>
  (v) =>
    f32(f(v));
const tanhGelu = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
const gelu = (v: number): number => 0.5 * v * (1 + erf(v * SQRT_HALF));

/** By operator; `at` gives an attribute of the node, a float32. */
export const SCALARS: Readonly<Record<string, Make>> = {
  Relu: plain((v) => Math.max(v, 0)),
  LeakyRelu: (at) => (v) => (v >= 0 ? v : f32(at('alpha') * v)),
  ThresholdedRelu: (at) => (v) => (v > at('alpha') ? v : 0),
  Shrink: (at) => (v) => (v < -at('lambd') ? f32(v + at('bias')) : v > at('lambd') ? f32(v - at('bias')) : 0),
  Sigmoid: plain(logistic),
  HardSigmoid: (at) => (v) => hardSigmoid(v, at('alpha'), at('beta')),
  HardSwish: plain((v) => f32(v * hardSigmoid(v, f32(1 / 6), 0.5))),
  Tanh: rounded(Math.tanh),
  Elu: (at) => (v) => (v >= 0 ? v : f32(at('alpha') * Math.expm1(v))),
  Celu: (at) => (v) => (v >= 0 ? v : f32(at('alpha') * Math.expm1(v / at('alpha')))),
  Selu: (at) => (v) => f32(at('gamma') * (v > 0 ? v : at('alpha') * Math.expm1(v))),
  Gelu: rounded(gelu),
  'com.microsoft.Gelu': rounded(gelu),
  'com.microsoft.FastGelu': rounded(tanhGelu),
  'com.microsoft.QuickGelu': (at) => (v) => f32(v / (1 + Math.exp(-at('alpha') * v))),
  Erf: rounded(erf),
  Exp: rounded(Math.exp),
  Log: rounded(Math.log),
  Sqrt: rounded(Math.sqrt),
  Reciprocal: plain((v) => f32(1 / v)),
  Abs: plain(Math.abs),
  Neg: plain((v) => -v),
  Sign: plain(Math.sign),
  Floor: plain(Math.floor),
  Ceil: plain(Math.ceil),
  Round: plain(roundHalfEven),
  Softplus: rounded(softplus),
  Softsign: plain((v) => f32(v / f32(1 + Math.abs(v)))),
  Mish: rounded((v) => v * Math.tanh(softplus(v))),
  Sin: rounded(Math.sin),
  Cos: rounded(Math.cos),
  Tan: rounded(Math.tan),
  Asin: rounded(Math.asin),
  Acos: rounded(Math.acos),
  Atan: rounded(Math.atan),
  Sinh: rounded(Math.sinh),
  Cosh: rounded(Math.cosh),
  Asinh: rounded(Math.asinh),
  Acosh: rounded(Math.acosh),
  Atanh: rounded(Math.atanh),
};

/** Gelu of opset 20 has two forms. */
export const geluOf = (approximate: string): Scalar | null =>
  approximate === 'none' ? (v) => f32(gelu(v)) : approximate === 'tanh' ? (v) => f32(tanhGelu(v)) : null;

/** Functions of two real numbers, float32. */
export const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => f32(a + b),
  Sub: (a, b) => f32(a - b),
  Mul: (a, b) => f32(a * b),
  Div: (a, b) => f32(a / b),
  Pow: (a, b) => f32(a ** b),
  Min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)),
  Max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)),
  PRelu: (a, b) => (a >= 0 ? a : f32(a * b)),
};
