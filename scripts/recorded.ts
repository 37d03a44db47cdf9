/** Recorded models of fixtures/models: inputs by name, what onnxruntime computed for them, labels. Paths are relative to the repository. */
import { readFileSync } from 'node:fs';
import type { NamedTensor } from '../index.ts';

export const MODELS = 'fixtures/models';

export interface Recorded {
  readonly name: string;
  readonly model: Uint8Array;
  readonly count: number;
  /** The true class of each input, if the model is a classifier. */
  readonly labels: readonly number[];
  inputs(i: number): Record<string, NamedTensor>;
  /** At ORT_ENABLE_ALL. */
  outputs(i: number): readonly NamedTensor[];
}

interface Entry {
  readonly role: string;
  readonly name: string;
  readonly dtype: 'float32' | 'uint8' | 'int8' | 'int32';
  readonly shape: readonly number[];
  readonly offset: number;
  readonly nbytes: number;
}

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array };

export function recorded(name: string): Recorded {
  const folder = `${MODELS}/${name}`;
  const meta = JSON.parse(readFileSync(`${folder}/meta.json`, 'utf8')) as {
    readonly n_inputs: number;
    readonly labels?: readonly number[];
    readonly io: readonly Entry[];
  };
  const bytes = readFileSync(`${folder}/io.bin`);
  const tensor = ({ name, dtype, shape: [, ...shape], offset, nbytes }: Entry, i: number): NamedTensor => {
    const size = nbytes / meta.n_inputs;
    const part = Uint8Array.from(bytes.subarray(offset + i * size, offset + (i + 1) * size));
    return { name, dtype, shape, data: new ARRAYS[dtype](part.buffer) };
  };
  const role = (wanted: string, i: number) => meta.io.filter((e) => e.role === wanted).map((e) => tensor(e, i));
  return {
    name,
    model: readFileSync(`${folder}/model.onnx`),
    count: meta.n_inputs,
    labels: meta.labels ?? [],
    inputs: (i) => Object.fromEntries(role('input', i).map((t) => [t.name, t])),
    outputs: (i) => role('expected_all', i),
  };
}

/** Elements that are not the same number, over all outputs; a missing output counts with all its elements. */
export function differing(mine: readonly NamedTensor[], truth: readonly NamedTensor[]): number {
  return truth.reduce((n, { name, data }) => {
    const found = mine.find((t) => t.name === name)?.data;
    return n + Array.from<number | bigint>(data).filter((v, i) => found?.[i] !== v).length;
  }, 0);
}
