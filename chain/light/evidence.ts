/** Input, output and proof of a settled job, from the block that has them. Untrusted: whoever uses them checks the proof. */
import { equalBytes } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import { decodeStrict } from '../codec.ts';
import { Json } from '../comet/json.ts';
import { TxBodySchema, TxSchema } from '../generated/messages_pb.ts';
import { soloIdOf } from '../identities.ts';
import { MAX_TX_BYTES } from '../limits.ts';
import type { Rpc } from '../rpc/rpc.ts';

export interface Evidence {
  readonly inputNonce: Uint8Array;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly proof: Uint8Array;
}

/**
 * What the prover's transactions of a block bring for this job, the newest first: those that failed are among them, since a block does not say
 * which did. Throws RpcError or Malformed.
 */
export async function findEvidence(
  rpc: Rpc,
  { height, jobId, prover }: { readonly height: bigint; readonly jobId: Uint8Array; readonly prover: Uint8Array },
  signal?: AbortSignal,
): Promise<readonly Evidence[]> {
  const block = new Json(await rpc.call('block', { height: height.toString() }, signal), 'block').get('block');
  const txs = block.get('data').get('txs').list(100_000);
  return txs
    .reverse()
    .map((tx) => evidenceIn(tx.base64(MAX_TX_BYTES), jobId, prover))
    .filter((e) => e !== null);
}

function evidenceIn(bytes: Uint8Array, jobId: Uint8Array, prover: Uint8Array): Evidence | null {
  try {
    const { body, pubkey } = decodeStrict(TxSchema, bytes, MAX_TX_BYTES);
    if (!equalBytes(addressOf(pubkey), prover)) return null;
    const { msg } = decodeStrict(TxBodySchema, body, MAX_TX_BYTES);
    if (msg.case === 'postProof' || msg.case === 'challenge') return equalBytes(msg.value.jobId, jobId) ? msg.value : null;
    if (msg.case === 'verifyInference') return equalBytes(soloIdOf(addressOf(pubkey), msg.value.salt), jobId) ? msg.value : null;
    return null;
  } catch {
    // A block may hold what is no transaction; it proves nothing.
    return null;
  }
}
