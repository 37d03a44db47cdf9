/**
 * proof.json in the one form that we hand to the engine: the instances rebuilt from the statement, the raw proof, and nothing else that
 * could say anything. Of a proof.json that somebody gives, the same two things are read; its `hex_proof` and `pretty_public_inputs`, which
 * the engine does not check either, are not.
 */
import { ascii } from '../../protocol/bytes.ts';
import { Refused } from '../../protocol/refused.ts';
import { MOST_PROOF_BYTES } from './key.ts';
import type { EzklSettings, FixedPoint } from './settings.ts';

/** Order of BN254's scalar field. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** An element as EZKL writes it: 64 hex digits, little-endian. */
export function feltOf(integer: number): string {
  const big = ((integer < 0 ? R : 0n) + BigInt(integer)).toString(16).padStart(64, '0');
  return (big.match(/../g) as string[]).reverse().join('');
}

/** The integer of an element, counted from the nearer end of the field; null where no int32 is meant, or the text is no element below r. */
export function integerOf(felt: unknown): number | null {
  if (typeof felt !== 'string' || !/^(0x)?[0-9a-f]{64}$/.test(felt)) return null;
  const v = BigInt(`0x${((felt.replace(/^0x/, '').match(/../g) as string[]) ?? []).reverse().join('')}`);
  if (v >= R) return null;
  const signed = v > R / 2n ? v - R : v;
  return signed >= -(2n ** 31n) && signed < 2n ** 31n ? Number(signed) : null;
}

/** proof.json for the engine. */
export function proofJson(integers: readonly Int32Array[], proof: Uint8Array): Uint8Array {
  const instances = [integers.flatMap((t) => Array.from(t, feltOf))];
  return ascii(
    JSON.stringify({
      instances,
      proof: Array.from(proof),
      transcript_type: 'EVM',
      split: null,
      pretty_public_inputs: null,
      timestamp: null,
      commitment: 'KZG',
    }),
  );
}

export const elements = ({ dims }: FixedPoint): number => dims.reduce((n, d) => n * d, 1);

const CODE = 'proof.json';

/** Integers of the inputs and outputs, and the raw proof, of a proof.json. Throws `proof.json`; nothing of it is verified here. */
export function readProofJson(bytes: Uint8Array, settings: EzklSettings): { readonly integers: Int32Array[]; readonly proof: Uint8Array } {
  const refuse = (sentence: string): never => {
    throw new Refused(CODE, `proof.json: ${sentence}`);
  };
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as typeof json;
  } catch (e) {
    return refuse(`no JSON: ${(e as Error).message.slice(0, 120)}`);
  }
  if (typeof json !== 'object' || json === null) return refuse('no object');
  if (json.transcript_type !== undefined && json.transcript_type !== 'EVM') refuse('transcript_type is not "EVM"');
  if (json.commitment !== undefined && json.commitment !== null && json.commitment !== 'KZG') refuse('commitment is not "KZG"');
  if (json.split !== undefined && json.split !== null) refuse('split is not null: commitments to split columns are not read');
  const { proof, instances } = json;
  if (!Array.isArray(proof) || proof.length > MOST_PROOF_BYTES || !proof.every((b) => Number.isInteger(b) && b >= 0 && b <= 255))
    return refuse(`proof is no list of at most ${MOST_PROOF_BYTES} bytes`);
  if (!Array.isArray(instances) || instances.length !== 1 || !Array.isArray(instances[0])) return refuse('instances is not one list');
  return { integers: splitInstances(instances[0], settings, refuse), proof: Uint8Array.from(proof) };
}

/** One tensor after the other, inputs first, as `model_instance_shapes` has them. */
export function splitInstances(
  felts: readonly unknown[],
  { inputs, outputs }: EzklSettings,
  refuse: (sentence: string) => never,
): Int32Array[] {
  const tensors = [...inputs, ...outputs];
  const count = tensors.reduce((n, t) => n + elements(t), 0);
  if (felts.length !== count) refuse(`${felts.length} public values, the settings speak of ${count}`);
  const integers = Int32Array.from(felts, (f, i) => integerOf(f) ?? refuse(`public value ${i} is no integer of 32 bits`));
  let at = 0;
  return tensors.map((t) => {
    at += elements(t);
    return integers.slice(at - elements(t), at);
  });
}
