/** What keys and circuits of the other proof systems say of themselves: one entry a system. */
import { SYSTEM } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import { decodeContainer, systemOf } from './container.ts';
import { describeEzklCircuit, describeEzklKey } from './ezkl/describe.ts';
import { EZKL_SYSTEM } from './ezkl/key.ts';
import type { FileKind } from './file-reader.ts';
import { describeGroth16Circuit, describeGroth16Key } from './groth16/describe.ts';
import { GROTH16 } from './groth16/key.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** Decodes a body; throws its refusal. */
type Describe = (body: Uint8Array) => Fields;

const SYSTEMS: Readonly<Record<string, Readonly<Record<FileKind, Describe>>>> = {
  [GROTH16]: { key: describeGroth16Key, circuit: describeGroth16Circuit },
  [EZKL_SYSTEM]: { key: describeEzklKey, circuit: describeEzklCircuit },
};

/** The fields of a file of another system; null for one of the native system. Throws `key.system` or `circuit.system` for an unknown one. */
export function describeOther(bytes: Uint8Array, kind: FileKind): Fields | null {
  const system = systemOf(bytes, kind);
  if (system === SYSTEM) return null;
  const describe = Object.hasOwn(SYSTEMS, system) ? SYSTEMS[system]?.[kind] : undefined;
  if (describe === undefined) throw new Refused(`${kind}.system`, `the ${kind} is one of ${system}, which is not known here`, { system });
  return { system, ...describe(decodeContainer(bytes, kind, system)) };
}
