/**
 * A home folder for CometBFT (settlement §8.10): its own `init`, then our genesis and the settings that this ledger wants. Everything listens
 * on 127.0.0.1 unless told otherwise.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { consensusParams } from '../comet/params.ts';
import { type Genesis, genesisToJson } from '../genesis.ts';

export interface HomeOptions {
  readonly home: string;
  /** The cometbft binary. */
  readonly binary: string;
  readonly chainId: string;
  readonly genesis: Genesis;
  readonly rpcPort: number;
  readonly p2pPort: number;
  /** Other validators of the same genesis: see `joinNetwork`. */
  readonly peers?: readonly string[] | undefined;
  readonly host?: string | undefined;
}

/** Files are whole or not there. */
function put(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

const config = (home: string): string => join(home, 'config', 'config.toml');
const genesisPath = (home: string): string => join(home, 'config', 'genesis.json');

/** [section, key, value]; a section of '' is the top. */
function settings(o: HomeOptions): [string, string, string][] {
  const host = o.host ?? '127.0.0.1';
  return [
    ['rpc', 'laddr', `"tcp://${host}:${o.rpcPort}"`],
    ['rpc', 'cors_allowed_origins', '["*"]'],
    ['rpc', 'pprof_laddr', '""'],
    ['p2p', 'laddr', `"tcp://${host}:${o.p2pPort}"`],
    ['p2p', 'persistent_peers', JSON.stringify((o.peers ?? []).join(','))],
    ['p2p', 'pex', 'false'],
    ['p2p', 'addr_book_strict', 'false'],
    ['p2p', 'allow_duplicate_ip', 'true'],
    ['p2p', 'flush_throttle_timeout', '"5ms"'],
    ['consensus', 'timeout_propose', '"500ms"'],
    ['consensus', 'timeout_prevote', '"200ms"'],
    ['consensus', 'timeout_precommit', '"200ms"'],
    ['consensus', 'timeout_commit', '"200ms"'],
    ['consensus', 'create_empty_blocks', 'false'],
    ['consensus', 'create_empty_blocks_interval', '"10s"'],
    ['consensus', 'peer_gossip_sleep_duration', '"5ms"'],
    ['consensus', 'peer_query_maj23_sleep_duration', '"500ms"'],
  ];
}

/** Rewrites keys of CometBFT's own config file; throws an Error where one is not there: another version. */
export function withSettings(toml: string, wanted: readonly (readonly [string, string, string])[]): string {
  const missing = new Set(wanted.map(([section, key]) => `${section}.${key}`));
  let section = '';
  const lines = toml.split('\n').map((line) => {
    const head = /^\[([a-z0-9_]+)\]$/.exec(line.trim());
    if (head !== null) section = head[1] as string;
    const key = /^([a-z0-9_-]+) *=/.exec(line)?.[1];
    const found = wanted.find(([s, k]) => s === section && k === key);
    if (found === undefined) return line;
    missing.delete(`${section}.${key}`);
    return `${key} = ${found[2]}`;
  });
  if (missing.size > 0) throw new Error(`config.toml has no ${[...missing].join(', ')}: another version of CometBFT?`);
  return lines.join('\n');
}

/** Makes a home of one validator; keeps one that is there already. */
export function initHome(o: HomeOptions): void {
  if (existsSync(genesisPath(o.home))) throw new Error(`${o.home} holds a chain already`);
  mkdirSync(o.home, { recursive: true, mode: 0o700 });
  const made = spawnSync(o.binary, ['init', '--home', o.home], { encoding: 'utf8', timeout: 30_000 });
  if (made.status !== 0) throw new Error(`cometbft init failed: ${made.error?.message ?? (made.stderr || made.stdout).trim()}`);
  const doc = JSON.parse(readFileSync(genesisPath(o.home), 'utf8')) as Record<string, unknown>;
  writeGenesis(o, { ...doc });
  put(config(o.home), withSettings(readFileSync(config(o.home), 'utf8'), settings(o)));
}

function writeGenesis(o: HomeOptions, doc: Record<string, unknown>): void {
  const genesis = {
    ...doc,
    chain_id: o.chainId,
    initial_height: '1',
    consensus_params: consensusParams(o.genesis),
    app_state: genesisToJson(o.genesis),
  };
  put(genesisPath(o.home), JSON.stringify(genesis, null, 2));
}

/** Joins homes of one validator each into one network: one genesis with all of them, everybody the peer of everybody. */
export function joinNetwork(binary: string, homes: readonly HomeOptions[]): void {
  const docs = homes.map((o) => JSON.parse(readFileSync(genesisPath(o.home), 'utf8')) as { validators: unknown[] });
  const first = docs[0] as { validators: unknown[] };
  const joined = JSON.stringify({ ...first, validators: docs.flatMap((d) => d.validators) }, null, 2);
  const peers = homes.map((o) => {
    const id = spawnSync(binary, ['show-node-id', '--home', o.home], { encoding: 'utf8', timeout: 30_000 });
    if (id.status !== 0) throw new Error(`cometbft show-node-id failed: ${id.stderr.trim()}`);
    return `${id.stdout.trim()}@${o.host ?? '127.0.0.1'}:${o.p2pPort}`;
  });
  homes.forEach((o, i) => {
    put(genesisPath(o.home), joined);
    const others = peers.filter((_, k) => k !== i);
    put(config(o.home), withSettings(readFileSync(config(o.home), 'utf8'), settings({ ...o, peers: others })));
  });
}
