/**
 * Answers by onnxruntime-node on the quantised graph (settlement §12.2). The package is the operator's: Assay runs without it. Before a
 * model is served this way, N = 1000 inputs must have given the integers of the circuit.
 */
import { decodeKeyFile } from '../circuits/files.ts';
import type { Interface } from '../circuits/interface.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { untail } from '../circuits/untail.ts';
import { plainBytes } from '../protocol/bytes.ts';
import { bitsToFloat } from '../protocol/float32.ts';
import { Pace } from '../protocol/pace.ts';
import { type NamedInputs, type OpenCircuit, type ProveOptions, type RunResult, rawInputs } from '../prover/index.ts';

export const CONFORMANCE_INPUTS = 1000;

/** Runs a model and gives the integers of the circuit's statement. */
export interface Runtime {
  /** For people. */
  readonly name: string;
  run(inputs: NamedInputs): Promise<Omit<RunResult, 'proven'>>;
  close(): Promise<void>;
}

/** onnxruntime-node is missing, cannot open the model, or computes other integers than the circuit. */
export class RuntimeUnfit extends Error {
  override readonly name = 'RuntimeUnfit';
}

/** Opens an ONNX model for a circuit. Throws RuntimeUnfit, `Refused` `circuit.tail`, or an AbortError. */
export async function openOnnxruntime(
  model: Uint8Array,
  open: OpenCircuit,
  options: Pick<ProveOptions, 'signal' | 'onProgress'> = {},
): Promise<Runtime> {
  const { key, interface: face } = decodeKeyFile(open.key);
  const integersOf = untail(face, key.outputs);
  const ort = await import('onnxruntime-node').catch((e: Error) => {
    throw new RuntimeUnfit(`onnxruntime-node cannot be loaded: ${e.message.split('\n')[0]}`);
  });
  const session = await ort.InferenceSession.create(plainBytes(model), { executionProviders: ['cpu'], logSeverityLevel: 3 }).catch(
    (e: Error) => {
      throw new RuntimeUnfit(`onnxruntime cannot open the model: ${e.message.split('\n')[0]}`);
    },
  );
  const runtime: Runtime = {
    name: `onnxruntime ${ort.env.versions.node ?? ''}`.trim(),
    async run(inputs) {
      const raw = rawInputs(face, inputs);
      const feeds = Object.fromEntries(
        face.inputs.map(({ name, dtype, shape }) => {
          const given = inputs[name] as NamedInputs[string];
          const data = STORES[dtype]('data' in given ? given.data : given);
          return [name, new ort.Tensor(dtype as 'float32', data as Float32Array, shape)];
        }),
      );
      const answers = await session.run(feeds);
      const outputs: NamedTensor[] = session.outputNames.map((name) => {
        const t = answers[name] as (typeof answers)[string];
        return { name, dtype: t.type as NamedTensor['dtype'], shape: [...t.dims], data: t.data as NamedTensor['data'] };
      });
      return { outputs, integers: { inputs: raw, outputs: integersOf(Object.fromEntries(outputs.map((t) => [t.name, t.data]))) } };
    },
    close: () => session.release(),
  };
  await conform(runtime, open, face, options).catch(async (e) => {
    await runtime.close();
    throw e;
  });
  return runtime;
}

/** A bigint is an integer that the input's type holds: it was checked. */
const numbers = (data: ArrayLike<number | bigint>): ArrayLike<number> =>
  typeof data[0] === 'bigint' ? Array.from(data, Number) : (data as ArrayLike<number>);
const STORES = {
  float32: (data: ArrayLike<number | bigint>) => new Float32Array(numbers(data)),
  uint8: (data: ArrayLike<number | bigint>) => new Uint8Array(numbers(data)),
  int8: (data: ArrayLike<number | bigint>) => new Int8Array(numbers(data)),
  int32: (data: ArrayLike<number | bigint>) => new Int32Array(numbers(data)),
  int64: (data: ArrayLike<number | bigint>) => BigInt64Array.from(numbers(data), BigInt),
} as const;

/** A seeded generator (xorshift32): the same inputs on every machine. */
function dice(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Inputs whose integers cover their whole range: in turn spread evenly, mostly at the zero point, and at the two ends. */
function sample(face: Interface, draw: () => number, n: number): NamedInputs {
  return Object.fromEntries(
    face.inputs.map(({ name, dtype, shape }, k) => {
      const q = face.head.find((h) => h.input === k)?.quantize ?? null;
      const lo = (q?.dtype ?? dtype) === 'int8' ? -128 : 0;
      const integer = (): number => {
        if (n % 3 === 1 && draw() < 0.8) return q?.zp ?? 0;
        return n % 3 === 2 ? lo + (draw() < 0.5 ? 0 : 255) : lo + Math.floor(256 * draw());
      };
      const count = shape.reduce((p, d) => p * d, 1);
      return [name, Array.from({ length: count }, () => (q === null ? integer() : (integer() - q.zp) * bitsToFloat(q.scale)))];
    }),
  );
}

/** Throws RuntimeUnfit at the first integer that differs. */
async function conform(
  runtime: Runtime,
  open: OpenCircuit,
  face: Interface,
  options: Pick<ProveOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const pace = new Pace(options);
  const draw = dice();
  for (let n = 0; n < CONFORMANCE_INPUTS; n++) {
    await pace.at(`compare with ${runtime.name}`, n / CONFORMANCE_INPUTS);
    const inputs = sample(face, draw, n);
    const mine = open.run(inputs).integers.outputs;
    const { integers } = await runtime.run(inputs).catch((e: Error) => {
      throw new RuntimeUnfit(`onnxruntime does not compute the circuit’s model: ${e.message.split('\n')[0]}`);
    });
    for (const [k, values] of mine.entries()) {
      const theirs = integers.outputs[k];
      const at = values.findIndex((v, i) => v !== theirs?.[i]);
      if (at >= 0)
        throw new RuntimeUnfit(
          `onnxruntime has ${theirs?.[at]} where the circuit has ${values[at]} (input ${n + 1} of ${CONFORMANCE_INPUTS}, output ${k}, position ${at})`,
        );
    }
  }
}
