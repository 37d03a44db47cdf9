/** Where a reader without a checkpoint begins: with the node's word, which whoever shows it must say (settlement §10.4). */
import { Json, readCommit, readHeader } from '../comet/json.ts';
import { type Rpc, RpcError } from '../rpc/rpc.ts';
import { type Checkpoint, checkpointOf } from './checkpoint.ts';
import { type SignedHeader, TRUST_PERIOD } from './verify.ts';

/** A block as the node shows it, unchecked; the newest without a height. */
export async function shownBlock(rpc: Rpc, height?: bigint): Promise<SignedHeader> {
  const params = height === undefined ? {} : { height: height.toString() };
  const signed = new Json(await rpc.call('commit', params), 'commit').get('signed_header');
  return { header: readHeader(signed.get('header')), commit: readCommit(signed.get('commit')) };
}

/**
 * The chain's first block; where that is too old to be followed from at `now` (nanoseconds since 1970), or not kept any more, the newest.
 * Throws RpcError or Malformed.
 */
export async function beginning(rpc: Rpc, now: bigint): Promise<Checkpoint> {
  const first = await shownBlock(rpc, 1n).catch((e) => {
    if (e instanceof RpcError && e.kind === 'refused') return null;
    throw e;
  });
  const tooOld = first === null || first.header.time + TRUST_PERIOD < now;
  return checkpointOf(tooOld ? await shownBlock(rpc) : first);
}
