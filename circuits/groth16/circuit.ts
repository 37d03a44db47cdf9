/**
 * The prover's file of a groth16 circuit: the body of a version 2 `.circuit` (container.ts).
 *
 *     body = enc ["groth16", 1, native circuit file, hide input, hide output, r1cs, witness program]
 *
 * The native circuit (files.ts) is the definition: it runs the network, and what the constraint system computes is compared with it before
 * a proof is made. The constraint system is in iden3's .r1cs format, the witness program is WebAssembly, both as circom writes them.
 */
import { plainBytes } from '../../protocol/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { Refused } from '../../protocol/refused.ts';
import { decodeContainer, encodeContainer } from '../container.ts';
import { type Circuit, decodeCircuitFile } from '../files.ts';
import type { IoTensor, Tensor } from '../types.ts';
import { GROTH16, type Port } from './key.ts';

export interface Groth16CircuitFields {
  /** Bytes of the native circuit file. */
  readonly native: Uint8Array;
  readonly hideInput: boolean;
  readonly hideOutput: boolean;
  readonly r1cs: Uint8Array;
  readonly witnessProgram: Uint8Array;
}

export interface Groth16Circuit extends Groth16CircuitFields {
  readonly circuit: Circuit;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export function encodeGroth16Circuit(c: Groth16CircuitFields): Uint8Array {
  return encodeContainer(
    'circuit',
    GROTH16,
    encodeValue(['groth16', 1, c.native, c.hideInput ? 1 : 0, c.hideOutput ? 1 : 0, c.r1cs, c.witnessProgram]),
  );
}

/** Throws `circuit.format`, `circuit.system`, or what the native circuit is refused for. */
export const decodeGroth16Circuit = (file: Uint8Array): Groth16Circuit =>
  circuitOfBody(decodeContainer(plainBytes(file), 'circuit', GROTH16));

/** The circuit of a body. Throws `circuit.format`, or what the native circuit is refused for. */
export function circuitOfBody(body: Uint8Array): Groth16Circuit {
  const v = decodeValue(body, 'circuit.format', 'the body of the circuit');
  const bit = (x: Value | undefined): boolean => x === 0 || x === 1;
  if (!Array.isArray(v) || v.length !== 7 || v[0] !== 'groth16' || v[1] !== 1 || !bit(v[3]) || !bit(v[4]))
    throw new Refused('circuit.format', 'the body of the circuit is no groth16 circuit of version 1');
  const [native, r1cs, witnessProgram] = [v[2], v[5], v[6]];
  if (!(native instanceof Uint8Array && r1cs instanceof Uint8Array && witnessProgram instanceof Uint8Array))
    throw new Refused('circuit.format', 'the body of the circuit: a part is no bytes');
  const circuit = decodeCircuitFile(native);
  const [hideInput, hideOutput] = [v[3] === 1, v[4] === 1];
  return {
    native,
    hideInput,
    hideOutput,
    r1cs,
    witnessProgram,
    circuit,
    ...groth16Ports(circuit, hideInput, hideOutput),
  };
}

/** The ports that a groth16 circuit of this native circuit has. */
export const groth16Ports = (circuit: Circuit, hideInput: boolean, hideOutput: boolean): Pick<Groth16Circuit, 'inputs' | 'outputs'> => ({
  inputs: portsOf(circuit, circuit.fields.inputs, hideInput),
  outputs: portsOf(circuit, circuit.fields.outputs, hideOutput),
});

const portsOf = ({ fields }: Circuit, io: readonly IoTensor[], hidden: boolean): Port[] =>
  io.map(({ tensor, dtype, zp }) => {
    const { dims, lo, hi } = fields.tensors[tensor] as Tensor;
    return { dtype, dims, zp, lo: lo as number, hi: hi as number, hidden };
  });
