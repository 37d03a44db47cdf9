/** The accumulators of a form as circom text: linear combinations of constants, which cost no constraint, or products of two tensors. */

import { axisWeights } from '../../circuits/forms/average.ts';
import { product } from '../../circuits/shape.ts';
import type { AverageForm, ConvForm, DenseForm, Form, PoolForm, Tensor } from '../../circuits/types.ts';
import { list, rows } from './text.ts';

export interface AccumulatorText {
  /** Declares `acc`, flat and row-major, from `x0`, `x1`, … */
  readonly text: string;
  readonly constraints: number;
}

export function accumulator(tensors: readonly Tensor[], weights: ReadonlyMap<number, Int32Array>, form: Form, y: number): AccumulatorText {
  const { dims } = tensors[y] as Tensor;
  const n = product(dims);
  const declared = `    signal acc[${n}];\n`;
  const free = (text: string): AccumulatorText => ({ text: declared + text, constraints: 0 });
  switch (form.kind) {
    case 'dense':
      return free(denseText(form, weights, n));
    case 'conv':
      return free(convText(tensors, form, weights, dims as [number, number, number]));
    case 'pool':
    case 'average':
      return free(poolText(tensors, form, dims as [number, number, number]));
    case 'lin':
      return free(
        `    for (var i = 0; i < ${n}; i++) acc[i] <== ${[String(form.constant), ...form.terms.map(([c], k) => `${c} * x${k}[i]`)].join(' + ')};\n`,
      );
    case 'mul':
      return { text: `${declared}    for (var i = 0; i < ${n}; i++) acc[i] <== x0[i] * x1[i];\n`, constraints: n };
    case 'bmm': {
      const [t, s] = (tensors[form.a] as Tensor).dims.slice(-2) as [number, number];
      return { text: declared + productsText(n, t, s, dims.at(-1) as number), constraints: n * s };
    }
  }
}

/** Every product of a batched matrix product is a constraint; their sums are none. */
const productsText = (n: number, t: number, s: number, e: number): string => `    signal products[${n}][${s}];
    for (var i = 0; i < ${n}; i++) {
        var head = i \\ ${t * e};
        var sum = 0;
        for (var k = 0; k < ${s}; k++) {
            products[i][k] <== x0[(i \\ ${e}) * ${s} + k] * x1[(head * ${s} + k) * ${e} + i % ${e}];
            sum += products[i][k];
        }
        acc[i] <== sum;
    }
`;

function denseText(form: DenseForm, weights: ReadonlyMap<number, Int32Array>, n: number): string {
  const [w, b] = [weights.get(form.w) as Int32Array, weights.get(form.b) as Int32Array];
  const inner = w.length / b.length;
  return `    var w[${b.length}][${inner}] = ${matrix(w, inner)};
    var b[${b.length}] = ${list(Array.from(b))};
    for (var t = 0; t < ${n / b.length}; t++) {
        for (var c = 0; c < ${b.length}; c++) {
            var sum = b[c];
            for (var k = 0; k < ${inner}; k++) sum += w[c][k] * x0[t * ${inner} + k];
            acc[t * ${b.length} + c] <== sum;
        }
    }
`;
}

function convText(
  tensors: readonly Tensor[],
  f: ConvForm,
  weights: ReadonlyMap<number, Int32Array>,
  [channels, height, width]: readonly [number, number, number],
): string {
  const [w, b] = [weights.get(f.w) as Int32Array, weights.get(f.b) as Int32Array];
  const [, h, wide] = (tensors[f.x] as Tensor).dims as [number, number, number];
  const depth = w.length / channels / (f.kh * f.kw);
  const perGroup = channels / f.groups;
  return `    var w[${channels}][${depth * f.kh * f.kw}] = ${matrix(w, depth * f.kh * f.kw)};
    var b[${channels}] = ${list(Array.from(b))};
    for (var c = 0; c < ${channels}; c++) for (var i = 0; i < ${height}; i++) for (var j = 0; j < ${width}; j++) {
        var sum = b[c];
        for (var d = 0; d < ${depth}; d++) for (var p = 0; p < ${f.kh}; p++) for (var q = 0; q < ${f.kw}; q++) {
            ${inside(f, h, wide)} {
                sum += w[c][(d * ${f.kh} + p) * ${f.kw} + q] * x0[((c \\ ${perGroup} * ${depth} + d) * ${h} + u) * ${wide} + v];
            }
        }
        acc[(c * ${height} + i) * ${width} + j] <== sum;
    }
`;
}

function poolText(
  tensors: readonly Tensor[],
  f: PoolForm | AverageForm,
  [channels, height, width]: readonly [number, number, number],
): string {
  const [, h, wide] = (tensors[f.x] as Tensor).dims as [number, number, number];
  const weights = f.kind === 'average' ? [axisWeights(f, 0, h, height), axisWeights(f, 1, wide, width)].map((e) => e?.weights ?? []) : null;
  const declared =
    weights === null
      ? ''
      : `    var wy[${height}] = ${list(weights[0] as number[])};\n    var wx[${width}] = ${list(weights[1] as number[])};\n`;
  return `${declared}    for (var c = 0; c < ${channels}; c++) for (var i = 0; i < ${height}; i++) for (var j = 0; j < ${width}; j++) {
        var sum = 0;
        for (var p = 0; p < ${f.kh}; p++) for (var q = 0; q < ${f.kw}; q++) {
            ${inside(f, h, wide)} sum += x0[(c * ${h} + u) * ${wide} + v];
        }
        acc[(c * ${height} + i) * ${width} + j] <== sum${weights === null ? '' : ' * wy[i] * wx[j]'};
    }
`;
}

/** Row u and column v of a tap (p, q) at (i, j), where it lies in the image. circom's numbers wrap around: the pad is compared, not subtracted. */
function inside(f: Pick<ConvForm, 'stride' | 'dilation' | 'pad'>, h: number, w: number): string {
  const along = (o: string, k: string, axis: 0 | 1): string => `${o} * ${f.stride[axis]} + ${k} * ${f.dilation[axis]}`;
  const [y, x] = [along('i', 'p', 0), along('j', 'q', 1)];
  return `var u = ${y} - ${f.pad[0]}; var v = ${x} - ${f.pad[1]};
            if (${y} >= ${f.pad[0]} && ${y} < ${h + f.pad[0]} && ${x} >= ${f.pad[1]} && ${x} < ${w + f.pad[1]})`;
}

const matrix = (values: Int32Array, columns: number): string =>
  rows(Array.from({ length: values.length / columns }, (_, r) => Array.from(values.subarray(r * columns, (r + 1) * columns))));
