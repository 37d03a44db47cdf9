/**
 * EZKL artefacts into our files: a key from settings, vk and SRS; an envelope with a proof.json; a circuit with a compiled model.
 *
 * Nothing comes out that the verifier would not accept: a proof is verified under the key that was made of its files.
 */
import { decodeEzklKey, type EzklKey, type EzklParts, encodeEzklCircuit, encodeEzklKey } from '../circuits/ezkl/key.ts';
import { elements, readProofJson } from '../circuits/ezkl/proof.ts';
import { MOST_PROOF_WORDS, readSettings } from '../circuits/ezkl/settings.ts';
import { readSrs, setUpOf } from '../circuits/ezkl/srs.ts';
import { fromHex } from '../protocol/bytes.ts';
import { encodeEnvelope } from '../protocol/envelope.ts';
import type { PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { publicItem } from '../protocol/statement.ts';
import { verifyAny } from '../verifier/any.ts';
import { TRAP } from '../verifier/ezkl/engine.ts';
import { engineFiles, requireAccepted } from '../verifier/ezkl/index.ts';
import type { Accepted } from '../verifier/index.ts';
import { type Argument, type Engine, EngineSaidNo, ezkl, withEngine } from './engine.ts';

export interface ImportOptions extends PaceOptions {
  /** Takes an SRS that is not the ceremony's: whoever made it can forge, and every verdict says so. */
  readonly insecureDev?: boolean | undefined;
  /** A proof.json of this key, if there is one: the length of its proof is tried first, which saves ten runs of the engine. */
  readonly proof?: Uint8Array | undefined;
}

/** Files as EZKL writes them; the SRS of any size. */
export interface VerifierFiles {
  readonly settings: Uint8Array;
  readonly vk: Uint8Array;
  readonly srs: Uint8Array;
}

/** x = y solves y² = x³ + 3, and x is below r: a word that is a scalar, and twice a point, wherever in a proof it stands. */
const ANY_WORD = fromHex('1251f87a3a08da7f0614afcc99e6a0a44f08a71aaf65159f2ee69111d85d48cc') as Uint8Array;

/**
 * How many bytes the engine reads of a proof under this key. It is asked with streams of one word that is always well-formed: one that is
 * too short cannot be read to its end, one that is long enough is read and then does not satisfy the constraints. No proof is needed, and
 * so none is trusted that somebody made longer than it is.
 */
async function proofBytesOf(engine: Engine, key: Omit<EzklParts, 'proofBytes'>, example?: Uint8Array): Promise<number> {
  const read = readSettings(key.settings);
  const zeros = [...read.inputs, ...read.outputs].map((t) => new Int32Array(elements(t)));
  const isRead = async (words: number): Promise<boolean> => {
    const stream = new Uint8Array(32 * words);
    for (let i = 0; i < words; i++) stream.set(ANY_WORD, 32 * i);
    const { proof, vk, settings, srs } = engineFiles(key, zeros, stream);
    try {
      await engine.call('verify', proof, vk, settings, srs);
    } catch (e) {
      if (!(e instanceof EngineSaidNo)) throw e;
      if (/constraint system is not satisfied/.test(e.message)) return true;
      // A vk that is cut speaks of a buffer too, or panics over one, but is no proof that is too short.
      if (/Failed to deserialize/.test(e.message) || (words === MOST_PROOF_WORDS && e.message.startsWith(TRAP))) requireAccepted(e.message);
      if (/failed to fill whole buffer|Multi-opening proof was invalid/.test(e.message)) return false;
      requireAccepted(e.message);
    }
    throw new Refused('key.vk', 'the vk accepts a proof that proves nothing');
  };
  const guess = example === undefined ? 0 : readProofJson(example, read).proof.length / 32;
  if (Number.isInteger(guess) && guess > 1 && (await isRead(guess)) && !(await isRead(guess - 1))) return 32 * guess;
  let [short, long] = [0, MOST_PROOF_WORDS];
  if (!(await isRead(long)))
    throw new Refused('key.vk', `proofs under this vk have more than ${32 * MOST_PROOF_WORDS} bytes, or it is not of these settings`);
  while (long - short > 1) {
    const middle = (short + long) >> 1;
    if (await isRead(middle)) long = middle;
    else short = middle;
  }
  return 32 * long;
}

/** The engine's answer to a circuit and input of the user's: its no is a refusal of theirs. */
export async function asked(engine: Engine, name: string, ...args: readonly Argument[]): Promise<Uint8Array> {
  try {
    return await engine.bytes(name, ...args);
  } catch (e) {
    if (!(e instanceof EngineSaidNo)) throw e;
    throw new Refused('circuit.ezkl', `EZKL’s engine (${name}): ${e.message}`, { step: name });
  }
}

function secretOf(srs: Uint8Array, { insecureDev }: ImportOptions): Uint8Array {
  const { sG2 } = readSrs(srs);
  if (setUpOf(sG2) !== 'universal' && insecureDev !== true)
    throw new Refused('key.srs', 'the SRS is not that of the ceremony: whoever made it can prove what is false', { setup: 'insecure-dev' });
  return sG2;
}

const keyFileOf = async (engine: Engine, parts: Omit<EzklParts, 'proofBytes'>, example?: Uint8Array): Promise<Uint8Array> =>
  encodeEzklKey({ ...parts, proofBytes: await proofBytesOf(engine, parts, example) });

/** A key file. Throws `key.settings`, `key.vk` or `key.srs`, or EngineMissing and EngineDied. */
export async function importKey({ settings, vk, srs }: VerifierFiles, options: ImportOptions = {}): Promise<Uint8Array> {
  const sG2 = secretOf(srs, options);
  readSettings(settings);
  options.onProgress?.({ stage: 'measure its proofs', fraction: 0 });
  return withEngine((engine) => keyFileOf(engine, { settings, vk, sG2 }, options.proof), options.signal);
}

/** The envelope of a statement of this system: the context is empty, for EZKL binds none. */
export const envelopeOf = (key: EzklKey, integers: readonly Int32Array[], proof: Uint8Array, modelId = key.vkHash): Uint8Array => {
  const items = [...key.read.inputs, ...key.read.outputs].map((t, i) => publicItem('int32', t.dims, integers[i] as Int32Array));
  const { system, profile, vkHash } = key;
  const n = key.read.inputs.length;
  return encodeEnvelope({
    system,
    profile,
    vkHash,
    modelId,
    inputs: items.slice(0, n),
    outputs: items.slice(n),
    context: new Uint8Array(0),
    proof,
  });
};

/** Verifies as any verifier would; throws the refusal. */
export async function accepted(
  envelope: Uint8Array,
  keyFile: Uint8Array,
  { signal, modelId }: { readonly signal?: AbortSignal | undefined; readonly modelId?: Uint8Array | undefined },
): Promise<Accepted> {
  const verdict = await verifyAny(envelope, keyFile, { ezkl: () => ezkl(signal), modelId });
  if (verdict.verdict === 'refused') throw new Refused(verdict.code, verdict.sentence, verdict.detail);
  return verdict;
}

/** An envelope of a proof.json under a key from `importKey`. Throws `proof.json`, or the refusal of a proof that does not hold. */
export async function importProof(
  proofJson: Uint8Array,
  keyFile: Uint8Array,
  options: PaceOptions = {},
): Promise<{ readonly envelope: Uint8Array; readonly verdict: Accepted }> {
  const key = decodeEzklKey(keyFile);
  const { integers, proof } = readProofJson(proofJson, key.read);
  options.onProgress?.({ stage: 'verify', fraction: 0.9 });
  const envelope = envelopeOf(key, integers, proof);
  return { envelope, verdict: await accepted(envelope, keyFile, options) };
}

/** The circuit and key of a compiled model; its SRS must have as many powers as the circuit has rows. */
export async function importCircuit(
  { compiled, settings, srs }: { readonly compiled: Uint8Array; readonly settings: Uint8Array; readonly srs: Uint8Array },
  options: ImportOptions = {},
): Promise<{ readonly circuit: Uint8Array; readonly key: Uint8Array }> {
  const sG2 = secretOf(srs, options);
  const { logrows, version } = readSettings(settings);
  const { k } = readSrs(srs);
  // The engine would panic on fewer; more give another key, for EZKL takes as many as there are.
  if (k !== logrows) throw new Refused('key.srs', `the SRS has 2^${k} powers, the circuit 2^${logrows} rows: give it kzg${logrows}.srs`);
  return withEngine(async (engine) => {
    options.onProgress?.({ stage: 'make the verifying key', fraction: 0 });
    const vk = await asked(engine, 'genVk', compiled, srs, true).catch((e: unknown) => {
      if (!(e instanceof Refused) || version.startsWith('21.')) throw e;
      throw new Refused(e.code, `${e.message}; it reads circuits that EZKL 21.x compiled, and the settings are of ${version}`, e.detail);
    });
    options.onProgress?.({ stage: 'measure its proofs', fraction: 0.9 });
    const key = await keyFileOf(engine, { settings, vk, sG2 });
    return { circuit: encodeEzklCircuit(key, compiled, srs), key };
  }, options.signal);
}
