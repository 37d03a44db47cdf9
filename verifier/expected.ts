/** What an envelope must say of itself, for every proof system: format, key, model and context that the caller expects (E2, E3). */
import { equalBytes, toHex } from '../protocol/bytes.ts';
import { decodeEnvelope, type Envelope } from '../protocol/envelope.ts';
import type { Progress } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';

/** What the caller expects; an envelope never chooses its key. */
export interface Expected {
  /** Bytes the caller expects as context. Default: empty. */
  readonly context?: Uint8Array | undefined;
  /** The model of a registry. Default: none, and then the envelope's modelId must be the vkHash. */
  readonly modelId?: Uint8Array | undefined;
  /** Called at the beginning of each part of the work, within the call. */
  readonly onProgress?: ((p: Progress) => void) | undefined;
}

export function requireSystem(e: Envelope, system: string): void {
  if (e.system !== system)
    throw new Refused('E2', `proof system ${JSON.stringify(e.system)}; this verifier reads ${system}`, { system: e.system });
}

export function requireProfile(e: Envelope, profile: string): void {
  if (e.profile !== profile) throw new Refused('E2', `profile ${JSON.stringify(e.profile)}, the key has ${JSON.stringify(profile)}`);
}

export const identityMismatch = (field: string, got: Uint8Array, wanted: Uint8Array): string =>
  `the proof was made for ${field} ${toHex(got)}, the caller expects ${toHex(wanted)}`;

export function requireIdentity(e: Envelope, modelId: Uint8Array, vkHash: Uint8Array): void {
  if (!equalBytes(e.vkHash, vkHash))
    throw new Refused('E3', identityMismatch('key', e.vkHash, vkHash), { field: 'vkHash', got: toHex(e.vkHash), expected: toHex(vkHash) });
  if (!equalBytes(e.modelId, modelId)) throw new Refused('E3', identityMismatch('model', e.modelId, modelId), { field: 'modelId' });
}

/** `expected`: none means the empty context. */
export function requireContext(e: Envelope, expected: Uint8Array = new Uint8Array(0)): void {
  if (!(expected instanceof Uint8Array)) throw new TypeError('the context is no Uint8Array');
  if (!equalBytes(e.context, expected))
    throw new Refused('E3', `the proof was made for context ${contextText(e.context)}, the caller expects ${contextText(expected)}`, {
      field: 'context',
    });
}

const contextText = (c: Uint8Array): string => (c.length === 0 ? '(empty)' : `0x${toHex(c.subarray(0, 64))}${c.length > 64 ? '…' : ''}`);

/** A decoded envelope that is of this key and for this caller; what it proves is still to be checked. */
export function expectedEnvelope(
  bytes: Uint8Array,
  key: { readonly system: string; readonly profile: string; readonly vkHash: Uint8Array },
  { context, modelId }: Pick<Expected, 'context' | 'modelId'>,
): Envelope {
  const e = decodeEnvelope(bytes);
  requireSystem(e, key.system);
  requireIdentity(e, modelId ?? key.vkHash, key.vkHash);
  requireProfile(e, key.profile);
  requireContext(e, context);
  return e;
}

/** H_key of the file that was given; `expected`: none means that the caller pins none. */
export function requireKeyDigest(digest: Uint8Array, expected: Uint8Array | undefined): void {
  if (expected !== undefined && !equalBytes(expected, digest))
    throw new Refused('E3', `the key file has digest ${toHex(digest)}, the caller expects ${toHex(expected)}`, { field: 'keyDigest' });
}
