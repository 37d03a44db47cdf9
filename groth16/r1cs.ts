/** The constraint system in iden3's .r1cs format, version 1: A·w ∘ B·w = C·w, rows of (wire, coefficient). Read from circom's output. */
import { bn254 } from '@noble/curves/bn254.js';
import { Refused } from '../protocol/refused.ts';

/** The order of BN254's groups: the field that circuits are over. */
export const R = bn254.fields.Fr.ORDER;

/** One linear combination: wires and, in the same order, coefficients below r. */
export interface Row {
  readonly wires: readonly number[];
  readonly coefficients: readonly bigint[];
}

export interface R1cs {
  readonly wires: number;
  /** Wire 0 is 1; then come the public wires. */
  readonly publics: number;
  readonly constraints: readonly (readonly [Row, Row, Row])[];
}

/** Reads the sections of a file of iden3's binary container (r1cs, zkey, wtns). Refused `circuit.format`. */
export function sectionsOf(bytes: Uint8Array, magic: string): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (what: string): never => {
    throw new Refused('circuit.format', `the ${magic} file ${what}`);
  };
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 4)) !== magic) return refuse('does not begin with its name');
  if (view.getUint32(4, true) > 2) refuse('is of a version that is not read');
  const sections = new Map<number, Uint8Array>();
  let at = 12;
  for (let i = view.getUint32(8, true); i > 0; i--) {
    if (at + 12 > bytes.length) refuse('ends inside a section');
    const length = Number(view.getBigUint64(at + 4, true));
    const from = at + 12;
    if (length > bytes.length - from) refuse('ends inside a section');
    const type = view.getUint32(at, true);
    // Another reader could take the other one.
    if (sections.has(type)) refuse(`has section ${type} twice`);
    sections.set(type, bytes.subarray(from, from + length));
    at = from + length;
  }
  return sections;
}

export const section = (sections: ReadonlyMap<number, Uint8Array>, type: number, magic: string): Uint8Array => {
  const s = sections.get(type);
  if (s === undefined) throw new Refused('circuit.format', `the ${magic} file has no section ${type}`);
  return s;
};

/** A 32-byte little-endian integer. */
export function readField(bytes: Uint8Array, at: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let v = 0n;
  for (let i = 24; i >= 0; i -= 8) v = (v << 64n) | view.getBigUint64(at + i, true);
  return v;
}

export function readR1cs(bytes: Uint8Array): R1cs {
  const sections = sectionsOf(bytes, 'r1cs');
  const header = section(sections, 1, 'r1cs');
  const h = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length !== 64 || h.getUint32(0, true) !== 32 || readField(header, 4) !== R)
    throw new Refused('circuit.format', 'the r1cs file is not over the scalar field of BN254');
  const wires = h.getUint32(36, true);
  const publics = h.getUint32(40, true) + h.getUint32(44, true);
  const count = h.getUint32(60, true);
  // Every wire has its label in the file: what is made of these counts is no larger than the file is.
  if (section(sections, 3, 'r1cs').length !== 8 * wires || publics + h.getUint32(48, true) >= wires || count === 0)
    throw new Refused('circuit.format', `the r1cs file has ${wires} wires, ${publics} of them public, and ${count} constraints`);
  const body = section(sections, 2, 'r1cs');
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  const need = (n: number): void => {
    if (n > body.length - at) throw new Refused('circuit.format', 'the r1cs file ends inside a constraint');
  };
  const row = (): Row => {
    need(4);
    const n = view.getUint32(at, true);
    at += 4;
    need(36 * n);
    const wire: number[] = [];
    const coefficients: bigint[] = [];
    for (let i = 0; i < n; i++, at += 36) {
      const w = view.getUint32(at, true);
      if (w >= wires) throw new Refused('circuit.format', `the r1cs file names wire ${w} of ${wires}`);
      wire.push(w);
      coefficients.push(readField(body, at + 4));
    }
    return { wires: wire, coefficients };
  };
  const constraints: [Row, Row, Row][] = [];
  for (let i = 0; i < count; i++) constraints.push([row(), row(), row()]);
  return { wires, publics, constraints };
}
