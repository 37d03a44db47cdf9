/** Opens the commitments of an accepted proof: what was hidden, if the opening is the right one. */
import { decodeGroth16Key, type Port } from '../../circuits/groth16/key.ts';
import { decodeOpening, type OpenedTensor } from '../../circuits/groth16/opening.ts';
import { commitment } from '../../circuits/groth16/poseidon.ts';
import { limbsOf } from '../../circuits/groth16/signals.ts';
import { type NamedTensor, named, namedOutputs } from '../../circuits/named.ts';
import { product } from '../../circuits/shape.ts';
import { Refused } from '../../protocol/refused.ts';
import { DTYPES } from '../../protocol/statement.ts';
import type { Accepted, CommittedTensor } from '../verdict.ts';

export interface Opened {
  /** Every tensor that the opening shows. */
  readonly tensors: readonly NamedTensor[];
  /** The model's outputs, where the opening or the proof shows all that they are made of. */
  readonly outputs: readonly NamedTensor[];
}

/** Throws `opening.format`, or `opening.mismatch` where a value or salt is not the committed one. `key` is that of the verdict. */
export function openHidden(verdict: Accepted, keyFile: Uint8Array, opening: Uint8Array): Opened {
  const key = decodeGroth16Key(keyFile);
  const shown = new Map<string, NamedTensor>();
  for (const t of decodeOpening(opening)) {
    const port = (t.of === 'input' ? key.inputs : key.outputs)[t.index];
    const stated = (t.of === 'input' ? verdict.inputs : verdict.proven)[t.index];
    if (port === undefined || stated === undefined || !('root' in stated))
      throw new Refused('opening.mismatch', `the opening shows ${t.of} ${t.index}, which the proof does not hide`);
    shown.set(`${t.of} ${t.index}`, opened(t, port, stated));
  }
  const raw = key.outputs.map((_, i) => {
    const stated = verdict.proven[i];
    const tensor = stated !== undefined && 'data' in stated ? stated : shown.get(`output ${i}`);
    return tensor === undefined ? null : Int32Array.from(tensor.data as Int32Array);
  });
  return { tensors: [...shown.values()], outputs: raw.every((r) => r !== null) ? namedOutputs(key.interface, raw) : [] };
}

function opened({ of, index, salt, values }: OpenedTensor, port: Port, stated: CommittedTensor): NamedTensor {
  const { lo, hi } = DTYPES[port.dtype];
  const root = stated.root.reduce((n, b) => 256n * n + BigInt(b), 0n);
  const number = salt.reduce((n, b) => 256n * n + BigInt(b), 0n);
  const fits = values.length === product(port.dims) && values.every((v) => v >= lo && v <= hi);
  if (!fits || commitment(number, limbsOf(port.dtype, values)) !== root)
    throw new Refused('opening.mismatch', `the opening of ${of} ${index} is not what the proof is committed to`);
  return named(stated.name, port.dtype, port.dims, values);
}
