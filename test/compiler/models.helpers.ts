/** Reads recorded models: inputs, outputs of onnxruntime and its intermediate tensors; and runs a compiled program on named inputs. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { evaluate, outputsOf } from '../../circuits/evaluate.ts';
import { applyHead, applyTail, type NamedOutput, type NamedTensor } from '../../circuits/interface.ts';
import { draftKey } from '../../circuits/setup.ts';
import { type LowerOptions, lower, type Program } from '../../compiler/index.ts';

interface Recorded {
  readonly role: string;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly nbytes: number;
}

export interface RecordedArray {
  readonly role: string;
  readonly name: string;
  readonly dtype: string;
  /** Shape for one input. */
  readonly shape: readonly number[];
  /** The values for one input. */
  at(input: number): ArrayLike<number>;
}

export interface RecordedModel {
  readonly model: Uint8Array;
  readonly count: number;
  readonly io: readonly RecordedArray[];
  readonly mid: readonly RecordedArray[];
}

const READ: Readonly<Record<string, (b: ArrayBuffer) => ArrayLike<number>>> = {
  float32: (b) => new Float32Array(b),
  uint8: (b) => new Uint8Array(b),
  int8: (b) => new Int8Array(b),
  int32: (b) => new Int32Array(b),
  int64: (b) => Float64Array.from(new BigInt64Array(b), Number),
};

function arrays(bytes: Uint8Array, list: readonly Recorded[]): RecordedArray[] {
  return list
    .filter((e) => READ[e.dtype] !== undefined)
    .map((e) => {
      const values = READ[e.dtype]?.(Uint8Array.from(bytes.subarray(e.offset, e.offset + e.nbytes)).buffer) as Float32Array;
      const shape = e.shape.slice(1);
      const size = shape.reduce((p, d) => p * d, 1);
      return { role: e.role, name: e.name, dtype: e.dtype, shape, at: (i: number) => values.subarray(i * size, (i + 1) * size) };
    });
}

export function recorded(dir: string): RecordedModel {
  const meta = JSON.parse(readFileSync(`${dir}/meta.json`, 'utf8')) as { n_inputs: number; io: Recorded[]; mid?: Recorded[] };
  const mid = existsSync(`${dir}/mid.bin.gz`) ? arrays(gunzipSync(readFileSync(`${dir}/mid.bin.gz`)), meta.mid ?? []) : [];
  return { model: readFileSync(`${dir}/model.onnx`), count: meta.n_inputs, io: arrays(readFileSync(`${dir}/io.bin`), meta.io), mid };
}

export function named(model: RecordedModel, input: number): Record<string, NamedTensor> {
  return Object.fromEntries(
    model.io.filter((e) => e.role === 'input').map((e) => [e.name, { dtype: e.dtype, shape: e.shape, data: e.at(input) }]),
  );
}

/** A program ready to be run often. */
export function runner(
  model: Uint8Array,
  options: LowerOptions = {},
): { program: Program; run: (inputs: Record<string, NamedTensor>) => NamedOutput[] } {
  const program = lower(model, options);
  const circuit = draftKey(program.network);
  const run = (inputs: Record<string, NamedTensor>): NamedOutput[] => {
    const raw = applyHead(program.interface, inputs);
    const centred = raw.map((v, i) => v.map((q) => q - (program.network.inputs[i]?.zp ?? 0)));
    return applyTail(program.interface, outputsOf(circuit, evaluate(circuit, centred)));
  };
  return { program, run };
}

/** Elements of float or integer outputs that are not the same number. */
export function differing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let n = a.length === b.length ? 0 : Math.max(a.length, b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) n++;
  return n;
}
