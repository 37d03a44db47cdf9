/**
 * The verifying key of a groth16 circuit, and its bytes: the body of a version 2 `.key` (container.ts).
 *
 *     body  = enc ["groth16", 1, set-up, contributions, r1cs[32], inputs, outputs, points, interface]
 *     port  = [dtype, dims, zp, lo, hi, hidden]           of every input and output: lo, hi bound the centred values
 *     points = α₁ ‖ β₂ ‖ γ₂ ‖ δ₂ ‖ IC₀ ‖ … ‖ ICₙ           as EIP-197 writes them: 64 bytes a point of G1, 128 of G2, imaginary part first
 *
 * Decoding checks types, lengths and counts; whether the points are points is the verifier's to check.
 */
import { equalBytes, plainBytes } from '../../protocol/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { Refused } from '../../protocol/refused.ts';
import { DTYPES, type ItemShape } from '../../protocol/statement.ts';
import type { SetUp } from '../../protocol/trust.ts';
import { containerHash, decodeContainer, encodeContainer } from '../container.ts';
import type { Interface } from '../interface.ts';
import { decodeInterface, encodeInterface } from '../interface-encoding.ts';
import { product } from '../shape.ts';
import type { Dtype } from '../types.ts';
import { limbCount } from './signals.ts';

export const GROTH16 = 'groth16-bn254-v1';

export const G1_BYTES = 64;
export const G2_BYTES = 128;

/** An input or output of the statement. */
export interface Port {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly zp: number;
  readonly lo: number;
  readonly hi: number;
  /** The statement shows a commitment to it. */
  readonly hidden: boolean;
}

export interface Groth16KeyFields {
  readonly setup: Extract<SetUp, 'circuit' | 'insecure-dev'>;
  /** Contributions to the second phase of the ceremony; 0 for a development set-up. */
  readonly contributions: number;
  /** SHA-256 of the constraint system. */
  readonly r1cs: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** α₁, β₂, γ₂, δ₂, then one IC point for 1 and each public signal. */
  readonly points: Uint8Array;
  readonly interface: Interface;
}

export interface Groth16Key extends Groth16KeyFields {
  readonly vkHash: Uint8Array;
  readonly profile: string;
  readonly signals: number;
}

/** Public signals of these ports, context included. */
export const signalCount = (ports: readonly Port[]): number =>
  ports.reduce((n, p) => n + (p.hidden ? 1 : limbCount(p.dtype, product(p.dims))), 2);

/** The name of a circuit: the beginning of the hash of its constraint system. */
export const profileOf = (r1cs: Uint8Array): string =>
  `r1cs-${Array.from(r1cs.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join('')}`;

export const pointsLength = (signals: number): number => G1_BYTES + 3 * G2_BYTES + (signals + 1) * G1_BYTES;

/** Public signals: each is a multiplication for the verifier. */
const MOST_SIGNALS = 2 ** 12;

/** Values of all ports together: more than any circuit of this system could have. */
const MOST_VALUES = 2 ** 22;

export function encodeGroth16Key(k: Groth16KeyFields): Uint8Array {
  const ports = (list: readonly Port[]): Value => list.map((p) => [p.dtype, p.dims, p.zp, p.lo, p.hi, p.hidden ? 1 : 0]);
  const body = encodeValue([
    'groth16',
    1,
    k.setup,
    k.contributions,
    k.r1cs,
    ports(k.inputs),
    ports(k.outputs),
    k.points,
    encodeInterface(k.interface),
  ]);
  return encodeContainer('key', GROTH16, body);
}

/** The key of a `.key` file. Throws `key.format`, `key.system`, `key.interface`, or E6 for a body that is none. */
export const decodeGroth16Key = (file: Uint8Array): Groth16Key => keyOfBody(decodeContainer(plainBytes(file), 'key', GROTH16));

/** The key of a body. Throws `key.interface`, or E6 for a body that is none. */
export function keyOfBody(body: Uint8Array): Groth16Key {
  const v = decodeValue(body, 'E6', 'the body of the key');
  const ok: (condition: boolean, what: string) => asserts condition = (condition, what) => {
    if (!condition) throw new Refused('E6', `key: ${what}`);
  };
  ok(Array.isArray(v) && v.length === 9 && v[0] === 'groth16' && v[1] === 1, 'it is no groth16 key of version 1');
  const [, , setup, contributions, r1cs, rawInputs, rawOutputs, points, face] = v as readonly Value[];
  ok(setup === 'circuit' || setup === 'insecure-dev', 'the set-up is neither circuit nor insecure-dev');
  ok(isInt(contributions, 0, 2 ** 20), 'contributions is no count');
  ok((setup === 'circuit') === contributions > 0, 'a ceremony has contributions, a development set-up has none');
  ok(r1cs instanceof Uint8Array && r1cs.length === 32, 'r1cs is no hash');
  ok(points instanceof Uint8Array, 'points are no bytes');
  ok(face instanceof Uint8Array, 'the interface is no bytes');
  const port = (p: Value): Port => {
    ok(Array.isArray(p) && p.length === 6, 'a port is no record of 6 fields');
    const [dtype, dims, zp, lo, hi, hidden] = p as readonly Value[];
    ok(typeof dtype === 'string' && Object.hasOwn(DTYPES, dtype), 'the dtype of a port is unknown');
    const range = DTYPES[dtype as Dtype];
    ok(Array.isArray(dims) && dims.length <= 8 && dims.every((d) => isInt(d, 1, MOST_VALUES)), 'the dims of a port are no sizes');
    ok(
      isInt(zp, range.lo, range.hi) && isInt(lo, -(2 ** 32), 2 ** 32) && isInt(hi, -(2 ** 32), 2 ** 32),
      'the range of a port is no range',
    );
    ok(lo <= hi && lo + zp >= range.lo && hi + zp <= range.hi, 'the range of a port leaves its dtype');
    ok(hidden === 0 || hidden === 1, 'hidden is neither 0 nor 1');
    return { dtype: dtype as Dtype, dims: dims as number[], zp, lo, hi, hidden: hidden === 1 };
  };
  ok(Array.isArray(rawInputs) && Array.isArray(rawOutputs), 'inputs or outputs are no lists');
  ok(rawInputs.length > 0 && rawOutputs.length > 0 && rawInputs.length + rawOutputs.length <= 64, 'there are none or too many ports');
  const inputs = (rawInputs as readonly Value[]).map(port);
  const outputs = (rawOutputs as readonly Value[]).map(port);
  const all = [...inputs, ...outputs];
  ok(all.reduce((n, p) => n + product(p.dims), 0) <= MOST_VALUES, `the ports have more than ${MOST_VALUES} values`);
  const signals = signalCount(all);
  ok(signals <= MOST_SIGNALS, `${signals} public signals; at most ${MOST_SIGNALS} are read`);
  ok(points.length === pointsLength(signals), `${points.length} bytes of points; ${signals} public signals take ${pointsLength(signals)}`);
  const [gamma, delta] = [1, 2].map((i) => points.subarray(G1_BYTES + i * G2_BYTES, G1_BYTES + (i + 1) * G2_BYTES)) as [
    Uint8Array,
    Uint8Array,
  ];
  ok(!equalBytes(gamma, delta), 'gamma and delta are one point, as before any contribution: everybody can forge proofs under it');
  return {
    setup,
    contributions,
    r1cs,
    inputs,
    outputs,
    points,
    interface: decodeInterface(face, interfacePorts(inputs, outputs)),
    vkHash: containerHash(GROTH16, body),
    profile: profileOf(r1cs),
    signals,
  };
}

/** Ports as the interface's decoder wants the io of a key. */
function interfacePorts(inputs: readonly Port[], outputs: readonly Port[]) {
  const all = [...inputs, ...outputs];
  const io = (list: readonly Port[], from: number) => list.map((p, i) => ({ tensor: from + i, dtype: p.dtype, zp: p.zp }));
  return {
    inputs: io(inputs, 0),
    outputs: io(outputs, inputs.length),
    tensors: all.map((p) => ({ dims: [...p.dims], home: 'PUB' as const, lo: p.lo, hi: p.hi })),
  };
}

export const itemShapeOf = (p: Port, name: string): ItemShape => ({ name, dtype: p.dtype, dims: p.dims, zp: p.zp, lo: p.lo, hi: p.hi });

const isInt = (v: Value | undefined, lo: number, hi: number): v is number => typeof v === 'number' && v >= lo && v <= hi;
