/**
 * The files `.key` and `.circuit`, version 1. Both decoders are total on bytes.
 *
 *     key      "ASSAYKEY" ‖ u16 1 ‖ lp(vk bytes, protocol §6.5) ‖ lp(interface)
 *     circuit  "ASSAYCIR" ‖ u16 1 ‖ lp(key file) ‖ lp(labels) ‖ for every W tensor in order: u8 bytes a value (1, 2 or 4) ‖ its true values, little-endian
 *
 * The vkHash names the key; it does not cover the interface, which says how floats become the proven integers and back. The key digest
 * H_key(file) covers both: pin it where the float outputs matter.
 */
import { ascii, concat, concatAll, lengthPrefixed } from '../protocol/bytes.ts';
import { decodeValue, encodeValue } from '../protocol/encoding.ts';
import { SYSTEM } from '../protocol/envelope.ts';
import { hash } from '../protocol/hash.ts';
import { Refused } from '../protocol/refused.ts';
import { type Contents, checkKey } from './check.ts';
import { CONTAINER_VERSION } from './container.ts';
import { tableContents } from './contents.ts';
import { CIRCUIT_MAGIC, FileReader, KEY_MAGIC } from './file-reader.ts';
import type { Interface } from './interface.ts';
import { decodeInterface, encodeInterface } from './interface-encoding.ts';
import { decodeKey, type Key } from './key.ts';
import { type Plan, planOf } from './plan.ts';
import { pad, product, unpad } from './shape.ts';

export { CIRCUIT_MAGIC, KEY_MAGIC } from './file-reader.ts';
export const FILE_VERSION = 1;

export interface KeyFile {
  readonly key: Key;
  readonly interface: Interface;
  /** H_key of the file. */
  readonly digest: Uint8Array;
}

/** Everything a prover needs. */
export interface Circuit {
  readonly fields: Key;
  readonly plan: Plan;
  readonly contents: Contents;
  readonly interface: Interface;
  readonly keyFile: Uint8Array;
  /** The node of the model behind each op, for people. */
  readonly labels: readonly string[];
}

/** Padded values of one tensor that a reader is ready to hold: 1 GiB. */
const MAX_PADDED = 2 ** 28;

const version = Uint8Array.of(FILE_VERSION, 0);

export function encodeKeyFile(key: Key, face: Interface): Uint8Array {
  return concat(ascii(KEY_MAGIC), version, lengthPrefixed(key.bytes), lengthPrefixed(encodeInterface(face)));
}

export function encodeCircuitFile(keyFile: Uint8Array, key: Key, contents: Contents, labels: readonly string[]): Uint8Array {
  const tensors = key.tensors.flatMap((t, i) => (t.home === 'W' ? [encodeValues(unpad(contents.get(i) as Int32Array, t.dims))] : []));
  const names = encodeValue(labels.map((l) => new TextEncoder().encode(l)));
  return concat(ascii(CIRCUIT_MAGIC), version, lengthPrefixed(keyFile), lengthPrefixed(names), concatAll(tensors));
}

/** The smallest width that holds all values: one form per list of values. */
function encodeValues(values: Int32Array): Uint8Array {
  const fits = (limit: number): boolean => values.every((v) => v >= -limit && v < limit);
  const [width, body] = fits(128)
    ? ([1, Int8Array.from(values)] as const)
    : fits(32768)
      ? ([2, Int16Array.from(values)] as const)
      : ([4, values] as const);
  return concat(Uint8Array.of(width), new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
}

/** A file of version 1; one of another proof system is sent to its own reader. */
function nativeReader(bytes: Uint8Array, kind: 'key' | 'circuit'): FileReader {
  const r = new FileReader(bytes, kind);
  if (r.version === CONTAINER_VERSION) {
    const system = r.text('the system');
    throw new Refused(`${kind}.system`, `the ${kind} is one of ${system}; here one of ${SYSTEM} is needed`, { system });
  }
  if (r.version !== FILE_VERSION) r.unknownVersion();
  return r;
}

/** The key and interface of a `.key` file. Types and shapes are checked here; the conditions of §6.4 when the key is used. */
export function decodeKeyFile(bytes: Uint8Array): KeyFile {
  const r = nativeReader(bytes, 'key');
  const key = decodeKey(r.prefixed('the verifying key'));
  planOf(key);
  const io = [...key.inputs, ...key.outputs];
  if (!io.every((e) => Number.isInteger(e.tensor) && e.tensor >= 0 && e.tensor < key.tensors.length))
    throw new Refused('E6', 'key: S11: a tensor index of an input or output is out of range', { condition: 'S11' });
  const face = decodeInterface(r.prefixed('the interface'), key);
  r.end();
  return { key, interface: face, digest: hash('key', bytes) };
}

/** A `.circuit` file, checked against S1–S12 with its contents. */
export function decodeCircuitFile(bytes: Uint8Array, options: { readonly allowToy?: boolean } = {}): Circuit {
  const r = nativeReader(bytes, 'circuit');
  const keyFile = r.prefixed('the key file');
  const { key, interface: face } = decodeKeyFile(keyFile);
  const plan = planOf(key);
  const names = decodeValue(r.prefixed('the labels'), 'circuit.format', 'the labels of the circuit');
  if (!Array.isArray(names) || names.length !== key.ops.length || !names.every((n) => n instanceof Uint8Array))
    throw new Refused('circuit.format', 'the labels of the circuit are not one name an op');
  const labels = (names as Uint8Array[]).map((n) => new TextDecoder().decode(n));
  // Before anything is allocated; again with the contents below.
  if (key.mode === 'I1') checkKey(key, plan, options);
  const contents = new Map<number, Int32Array>();
  key.tensors.forEach((t, i) => {
    if (t.home !== 'W') return;
    const [width] = r.take(1, `the value width of tensor ${i}`) as Uint8Array & [number];
    if (width !== 1 && width !== 2 && width !== 4) throw new Refused('circuit.format', `tensor ${i} has values of ${width} bytes`);
    if ((plan.size[i] as number) > MAX_PADDED) throw new Refused('circuit.format', `tensor ${i} has more than ${MAX_PADDED} padded values`);
    const body = r.take(product(t.dims) * width, `the values of tensor ${i}`);
    const values = width === 1 ? new Int8Array(body.buffer) : width === 2 ? new Int16Array(body.buffer) : new Int32Array(body.buffer);
    contents.set(i, pad(values, t.dims));
  });
  r.end();
  for (const [t, column] of tableContents(key, plan)) contents.set(t, column);
  checkKey(key, plan, { ...options, contents });
  return { fields: key, plan, contents, interface: face, keyFile, labels };
}
