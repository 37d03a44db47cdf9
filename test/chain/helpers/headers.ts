/** Chains of headers without an application: validator sets that change, votes that can be withheld, and the RPC that shows them. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { addressOf } from '../../../chain/accounts.ts';
import { commitHash, headerHash, validatorsHash, voteSignBytes } from '../../../chain/comet/hashes.ts';
import { hexUpper, showCommit, showHeader, showKey } from '../../../chain/comet/json.ts';
import { type BlockCommit, type BlockHeader, type BlockIdentity, FLAGS, type Validator } from '../../../chain/comet/types.ts';
import type { LightBlock } from '../../../chain/light/verify.ts';
import { listRoot } from '../../../chain/merkle.ts';
import { type Rpc, RpcError } from '../../../chain/rpc/rpc.ts';
import { ascii } from '../../../protocol/bytes.ts';

export const SECOND = 1_000_000_000n;
export const BIRTH = 1_750_000_000n * SECOND;
export const HEADERS_CHAIN = 'headers-1';

/** A validator with its secret. */
export interface Elector extends Validator {
  readonly seed: Uint8Array;
}

export const elector = (name: string, power = 10n): Elector => {
  const seed = sha256(ascii(name));
  return { seed, pubkey: ed25519.getPublicKey(seed), power };
};

export type Flag = (typeof FLAGS)[keyof typeof FLAGS];

const NOBODY: BlockIdentity = { hash: new Uint8Array(0), parts: { total: 0, hash: new Uint8Array(0) } };

/** A commit of a header by its set; `flagOf` says how each votes. */
export function commitOf(header: BlockHeader, set: readonly Elector[], flagOf: (index: number) => Flag = () => FLAGS.commit): BlockCommit {
  const hash = headerHash(header);
  const commit = { height: header.height, round: 0, blockId: { hash, parts: { total: 1, hash: sha256(hash) } } };
  return {
    ...commit,
    votes: set.map(({ seed, pubkey }, i) => {
      const flag = flagOf(i);
      if (flag === FLAGS.absent) return { flag, address: new Uint8Array(0), time: 0n, signature: new Uint8Array(0) };
      const vote = { flag, address: addressOf(pubkey), time: header.time + SECOND };
      return { ...vote, signature: ed25519.sign(voteSignBytes(header.chainId, commit, vote), seed) };
    }),
  };
}

export interface ChainOfHeaders {
  readonly blocks: readonly LightBlock[];
  block(height: number): LightBlock;
}

/** Blocks 1 to `height`, a second apart; `setAt` names the validators of each height. */
export function chainOfHeaders(
  height: number,
  setAt: (height: number) => readonly Elector[],
  {
    flagOf,
    timeAt = (h) => BIRTH + BigInt(h) * SECOND,
  }: { flagOf?: (height: number, i: number) => Flag; timeAt?: (h: number) => bigint } = {},
): ChainOfHeaders {
  const blocks: LightBlock[] = [];
  let last: BlockCommit = { height: 0n, round: 0, blockId: NOBODY, votes: [] };
  for (let h = 1; h <= height; h++) {
    const set = setAt(h);
    const header: BlockHeader = {
      version: { block: 11n, app: 0n },
      chainId: HEADERS_CHAIN,
      height: BigInt(h),
      time: timeAt(h),
      lastBlockId: last.blockId,
      lastCommitHash: commitHash(last.votes),
      dataHash: listRoot([]),
      validatorsHash: validatorsHash(set),
      nextValidatorsHash: validatorsHash(setAt(h + 1)),
      consensusHash: listRoot([]),
      appHash: sha256(ascii(`state ${h}`)),
      lastResultsHash: listRoot([]),
      evidenceHash: listRoot([]),
      proposerAddress: addressOf((set[0] as Elector).pubkey),
    };
    last = commitOf(header, set, flagOf === undefined ? undefined : (i) => flagOf(h, i));
    blocks.push({ header, commit: last, validators: set.map(({ pubkey, power }) => ({ pubkey, power })) });
  }
  return { blocks, block: (h) => blocks[h - 1] as LightBlock };
}

/** The RPC of such a chain, by whatever blocks it likes to show; `asked` counts the headers that were fetched. */
export function headersRpc(
  blockAt: (height: number | null) => LightBlock | undefined,
  setAt: (height: number) => readonly Validator[] | undefined = (h) => blockAt(h)?.validators,
): Rpc & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    url: 'memory:',
    asked,
    async call(method, params = {}) {
      const height = params.height === undefined ? null : Number(params.height);
      if (method === 'commit') {
        const block = blockAt(height);
        if (block === undefined) throw new RpcError('refused', `no block ${height}`);
        asked.push(Number(block.header.height));
        return { signed_header: { header: showHeader(block.header), commit: showCommit(block.commit) }, canonical: true };
      }
      const set = method === 'validators' ? setAt(height as number) : undefined;
      if (set === undefined) throw new RpcError('refused', `${method} ${height} is not here`);
      const [page, size] = [Number(params.page), Number(params.per_page)];
      return {
        block_height: String(height),
        validators: set.slice((page - 1) * size, page * size).map((v) => ({
          address: hexUpper(addressOf(v.pubkey)),
          pub_key: showKey(v.pubkey),
          voting_power: v.power.toString(),
          proposer_priority: '0',
        })),
        count: String(set.length),
        total: String(set.length),
      };
    },
  };
}
