/**
 * TensorProto to constant: dims, length and range of the data agree before anything is allocated; external files are never opened.
 */
import type { onnx } from 'onnx-proto';
import { Refused } from '../../protocol/refused.ts';
import type { Tensor } from './graph.ts';

const NAMES: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

/** The number of each element type, by name. */
export const TYPE_CODES: ReadonlyMap<string, number> = new Map(Object.entries(NAMES).map(([code, name]) => [name, Number(code)]));

/** Bytes of an element in `raw_data` and the interval of values, for the types we compute with. */
const READ: Readonly<Record<string, { size: number; lo: number; hi: number }>> = {
  float32: { size: 4, lo: 0, hi: 0 },
  uint8: { size: 1, lo: 0, hi: 255 },
  int8: { size: 1, lo: -128, hi: 127 },
  bool: { size: 1, lo: 0, hi: 1 },
  int32: { size: 4, lo: -(2 ** 31), hi: 2 ** 31 - 1 },
  int64: { size: 8, lo: 0, hi: 0 },
};

/** No tensor of a model we can prove is larger; checked before any allocation. */
export const MAX_ELEMENTS = 2 ** 28;

/** More dimensions than any operator here can mean. */
export const MAX_RANK = 32;

/** The name of an ONNX element type, or refuses a number that is none. */
export function elementType(code: number, where: string): string {
  const name = NAMES[code];
  if (name === undefined) throw new Refused('onnx.type', `${where} has element type ${code}, which ONNX does not define`, { type: code });
  return name;
}

export function readTensor(proto: onnx.ITensorProto, where: string): Tensor {
  const fail = (code: string, about: string): never => {
    throw new Refused(code, `${where} ${about}`, { tensor: proto.name ?? '' });
  };
  if (proto.dataLocation === 1 || (proto.externalData?.length ?? 0) > 0)
    fail('onnx.external-data', 'keeps its data in another file; a model must be one file (convert it with save_as_external_data=False)');
  if (proto.segment) fail('onnx.tensor-data', 'is a segment of a tensor, which ONNX no longer defines');
  const dtype = elementType(proto.dataType ?? 0, where);
  if ((proto.dims?.length ?? 0) > MAX_RANK) fail('onnx.shape', `has ${proto.dims?.length} dimensions; the limit is ${MAX_RANK}`);
  let count = 1;
  const dims = (proto.dims ?? []).map((d) => {
    const n = Number(d);
    if (!Number.isSafeInteger(n) || n < 0 || n > MAX_ELEMENTS)
      fail('onnx.shape', `has dimension ${String(d)}; allowed are 0 to ${MAX_ELEMENTS}`);
    count *= n;
    if (count > MAX_ELEMENTS) fail('onnx.shape', `has more than ${MAX_ELEMENTS} elements`);
    return n;
  });
  const read = READ[dtype];
  if (read === undefined) return { name: proto.name ?? '', dtype, dims, data: null };
  return { name: proto.name ?? '', dtype, dims, data: dataOf(proto, dtype, read, count, fail) };
}

function dataOf(
  proto: onnx.ITensorProto,
  dtype: string,
  read: { size: number; lo: number; hi: number },
  count: number,
  fail: (code: string, about: string) => never,
): Float32Array | Int32Array | Float64Array {
  const raw = proto.rawData ?? new Uint8Array(0);
  const lists: Readonly<Record<string, ArrayLike<unknown> | null | undefined>> = {
    float_data: proto.floatData,
    int32_data: proto.int32Data,
    int64_data: proto.int64Data,
    string_data: proto.stringData,
    double_data: proto.doubleData,
    uint64_data: proto.uint64Data,
  };
  const own = dtype === 'float32' ? 'float_data' : dtype === 'int64' ? 'int64_data' : 'int32_data';
  for (const [name, list] of Object.entries(lists)) {
    if ((list?.length ?? 0) === 0) continue;
    if (raw.length > 0) fail('onnx.tensor-data', `has both raw_data and ${name}`);
    if (name !== own) fail('onnx.tensor-data', `is ${dtype} but its data lies in ${name}`);
  }
  if (raw.length > 0) {
    if (raw.length !== count * read.size)
      fail('onnx.tensor-data', `needs ${count * read.size} bytes of ${dtype} for its dims, raw_data has ${raw.length}`);
    const bytes = raw.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (dtype === 'float32') return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
    if (dtype === 'int64') return Float64Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    if (dtype === 'int32') return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
    if (dtype === 'int8') return Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, count));
    const out = Int32Array.from(bytes);
    if (dtype === 'bool' && out.some((v) => v > 1)) fail('onnx.tensor-data', 'holds a bool that is neither 0 nor 1');
    return out;
  }
  const list = lists[own] ?? [];
  if (list.length !== count) fail('onnx.tensor-data', `needs ${count} elements for its dims, ${own} has ${list.length}`);
  if (dtype === 'float32') return Float32Array.from(list as ArrayLike<number>);
  if (dtype === 'int64') return Float64Array.from(list as ArrayLike<unknown>, Number);
  const values = Int32Array.from(list as ArrayLike<number>);
  values.forEach((v, i) => {
    if (v < read.lo || v > read.hi) fail('onnx.tensor-data', `holds ${v} at position ${i}, outside ${dtype}`);
  });
  return values;
}
