/** A small builder of ONNX files in memory, and onnxruntime-node behind a door that may be closed. */
import proto, { type onnx } from 'onnx-proto';
import type { NamedOutput, NamedTensor } from '../../circuits/interface.ts';

const P = proto.onnx;

type Numbers = ArrayLike<number>;
const TYPE: Readonly<Record<string, number>> = { float32: 1, uint8: 2, int8: 3, uint16: 4, int32: 6, int64: 7, bool: 9 };

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export class ModelBuilder {
  readonly nodes: onnx.INodeProto[] = [];
  readonly initializers: onnx.ITensorProto[] = [];
  readonly inputs: onnx.IValueInfoProto[] = [];
  readonly outputs: onnx.IValueInfoProto[] = [];
  readonly opset: number;
  #next = 0;

  constructor(opset = 17) {
    this.opset = opset;
  }

  fresh(prefix: string): string {
    return `${prefix}_${this.#next++}`;
  }

  input(name: string, dtype: string, shape: readonly number[]): string {
    this.inputs.push(info(name, dtype, shape));
    return name;
  }

  output(name: string, dtype: string, shape: readonly number[]): void {
    this.outputs.push(info(name, dtype, shape));
  }

  constant(dtype: string, dims: readonly number[], data: Numbers, name = this.fresh('c')): string {
    this.initializers.push(tensor(name, dtype, dims, data));
    return name;
  }

  scalar(dtype: string, value: number): string {
    return this.constant(dtype, [], [value]);
  }

  /** Adds a node; returns the name of its first output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    outputs: readonly string[] = [this.fresh('t')],
  ): string {
    const [domain, opType] = op.includes('.') ? [op.slice(0, op.lastIndexOf('.')), op.slice(op.lastIndexOf('.') + 1)] : ['', op];
    this.nodes.push({
      name: this.fresh(`n_${opType}`),
      opType,
      domain,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, v]) => attribute(name, v)),
    });
    return outputs[0] as string;
  }

  /** QuantizeLinear, then DequantizeLinear of the same parameters. */
  pair(x: string, scale: number, zp: number, dtype: string): string {
    const [s, z] = [this.scalar('float32', scale), this.scalar(dtype, zp)];
    return this.node('DequantizeLinear', [this.node('QuantizeLinear', [x, s, z]), s, z]);
  }

  bytes(change: (m: onnx.IModelProto) => void = () => {}): Uint8Array {
    const model: onnx.IModelProto = {
      irVersion: 8,
      producerName: 'test',
      opsetImport: [
        { domain: '', version: this.opset },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: { name: 'g', node: this.nodes, initializer: this.initializers, input: this.inputs, output: this.outputs },
    };
    change(model);
    return P.ModelProto.encode(P.ModelProto.create(model)).finish();
  }
}

function info(name: string, dtype: string, shape: readonly number[]): onnx.IValueInfoProto {
  return { name, type: { tensorType: { elemType: TYPE[dtype] as number, shape: { dim: shape.map((d) => ({ dimValue: d })) } } } };
}

function tensor(name: string, dtype: string, dims: readonly number[], data: Numbers): onnx.ITensorProto {
  const list = Array.from(data);
  const raw: Record<string, () => Uint8Array> = {
    float32: () => new Uint8Array(Float32Array.from(list).buffer),
    uint8: () => Uint8Array.from(list),
    bool: () => Uint8Array.from(list),
    int8: () => new Uint8Array(Int8Array.from(list).buffer),
    uint16: () => new Uint8Array(Uint16Array.from(list).buffer),
    int32: () => new Uint8Array(Int32Array.from(list).buffer),
    int64: () => new Uint8Array(BigInt64Array.from(list.map(BigInt)).buffer),
  };
  return { name, dataType: TYPE[dtype] as number, dims: [...dims], rawData: (raw[dtype] as () => Uint8Array)() };
}

function attribute(name: string, v: AttributeValue): onnx.IAttributeProto {
  if (typeof v === 'string') return { name, type: 3, s: new TextEncoder().encode(v) };
  if (typeof v === 'number') return { name, type: 2, i: v };
  if ('float' in v) return { name, type: 1, f: v.float };
  return { name, type: 7, ints: [...v] };
}

/** A seeded generator of test data (mulberry32). */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** An integer in [lo, hi]. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
  ints(n: number, lo: number, hi: number): number[] {
    return Array.from({ length: n }, () => this.int(lo, hi));
  }
  /** A float32 scale around 2^e. */
  scale(e: number): number {
    return Math.fround(2 ** e * (0.5 + this.next()));
  }
}

export type Runtime = (model: Uint8Array, inputs: Record<string, NamedTensor>) => Promise<NamedOutput[]>;

/** onnxruntime-node at ORT_ENABLE_ALL, one thread, or the reason why it cannot be loaded. */
export async function onnxruntime(): Promise<Runtime | string> {
  try {
    const ort = await import('onnxruntime-node');
    return async (model, inputs) => {
      const session = await ort.InferenceSession.create(model, {
        graphOptimizationLevel: 'all',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      });
      const typed: Record<string, (d: ArrayLike<number>) => Float32Array | Uint8Array | Int8Array | BigInt64Array> = {
        float32: (d) => Float32Array.from(d),
        uint8: (d) => Uint8Array.from(d),
        int8: (d) => Int8Array.from(d),
        int64: (d) => BigInt64Array.from(Array.from(d), BigInt),
      };
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, t]) => [
          name,
          new ort.Tensor(t.dtype as 'float32', typed[t.dtype]?.(t.data) as Float32Array, [...t.shape]),
        ]),
      );
      const out = await session.run(feeds);
      await session.release();
      return session.outputNames.map((name) => {
        const t = out[name] as unknown as { type: NamedOutput['dtype']; dims: readonly number[]; data: ArrayLike<number | bigint> };
        const data = t.type === 'float32' ? Float32Array.from(t.data as ArrayLike<number>) : Int32Array.from(t.data, Number);
        return { name, dtype: t.type, shape: t.dims, data };
      });
    };
  } catch (e) {
    return e instanceof Error ? e.message : String(e);
  }
}
