/**
 * Random quantized models, QOperator and QDQ: a head, some layers, an output; scales such that values fill the range of their type.
 */
import type { NamedTensor } from '../../circuits/interface.ts';
import { Dice, ModelBuilder } from './onnx.helpers.ts';
import { WEIGHT_LIMIT } from './saturation.helpers.ts';

export interface RandomModel {
  readonly kind: 'qop' | 'qdq';
  readonly about: string;
  readonly bytes: Uint8Array;
  readonly inputs: Record<string, NamedTensor>;
}

interface State {
  readonly m: ModelBuilder;
  readonly d: Dice;
  readonly kind: 'qop' | 'qdq';
  readonly dtype: 'uint8' | 'int8';
  readonly about: string[];
  /** QOperator: the integer tensor; QDQ: the dequantized one. */
  x: string;
  shape: number[];
  scale: number;
  zp: number;
  /** Names of scale and zero point. */
  s: string;
  z: string;
}

const product = (v: readonly number[]) => v.reduce((p, d) => p * d, 1);

export function randomModel(seed: number): RandomModel {
  const d = new Dice(seed * 2654435761);
  const kind = d.pick(['qop', 'qdq'] as const);
  const dtype = d.chance(0.3) ? 'int8' : 'uint8';
  const m = new ModelBuilder(d.pick([11, 13, 17, 19]));
  const image = d.chance(0.7);
  const shape = image
    ? [1, d.pick([1, 2, 3, 4, 6]), d.int(5, 9), d.int(5, 9)]
    : d.chance(0.7)
      ? [1, d.int(2, 40)]
      : [d.int(2, 5), d.int(2, 20)];
  const st: State = { m, d, kind, dtype, about: [], x: 'x', shape, scale: 0, zp: 0, s: '', z: '' };
  m.input('x', 'float32', shape);
  requant(st, d.scale(-6));
  const q = m.node('QuantizeLinear', ['x', st.s, st.z]);
  st.x = kind === 'qop' ? q : m.node('DequantizeLinear', [q, st.s, st.z]);
  const layers = d.int(1, 4);
  for (let i = 0; i < layers; i++) layer(st);
  const dense = st.shape.length > 2 && d.chance(0.5);
  if (dense) {
    flatten(st);
    denseLayer(st);
  }
  if (layers > 0 && !st.about.some((a) => a.startsWith('conv') || a.startsWith('dense') || a.startsWith('max'))) {
    if (st.shape.length > 2) flatten(st);
    denseLayer(st);
  }
  finish(st);
  return {
    kind,
    about: `${dtype} opset ${m.opset} ${st.about.join(' ')}`,
    bytes: m.bytes(),
    inputs: { x: { dtype: 'float32', shape, data: Float32Array.from({ length: product(shape) }, () => (d.next() * 2 - 0.7) * 2.5) } },
  };
}

/** Takes new scale and zero point for the next activation. */
function requant(st: State, scale: number): void {
  const { d, m, dtype } = st;
  st.scale = scale;
  st.zp = d.pick(dtype === 'uint8' ? [0, 0, 128, d.int(0, 255)] : [0, 0, -128, d.int(-128, 127)]);
  st.s = m.scalar('float32', scale);
  st.z = m.scalar(dtype, st.zp);
}

function layer(st: State): void {
  if (st.shape.length === 4) {
    const pick = st.d.next();
    if (pick < 0.5) convLayer(st);
    else if (pick < 0.75) maxPool(st);
    else if (pick < 0.9) clampLayer(st);
    else {
      flatten(st);
      denseLayer(st);
    }
  } else {
    const pick = st.d.next();
    if (pick < 0.55) denseLayer(st);
    else if (pick < 0.75) addLayer(st);
    else if (pick < 0.9) clampLayer(st);
    else viewLayer(st);
  }
}

interface WeightNames {
  readonly w: string;
  readonly ws: string;
  readonly wz: string;
  readonly scales: readonly number[];
}

function weights(st: State, dims: readonly number[], channels: number, bound: number): WeightNames {
  const { d, m, dtype } = st;
  const type = dtype === 'uint8' && d.chance(0.2) ? 'uint8' : 'int8';
  const perChannel = d.chance(0.5) && channels > 1 && m.opset >= 13;
  const scales = Array.from({ length: perChannel ? channels : 1 }, () => d.scale(-7));
  return {
    w: m.constant(type, dims, d.ints(product(dims), type === 'uint8' ? 0 : -bound, bound)),
    ws: m.constant('float32', perChannel ? [channels] : [], scales),
    wz: m.constant(
      type,
      perChannel ? [channels] : [],
      scales.map(() => 0),
    ),
    scales,
  };
}

/** A bias name and the step of the next requantisation: about 3 standard deviations fill the range. */
function biasAndScale(
  st: State,
  w: WeightNames,
  channels: number,
  fan: number,
): { bias: string | null; scales: readonly number[]; next: number } {
  const { d, m } = st;
  const scales = w.scales.map((s) => Math.fround(st.scale * s));
  const spread = 60 * 60 * Math.sqrt(fan);
  const bias = d.chance(0.7) ? m.constant('int32', [channels], d.ints(channels, -Math.round(spread / 2), Math.round(spread / 2))) : null;
  const mean = scales.reduce((p, s) => p + s, 0) / scales.length;
  return { bias, scales, next: Math.fround((mean * spread * (0.5 + 3 * d.next())) / 128) };
}

function dequantizedBias(st: State, bias: string | null, scales: readonly number[]): string[] {
  if (bias === null) return [];
  const s = st.m.constant('float32', scales.length > 1 ? [scales.length] : [], scales);
  return [st.m.node('DequantizeLinear', [bias, s], scales.length > 1 ? { axis: 0 } : {})];
}

function close(st: State, real: string, next: number): void {
  requant(st, next);
  const q = st.m.node('QuantizeLinear', [real, st.s, st.z]);
  st.x = st.m.node('DequantizeLinear', [q, st.s, st.z]);
}

function convLayer(st: State): void {
  const { d, m } = st;
  const [, ci, h, w] = st.shape as [number, number, number, number];
  const groups = d.chance(0.3) ? d.pick([1, 2, 3, ci].filter((g) => ci % g === 0)) : 1;
  const co = groups * d.int(1, 5);
  const kernel = [d.int(1, Math.min(3, h)), d.int(1, Math.min(3, w))] as const;
  const dilations = kernel.map((k, i) => (d.chance(0.2) && 2 * (k - 1) + 1 <= (i === 0 ? h : w) ? 2 : 1));
  const strides = d.chance(0.4) ? [d.int(1, 2), d.int(1, 3)] : [1, 1];
  const attributes: Record<string, number | string | number[]> = { kernel_shape: [...kernel], strides, dilations, group: groups };
  let pads = [0, 0, 0, 0];
  const auto = d.next();
  if (auto < 0.15) {
    attributes.auto_pad = d.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']);
    if (attributes.auto_pad !== 'VALID') attributes.dilations = [1, 1];
  } else if (auto < 0.7) attributes.pads = pads = d.ints(4, 0, 2);
  const used = attributes.dilations as number[];
  const out = ([h, w] as const).map((n, a) => {
    const s = strides[a] as number;
    if (String(attributes.auto_pad).startsWith('SAME')) return Math.ceil(n / s);
    return Math.floor((n + (pads[a] as number) + (pads[a + 2] as number) - (used[a] as number) * ((kernel[a] as number) - 1) - 1) / s) + 1;
  });
  const ci2 = ci / groups;
  const names = weights(st, [co, ci2, ...kernel], co, WEIGHT_LIMIT);
  const { bias, scales, next } = biasAndScale(st, names, co, ci2 * product(kernel));
  st.about.push(`conv(${co}x${ci2} g${groups} ${JSON.stringify(attributes)})`);
  if (st.kind === 'qop') {
    const [xs, xz] = [st.s, st.z];
    requant(st, next);
    st.x = m.node('QLinearConv', [st.x, xs, xz, names.w, names.ws, names.wz, st.s, st.z, ...(bias === null ? [] : [bias])], attributes);
  } else {
    const dw = m.node('DequantizeLinear', [names.w, names.ws, names.wz], names.scales.length > 1 ? { axis: 0 } : {});
    let real = m.node('Conv', [st.x, dw, ...dequantizedBias(st, bias, scales)], attributes);
    st.shape = [1, co, ...out];
    const after = d.next();
    if (after < 0.2) {
      real = m.node('Relu', [real]);
      st.about.push('relu');
      requant(st, next);
      st.zp = 0;
      st.z = m.scalar(st.dtype, 0);
      const q = m.node('QuantizeLinear', [real, st.s, st.z]);
      st.x = m.node('DequantizeLinear', [q, st.s, st.z]);
      return;
    }
    close(st, real, next);
  }
  st.shape = [1, co, ...out];
}

function denseLayer(st: State): void {
  const { d, m } = st;
  const [rows, k] = st.shape as [number, number];
  const n = d.int(2, 20);
  const transB = d.chance(0.5) ? 1 : 0;
  const matmul = d.chance(0.3);
  const byRow = !matmul && transB === 1;
  const names = weights(st, byRow ? [n, k] : [k, n], n, WEIGHT_LIMIT);
  const { bias, scales, next } = biasAndScale(st, names, n, k);
  st.about.push(`dense(${rows}x${k}x${n} ${matmul ? 'matmul' : `gemm transB=${transB}`})`);
  if (st.kind === 'qop') {
    const [xs, xz] = [st.s, st.z];
    requant(st, next);
    st.x = matmul
      ? m.node('QLinearMatMul', [st.x, xs, xz, names.w, names.ws, names.wz, st.s, st.z])
      : m.node('com.microsoft.QGemm', [st.x, xs, xz, names.w, names.ws, names.wz, bias ?? '', st.s, st.z], {
          transB: byRow ? 1 : 0,
          alpha: { float: 1 },
        });
  } else {
    const dw = m.node('DequantizeLinear', [names.w, names.ws, names.wz], names.scales.length > 1 ? { axis: byRow ? 0 : 1 } : {});
    const real = matmul
      ? m.node('MatMul', [st.x, dw])
      : m.node('Gemm', [st.x, dw, ...dequantizedBias(st, bias, scales)], { transB: byRow ? 1 : 0 });
    close(st, real, next);
  }
  st.shape = [rows, n];
}

function maxPool(st: State): void {
  const { d, m } = st;
  const [, c, h, w] = st.shape as [number, number, number, number];
  const kernel = [d.int(1, Math.min(3, h)), d.int(1, Math.min(3, w))] as const;
  const strides = d.chance(0.7) ? [...kernel] : [d.int(1, 2), d.int(1, 2)];
  const pads = d.chance(0.4)
    ? [d.int(0, kernel[0] - 1), d.int(0, kernel[1] - 1), d.int(0, kernel[0] - 1), d.int(0, kernel[1] - 1)]
    : [0, 0, 0, 0];
  const ceil = d.chance(0.2) ? 1 : 0;
  st.about.push(`max(${kernel} ${strides} ${pads} ceil ${ceil})`);
  if (m.opset < 12) return;
  st.x = m.node('MaxPool', [st.x], { kernel_shape: [...kernel], strides, pads, ceil_mode: ceil });
  if (st.kind === 'qdq') st.x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [st.x, st.s, st.z]), st.s, st.z]);
  const out = ([h, w] as const).map((n, a) => {
    const room = n + (pads[a] as number) + (pads[a + 2] as number) - (kernel[a] as number);
    const s = strides[a] as number;
    let o = (ceil ? Math.ceil(room / s) : Math.floor(room / s)) + 1;
    if (ceil && (o - 1) * s >= n + (pads[a] as number)) o--;
    return o;
  });
  st.shape = [1, c, ...out];
}

/** Relu or Clip between Q and DQ of different scales (QDQ only). */
function clampLayer(st: State): void {
  if (st.kind === 'qop') return;
  const { d, m } = st;
  const top = st.scale * (255 - st.zp);
  const relu = d.chance(0.6);
  st.about.push(relu ? `relu(zp ${st.zp})` : 'clip');
  const real = relu
    ? m.node('Relu', [st.x])
    : m.node('Clip', [
        st.x,
        m.scalar('float32', Math.fround(-top * d.next() * 0.3)),
        m.scalar('float32', Math.fround(top * (0.3 + 0.6 * d.next()))),
      ]);
  close(st, real, Math.fround(st.scale * (0.4 + d.next())));
}

function addLayer(st: State): void {
  const { d, m, dtype } = st;
  const n = st.shape[1] as number;
  const dims = d.pick([[n], [1, n], [1], [] as number[], st.shape[0] === 1 ? [1, n] : [n]]);
  const type = dtype;
  const values = d.ints(product(dims), type === 'uint8' ? 0 : -128, type === 'uint8' ? 255 : 127);
  const scale = Math.fround(st.scale * (0.2 + 2 * d.next()));
  const zp = d.int(type === 'uint8' ? 0 : -128, type === 'uint8' ? 255 : 127);
  const first = d.chance(0.5);
  st.about.push(`add(${JSON.stringify(dims)}${first ? ' first' : ''})`);
  const c = [m.constant(type, dims, values), m.scalar('float32', scale), m.scalar(type, zp)];
  const next = Math.fround(Math.max(st.scale, scale) * (1 + d.next()));
  if (st.kind === 'qop') {
    const x = [st.x, st.s, st.z];
    requant(st, next);
    st.x = m.node('com.microsoft.QLinearAdd', [...(first ? [...c, ...x] : [...x, ...c]), st.s, st.z]);
  } else {
    const dc = m.node('DequantizeLinear', c);
    close(st, m.node('Add', first ? [dc, st.x] : [st.x, dc]), next);
  }
}

function flatten(st: State): void {
  const { d, m } = st;
  const shape = [1, product(st.shape)];
  if (st.shape.length === 4 && d.chance(0.3)) {
    st.about.push('transpose');
    st.x = m.node('Transpose', [st.x], {
      perm: d.pick([
        [0, 2, 3, 1],
        [0, 3, 1, 2],
        [0, 1, 3, 2],
      ]),
    });
  }
  st.about.push('flatten');
  st.x = d.chance(0.5)
    ? m.node('Flatten', [st.x], { axis: 1 })
    : m.node('Reshape', [st.x, m.constant('int64', [2], d.chance(0.5) ? shape : [1, -1])]);
  st.shape = shape;
  if (st.kind === 'qdq' && d.chance(0.7)) st.x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [st.x, st.s, st.z]), st.s, st.z]);
}

function viewLayer(st: State): void {
  const { m, d } = st;
  st.about.push('views');
  const up = m.opset < 13 ? m.node('Unsqueeze', [st.x], { axes: [0] }) : m.node('Unsqueeze', [st.x, m.constant('int64', [1], [0])]);
  const same = d.chance(0.5) ? m.node('Identity', [up]) : up;
  st.x = m.opset < 13 ? m.node('Squeeze', [same], { axes: [0] }) : m.node('Squeeze', [same, m.constant('int64', [1], [0])]);
}

function finish(st: State): void {
  const { d, m } = st;
  const integers = d.chance(0.4);
  let y = st.x;
  if (st.kind === 'qop' && !integers) y = m.node('DequantizeLinear', [st.x, st.s, st.z]);
  if (st.kind === 'qdq') y = m.node('Identity', [st.x]);
  if (st.kind === 'qop' && integers) y = m.node('Identity', [st.x]);
  const last = d.next();
  let [dtype, shape]: [string, number[]] = [st.kind === 'qop' && integers ? st.dtype : 'float32', st.shape];
  if (dtype === 'float32' && last < 0.15 && st.shape.length === 2) {
    y = m.node('ArgMax', [y], { axis: 1, keepdims: 0 });
    [dtype, shape] = ['int64', [st.shape[0] as number]];
  }
  (m.nodes.at(-1) as { output: string[] }).output = ['y'];
  void y;
  m.output('y', dtype, shape);
}
