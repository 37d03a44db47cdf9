/**
 * Does a groth16 key speak for a model? The constraint system is compiled again and compared by its hash, ports and interface field by field.
 * The points of the key come of a set-up, which no model determines: `assay setup finish` checks those against powers and proving key.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeCircuitFile } from '../circuits/files.ts';
import { decodeGroth16Circuit, groth16Ports } from '../circuits/groth16/circuit.ts';
import { decodeGroth16Key, type Port } from '../circuits/groth16/key.ts';
import { encodeInterface } from '../circuits/interface-encoding.ts';
import { compile } from '../compiler/compile.ts';
import { equalBytes, toHex } from '../protocol/bytes.ts';
import type { PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { compileGroth16 } from './index.ts';

/** Throws `audit` where the key is of another model, or what a key or model is refused for. */
export async function auditGroth16(model: Uint8Array, keyFile: Uint8Array, options: PaceOptions = {}): Promise<void> {
  const key = decodeGroth16Key(keyFile);
  const [hideInput, hideOutput] = [oneWay(key.inputs, 'inputs'), oneWay(key.outputs, 'outputs')];
  // What takes no constraints first: those of a large model take hours, and most keys of other models differ before.
  const native = decodeCircuitFile((await compile(model, { signal: options.signal })).circuit);
  if (!equalBytes(encodeInterface(key.interface), encodeInterface(native.interface)))
    throw new Refused('audit', 'interface: names, shapes, scales or tail of the key are not those of the model', { where: 'interface' });
  const differs = (a: readonly Port[], b: readonly Port[]): boolean => JSON.stringify(a.map(fields)) !== JSON.stringify(b.map(fields));
  const ports = groth16Ports(native, hideInput, hideOutput);
  if (differs(key.inputs, ports.inputs) || differs(key.outputs, ports.outputs))
    throw new Refused('audit', 'ports: types, dims, zero points or ranges of the key are not those of the model', { where: 'ports' });
  const made = await compileGroth16(model, { ...options, hideInput, hideOutput, force: true });
  const r1cs = sha256(decodeGroth16Circuit(made.circuit).r1cs);
  if (!equalBytes(key.r1cs, r1cs))
    throw new Refused('audit', `r1cs: the key is of constraint system ${toHex(key.r1cs)}, the model gives ${toHex(r1cs)}`, {
      where: 'r1cs',
    });
}

const fields = ({ dtype, dims, zp, lo, hi, hidden }: Port): readonly unknown[] => [dtype, dims, zp, lo, hi, hidden];

/** A compiler hides all inputs or none, and all outputs or none. */
function oneWay(ports: readonly Port[], what: string): boolean {
  const hidden = ports.filter((p) => p.hidden).length;
  if (hidden !== 0 && hidden !== ports.length)
    throw new Refused('audit', `ports: some ${what} of the key are hidden and some are not`, { where: 'ports' });
  return hidden > 0;
}
