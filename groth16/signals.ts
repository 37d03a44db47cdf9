/** The statement of a run as the verifier will rebuild it: items, public signals, and the inputs of the witness program. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Groth16Circuit } from '../circuits/groth16/circuit.ts';
import type { Port } from '../circuits/groth16/key.ts';
import { commitment } from '../circuits/groth16/poseidon.ts';
import { contextSignals, limbsOf } from '../circuits/groth16/signals.ts';
import { concat } from '../protocol/bytes.ts';
import { committedItem, publicItem } from '../protocol/statement.ts';

export interface StatedRun {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  /** In the order of the circuit. */
  readonly signals: readonly bigint[];
  /** By the names of the circom program. */
  readonly witnessInputs: Readonly<Record<string, readonly bigint[]>>;
}

/** Hidden tensors of a circuit, inputs before outputs: each takes a salt. */
export const hiddenCount = ({ inputs, outputs }: Pick<Groth16Circuit, 'inputs' | 'outputs'>): number =>
  [...inputs, ...outputs].filter((p) => p.hidden).length;

export function statedRun(
  c: Groth16Circuit,
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
  salts: readonly bigint[],
  modelId: Uint8Array,
  context: Uint8Array,
): StatedRun {
  let salt = 0;
  const state = (port: Port, raw: Int32Array): { item: Uint8Array; signals: bigint[] } => {
    const limbs = limbsOf(port.dtype, raw);
    if (!port.hidden) return { item: publicItem(port.dtype, port.dims, raw), signals: limbs };
    const h = commitment(salts[salt++] as bigint, limbs);
    return { item: committedItem(port.dtype, port.dims, bigEndian(h)), signals: [h] };
  };
  const ins = inputs.map((raw, i) => state(c.inputs[i] as Port, raw));
  const outs = outputs.map((raw, i) => state(c.outputs[i] as Port, raw));
  const bound = contextSignals(sha256(concat(modelId, context)));
  const centred = c.circuit.fields.inputs.map(({ tensor, zp }, i): [string, bigint[]] => [
    `t${tensor}`,
    Array.from(inputs[i] as Int32Array, (v) => BigInt(v - zp)),
  ]);
  return {
    inputs: ins.map((s) => s.item),
    outputs: outs.map((s) => s.item),
    signals: [...[...ins, ...outs].flatMap((s) => s.signals), ...bound],
    witnessInputs: { ...Object.fromEntries(centred), context: bound, ...(salts.length > 0 ? { salt: salts } : {}) },
  };
}

export function bigEndian(v: bigint): Uint8Array {
  const out = new Uint8Array(32);
  for (let i = 31, rest = v; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}
