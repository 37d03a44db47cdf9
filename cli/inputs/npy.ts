/**
 * The .npy format, versions 1.0 to 3.0 (NEP 1): magic, version, length of the header, a Python dictionary, the values.
 *
 *     93 'NUMPY' major minor len(u16, from 2.0 u32) {'descr': '<f4', 'fortran_order': False, 'shape': (32, 1, 64), }\n values
 */
import { Refused } from '../../protocol/refused.ts';
import { printable } from '../text.ts';
import { elements, type Given } from './fit.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER = 64 * 1024;
const MAX_RANK = 32;

type Values = Exclude<Given['values'], string> & { [index: number]: number | bigint };
interface Kind {
  readonly name: string;
  readonly make: (count: number) => Values;
  readonly get: (view: DataView, at: number, little: boolean) => number | bigint;
}

const KINDS: Readonly<Record<string, Kind>> = {
  f4: { name: 'float32', make: (n) => new Float32Array(n), get: (v, at, little) => v.getFloat32(at, little) },
  f8: { name: 'float64', make: (n) => new Float64Array(n), get: (v, at, little) => v.getFloat64(at, little) },
  u1: { name: 'uint8', make: (n) => new Uint8Array(n), get: (v, at) => v.getUint8(at) },
  u2: { name: 'uint16', make: (n) => new Uint16Array(n), get: (v, at, little) => v.getUint16(at, little) },
  u4: { name: 'uint32', make: (n) => new Uint32Array(n), get: (v, at, little) => v.getUint32(at, little) },
  u8: { name: 'uint64', make: (n) => new BigUint64Array(n), get: (v, at, little) => v.getBigUint64(at, little) },
  i1: { name: 'int8', make: (n) => new Int8Array(n), get: (v, at) => v.getInt8(at) },
  i2: { name: 'int16', make: (n) => new Int16Array(n), get: (v, at, little) => v.getInt16(at, little) },
  i4: { name: 'int32', make: (n) => new Int32Array(n), get: (v, at, little) => v.getInt32(at, little) },
  i8: { name: 'int64', make: (n) => new BigInt64Array(n), get: (v, at, little) => v.getBigInt64(at, little) },
};

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** `where` opens the sentences, e.g. `x.npy: `. */
export function readNpy(bytes: Uint8Array, where = ''): Given {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = headerStart(bytes, where);
  const length = start === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER || start + length > bytes.length) {
    throw new Refused('input.npy', `${where}the .npy header says ${length} bytes, more than the file or ${MAX_HEADER}`);
  }
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const { kind, width, little, fortran, shape } = readHeader(header, where);
  const count = elements(shape);
  const from = start + length;
  if (count * width !== bytes.length - from) {
    throw new Refused(
      'input.npy',
      `${where}the .npy header promises ${count} values of ${width} bytes, the file holds ${bytes.length - from} bytes of values`,
    );
  }
  const values = kind.make(count);
  for (let i = 0; i < count; i++) values[i] = kind.get(view, from + i * width, little);
  return {
    shape,
    values: fortran && shape.length > 1 ? rowMajor(values, kind.make(count), shape) : values,
    type: kind.name,
    integers: !kind.name.startsWith('float'),
  };
}

function headerStart(bytes: Uint8Array, where: string): 10 | 12 {
  const major = bytes[6];
  const start = major === 1 ? 10 : 12;
  if (!isNpy(bytes) || bytes.length < start) throw new Refused('input.npy', `${where}the .npy file ends inside its header`);
  if (major !== 1 && major !== 2 && major !== 3) throw new Refused('input.npy', `${where}.npy version ${major} is not known (1 to 3 are)`);
  return start;
}

function readHeader(header: string, where: string): { kind: Kind; width: number; little: boolean; fortran: boolean; shape: number[] } {
  // numpy writes exactly these three members, in this order
  const form =
    /^\{\s*'descr':\s*'([^']{1,40})'\s*,\s*'fortran_order':\s*(True|False)\s*,\s*'shape':\s*\(((?:\s*\d{1,15}L?\s*,)*\s*(?:\d{1,15}L?)?)\s*\)\s*,?\s*\}\s*$/;
  const match = form.exec(header);
  if (!match)
    throw new Refused(
      'input.npy',
      `${where}the .npy header is not understood (plain arrays of numbers are): ${printable(header.slice(0, 120).trim())}`,
    );
  const [, descr = '', fortran, dims = ''] = match;
  const order = descr[0];
  const kind = Object.hasOwn(KINDS, descr.slice(1)) ? KINDS[descr.slice(1)] : undefined;
  if (!kind || !['<', '>', '|', '='].includes(order as string)) {
    throw new Refused(
      'input.type',
      `${where}.npy values of type "${printable(descr)}" are not supported (float32, float64 and integers are)`,
    );
  }
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  if (shape.length > MAX_RANK) throw new Refused('input.npy', `${where}the array has ${shape.length} dimensions, more than ${MAX_RANK}`);
  return { kind, width: Number(descr[2]), little: order !== '>', fortran: fortran === 'True', shape };
}

/** Column-major to row-major. */
function rowMajor(values: Values, out: Values, shape: readonly number[]): Values {
  const strides: number[] = [];
  let stride = 1;
  for (const n of shape) {
    strides.push(stride);
    stride *= n;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    out[to] = values[from] as number | bigint;
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      from -= (strides[d] as number) * (shape[d] as number);
      index[d] = 0;
    }
  }
  return out;
}
