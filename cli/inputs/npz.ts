/**
 * The .npz format: a zip of .npy files, each named after its tensor.
 *
 * Reads the central directory, stored and deflated members. Every size is checked before memory is taken for it, the sum of all is
 * bounded, and a member must inflate to exactly the size and the CRC-32 it states (fflate checks neither, which is why it is not used).
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { Refused } from '../../protocol/refused.ts';
import { printable, size } from '../text.ts';
import { countInputs, fitTo, type Given, type Input, type Wanted } from './fit.ts';
import { listOf } from './json.ts';
import { readNpy } from './npy.ts';

const MAX_MEMBERS = 1024;
export const MAX_UNPACKED = 256 * 2 ** 20;
const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const ENCRYPTED = 1;
const UTF8 = 1 << 11;

interface Member {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly offset: number;
}

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));
}

export function readNpz(bytes: Uint8Array, wanted: readonly Wanted[]): Input[] {
  return fitNpz(openNpz(bytes), wanted);
}

/** Arrays by name; each is unpacked when it is asked for. */
export type Arrays = Map<string, () => Given>;

export function openNpz(bytes: Uint8Array): Arrays {
  const arrays: Arrays = new Map();
  for (const member of directory(bytes)) {
    const name = member.name.replace(/\.npy$/, '');
    if (arrays.has(name)) throw new Refused('input.npz', `the .npz holds "${printable(name)}" twice`);
    arrays.set(name, () => readNpy(unpack(bytes, member), `"${printable(name)}": `));
  }
  return arrays;
}

/** The inputs that the arrays hold, which must be those of the model and no others. */
export function fitNpz(arrays: Arrays, wanted: readonly Wanted[]): Input[] {
  // numpy.savez(file, x) without a name calls the array arr_0
  const [only] = wanted;
  const unnamed = arrays.get('arr_0');
  if (wanted.length === 1 && only && arrays.size === 1 && unnamed) {
    arrays.clear();
    arrays.set(only.name, unnamed);
  }
  const names = wanted.map(({ name }) => name);
  for (const name of arrays.keys()) {
    if (!names.includes(name))
      throw new Refused('input.unknown', `the .npz holds "${printable(name)}", but the model's inputs are ${listOf(names)}`);
  }
  const columns = wanted.map((tensor) => {
    const array = arrays.get(tensor.name);
    if (!array) throw new Refused('input.missing', `the .npz holds no array "${printable(tensor.name)}"`);
    const given = array();
    return fitTo(given, tensor, countInputs(given, tensor, true));
  });
  const inputs = columns[0]?.length ?? 0;
  if (columns.some((column) => column.length !== inputs)) {
    const counts = wanted.map(({ name }, i) => `"${printable(name)}" ${columns[i]?.length}`).join(', ');
    throw new Refused('input.count', `the arrays hold different numbers of inputs: ${counts}`);
  }
  return Array.from({ length: inputs }, (_, i) => Object.fromEntries(wanted.map(({ name }, t) => [name, columns[t]?.[i]])) as Input);
}

/** The members of the central directory, with their sizes checked against the file and against the bound. */
function directory(bytes: Uint8Array): Member[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  const lowest = Math.max(0, bytes.length - 22 - 0xffff);
  while (end >= lowest && view.getUint32(end, true) !== END) end--;
  if (end < lowest || bytes.length < 22) throw broken('its directory is missing: the file is cut off');
  const entries = view.getUint16(end + 10, true);
  const from = view.getUint32(end + 16, true);
  if (entries === 0xffff || from === 0xffffffff) throw broken('it is a zip64 file, which no array under 4 GB needs');
  if (entries > MAX_MEMBERS) throw broken(`it holds ${entries} members, more than ${MAX_MEMBERS}`);
  const members: Member[] = [];
  let total = 0;
  let at = from;
  for (let i = 0; i < entries; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== ENTRY) throw broken('its directory is broken');
    const flags = view.getUint16(at + 8, true);
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw broken('its directory is broken');
    if (flags & ENCRYPTED) throw broken('it is encrypted');
    const name = new TextDecoder(flags & UTF8 ? 'utf-8' : 'latin1').decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const member = {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      unpacked: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    };
    total += member.unpacked;
    if (total > MAX_UNPACKED) throw new Refused('input.too-large', `the .npz unpacks to more than ${size(MAX_UNPACKED)}`);
    members.push(member);
    at = next;
  }
  return members;
}

function unpack(bytes: Uint8Array, member: Member): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { offset, packed, unpacked } = member;
  const name = printable(member.name);
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL)
    throw broken(`its member "${name}" is not where the directory says`);
  const from = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (from + packed > bytes.length) throw broken(`its member "${name}" is cut off`);
  const content = inflate(bytes.subarray(from, from + packed), member.method, unpacked);
  if (content?.length !== unpacked || crc32(content) !== member.crc)
    throw broken(`its member "${name}" does not unpack to what the directory says`);
  return content;
}

/** At most `limit` bytes, or null. */
function inflate(packed: Uint8Array, method: number, limit: number): Uint8Array | null {
  if (method === 0) return packed;
  if (method !== 8) throw broken(`its compression method ${method} is not known (0 and 8 are)`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, limit) });
  } catch {
    return null;
  }
}

function broken(sentence: string): Refused {
  return new Refused('input.npz', `the .npz cannot be read: ${sentence}`);
}
