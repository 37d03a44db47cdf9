/**
 * Keys and circuits of EZKL (`ezkl-halo2-kzg-bn254-v1`): bodies of the containers of container.ts.
 *
 *     key      enc of ['ezkl', 1, proof bytes, settings.json, vk.key, s·G2]
 *     circuit  enc of ['ezkl', 1, key file, model.compiled, kzg.srs]
 *
 * vkHash covers all of the key, for the engine takes other settings and other bits in the vk's selectors for the same proof; and the
 * length of a proof, for it takes proofs with bytes behind their end (docs/decisions/0014-ezkl.md).
 */
import { toHex } from '../../protocol/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { hash } from '../../protocol/hash.ts';
import { Refused } from '../../protocol/refused.ts';
import type { ItemShape } from '../../protocol/statement.ts';
import type { SetUp, Trust } from '../../protocol/trust.ts';
import { containerHash, decodeContainer, encodeContainer } from '../container.ts';
import { type EzklSettings, type FixedPoint, MOST_PROOF_WORDS, readSettings } from './settings.ts';
import { checkSecret, readSrs, S_G2_BYTES, setUpOf } from './srs.ts';

export const EZKL_SYSTEM = 'ezkl-halo2-kzg-bn254-v1';
const FORMAT = 'ezkl';
const VERSION = 1;
/** Bits of BN254: the best known attack on its pairing (Barbulescu and Duquesne, J. Cryptology 2019). */
const BITS = 100;
export const MOST_PROOF_BYTES = 32 * MOST_PROOF_WORDS;

export interface EzklParts {
  /** What the engine reads of a proof, exactly. */
  readonly proofBytes: number;
  /** As EZKL wrote them: settings.json, vk.key. */
  readonly settings: Uint8Array;
  readonly vk: Uint8Array;
  /** The one point of the SRS that a verifier needs. */
  readonly sG2: Uint8Array;
}

export interface EzklKey extends EzklParts {
  readonly system: typeof EZKL_SYSTEM;
  /** H_vk of the settings, in hexadecimal. */
  readonly profile: string;
  readonly vkHash: Uint8Array;
  readonly read: EzklSettings;
  readonly setup: SetUp;
}

export interface EzklCircuit {
  readonly key: EzklKey;
  readonly keyFile: Uint8Array;
  readonly compiled: Uint8Array;
  /** With as many powers as the circuit has rows. */
  readonly srs: Uint8Array;
}

function fields(body: Uint8Array, kind: 'key' | 'circuit', count: number): readonly Value[] {
  const v = decodeValue(body, `${kind}.format`, `the EZKL ${kind}`);
  if (!Array.isArray(v) || v.length !== count + 2 || v[0] !== FORMAT) throw new Refused(`${kind}.format`, `the body is no EZKL ${kind}`);
  if (v[1] !== VERSION)
    throw new Refused(`${kind}.format`, `EZKL ${kind} of version ${String(v[1]).slice(0, 20)}; this program reads version ${VERSION}`);
  return v.slice(2);
}

function bytesOf(v: Value | undefined, code: string, what: string): Uint8Array {
  if (!(v instanceof Uint8Array)) throw new Refused(code, `${what} is no bytes`);
  return v;
}

/** Key file of checked parts. Throws what `decodeEzklKey` throws. */
export function encodeEzklKey(parts: EzklParts): Uint8Array {
  const body = encodeValue([FORMAT, VERSION, parts.proofBytes, parts.settings, parts.vk, parts.sG2]);
  readBody(body);
  return encodeContainer('key', EZKL_SYSTEM, body);
}

function readBody(body: Uint8Array): EzklKey {
  const [length, ...rest] = fields(body, 'key', 4);
  const [settings, vk, sG2] = ['the settings', 'the vk', 's·G2'].map((what, i) => bytesOf(rest[i], 'key.format', what)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  if (typeof length !== 'number' || length < 32 || length > MOST_PROOF_BYTES || length % 32 !== 0)
    throw new Refused('key.format', `the length of a proof is no multiple of 32 up to ${MOST_PROOF_BYTES}`);
  if (sG2.length !== S_G2_BYTES) throw new Refused('key.srs', `s·G2 has ${sG2.length} bytes, not ${S_G2_BYTES}`);
  checkSecret(sG2);
  const read = readSettings(settings);
  checkVk(vk, read);
  return {
    system: EZKL_SYSTEM,
    profile: toHex(hash('vk', settings)),
    vkHash: containerHash(EZKL_SYSTEM, body),
    proofBytes: length,
    settings,
    vk,
    sG2,
    read,
    setup: setUpOf(sG2),
  };
}

/** The head of a vk.key: u8 version 3 ‖ u8 k ‖ u8 compressed selectors ‖ u32 fixed commitments; the rest is the engine's to read. */
function checkVk(vk: Uint8Array, { logrows }: EzklSettings): void {
  if (vk.length < 7 || vk[0] !== 3) throw new Refused('key.vk', 'the vk does not begin as one of EZKL does');
  if (vk[1] !== logrows) throw new Refused('key.vk', `the vk is of a circuit of 2^${vk[1]} rows, the settings speak of 2^${logrows}`);
  const count = new DataView(vk.buffer, vk.byteOffset + 3, 4).getUint32(0, true);
  // Before the engine reserves memory for them and opens them one by one; points have 32 bytes or 64, and each costs a word in a proof.
  if (count > MOST_PROOF_WORDS) throw new Refused('key.vk', `the vk has ${count} commitments; at most ${MOST_PROOF_WORDS} are read`);
  if (32 * count > vk.length) throw new Refused('key.vk', `the vk ends before its ${count} commitments`);
}

export const keyOfBody = readBody;

/** Reads a key file. Total on bytes: throws `key.format`, `key.system`, `key.settings`, `key.vk` or `key.srs`. */
export const decodeEzklKey = (file: Uint8Array): EzklKey => readBody(decodeContainer(file, 'key', EZKL_SYSTEM));

export function encodeEzklCircuit(keyFile: Uint8Array, compiled: Uint8Array, srs: Uint8Array): Uint8Array {
  const body = encodeValue([FORMAT, VERSION, keyFile, compiled, srs]);
  circuitOfBody(body);
  return encodeContainer('circuit', EZKL_SYSTEM, body);
}

export function circuitOfBody(body: Uint8Array): EzklCircuit {
  const [keyFile, compiled, srs] = fields(body, 'circuit', 3).map((v, i) =>
    bytesOf(v, 'circuit.format', ['the key', 'the compiled model', 'the SRS'][i] as string),
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const key = decodeEzklKey(keyFile);
  const { k, sG2 } = readSrs(srs);
  if (toHex(sG2) !== toHex(key.sG2)) throw new Refused('circuit.format', 'the SRS of the circuit is not the one of its key');
  if (k < key.read.logrows) throw new Refused('circuit.format', `the SRS has 2^${k} powers, the circuit 2^${key.read.logrows} rows`);
  if (compiled.length === 0) throw new Refused('circuit.format', 'the compiled model is empty');
  return { key, keyFile, compiled, srs };
}

/** Reads a circuit file. Throws `circuit.format` or `circuit.system`, and for its key what `decodeEzklKey` throws. */
export const decodeEzklCircuit = (file: Uint8Array): EzklCircuit => circuitOfBody(decodeContainer(file, 'circuit', EZKL_SYSTEM));

/** What the key says that an item of the statement must be. */
export const itemOf = ({ name, dims }: FixedPoint): ItemShape => ({ name, dims, dtype: 'int32', zp: 0, lo: -(2 ** 31), hi: 2 ** 31 - 1 });

/** What an accepted proof under this key rests on. */
export const trustOf = (key: EzklKey): Trust => ({
  setup: key.setup,
  // Advice columns are blinded; the commitments to fixed weights in the key and to the quotient's pieces are not, and we show no more.
  zeroKnowledge: false,
  hidden: [],
  bindsContext: false,
  securityBits: key.setup === 'universal' ? BITS : 0,
  security: 'estimated',
  assumption:
    key.setup === 'universal'
      ? 'one contributor to the ceremony has forgotten its secret; algebraic group model on BN254; Keccak-256 behaves as a random oracle'
      : 'whoever made the SRS forgets its secret: it is not of the ceremony, and they can forge',
});
