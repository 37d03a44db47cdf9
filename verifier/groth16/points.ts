/**
 * Points of BN254 as EIP-197 writes them: 32-byte big-endian coordinates, of G2 the imaginary part first. Every point that is read is
 * canonical, on its curve, in its subgroup and not the point at infinity.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { G1_BYTES, G2_BYTES } from '../../circuits/groth16/key.ts';
import { Refused } from '../../protocol/refused.ts';

const G1 = bn254.G1.Point;
const G2 = bn254.G2.Point;
const { Fp, Fp2 } = bn254.fields;

export type PointG1 = InstanceType<typeof G1>;
export type PointG2 = InstanceType<typeof G2>;

/** Codes of the refusals: of a proof's points G1 to G3, of a key's E6. */
export interface PointCodes {
  /** A coordinate is not below the modulus. */
  readonly canonical: string;
  readonly curve: string;
  readonly subgroup: string;
}

function coordinate(bytes: Uint8Array, at: number, name: string, codes: PointCodes): bigint {
  let v = 0n;
  for (let i = at; i < at + 32; i++) v = (v << 8n) | BigInt(bytes[i] as number);
  if (v >= Fp.ORDER)
    throw new Refused(codes.canonical, `${name}: a coordinate is not below the modulus: it has another form that is`, { field: name });
  return v;
}

/** The point of G1 in these 64 bytes. G1 of BN254 is its whole curve: there is no subgroup to leave. */
export function readG1(bytes: Uint8Array, at: number, name: string, codes: PointCodes): PointG1 {
  const [x, y] = [coordinate(bytes, at, name, codes), coordinate(bytes, at + 32, name, codes)];
  if (x === 0n && y === 0n) throw new Refused(codes.curve, `${name} is the point at infinity`, { field: name });
  if (!Fp.eql(Fp.sqr(y), Fp.add(Fp.mul(Fp.sqr(x), x), 3n))) throw new Refused(codes.curve, `${name} is not on the curve`, { field: name });
  return G1.fromAffine({ x, y });
}

/** 3 / (9 + u): the constant of the twist. */
const TWIST_B = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]));

export function readG2(bytes: Uint8Array, at: number, name: string, codes: PointCodes): PointG2 {
  const [x1, x0, y1, y0] = [0, 32, 64, 96].map((o) => coordinate(bytes, at + o, name, codes)) as [bigint, bigint, bigint, bigint];
  if ((x0 | x1 | y0 | y1) === 0n) throw new Refused(codes.curve, `${name} is the point at infinity`, { field: name });
  const [x, y] = [Fp2.fromBigTuple([x0, x1]), Fp2.fromBigTuple([y0, y1])];
  if (!Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), TWIST_B)))
    throw new Refused(codes.curve, `${name} is not on the curve`, { field: name });
  const point = G2.fromAffine({ x, y });
  if (!point.isTorsionFree())
    throw new Refused(codes.subgroup, `${name} is on the curve, but not in the group of order r`, { field: name });
  return point;
}

export function writeG1(point: PointG1): Uint8Array {
  const { x, y } = point.toAffine();
  return words([x, y], G1_BYTES);
}

export function writeG2(point: PointG2): Uint8Array {
  const { x, y } = point.toAffine();
  return words([x.c1, x.c0, y.c1, y.c0], G2_BYTES);
}

function words(values: readonly bigint[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  values.forEach((v, i) => {
    let rest = v;
    for (let j = 31; j >= 0; j--, rest >>= 8n) out[32 * i + j] = Number(rest & 255n);
  });
  return out;
}
