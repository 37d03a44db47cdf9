/** The JSON-RPC subset of the devnet (settlement §11.3): the answers that CometBFT gives, field by field. */
import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import { toHex } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import type { TxResult } from '../application.ts';
import { CODESPACE } from '../codes.ts';
import { hexUpper, showBlockId, showCommit, showHeader, showKey } from '../comet/json.ts';
import { showTime } from '../comet/time.ts';
import { MAX_BLOCK_BYTES } from '../limits.ts';
import { type Methods, type Params, RpcRefused } from '../rpc/server.ts';
import type { DevnetBlock, StoredTxResult } from './blocks.ts';
import { type Devnet, MempoolRefused, type WaitingTx } from './devnet.ts';

/** Milliseconds that `broadcast_tx_commit` waits. */
const COMMIT_TIMEOUT = 10_000;
/** Blocks whose transactions `tx` knows: the last ones. */
const SEARCHED = 2000n;

const showResult = (r: StoredTxResult | TxResult): object => ({
  code: r.code,
  data: r.data.length === 0 ? null : base64.encode(r.data),
  log: r.log,
  info: '',
  gas_wanted: r.gasWanted.toString(),
  gas_used: r.gasUsed.toString(),
  events: [],
  codespace: r.code === 0 ? '' : CODESPACE,
});

export function devnetMethods(net: Devnet): Methods {
  const blockAt = (params: Params): DevnetBlock => {
    const height = params.int('height') ?? net.height;
    if (height < 1n) throw new RpcRefused(-32603, 'height must be greater than 0');
    if (height > net.height)
      throw new RpcRefused(-32603, `height ${height} must be less than or equal to the current blockchain height ${net.height}`);
    const block = net.block(height);
    if (block === undefined) throw new RpcRefused(-32603, `no block ${height}`);
    return block;
  };
  const send = async (params: Params): Promise<{ id: string; result: TxResult }> => {
    try {
      return await net.broadcast(params.bytes('tx'));
    } catch (e) {
      if (e instanceof MempoolRefused) throw new RpcRefused(-32603, e.message);
      throw e;
    }
  };
  const sent = ({ id, result }: { id: string; result: TxResult }): object => ({
    code: result.code,
    data: '',
    log: result.log,
    codespace: result.code === 0 ? '' : CODESPACE,
    hash: id.toUpperCase(),
  });
  /** Heights of the transactions of the last blocks, by hash, oldest first; each block is read for it once. */
  const placed = new Map<string, bigint>();
  let indexed = 0n;
  const found = (hash: Uint8Array): { block: DevnetBlock; index: number } | null => {
    const last = net.height > SEARCHED ? net.height - SEARCHED : 0n;
    for (let h = (indexed > last ? indexed : last) + 1n; h <= net.height; h++) {
      const block = net.block(h);
      // A block that is being executed has no results yet.
      if (block === undefined || block.results.length !== block.txs.length) break;
      for (const tx of block.txs) placed.set(toHex(sha256(tx)), h);
      indexed = h;
    }
    for (const [name, h] of placed) {
      if (h > last) break;
      placed.delete(name);
    }
    const name = toHex(hash);
    const block = placed.has(name) ? net.block(placed.get(name) as bigint) : undefined;
    const index = block?.txs.findIndex((tx) => toHex(sha256(tx)) === name) ?? -1;
    return block !== undefined && index >= 0 ? { block, index } : null;
  };
  const validator = net.validators[0] as (typeof net.validators)[number];
  const showValidator = {
    address: hexUpper(addressOf(validator.pubkey)),
    pub_key: showKey(validator.pubkey),
    voting_power: validator.power.toString(),
    proposer_priority: '0',
  };

  return {
    health: () => ({}),
    genesis: () => ({ genesis: net.genesis }),
    status() {
      const [first, last] = [net.block(1n), net.block(net.height)];
      return {
        node_info: {
          protocol_version: { p2p: '8', block: '11', app: '0' },
          id: toHex(addressOf(validator.pubkey)),
          listen_addr: '',
          network: net.genesis.chain_id,
          version: '0.38.25',
          channels: '',
          moniker: 'devnet',
          other: { tx_index: 'on', rpc_address: '' },
        },
        sync_info: {
          latest_block_hash: last === undefined ? '' : hexUpper(last.commit.blockId.hash),
          latest_app_hash: last === undefined ? '' : hexUpper(last.header.appHash),
          latest_block_height: net.height.toString(),
          latest_block_time: last === undefined ? net.genesis.genesis_time : showTime(last.header.time),
          earliest_block_hash: first === undefined ? '' : hexUpper(first.commit.blockId.hash),
          earliest_app_hash: first === undefined ? '' : hexUpper(first.header.appHash),
          earliest_block_height: first === undefined ? '0' : '1',
          earliest_block_time: first === undefined ? net.genesis.genesis_time : showTime(first.header.time),
          catching_up: false,
        },
        validator_info: { address: showValidator.address, pub_key: showValidator.pub_key, voting_power: showValidator.voting_power },
      };
    },
    abci_info() {
      const { height, appHash } = net.app.info();
      return { response: { data: 'assay', last_block_height: height.toString(), last_block_app_hash: base64.encode(appHash) } };
    },
    abci_query(params) {
      const a = net.app.query({
        path: params.text('path'),
        data: params.hex('data'),
        height: params.int('height') ?? 0n,
        prove: params.bool('prove'),
      });
      const ops = a.proofOps.map((o) => ({ type: o.type, key: base64.encode(o.key), data: base64.encode(o.data) }));
      return {
        response: {
          code: a.code,
          log: a.log,
          info: '',
          index: '0',
          key: a.key.length === 0 ? null : base64.encode(a.key),
          value: a.value.length === 0 ? null : base64.encode(a.value),
          proofOps: ops.length === 0 ? null : { ops },
          height: a.height.toString(),
          codespace: a.code === 0 ? '' : CODESPACE,
        },
      };
    },
    broadcast_tx_sync: async (params) => sent(await send(params)),
    async broadcast_tx_async(params) {
      const bytes = params.bytes('tx');
      net.broadcast(bytes).catch(() => {});
      return { code: 0, data: '', log: '', codespace: '', hash: hexUpper(sha256(bytes)) };
    },
    async broadcast_tx_commit(params) {
      const { id, result } = await send(params);
      if (result.code !== 0) return { check_tx: showResult(result), tx_result: showResult(EMPTY), hash: id.toUpperCase(), height: '0' };
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          off();
          clearTimeout(timer);
        };
        const off = net.onBlock((block) => {
          const index = block.txs.findIndex((tx) => toHex(sha256(tx)) === id);
          if (index < 0) return;
          stop();
          resolve({
            check_tx: showResult(result),
            tx_result: showResult(block.results[index] as StoredTxResult),
            hash: id.toUpperCase(),
            height: block.header.height.toString(),
          });
        });
        const timer = setTimeout(() => {
          stop();
          reject(new RpcRefused(-32603, 'timed out waiting for tx to be included in a block'));
        }, COMMIT_TIMEOUT);
      });
    },
    tx(params) {
      const hash = params.bytes('hash');
      const at = found(hash);
      if (at === null) throw new RpcRefused(-32603, `tx (${hexUpper(hash)}) not found`);
      const { block, index } = at;
      return {
        hash: hexUpper(hash),
        height: block.header.height.toString(),
        index,
        tx_result: showResult(block.results[index] as StoredTxResult),
        tx: base64.encode(block.txs[index] as Uint8Array),
      };
    },
    block(params) {
      const { header, txs, lastCommit, commit } = blockAt(params);
      return {
        block_id: showBlockId(commit.blockId),
        block: {
          header: showHeader(header),
          data: { txs: txs.map((tx) => base64.encode(tx)) },
          evidence: { evidence: [] },
          last_commit: showCommit(lastCommit),
        },
      };
    },
    block_results(params) {
      const { header, results } = blockAt(params);
      return {
        height: header.height.toString(),
        txs_results: results.length === 0 ? null : results.map(showResult),
        finalize_block_events: [],
        validator_updates: null,
        consensus_param_updates: null,
        app_hash: '',
      };
    },
    commit(params) {
      const { header, commit } = blockAt(params);
      return { signed_header: { header: showHeader(header), commit: showCommit(commit) }, canonical: true };
    },
    header: (params) => ({ header: showHeader(blockAt(params).header) }),
    validators(params) {
      const height = params.int('height') ?? net.height;
      // The set of the block after the newest is known already.
      if (height < 1n || height > net.height + 1n) throw new RpcRefused(-32603, `no validators of height ${height}`);
      const page = params.int('page') ?? 1n;
      if (page !== 1n) throw new RpcRefused(-32603, `page should be within [1, 1] range, given ${page}`);
      return { block_height: height.toString(), validators: [showValidator], count: '1', total: '1' };
    },
    unconfirmed_txs(params) {
      const limit = params.int('limit') ?? 30n;
      const all = net.waiting();
      const some: WaitingTx[] = [];
      let bytes = 0;
      for (const t of all.slice(0, Number(limit < 1n || limit > 100n ? 30n : limit))) {
        bytes += t.bytes.length;
        // No longer than a block: a hundred of the largest would be 90 MB of text.
        if (bytes > MAX_BLOCK_BYTES) break;
        some.push(t);
      }
      return {
        n_txs: some.length.toString(),
        total: all.length.toString(),
        total_bytes: all.reduce((n, t) => n + t.bytes.length, 0).toString(),
        txs: some.map((t) => base64.encode(t.bytes)),
      };
    },
  };
}

const EMPTY: TxResult = { code: 0, data: new Uint8Array(0), log: '', gasWanted: 0n, gasUsed: 0n, events: [] };
