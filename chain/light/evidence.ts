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

/** The last transaction of the block that brings a proof for this job, or null. Throws RpcError or Malformed. */
export async function findEvidence(rpc: Rpc, height: bigint, jobId: Uint8Array, signal?: AbortSignal): Promise<Evidence | null> {
  const block = new Json(await rpc.call('block', { height: height.toString() }, signal), 'block').get('block');
  const txs = block.get('data').get('txs').list(100_000);
  for (const tx of txs.reverse()) {
    const found = evidenceIn(tx.base64(MAX_TX_BYTES), jobId);
    if (found !== null) return found;
  }
  return null;
}

function evidenceIn(bytes: Uint8Array, jobId: Uint8Array): Evidence | null {
  try {
    const { body, pubkey } = decodeStrict(TxSchema, bytes, MAX_TX_BYTES);
    const { msg } = decodeStrict(TxBodySchema, body, MAX_TX_BYTES);
    if (msg.case === 'postProof' || msg.case === 'challenge') return equalBytes(msg.value.jobId, jobId) ? msg.value : null;
    if (msg.case === 'verifyInference') return equalBytes(soloIdOf(addressOf(pubkey), msg.value.salt), jobId) ? msg.value : null;
    return null;
  } catch {
    // A block may hold what is no transaction; it proves nothing.
    return null;
  }
}
