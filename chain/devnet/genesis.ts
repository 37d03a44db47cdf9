/** A CometBFT genesis document for a chain of one validator (settlement §11.2), and the id of a devnet. */
import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import { toHex } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import { hexUpper, showKey } from '../comet/json.ts';
import { type ConsensusParams, consensusParams } from '../comet/params.ts';
import { showTime } from '../comet/time.ts';
import { type Genesis, genesisToJson } from '../genesis.ts';

export interface GenesisDoc {
  readonly genesis_time: string;
  readonly chain_id: string;
  readonly initial_height: string;
  readonly consensus_params: ConsensusParams;
  readonly validators: readonly { readonly pub_key: { readonly type: string; readonly value: string }; readonly power: string }[];
  readonly app_hash: string;
  readonly app_state: unknown;
}

/** `time` in nanoseconds since 1970. The id is `devnet-` and 8 digits of the hash of everything else: what is signed for one fits no other. */
export function devnetGenesis(genesis: Genesis, validator: Uint8Array, time: bigint): GenesisDoc {
  const doc = {
    genesis_time: showTime(time),
    initial_height: '1',
    consensus_params: consensusParams(genesis.params.blockVgas),
    validators: [
      {
        address: hexUpper(addressOf(validator)),
        pub_key: showKey(validator) as { type: string; value: string },
        power: '10',
        name: 'devnet',
      },
    ],
    app_hash: '',
    app_state: genesisToJson(genesis),
  };
  const id = toHex(sha256(new TextEncoder().encode(JSON.stringify(doc)))).slice(0, 8);
  return { ...doc, chain_id: `devnet-${id}` };
}

export const validatorsOf = (doc: GenesisDoc): { readonly pubkey: Uint8Array; readonly power: bigint }[] =>
  doc.validators.map((v) => ({ pubkey: base64.decode(v.pub_key.value), power: BigInt(v.power) }));
