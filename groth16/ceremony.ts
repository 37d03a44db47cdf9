/**
 * What snarkjs takes the files of a ceremony at their word for, checked before it reads them: the curve (threads of another one are not ended
 * with ours), the number of powers (it hashes so many before it looks at them), and the hashes of a beacon (2^n, in one turn of the event
 * loop, so that nothing could stop it). A file of a stranger would keep whoever checks it busy for ever.
 */
import { Refused } from '../protocol/refused.ts';
import { readField, section, sectionsOf } from './r1cs.ts';
import { Q, readZkey } from './zkey.ts';

/** Of a beacon's hashes, the logarithm: beyond it a check takes minutes. Public ceremonies take 2^10. */
export const MOST_BEACON = 24;
/** The scalar field has no domain beyond it. */
const MOST_POWER = 28;
/** Bytes of a contribution before its type: points, and what they are hashed to. */
const PTAU_CONTRIBUTION = 9 * 64 + 5 * 128 + 216 + 64;
const ZKEY_CONTRIBUTION = 3 * 64 + 128 + 64;

/** A powers-of-tau file that snarkjs can be given: its power, and its contributions but beacons. Refused `ptau`. */
export function readPtau(ptau: Uint8Array): { power: number; contributors: number } {
  const refuse = (what: string): never => {
    throw new Refused('ptau', `the file is no powers-of-tau file over BN254: ${what}`);
  };
  try {
    const sections = sectionsOf(ptau, 'ptau');
    const header = section(sections, 1, 'ptau');
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    if (header.length !== 44 || view.getUint32(0, true) !== 32 || readField(header, 4) !== Q)
      return refuse('its header is of another curve');
    const [power, ceremony] = [view.getUint32(36, true), view.getUint32(40, true)];
    if (power > ceremony || ceremony > MOST_POWER || section(sections, 2, 'ptau').length !== 64 * (2 ** (power + 1) - 1))
      return refuse(`it does not hold the powers up to 2^${power} of a ceremony for 2^${ceremony}`);
    return { power, contributors: contributorsOf(section(sections, 7, 'ptau'), 0, PTAU_CONTRIBUTION) };
  } catch (e) {
    if (e instanceof Refused && e.code === 'circuit.format') throw new Refused('ptau', e.message, e.detail);
    throw e;
  }
}

/** The contributions but beacons of a proving key that snarkjs can be given. Refused `zkey.format` where it is none. */
export function zkeyContributors(zkey: Uint8Array): number {
  readZkey(zkey);
  try {
    return contributorsOf(section(sectionsOf(zkey, 'zkey'), 10, 'zkey'), 64, ZKEY_CONTRIBUTION);
  } catch (e) {
    if (e instanceof Refused && e.code === 'circuit.format') throw new Refused('zkey.format', e.message, e.detail);
    throw e;
  }
}

/**
 * Contributions that are no beacons, whose secrets are public. The body is a count at `from`, then contributions: `fixed` bytes ‖ u32 type ‖
 * u32 length ‖ parameters, of which 2 is a beacon's exponent.
 */
function contributorsOf(body: Uint8Array, from: number, fixed: number): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const need = (n: number): void => {
    if (n > body.length) throw new Refused('circuit.format', 'the file ends inside a contribution');
  };
  need(from + 4);
  let at = from + 4;
  let contributors = 0;
  for (let i = view.getUint32(from, true); i > 0; i--) {
    need(at + fixed + 8);
    const type = view.getUint32(at + fixed, true);
    const begin = at + fixed + 8;
    at = begin + view.getUint32(begin - 4, true);
    need(at);
    if (type !== 1) contributors++;
    let exponent: number | undefined;
    for (let p = begin; p < at; p += body[p] === 2 ? 2 : 2 + (body[p + 1] as number)) if (body[p] === 2) exponent = body[p + 1];
    // Without its exponent a beacon would take 2^32.
    if (type === 1 && (exponent === undefined || exponent > MOST_BEACON))
      throw new Refused('circuit.format', `the beacon of a contribution takes more than 2^${MOST_BEACON} hashes to check`);
  }
  return contributors;
}
