/** The proving key in snarkjs's .zkey format, version 1: written for a development set-up, read for the verifying key inside any. */
import { bn254 } from '@noble/curves/bn254.js';
import { G1_BYTES, G2_BYTES } from '../circuits/groth16/key.ts';
import { concatAll, u32, u64 } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import type { Affine } from './fixed-base.ts';
import { R, type R1cs, readField, section, sectionsOf } from './r1cs.ts';

/** The prime that coordinates are below. */
export const Q = bn254.fields.Fp.ORDER;
type Fp2 = { readonly c0: bigint; readonly c1: bigint };
type G1 = Affine<bigint> | null;
type G2 = Affine<Fp2> | null;

/** Coordinates are stored times 2^256, little-endian. */
const SHIFT = 2n ** 256n;
const INVERSE = inverse(SHIFT % Q, Q);

function inverse(a: bigint, modulus: bigint): bigint {
  let [r, s, x, y] = [modulus, a, 0n, 1n];
  while (s !== 0n) {
    const q = r / s;
    [r, s, x, y] = [s, r - q * s, y, x - q * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

function littleEndian(out: Uint8Array, at: number, value: bigint): void {
  const view = new DataView(out.buffer, out.byteOffset);
  for (let i = 0, v = value; i < 32; i += 8, v >>= 64n) view.setBigUint64(at + i, v & 0xffffffffffffffffn, true);
}

function stored(points: readonly (readonly bigint[] | null)[], bytes: number): Uint8Array {
  const out = new Uint8Array(points.length * bytes);
  points.forEach((p, i) => {
    p?.forEach((v, j) => {
      littleEndian(out, i * bytes + 32 * j, (v * SHIFT) % Q);
    });
  });
  return out;
}

const g1s = (points: readonly G1[]): Uint8Array =>
  stored(
    points.map((p) => (p === null ? null : [p.x, p.y])),
    G1_BYTES,
  );
const g2s = (points: readonly G2[]): Uint8Array =>
  stored(
    points.map((p) => (p === null ? null : [p.x.c0, p.x.c1, p.y.c0, p.y.c1])),
    G2_BYTES,
  );

export interface ProvingKey {
  readonly domainBits: number;
  readonly alpha1: G1;
  readonly beta1: G1;
  readonly delta1: G1;
  readonly beta2: G2;
  readonly gamma2: G2;
  readonly delta2: G2;
  readonly ic: readonly G1[];
  readonly a: readonly G1[];
  readonly b1: readonly G1[];
  readonly b2: readonly G2[];
  readonly c: readonly G1[];
  readonly h: readonly G1[];
}

export function writeZkey(k: ProvingKey, r1cs: R1cs): Uint8Array {
  const field = (v: bigint): Uint8Array => {
    const out = new Uint8Array(32);
    littleEndian(out, 0, v);
    return out;
  };
  const header = concatAll([
    u32(32),
    field(Q),
    u32(32),
    field(R),
    u32(r1cs.wires),
    u32(r1cs.publics),
    u32(2 ** k.domainBits),
    g1s([k.alpha1, k.beta1]),
    g2s([k.beta2, k.gamma2]),
    g1s([k.delta1]),
    g2s([k.delta2]),
  ]);
  const sections: [number, Uint8Array][] = [
    [1, u32(1)],
    [2, header],
    [3, g1s(k.ic)],
    [4, coefficients(r1cs)],
    [5, g1s(k.a)],
    [6, g1s(k.b1)],
    [7, g2s(k.b2)],
    [8, g1s(k.c)],
    [9, g1s(k.h)],
    // No contributions: the hash of the circuit that a ceremony would begin with is left out.
    [10, new Uint8Array(68)],
  ];
  return concatAll([
    Uint8Array.from('zkey', (c) => c.charCodeAt(0)),
    u32(1),
    u32(sections.length),
    ...sections.flatMap(([type, body]) => [u32(type), u64(body.length), body]),
  ]);
}

/** Entries of A and B: matrix, row, wire, coefficient times 2^512. The rows of the public wires come last. */
function coefficients({ constraints, publics }: R1cs): Uint8Array {
  const twice = (SHIFT * SHIFT) % R;
  const entries = constraints.reduce((n, [a, b]) => n + a.wires.length + b.wires.length, publics + 1);
  const out = new Uint8Array(4 + 44 * entries);
  const view = new DataView(out.buffer);
  view.setUint32(0, entries, true);
  let at = 4;
  const put = (matrix: number, row: number, wire: number, value: bigint): void => {
    view.setUint32(at, matrix, true);
    view.setUint32(at + 4, row, true);
    view.setUint32(at + 8, wire, true);
    littleEndian(out, at + 12, (value * twice) % R);
    at += 44;
  };
  constraints.forEach(([a, b], row) => {
    [a, b].forEach(({ wires, coefficients: values }, matrix) => {
      wires.forEach((w, j) => {
        put(matrix, row, w, values[j] as bigint);
      });
    });
  });
  for (let s = 0; s <= publics; s++) put(0, constraints.length + s, s, 1n);
  return out;
}

export interface ZkeyFacts {
  readonly wires: number;
  readonly publics: number;
  readonly domain: number;
  readonly contributions: number;
  /** α₁ ‖ β₂ ‖ γ₂ ‖ δ₂ ‖ IC…, as a `.key` has them. */
  readonly points: Uint8Array;
  /** δ₁, as a point of a `.key`. */
  readonly delta1: Uint8Array;
}

/** What a .zkey says of its circuit, and the verifying key in it. Refused `zkey.format`. */
export function readZkey(bytes: Uint8Array): ZkeyFacts {
  try {
    const sections = sectionsOf(bytes, 'zkey');
    const type = section(sections, 1, 'zkey');
    const h = section(sections, 2, 'zkey');
    const ic = section(sections, 3, 'zkey');
    const tail = section(sections, 10, 'zkey');
    const view = new DataView(h.buffer, h.byteOffset, h.byteLength);
    if (type[0] !== 1 || h.length !== 72 + 12 + 3 * G1_BYTES + 3 * G2_BYTES || readField(h, 4) !== Q || readField(h, 40) !== R)
      throw new Refused('zkey.format', 'the zkey file is not one of Groth16 over BN254');
    const [wires, publics] = [view.getUint32(72, true), view.getUint32(76, true)];
    if (wires <= publics) throw new Refused('zkey.format', `the zkey file has ${wires} wires and ${publics} public signals`);
    const domain = view.getUint32(80, true);
    // snarkjs takes the sizes of the header at their word: at a domain of 2^28 it would be busy for ever.
    const lengths: readonly (readonly [type: number, bytes: number])[] = [
      [3, (publics + 1) * G1_BYTES],
      [5, wires * G1_BYTES],
      [6, wires * G1_BYTES],
      [7, wires * G2_BYTES],
      [8, (wires - publics - 1) * G1_BYTES],
      [9, domain * G1_BYTES],
    ];
    if (!Number.isInteger(Math.log2(domain)) || lengths.some(([t, n]) => section(sections, t, 'zkey').length !== n) || tail.length < 68)
      throw new Refused('zkey.format', 'the zkey file has sections of another length');
    const from = 84;
    const g2 = from + 2 * G1_BYTES;
    const plain = (source: Uint8Array, at: number, order: readonly number[]): Uint8Array => {
      const out = new Uint8Array(32 * order.length);
      order.forEach((k, i) => {
        const v = (readField(source, at + 32 * k) * INVERSE) % Q;
        for (let j = 31, rest = v; j >= 0; j--, rest >>= 8n) out[32 * i + j] = Number(rest & 255n);
      });
      return out;
    };
    const pair = [1, 0, 3, 2];
    return {
      wires,
      publics,
      domain,
      contributions: new DataView(tail.buffer, tail.byteOffset).getUint32(64, true),
      delta1: plain(h, g2 + 2 * G2_BYTES, [0, 1]),
      points: concatAll([
        plain(h, from, [0, 1]),
        plain(h, g2, pair),
        plain(h, g2 + G2_BYTES, pair),
        plain(h, g2 + 2 * G2_BYTES + G1_BYTES, pair),
        ...Array.from({ length: publics + 1 }, (_, i) => plain(ic, i * G1_BYTES, [0, 1])),
      ]),
    };
  } catch (e) {
    if (e instanceof Refused && e.code === 'circuit.format') throw new Refused('zkey.format', e.message, e.detail);
    throw e;
  }
}
