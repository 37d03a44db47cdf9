/** Verification of the native system with files and names. */
import { decodeCircuitFile } from '../circuits/files.ts';
import { type NamedTensor, named, namedOutputs, provenTensors } from '../circuits/named.ts';
import type { Tensor } from '../circuits/types.ts';
import { plain } from '../protocol/arithmetic.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import { nativeTrust } from '../protocol/trust.ts';
import { arithmetic } from './arithmetic.ts';
import { requireKeyDigest } from './expected.ts';
import { knownKey } from './keys.ts';
import type { Verdict } from './verdict.ts';
import { checkedKey, type Expected, type StatedTensor, verifyWith } from './verify.ts';

export interface VerifyOptions extends Expected {
  /** The `.circuit` file, for keys of mode I0: the verifier holds the model. */
  readonly circuit?: Uint8Array | undefined;
  /** H_key of the key file the caller trusts, if it was pinned: covers scales, names and the tail too. */
  readonly keyDigest?: Uint8Array | undefined;
  /** `plain`: without WebAssembly, whatever the machine can. */
  readonly arithmetic?: 'auto' | 'plain' | undefined;
}

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
    requireKeyDigest(file.digest, options.keyDigest);
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
      trust: nativeTrust(v.securityBits),
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
