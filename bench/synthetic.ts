/**
 * Networks of any size: `synthetic-2^k` makes 2^k lookups (and 2^(k-12) in its last layer). An image of 2^(k-7) pixels goes through four
 * 3 × 3 convolutions to 16 channels, of which every output is requantised (two lookups), and one 8 × 8 convolution of stride 8, so that the
 * statement stays small. Weights and tables are the same for every k. Deterministic.
 */
import type { onnx } from 'onnx-proto';
import proto from 'onnx-proto';
import type { NamedTensor } from '../index.ts';

const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const CHANNELS = 16;
const CENTRE = 128;
/** Wanted standard deviation of an activation: the range is used, little is saturated. */
const DEVIATION = 45;

export const SIZES = [14, 15, 16, 17, 18, 19, 20, 21, 22] as const;
export const syntheticName = (k: number): string => `synthetic-2^${k}`;

/** k of `synthetic-2^k`, or null for another name. */
export function syntheticSize(name: string): number | null {
  const k = Number(/^synthetic-2\^(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  return k >= 13 && k <= 24 ? k : null;
}

/** xorshift32: the bytes of a seed. */
function bytesOf(seed: number, length: number): Uint8Array {
  let s = seed;
  return Uint8Array.from({ length }, () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return s & 255;
  });
}

export interface Synthetic {
  readonly model: Uint8Array;
  readonly inputs: Readonly<Record<string, NamedTensor>>;
}

export function synthetic(k: number): Synthetic {
  const bits = k - 7;
  const [height, width] = [2 ** (bits >> 1), 2 ** (bits - (bits >> 1))];
  const initializer: onnx.ITensorProto[] = [];
  const node: onnx.INodeProto[] = [];
  const constant = (name: string, dataType: number, dims: number[], rawData: Uint8Array): string => {
    initializer.push({ name, dataType, dims, rawData });
    return name;
  };
  const pair = (name: string, scale: number, type: number, zero: number): [string, string] => [
    constant(`${name}_scale`, FLOAT, [], new Uint8Array(Float32Array.of(scale).buffer)),
    constant(`${name}_zero`, type, [], Uint8Array.of(zero)),
  ];
  const ints = (name: string, values: number[]): onnx.IAttributeProto => ({ name, type: 7, ints: values });
  let x = { name: 'x', quantization: pair('x', 1 / 256, UINT8, CENTRE), scale: 1 / 256, channels: 1, deviation: 74 };
  const conv = (i: number, channels: number, kernel: number, stride: number): void => {
    const fan = x.channels * kernel * kernel;
    const w = bytesOf(0x9e3779b9 + i, channels * fan).map((v) => ((v << 24) >> 25) & 255); // within ±64: no kernel of onnxruntime saturates
    const name = i === 4 ? 'y' : `a${i}`;
    const scale = (x.scale * x.deviation * 37 * Math.sqrt(fan)) / 128 / DEVIATION;
    const weights = [constant(`w${i}`, INT8, [channels, x.channels, kernel, kernel], w), ...pair(`w${i}`, 1 / 128, INT8, 0)];
    const quantization = pair(name, scale, UINT8, CENTRE);
    const pad = stride === 1 ? (kernel - 1) / 2 : 0;
    const attribute = [ints('kernel_shape', [kernel, kernel]), ints('strides', [stride, stride]), ints('pads', [pad, pad, pad, pad])];
    node.push({
      name: `conv${i}`,
      opType: 'QLinearConv',
      input: [x.name, ...x.quantization, ...weights, ...quantization],
      output: [name],
      attribute,
    });
    x = { name, quantization, scale, channels, deviation: DEVIATION };
  };
  for (let i = 0; i < 4; i++) conv(i, CHANNELS, 3, 1);
  conv(4, 1, 8, 8);
  const value = (name: string, dims: number[]): onnx.IValueInfoProto => ({
    name,
    type: { tensorType: { elemType: UINT8, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  });
  const { ModelProto } = proto.onnx;
  const model = ModelProto.encode(
    ModelProto.create({
      irVersion: 8,
      producerName: 'assay bench',
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: syntheticName(k),
        input: [value('x', [1, 1, height, width])],
        output: [value('y', [1, 1, height / 8, width / 8])],
        initializer,
        node,
      },
    }),
  ).finish();
  const shape = [1, 1, height, width];
  return { model, inputs: { x: { name: 'x', dtype: 'uint8', shape, data: bytesOf(1841, height * width) } } };
}
