/**
 * The envelope: a statement and its proof in one file (protocol §11.1). Hand-specified binary, fixed field order, one form per value.
 *
 *     "MLPF" ‖ u16 version = 1 ‖ lp(system) ‖ lp(profile) ‖ vkHash[32] ‖ modelId[32] ‖ u8 #in ‖ lp(item)… ‖ u8 #out ‖ lp(item)… ‖ lp(ctx) ‖ lp(proof)
 */
import { ascii, concat, lengthPrefixed, plainBytes } from './bytes.ts';
import { Refused } from './refused.ts';
import type { StatementParts } from './statement.ts';

export const SYSTEM = 'gkr-koalabear-v1';
export const MAGIC = 'MLPF';
export const VERSION = 1;

export interface Envelope extends StatementParts {
  readonly proof: Uint8Array;
}

export function encodeEnvelope(e: Envelope): Uint8Array {
  const items = (list: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(list.length), ...list.map(lengthPrefixed));
  return concat(
    ascii(MAGIC),
    Uint8Array.of(VERSION, 0),
    lengthPrefixed(ascii(e.system)),
    lengthPrefixed(ascii(e.profile)),
    e.vkHash,
    e.modelId,
    items(e.inputs),
    items(e.outputs),
    lengthPrefixed(e.context),
    lengthPrefixed(e.proof),
  );
}

/** The fields of an envelope, or a refusal: E2 for magic and version, E1 for anything missing or left over. */
export function decodeEnvelope(encoded: Uint8Array): Envelope {
  const bytes = plainBytes(encoded);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (n: number, field: string): Uint8Array => {
    if (n > bytes.length - at)
      throw new Refused('E1', `the envelope ends at byte ${bytes.length}, inside ${field}, which needs ${n} bytes at byte ${at}`, {
        field,
        at,
      });
    at += n;
    return bytes.slice(at - n, at);
  };
  const prefixed = (field: string): Uint8Array => {
    take(4, `the length of ${field}`);
    return take(view.getUint32(at - 4, true), field);
  };
  const items = (field: string): Uint8Array[] => {
    const [n] = take(1, `the number of ${field}s`);
    return Array.from({ length: n as number }, (_, i) => prefixed(`${field} ${i}`));
  };
  const text = (field: string): string => {
    const b = prefixed(field);
    if (b.length > 255 || b.some((c) => c > 126 || c < 32))
      throw new Refused('E2', `${field} is no printable text of at most 255 bytes`, { field });
    return String.fromCharCode(...b);
  };
  const magic = take(Math.min(4, bytes.length), 'the magic');
  if (String.fromCharCode(...magic) !== MAGIC)
    throw new Refused('E2', 'the file does not begin with MLPF: it is no proof envelope', { at: 0 });
  const version = take(2, 'the version');
  if (version[0] !== VERSION || version[1] !== 0)
    throw new Refused(
      'E2',
      `envelope version ${(version[0] as number) + 256 * (version[1] as number)}; this verifier reads version ${VERSION}`,
      { at: 4 },
    );
  const envelope: Envelope = {
    system: text('system'),
    profile: text('profile'),
    vkHash: take(32, 'vkHash'),
    modelId: take(32, 'modelId'),
    inputs: items('input item'),
    outputs: items('output item'),
    context: prefixed('context'),
    proof: prefixed('proof'),
  };
  if (at !== bytes.length) throw new Refused('E1', `${bytes.length - at} bytes follow the end of the envelope at byte ${at}`, { at });
  return envelope;
}
