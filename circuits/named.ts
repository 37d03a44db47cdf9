/** Tensors by the names of the model: what a user gives and gets. */
import { applyTail, type Interface, type NamedOutput } from './interface.ts';

export interface NamedTensor {
  readonly name: string;
  readonly dtype: 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;
}

type Store = new (n: number) => Float32Array | Uint8Array | Int8Array | Int32Array;

const STORES: Readonly<Record<string, Store>> = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array };

/** A tensor in the array type of its dtype, with memory of its own: whoever gets it may write to it. */
export function named(name: string, dtype: NamedTensor['dtype'], shape: readonly number[], values: ArrayLike<number>): NamedTensor {
  const own = [...shape];
  if (dtype === 'int64') return { name, dtype, shape: own, data: BigInt64Array.from(Array.from(values), (v) => BigInt(v)) };
  const data = new (STORES[dtype] as Store)(values.length);
  data.set(values as ArrayLike<number>);
  return { name, dtype, shape: own, data };
}

/** The model's outputs, from the raw integers of the key's outputs. */
export function namedOutputs(face: Interface, raw: readonly Int32Array[]): NamedTensor[] {
  return applyTail(face, raw).map((o: NamedOutput) => named(o.name, o.dtype, o.shape, o.data));
}

/**
 * The integer tensors a proof binds, by the name of the model output they end in: the output's own name when nothing is recomputed behind
 * it, else `<name> (integers)`.
 */
export function provenTensors(
  face: Interface,
  io: readonly { readonly dtype: NamedTensor['dtype']; readonly dims: readonly number[] }[],
  raw: readonly Int32Array[],
): NamedTensor[] {
  return raw.map((values, k) => {
    const output = face.outputs.find((o) => o.source === k);
    const { dtype, dims } = io[k] as { dtype: NamedTensor['dtype']; dims: readonly number[] };
    const label =
      output === undefined ? `output ${k}` : output.steps.every((s) => s.op === 'reshape') ? output.name : `${output.name} (integers)`;
    return named(label, dtype, dims, values);
  });
}
