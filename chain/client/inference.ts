/** One inference of a native key as the ledger names it (settlement §2.7, §3): canonical tensors, commitments, and the statement to prove. */
import { decodeKeyFile } from '../../circuits/files.ts';
import { ascii, equalBytes, toHex } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { Refused } from '../../protocol/refused.ts';
import type { ModelCommitment } from '../generated/messages_pb.ts';
import { type Fields, modelIdOf } from '../identities.ts';
import { VERIFIER_VERSION } from '../limits.ts';
import { statementOf } from '../state/index.ts';
import { gkr } from '../systems/gkr.ts';
import { type LedgerPort, ledgerPorts, portsToTensors } from '../systems/gkr-tensors.ts';
import type { SystemKey } from '../systems/system.ts';
import { inputCommitment, outputCommitment } from '../tensors.ts';

/** A key file as a model of the ledger. */
export interface LedgerModel {
  readonly keyFile: Uint8Array;
  readonly key: SystemKey;
  readonly commitment: Fields<ModelCommitment>;
  readonly inputs: readonly LedgerPort[];
  readonly outputs: readonly LedgerPort[];
}

/** Reads a key file. Throws `Refused` or `Rejected` E_KEY_BYTES for one that cannot be registered. `uri` is for people: printable ASCII. */
export function ledgerModel(keyFile: Uint8Array, uri = ''): LedgerModel {
  const key = gkr.parseKey(keyFile);
  const file = decodeKeyFile(keyFile);
  return {
    keyFile,
    key,
    commitment: {
      modelHash: key.modelHash,
      circuitHash: key.circuitHash,
      vkHash: key.vkHash,
      proofSystemId: gkr.id,
      uri: ascii(uri),
    },
    ...ledgerPorts(file.key, file.interface),
  };
}

/** The id that `owner`'s registration of a model gets. */
export const modelIdFor = (model: LedgerModel, owner: Uint8Array): Uint8Array => modelIdOf(owner, model.commitment);

/** What a prover shows of one inference, besides the proof. */
export interface LedgerInference {
  readonly inputNonce: Uint8Array;
  /** Canonical tensors. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly inputCommitment: Uint8Array;
  readonly outputCommitment: Uint8Array;
}

/** From the raw integers of a run (`RunResult.integers`) and a nonce of 32 bytes that hides the input. */
export function ledgerInference(
  model: LedgerModel,
  integers: { readonly inputs: readonly ArrayLike<number>[]; readonly outputs: readonly ArrayLike<number>[] },
  inputNonce: Uint8Array,
): LedgerInference {
  const input = portsToTensors(model.inputs, integers.inputs);
  const output = portsToTensors(model.outputs, integers.outputs);
  return { inputNonce, input, output, inputCommitment: inputCommitment(inputNonce, input), outputCommitment: outputCommitment(output) };
}

/** The context that a proof of this inference must have: 32 bytes. */
export function statementFor(
  model: Pick<LedgerModel, 'commitment' | 'key'>,
  i: Pick<LedgerInference, 'inputCommitment' | 'outputCommitment'>,
  {
    chainId,
    modelId,
    jobId,
    prover,
  }: { readonly chainId: string; readonly modelId: Uint8Array; readonly jobId: Uint8Array; readonly prover: Uint8Array },
): Uint8Array {
  return statementOf(
    { chainId: ascii(chainId) },
    { commitment: model.commitment, zkRoot: model.key.zkRoot, verifierVersion: VERIFIER_VERSION },
    { modelId, jobId, prover, inputCommitment: i.inputCommitment, outputCommitment: i.outputCommitment },
  );
}

/** The raw proof inside an envelope made for this context. Throws `Refused` E3 where it was made for another key or context. */
export function rawProof(envelope: Uint8Array, model: LedgerModel, context: Uint8Array): Uint8Array {
  const e = decodeEnvelope(envelope);
  if (!equalBytes(e.vkHash, model.key.vkHash)) throw new Refused('E3', 'the proof was made for another key than the model’s');
  if (!equalBytes(e.context, context))
    throw new Refused('E3', `the proof was made for context 0x${toHex(e.context)}, settling it needs 0x${toHex(context)}`);
  return e.proof;
}
