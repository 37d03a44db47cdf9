/** Verification with files and names: what the package exports (`assay/verifier`). No Node API, no prover, no ONNX. */
import { decodeCircuitFile } from '../circuits/files.ts';
import { type NamedTensor, named, namedOutputs, provenTensors } from '../circuits/named.ts';
import type { Tensor } from '../circuits/types.ts';
import { plain } from '../protocol/arithmetic.ts';
import { equalBytes, toHex } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import { arithmetic } from './arithmetic.ts';
import { knownKey } from './keys.ts';
import { checkedKey, type Expected, type StatedTensor, verifyWith } from './verify.ts';

export { kernelsInUse } from './arithmetic.ts';

export interface VerifyOptions extends Expected {
  /** The `.circuit` file, for keys of mode I0: the verifier holds the model. */
  readonly circuit?: Uint8Array | undefined;
  /** H_key of the key file the caller trusts, if it was pinned: covers scales, names and the tail too. */
  readonly keyDigest?: Uint8Array | undefined;
  /** `plain`: without WebAssembly, whatever the machine can. */
  readonly arithmetic?: 'auto' | 'plain' | undefined;
}

export interface Accepted {
  readonly verdict: 'accepted';
  /** Provable bits: -log2 of the sum of the ledger (docs/protocol.md §10.3). */
  readonly securityBits: number;
  readonly ledger: readonly { readonly id: string; readonly event: string; readonly bits: number }[];
  readonly system: string;
  readonly profile: string;
  readonly mode: string;
  readonly vkHash: Uint8Array;
  readonly keyDigest: Uint8Array;
  readonly modelId: Uint8Array;
  readonly statementDigest: Uint8Array;
  readonly context: Uint8Array;
  /** The integer inputs of the statement, as the key lays them out; a committed input has its root alone. */
  readonly inputs: readonly (
    | NamedTensor
    | { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly root: Uint8Array }
  )[];
  /** The model's outputs, recomputed from the proven integers. */
  readonly outputs: readonly NamedTensor[];
  /** The integer tensors the proof binds. */
  readonly proven: readonly NamedTensor[];
}

export interface RefusedVerdict {
  readonly verdict: 'refused';
  /** The id of the check that failed: a check of docs/protocol.md §13, or a word for the key file. */
  readonly code: string;
  readonly sentence: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type Verdict = Accepted | RefusedVerdict;

/** Checks a proof against a key. Total on bytes: every refusal is a verdict; a throw is a bug of ours, or a TypeError for what is no bytes. */
export function verify(envelope: Uint8Array, key: Uint8Array, options: VerifyOptions = {}): Verdict {
  for (const [what, bytes] of [
    ['proof', envelope],
    ['key', key],
    ['circuit', options.circuit ?? key],
  ] as const)
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`the ${what} is no Uint8Array`);
  try {
    options.onProgress?.({ stage: 'read the key', fraction: 0 });
    const known = knownKey(key);
    const { file } = known;
    if (options.keyDigest !== undefined && !equalBytes(options.keyDigest, file.digest))
      throw new Refused('E3', `the key file has digest ${toHex(file.digest)}, the caller expects ${toHex(options.keyDigest)}`, {
        field: 'keyDigest',
      });
    const circuit = options.circuit === undefined || file.key.mode !== 'I0' ? null : decodeCircuitFile(options.circuit);
    if (circuit !== null && !equalBytes(circuit.fields.hash, file.key.hash))
      throw new Refused('E6', 'the circuit given with the key is not of this key');
    const isI0 = file.key.mode === 'I0';
    const checked = isI0 ? () => checkedKey(file.key, { contents: circuit?.contents }) : known.checked;
    const v = verifyWith(envelope, file.key, checked, { ...options, arithmetic: options.arithmetic === 'plain' ? plain : arithmetic() });
    if (!v.ok) return { verdict: 'refused', code: v.code, sentence: v.sentence, detail: v.detail };
    const { statement } = v;
    const face = file.interface;
    const raw = statement.outputs.map((o) => (o as { values: Int32Array }).values);
    const io = file.key.outputs.map((o) => ({ dtype: o.dtype, dims: (file.key.tensors[o.tensor] as Tensor).dims }));
    return {
      verdict: 'accepted',
      securityBits: v.securityBits,
      ledger: v.ledger?.terms.map(({ id, event, bits }) => ({ id, event, bits })) ?? [],
      system: statement.system,
      profile: statement.profile,
      mode: file.key.mode,
      vkHash: statement.vkHash,
      keyDigest: file.digest.slice(),
      modelId: statement.modelId,
      statementDigest: statement.digest,
      context: statement.context,
      inputs: statement.inputs.map((t: StatedTensor, i) => {
        const from = face.inputs[face.head[i]?.input ?? 0];
        const label = face.head[i]?.quantize === null ? (from?.name ?? `input ${i}`) : `${from?.name} (integers)`;
        const dtype = t.dtype as NamedTensor['dtype'];
        return 'values' in t ? named(label, dtype, t.dims, t.values) : { name: label, dtype: t.dtype, shape: [...t.dims], root: t.root };
      }),
      outputs: namedOutputs(face, raw),
      proven: provenTensors(face, io, raw),
    };
  } catch (e) {
    if (e instanceof Refused) return { verdict: 'refused', code: e.code, sentence: e.message, detail: e.detail };
    throw e;
  }
}
