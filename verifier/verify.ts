/**
 * The one door of the verifier: envelope and key to verdict, total on bytes (protocol §11, §13).
 *
 * Whatever the bytes are, the answer is `ok` or a refusal with the id of the check that failed; anything else thrown is a bug of ours.
 */
import { type Contents, checkKey } from '../circuits/check.ts';
import { tableContents } from '../circuits/contents.ts';
import { itemShape } from '../circuits/items.ts';
import type { Key } from '../circuits/key.ts';
import { ledgerOf } from '../circuits/ledger.ts';
import { type Plan, planOf } from '../circuits/plan.ts';
import { pad } from '../circuits/shape.ts';
import type { Tensor } from '../circuits/types.ts';
import type { Arithmetic } from '../protocol/arithmetic.ts';
import { equalBytes, toHex } from '../protocol/bytes.ts';
import { decodeEnvelope, type Envelope, SYSTEM } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import type { Ledger } from '../protocol/security.ts';
import { readCommittedItem, readPublicItem, statementDigest } from '../protocol/statement.ts';
import { type LogEntry, VerifierTranscript } from '../protocol/transcript.ts';
import { type Expected, identityMismatch, requireContext, requireIdentity, requireProfile, requireSystem } from './expected.ts';
import { verifyPass } from './pass.ts';

export type { Expected };

export interface VerifyOptions extends Expected {
  /** The padded W tensors, which mode I0 needs; they are checked against the key. */
  readonly contents?: Contents | undefined;
  /** Accept the profile `toy` (vectors and tests alone). */
  readonly allowToy?: boolean | undefined;
  /** What does the long sums and hashes. Default: plain TypeScript. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Receives the transcript's log. */
  readonly onLog?: ((log: readonly LogEntry[]) => void) | undefined;
}

/** A tensor of the statement: its raw values, or the root of a committed input. */
export type StatedTensor =
  | { readonly tensor: number; readonly dtype: string; readonly dims: readonly number[]; readonly values: Int32Array }
  | { readonly tensor: number; readonly dtype: string; readonly dims: readonly number[]; readonly root: Uint8Array };

export interface Statement {
  readonly system: string;
  readonly profile: string;
  readonly vkHash: Uint8Array;
  readonly modelId: Uint8Array;
  readonly context: Uint8Array;
  readonly digest: Uint8Array;
  readonly inputs: readonly StatedTensor[];
  readonly outputs: readonly StatedTensor[];
}

export type Verdict =
  | { readonly ok: true; readonly statement: Statement; readonly securityBits: number; readonly ledger: Ledger | null }
  | { readonly ok: false; readonly code: string; readonly sentence: string; readonly detail: Readonly<Record<string, unknown>> };

/** Turns a refusal into a verdict; a bug stays a crash. */
export function asVerdict(run: () => Verdict): Verdict {
  try {
    return run();
  } catch (e) {
    if (e instanceof Refused) return { ok: false, code: e.code, sentence: e.message, detail: e.detail };
    throw e;
  }
}

/** A key that met every condition of §6.4, with what follows from it: made once, it serves any number of proofs. */
export interface CheckedKey {
  readonly key: Key;
  readonly plan: Plan;
  /** What the verifier evaluates besides the statement: described tables, and the W tensors in mode I0. */
  readonly contents: Contents;
  readonly ledger: Ledger | null;
}

/** Checks S1–S14; throws E6 where one fails. */
export function checkedKey(key: Key, { contents, allowToy = false }: Pick<VerifyOptions, 'contents' | 'allowToy'> = {}): CheckedKey {
  const plan = planOf(key);
  const isI0 = key.mode === 'I0';
  if (isI0 && contents === undefined)
    throw new Refused('E6', 'key: mode I0 needs the weights and tables of the model', { condition: 'S12' });
  checkKey(key, plan, { allowToy, ...(isI0 ? { contents: contents as Contents } : {}) });
  return {
    key,
    plan,
    contents: new Map([...(isI0 ? (contents as Contents) : []), ...tableContents(key, plan)]),
    ledger: key.profile === 'S100' ? ledgerOf(key, plan) : null,
  };
}

/** Verifies an envelope against the one key the caller trusts. With `modelId`, the caller's registry maps it to this key. */
export function verify(bytes: Uint8Array, key: Key, options: VerifyOptions = {}): Verdict {
  return verifyWith(bytes, key, () => checkedKey(key, options), options);
}

/** `verify` for a caller that keeps checked keys: `checked` is asked when the envelope names this key. */
export function verifyWith(
  bytes: Uint8Array,
  key: Key,
  checked: () => CheckedKey,
  options: Omit<VerifyOptions, 'contents' | 'allowToy'> = {},
): Verdict {
  return asVerdict(() => {
    const envelope = decodeEnvelope(bytes);
    requireSystem(envelope, SYSTEM);
    requireIdentity(envelope, options.modelId ?? key.hash, key.hash);
    return verifyDecoded(envelope, key, checked, options);
  });
}

/** A caller with several models: keys by vkHash, and a registry from modelId to vkHash (both in hexadecimal). */
export interface KeyStore {
  readonly keys: ReadonlyMap<string, { readonly key: Key; readonly contents?: Contents | undefined }>;
  readonly registry?: ReadonlyMap<string, string> | undefined;
}

/** Verifies an envelope for a model of a registry: identities are compared before any key is looked up (E3, §11.1). */
export function verifyFromStore(
  bytes: Uint8Array,
  store: KeyStore,
  modelId: Uint8Array,
  options: Omit<VerifyOptions, 'contents' | 'modelId'> = {},
): Verdict {
  return asVerdict(() => {
    const envelope = decodeEnvelope(bytes);
    requireSystem(envelope, SYSTEM);
    const wanted = store.registry === undefined ? toHex(modelId) : store.registry.get(toHex(modelId));
    if (wanted === undefined) throw new Refused('E3', `the model ${toHex(modelId)} is not registered`);
    if (!equalBytes(envelope.modelId, modelId)) throw new Refused('E3', identityMismatch('modelId', envelope.modelId, modelId));
    if (toHex(envelope.vkHash) !== wanted)
      throw new Refused('E3', `the proof was made for key ${toHex(envelope.vkHash)}, the caller expects ${wanted}`);
    const entry = store.keys.get(wanted);
    if (entry === undefined) throw new Refused('E3', `no key ${wanted} at hand`);
    return verifyDecoded(envelope, entry.key, () => checkedKey(entry.key, { ...options, contents: entry.contents }), options);
  });
}

function verifyDecoded(
  e: Envelope,
  key: Key,
  checked: () => CheckedKey,
  options: Pick<VerifyOptions, 'context' | 'arithmetic' | 'onProgress' | 'onLog'>,
): Verdict {
  requireProfile(e, key.profile);
  options.onProgress?.({ stage: 'check the key', fraction: 0.1 });
  const { plan, contents, ledger } = checked();
  requireContext(e, options.context);
  const stated = readItems(e, key);
  const digest = statementDigest(e);
  const t = new VerifierTranscript(key.profile, e.proof, options.onLog !== undefined);
  try {
    verifyPass(t, {
      key,
      plan,
      publicValues: stated.publicValues,
      statementDigest: digest,
      inputRoot: stated.inputRoot,
      contents,
      arithmetic: options.arithmetic,
      onProgress: options.onProgress,
    });
  } finally {
    if (t.log !== null) options.onLog?.(t.log);
  }
  const { system, profile, vkHash, modelId, context } = e;
  return {
    ok: true,
    statement: { system, profile, vkHash, modelId, context, digest, inputs: stated.inputs, outputs: stated.outputs },
    securityBits: ledger?.bits ?? 0,
    ledger,
  };
}

/** E4, E5: the items against the key, and their padded values. */
function readItems(
  e: Envelope,
  key: Key,
): { publicValues: Map<number, Int32Array>; inputRoot: Uint8Array | null; inputs: StatedTensor[]; outputs: StatedTensor[] } {
  const publicValues = new Map<number, Int32Array>();
  let inputRoot: Uint8Array | null = null;
  const read = (kind: 'input' | 'output', items: readonly Uint8Array[]): StatedTensor[] => {
    const list = kind === 'input' ? key.inputs : key.outputs;
    if (items.length !== list.length) throw new Refused('E4', `${items.length} ${kind} items, the key has ${list.length}`);
    return list.map((io, i) => {
      const { dims, home } = key.tensors[io.tensor] as Tensor;
      const shape = itemShape(key, io, `${kind} ${i}`);
      if (home === 'X') {
        inputRoot = readCommittedItem(items[i] as Uint8Array, shape);
        return { tensor: io.tensor, dtype: io.dtype, dims, root: inputRoot };
      }
      const centred = readPublicItem(items[i] as Uint8Array, shape);
      publicValues.set(io.tensor, pad(centred, dims));
      return { tensor: io.tensor, dtype: io.dtype, dims, values: centred.map((v) => v + io.zp) };
    });
  };
  const inputs = read('input', e.inputs);
  const outputs = read('output', e.outputs);
  return { inputs, outputs, publicValues, inputRoot };
}
