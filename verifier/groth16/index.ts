/** Verification of groth16 proofs: envelope and key to verdict, in plain TypeScript, on one thread (protocol §11.4). */
import { bn254 } from '@noble/curves/bn254.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeGroth16Key, GROTH16, type Groth16Key, itemShapeOf, type Port } from '../../circuits/groth16/key.ts';
import { contextSignals, limbsOf } from '../../circuits/groth16/signals.ts';
import { groth16Trust } from '../../circuits/groth16/trust.ts';
import type { Interface } from '../../circuits/interface.ts';
import { type NamedTensor, named, namedOutputs, provenTensors } from '../../circuits/named.ts';
import { concat, equalBytes, plainBytes, toHex } from '../../protocol/bytes.ts';
import { hash } from '../../protocol/hash.ts';
import { Refused } from '../../protocol/refused.ts';
import { readCommittedItem, readPublicItem, statementDigest } from '../../protocol/statement.ts';
import type { AnyOptions } from '../any.ts';
import { expectedEnvelope } from '../expected.ts';
import type { CommittedTensor, Verdict } from '../verdict.ts';
import { holds, type PreparedKey, prepare, readProof } from './pairing.ts';

const R = bn254.fields.Fr.ORDER;

interface KnownKey {
  readonly digest: Uint8Array;
  readonly key: Groth16Key;
  readonly prepared: PreparedKey;
}

/** Keys that were prepared before, by their digest: preparing costs more than checking. The last few. */
const known = new Map<string, KnownKey>();
const KEPT = 16;

function knownKey(bytes: Uint8Array): KnownKey {
  const own = plainBytes(bytes).slice();
  const digest = hash('key', own);
  const name = toHex(digest);
  const before = known.get(name);
  if (before !== undefined) return before;
  const key = decodeGroth16Key(own);
  const made = { digest, key, prepared: prepare(key) };
  known.set(name, made);
  const oldest = known.size > KEPT ? known.keys().next().value : undefined;
  if (oldest !== undefined) known.delete(oldest);
  return made;
}

/** Reads and prepares a key, which the first proof under it will then not wait for. Throws `Refused`. */
export const prepareKey = (keyFile: Uint8Array): void => void knownKey(keyFile);

/** A tensor of the statement with its public signals: values, or the commitment to them. */
interface Read {
  readonly signals: readonly bigint[];
  readonly raw: Int32Array | null;
  readonly root: Uint8Array | null;
}

/** E4, E5; C2 for a commitment that is no field element. */
function readItem(item: Uint8Array, port: Port, name: string): Read {
  const shape = itemShapeOf(port, name);
  if (!port.hidden) {
    const raw = readPublicItem(item, shape).map((v) => v + port.zp);
    return { signals: limbsOf(port.dtype, raw), raw, root: null };
  }
  const root = readCommittedItem(item, shape);
  const signal = root.reduce((n, b) => 256n * n + BigInt(b), 0n);
  if (signal >= R) throw new Refused('C2', `${name}: the commitment is not below the order of the field`, { item: name });
  return { signals: [signal], raw: null, root };
}

/** The digest of model and context that a proof is made for. */
export const contextDigest = (modelId: Uint8Array, context: Uint8Array): Uint8Array => sha256(concat(modelId, context));

/** Checks a proof against a key of this system. Throws `Refused`. */
export function verify(envelope: Uint8Array, keyFile: Uint8Array, options: AnyOptions): Verdict {
  const { onProgress } = options;
  onProgress?.({ stage: 'read the key', fraction: 0 });
  const { digest, key, prepared } = knownKey(keyFile);
  if (options.keyDigest !== undefined && !equalBytes(options.keyDigest, digest))
    throw new Refused('E3', `the key file has digest ${toHex(digest)}, the caller expects ${toHex(options.keyDigest)}`, {
      field: 'keyDigest',
    });
  onProgress?.({ stage: 'read the proof', fraction: 0.4 });
  const e = expectedEnvelope(envelope, { system: GROTH16, profile: key.profile, vkHash: key.vkHash }, options);
  const read = (kind: 'input' | 'output', items: readonly Uint8Array[], ports: readonly Port[]): Read[] => {
    if (items.length !== ports.length) throw new Refused('E4', `${items.length} ${kind} items, the key has ${ports.length}`);
    return ports.map((p, i) => readItem(items[i] as Uint8Array, p, `${kind} ${i}`));
  };
  const inputs = read('input', e.inputs, key.inputs);
  const outputs = read('output', e.outputs, key.outputs);
  const proof = readProof(e.proof);
  const signals = [...inputs, ...outputs].flatMap((r) => r.signals);
  onProgress?.({ stage: 'check the equation', fraction: 0.5 });
  if (!holds(proof, [...signals, ...contextSignals(contextDigest(e.modelId, e.context))], prepared))
    throw new Refused('G3', 'the pairing equation does not hold: this is no proof of this statement under this key');
  const face = key.interface;
  const shown = outputs.every((o) => o.raw !== null);
  const raw = outputs.map((o) => o.raw as Int32Array);
  return {
    verdict: 'accepted',
    securityBits: groth16Trust(key).securityBits,
    ledger: [],
    system: GROTH16,
    profile: key.profile,
    mode: key.inputs.some((p) => p.hidden) ? 'private input' : 'public input',
    trust: groth16Trust(key),
    vkHash: e.vkHash,
    keyDigest: digest.slice(),
    modelId: e.modelId,
    statementDigest: statementDigest(e),
    context: e.context,
    inputs: inputs.map((r, i) => tensor(inputLabel(face, i), key.inputs[i] as Port, r)),
    outputs: shown ? namedOutputs(face, raw) : [],
    proven: shown
      ? provenTensors(face, key.outputs, raw)
      : outputs.map((r, i) => tensor(face.outputs.find((o) => o.source === i)?.name ?? `output ${i}`, key.outputs[i] as Port, r)),
  };
}

function inputLabel(face: Interface, i: number): string {
  const from = face.inputs[face.head[i]?.input ?? 0];
  return face.head[i]?.quantize === null ? (from?.name ?? `input ${i}`) : `${from?.name} (integers)`;
}

function tensor(name: string, { dtype, dims }: Port, { raw, root }: Read): NamedTensor | CommittedTensor {
  if (raw !== null) return named(name, dtype, dims, raw);
  return { name, dtype, shape: [...dims], root: root as Uint8Array };
}
