/** What a proof must be bound to (settlement §3): derived by the ledger from its own records, never taken from a transaction. */
import type { ModelCommitment } from '../generated/messages_pb.ts';
import { type Fields, statementDigestOf } from '../identities.ts';
import type { Model, Params } from './records.ts';

export interface Claim {
  readonly modelId: Uint8Array;
  readonly jobId: Uint8Array;
  /** The sender of the proof: prover, rescuer or challenger (§5.7). */
  readonly prover: Uint8Array;
  readonly inputCommitment: Uint8Array;
  readonly outputCommitment: Uint8Array;
}

/** The 32 bytes that a proof of this claim has as its context. */
export function statementOf(
  params: Pick<Params, 'chainId'>,
  model: Pick<Model, 'zkRoot' | 'verifierVersion'> & { readonly commitment?: Fields<ModelCommitment> | undefined },
  claim: Claim,
): Uint8Array {
  if (model.commitment === undefined) throw new Error('state: a model without a commitment');
  return statementDigestOf({
    chainId: params.chainId,
    proofSystemId: model.commitment.proofSystemId,
    modelId: claim.modelId,
    vkHash: model.commitment.vkHash,
    zkRoot: model.zkRoot,
    inputCommitment: claim.inputCommitment,
    outputCommitment: claim.outputCommitment,
    prover: claim.prover,
    jobId: claim.jobId,
    verifierVersion: model.verifierVersion,
  });
}
