/** What a file is: by its mark, by its name. Whether a proof holds is the verifier's to say. */
import { containerHash, decodeContainer, systemOf } from '../circuits/container.ts';
import { CIRCUIT_MAGIC, decodeKeyFile, KEY_MAGIC, type KeyFile } from '../circuits/files.ts';
import { ascii, equalBytes, toHex } from '../protocol/bytes.ts';
import { decodeEnvelope, MAGIC, SYSTEM } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import { SYSTEMS } from '../verifier/any.ts';
import type { GivenFile, Held, Kind, ReadFiles, Stranger } from './messages.ts';
import { isZip, openZip } from './zip.ts';

const MARKS: readonly (readonly [Kind, string])[] = [
  ['proof', MAGIC],
  ['key', KEY_MAGIC],
  ['circuit', CIRCUIT_MAGIC],
];

/** By the first bytes; a file that a name calls a proof is one, whatever its bytes: the verifier refuses it with its reason. */
export function kindOf({ name, bytes }: GivenFile): Kind | null {
  const marked = MARKS.find(([, mark]) => equalBytes(bytes.subarray(0, mark.length), ascii(mark)))?.[0];
  return marked ?? MARKS.find(([kind]) => name.toLowerCase().endsWith(`.${kind}`))?.[0] ?? null;
}

function about(kind: Kind, bytes: Uint8Array): Pick<Held, 'vkHash' | 'wantsCircuit'> {
  const of = ({ key }: KeyFile): string => toHex(key.hash);
  try {
    if (kind === 'proof') return { vkHash: toHex(decodeEnvelope(bytes).vkHash) };
    const system = systemOf(bytes, kind);
    if (system !== SYSTEM) return { vkHash: kind === 'key' ? toHex(containerHash(system, decodeContainer(bytes, kind, system))) : null };
    if (kind === 'key') {
      const file = decodeKeyFile(bytes);
      return { vkHash: of(file), wantsCircuit: file.key.mode === 'I0' };
    }
    // "ASSAYCIR" ‖ u16 ‖ lp(key file) ‖ …
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(10, true);
    return { vkHash: of(decodeKeyFile(bytes.subarray(14, 14 + length))) };
  } catch (e) {
    if (e instanceof Refused || e instanceof RangeError) return { vkHash: null };
    throw e;
  }
}

/** Why nothing here can use this key or circuit; null for all others. */
function strange(kind: Kind, bytes: Uint8Array): string | null {
  if (kind === 'proof') return null;
  try {
    const system = systemOf(bytes, kind);
    return SYSTEMS.includes(system) ? null : `a ${kind} of the proof system ${system}, which this page does not know`;
  } catch (e) {
    if (e instanceof Refused) return null; // not even its system can be read: the verifier says why
    throw e;
  }
}

function whyNot({ name, bytes }: GivenFile): string {
  if (bytes.length === 0) return 'the file is empty';
  if (/\.opening$/i.test(name)) return 'an opening: it shows what a proof hides, and no check needs it';
  if (/\.zkey$/i.test(name)) return 'a proving key: to check, the .key that was made with it is needed';
  if (/\.onnx$/i.test(name)) return 'a model: assay compile makes its key';
  return 'no proof, key or circuit';
}

/** Opens archives and says what every file is. Total on bytes. */
export function readFiles(given: readonly GivenFile[]): ReadFiles {
  const held: Held[] = [];
  const strangers: Stranger[] = [];
  const take = (file: GivenFile): void => {
    const kind = kindOf(file);
    const why = kind === null ? whyNot(file) : strange(kind, file.bytes);
    if (kind === null || why !== null) strangers.push({ name: file.name, why: why ?? '' });
    else held.push({ ...file, kind, ...about(kind, file.bytes) });
  };
  for (const file of given) {
    if (!isZip(file.bytes)) {
      take(file);
      continue;
    }
    const inside = openZip(file);
    strangers.push(...inside.strangers);
    inside.files.forEach(take);
  }
  return { held, strangers };
}
