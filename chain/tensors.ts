/** Canonical tensors (settlement §2.7): the one encoding of an input or output that commitments are made of. */
import { decodeStrict, encode } from './codec.ts';
import { Rejected } from './codes.ts';
import { hashOf } from './domains.ts';
import { TensorsSchema } from './generated/messages_pb.ts';
import { MAX_TENSOR_BYTES } from './limits.ts';
import { isPrintable } from './text.ts';

/** Bytes a value and code of each dtype. */
export const TENSOR_DTYPES = {
  int8: { code: 1, bytes: 1 },
  uint8: { code: 2, bytes: 1 },
  int16: { code: 3, bytes: 2 },
  int32: { code: 4, bytes: 4 },
  int64: { code: 5, bytes: 8 },
} as const;
export type TensorDtype = keyof typeof TENSOR_DTYPES;

export const MAX_RANK = 8;

export interface LedgerTensor {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly data: Uint8Array;
}

const text = new TextDecoder();
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The canonical bytes; the order of `tensors` does not matter. Throws E_FIELD where a tensor is none, or two have one name. */
export function encodeTensors(tensors: readonly LedgerTensor[]): Uint8Array {
  const sorted = [...tensors].sort(byName);
  check(sorted);
  return encode(TensorsSchema, {
    tensors: sorted.map((t) => ({
      name: new TextEncoder().encode(t.name),
      dtype: TENSOR_DTYPES[t.dtype].code,
      shape: [...t.shape],
      data: t.data,
    })),
  });
}

/** The tensors in canonical bytes. Throws E_SIZE, E_DECODE, E_NONCANONICAL or E_FIELD. */
export function decodeTensors(bytes: Uint8Array, cap = MAX_TENSOR_BYTES): LedgerTensor[] {
  const { tensors } = decodeStrict(TensorsSchema, bytes, cap);
  const list = tensors.map((t, i): LedgerTensor => {
    const dtype = Object.entries(TENSOR_DTYPES).find(([, d]) => d.code === t.dtype)?.[0];
    if (dtype === undefined) throw new Rejected('E_FIELD', `tensor ${i}: dtype ${t.dtype} is unknown`);
    if (!isPrintable(t.name)) throw new Rejected('E_FIELD', `tensor ${i}: a name that is no printable ASCII`);
    return { name: text.decode(t.name), dtype: dtype as TensorDtype, shape: t.shape, data: t.data };
  });
  check(list);
  return list;
}

function check(sorted: readonly LedgerTensor[]): void {
  sorted.forEach((t, i) => {
    const before = sorted[i - 1];
    if (t.name === '' || t.name.length > 255 || !isPrintable(new TextEncoder().encode(t.name)))
      throw new Rejected('E_FIELD', `tensor ${i}: a name of 1 to 255 printable ASCII characters is needed`);
    if (before !== undefined && byName(before, t) >= 0)
      throw new Rejected('E_FIELD', `tensor ${JSON.stringify(t.name)}: names must ascend and differ`);
    if (t.shape.length > MAX_RANK)
      throw new Rejected('E_FIELD', `tensor ${JSON.stringify(t.name)}: rank ${t.shape.length}, at most ${MAX_RANK}`);
    const wanted = t.shape.reduce((n, d) => n * d, TENSOR_DTYPES[t.dtype].bytes);
    if (t.data.length !== wanted)
      throw new Rejected('E_FIELD', `tensor ${JSON.stringify(t.name)}: ${t.data.length} bytes, its shape needs ${wanted}`);
  });
}

/** H("opg/in/v1", nonce ‖ canonicalTensors); the nonce (32 bytes) hides an input that could be guessed. */
export const inputCommitment = (nonce: Uint8Array, tensors: Uint8Array): Uint8Array => hashOf('opg/in/v1', nonce, tensors);

/** H("opg/out/v1", canonicalTensors). */
export const outputCommitment = (tensors: Uint8Array): Uint8Array => hashOf('opg/out/v1', tensors);
