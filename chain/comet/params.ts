/** CometBFT's consensus parameters of a chain of this ledger (settlement §8.1): what its genesis says of blocks. */
import { MAX_BLOCK_BYTES } from '../limits.ts';

export interface ConsensusParams {
  readonly block: { readonly max_bytes: string; readonly max_gas: string };
  readonly [part: string]: unknown;
}

/** Consensus parameters of a chain of this ledger: blocks of 4 MiB and of the genesis's gas; everything else as CometBFT has it. */
export const consensusParams = (maxGas: bigint): ConsensusParams => ({
  block: { max_bytes: MAX_BLOCK_BYTES.toString(), max_gas: maxGas.toString() },
  evidence: { max_age_num_blocks: '100000', max_age_duration: '172800000000000', max_bytes: '1048576' },
  validator: { pub_key_types: ['ed25519'] },
  version: { app: '0' },
  abci: { vote_extensions_enable_height: '0' },
});
