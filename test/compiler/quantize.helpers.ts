/** Float models as exporters write them, and onnxruntime as the quantizer's runtime. */
import { beforeEach } from 'vitest';
import { onnxruntime } from '../../cli/quantize/onnxruntime.ts';
import { calibrate, prepare, type Ranges, type Runtime, type Sample } from '../../compiler/quantize/index.ts';
import { type AttributeValue, Dice, ModelBuilder } from './onnx.helpers.ts';

/** A builder of float models: random weights from a seed, inputs with open dimensions, Constant nodes. */
export class FloatBuilder extends ModelBuilder {
  readonly dice: Dice;

  constructor(opset: number, seed: number) {
    super(opset);
    this.dice = new Dice(seed);
  }

  /** A string is the symbol of an open dimension. */
  open(name: string, shape: readonly (number | string)[], elemType = 1): string {
    const dim = shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
    this.inputs.push({ name, type: { tensorType: { elemType, shape: { dim } } } });
    return name;
  }

  result(name: string): void {
    this.outputs.push({ name, type: { tensorType: { elemType: 1 } } });
  }

  /** A Constant node, as PyTorch writes indices and shapes. */
  literal(dtype: string, dims: readonly number[], data: readonly number[]): string {
    this.constant(dtype, dims, data);
    const t = this.initializers.pop();
    const output = this.fresh('literal');
    this.nodes.push({
      name: output,
      opType: 'Constant',
      input: [],
      output: [output],
      attribute: [{ name: 'value', type: 4, t: { ...t, name: '' } }],
    });
    return output;
  }

  /** Uniform in [-size, size]. */
  random(dims: readonly number[], size: number, middle = 0): string {
    const n = dims.reduce((p, d) => p * d, 1);
    return this.constant(
      'float32',
      dims,
      Array.from({ length: n }, () => middle + size * (2 * this.dice.next() - 1)),
    );
  }

  conv(
    x: string,
    from: number,
    to: number,
    kernel: number,
    attributes: Readonly<Record<string, AttributeValue>> = {},
    bias = true,
  ): string {
    const w = this.random([to, from, kernel, kernel], 1.5 / Math.sqrt(from * kernel * kernel));
    const pads = Array.from({ length: 4 }, () => (kernel - 1) / 2);
    return this.node('Conv', [x, w, ...(bias ? [this.random([to], 0.3)] : [])], { kernel_shape: [kernel, kernel], pads, ...attributes });
  }

  norm(x: string, channels: number): string {
    const [gamma, beta, mean] = [this.random([channels], 0.5, 1), this.random([channels], 0.3), this.random([channels], 0.3)];
    return this.node('BatchNormalization', [x, gamma, beta, mean, this.random([channels], 0.4, 0.6)], { epsilon: { float: 1e-4 } });
  }
}

/** `count` inputs for a prepared model, floats uniform in [-1, 1], indices in [0, 10]. */
export function samplesFor(
  inputs: readonly { name: string; dtype: string; shape: readonly number[] }[],
  count: number,
  seed = 7,
): Sample[] {
  const dice = new Dice(seed);
  const tensor = (dtype: string, shape: readonly number[]) => {
    const length = shape.reduce((p, d) => p * d, 1);
    const data =
      dtype === 'int64'
        ? BigInt64Array.from({ length }, () => BigInt(dice.int(0, 10)))
        : Float32Array.from({ length }, () => 2 * dice.next() - 1);
    return { shape, data };
  };
  return Array.from({ length: count }, () => Object.fromEntries(inputs.map(({ name, dtype, shape }) => [name, tensor(dtype, shape)])));
}

const loaded: Runtime | string = await onnxruntime().catch((e) => e.message);

/** onnxruntime for the quantizer. */
export const runtime = loaded as Runtime;

/** The tests of a file, or of a group, are reported as not run where onnxruntime-node does not load. */
export function needRuntime(): void {
  beforeEach((context) => {
    if (typeof loaded === 'string') context.skip(loaded);
  });
}

/** Prepared, calibrated with random inputs. */
export async function calibrated(
  model: Uint8Array,
  count = 16,
): Promise<{ prepared: ReturnType<typeof prepare>; samples: Sample[]; ranges: Ranges }> {
  const prepared = prepare(model);
  const samples = samplesFor(prepared.draft.inputs, count);
  return { prepared, samples, ranges: await calibrate(prepared, samples, runtime) };
}
