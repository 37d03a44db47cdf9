/** What `assay inspect` prints of groth16's keys and circuits. */
import { trustFields } from '../../protocol/trust.ts';
import { circuitOfBody } from './circuit.ts';
import { keyOfBody, type Port } from './key.ts';
import { groth16Trust } from './trust.ts';

type Fields = Readonly<Record<string, unknown>>;

const port = ({ dtype, dims, hidden }: Port): string => `${dtype} [${dims.join(', ')}]${hidden ? ', hidden' : ''}`;

export function describeGroth16Key(body: Uint8Array): Fields {
  const key = keyOfBody(body);
  return {
    ...trustFields(groth16Trust(key)),
    vkHash: key.vkHash,
    profile: key.profile,
    contributions: key.contributions,
    publicSignals: key.signals,
    proofBytes: 256,
    r1cs: key.r1cs,
    integersIn: key.inputs.map(port),
    integersOut: key.outputs.map(port),
    inputs: key.interface.inputs.map((i) => `${i.name} ${i.dtype} [${i.shape.join(', ')}]`),
    outputs: key.interface.outputs.map((o) => `${o.name} ${o.dtype} [${o.shape.join(', ')}]`),
  };
}

/** A circuit has no set-up yet: its key says what a verdict will rest on. */
export function describeGroth16Circuit(body: Uint8Array): Fields {
  const c = circuitOfBody(body);
  return {
    integersIn: c.inputs.map(port),
    integersOut: c.outputs.map(port),
    r1csBytes: c.r1cs.length,
    witnessProgramBytes: c.witnessProgram.length,
    nativeCircuitBytes: c.native.length,
    labels: c.circuit.labels,
  };
}
