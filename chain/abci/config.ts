/**
 * Homes of CometBFT nodes: keys from `cometbft init`, our settings and our genesis (settlement §8.1, §8.7, §8.10).
 *
 * A home is made under another name and moved to its place when it is whole, and every later change of a file is written beside it and
 * renamed: whoever is killed meanwhile leaves the old home, the new one, or none.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { addressOf } from '../accounts.ts';
import { consensusParams } from '../comet/params.ts';

export interface NodeSettings {
  /** Shown to peers. */
  readonly moniker: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  /** `id@host:port` of the other nodes. */
  readonly peers?: readonly string[];
  /** Who may reach RPC and p2p: this machine unless said otherwise. */
  readonly host?: string;
  /** Origins of pages that may ask the RPC. */
  readonly cors?: readonly string[];
  /** Time-outs for nodes of one machine: rounds that fail end within a second. */
  readonly quick?: boolean;
}

export interface GenesisDocument {
  readonly chainId: string;
  /** JSON: `genesisToJson` of the ledger's genesis. */
  readonly appState: unknown;
  /** `params.blockVgas` of that genesis, so that CometBFT reaps what a block can hold (§8.1). */
  readonly maxGas: bigint;
  /** ISO 8601; now where absent. */
  readonly time?: string;
}

export interface Home {
  readonly folder: string;
  /** Node id, as peers write it before the `@`. */
  readonly nodeId: string;
  readonly settings: NodeSettings;
}

const run = promisify(execFile);
const INIT_MS = 20_000;
const POWER = '10';

/** Makes the home of one node that is its chain's only validator. Throws where `folder` holds anything. */
export async function makeHome(
  binary: string,
  folder: string,
  { settings, ...genesis }: GenesisDocument & { readonly settings: NodeSettings },
): Promise<Home> {
  const [home] = await makeHomes(binary, genesis, [{ folder, settings }]);
  return home as Home;
}

/** Makes the homes of nodes that are validators of one chain, each of the same power, and peers of one another. */
export async function makeHomes(
  binary: string,
  genesis: GenesisDocument,
  nodes: readonly { readonly folder: string; readonly settings: NodeSettings }[],
): Promise<Home[]> {
  const drafts: { draft: string; folder: string; nodeId: string; validator: Key; settings: NodeSettings }[] = [];
  try {
    for (const { folder, settings } of nodes) {
      await mkdir(dirname(resolve(folder)), { recursive: true });
      const draft = await mkdtemp(`${resolve(folder)}.new-`);
      drafts.push({ draft, folder: resolve(folder), settings, ...(await init(binary, draft)) });
    }
    const document = genesisDocument(
      genesis,
      drafts.map(({ validator, settings }) => ({ pubKey: validator, name: settings.moniker })),
    );
    const address = (d: (typeof drafts)[number]): string => `${d.nodeId}@${d.settings.host ?? LOOPBACK}:${d.settings.p2pPort}`;
    for (const d of drafts) {
      const others = drafts.filter((o) => o !== d).map(address);
      await configure(d.draft, { ...d.settings, peers: [...others, ...(d.settings.peers ?? [])] });
      await writeWhole(join(d.draft, GENESIS), document);
    }
    for (const { draft, folder } of drafts)
      await rename(draft, folder).catch((e: NodeJS.ErrnoException) => {
        throw e.code === 'ENOTEMPTY' || e.code === 'EEXIST' || e.code === 'ENOTDIR' ? new Error(`${folder} is there already`) : e;
      });
  } finally {
    for (const { draft } of drafts) await rm(draft, { recursive: true, force: true });
  }
  return drafts.map(({ folder, nodeId, settings }) => ({ folder, nodeId, settings }));
}

const CONFIG = join('config', 'config.toml');
const GENESIS = join('config', 'genesis.json');
const LOOPBACK = '127.0.0.1';

interface Key {
  readonly type: string;
  readonly value: string;
}

async function init(binary: string, folder: string): Promise<{ nodeId: string; validator: Key }> {
  try {
    await run(binary, ['init', '--home', folder], { timeout: INIT_MS });
  } catch (e) {
    const { code, stderr, message } = e as { code?: unknown; stderr?: string; message: string };
    throw new Error(code === 'ENOENT' ? `no CometBFT at ${binary}` : `${basename(binary)} init failed: ${stderr || message}`);
  }
  const { pub_key } = JSON.parse(await readFile(join(folder, 'config', 'priv_validator_key.json'), 'utf8')) as { pub_key: Key };
  return { nodeId: await nodeIdOf(folder), validator: pub_key };
}

/** A node's id is the address of its key (its public half follows the seed). */
export async function nodeIdOf(home: string): Promise<string> {
  const { priv_key } = JSON.parse(await readFile(join(home, 'config', 'node_key.json'), 'utf8')) as { priv_key: Key };
  return Buffer.from(addressOf(Buffer.from(priv_key.value, 'base64').subarray(32))).toString('hex');
}

/** genesis.json. Numbers of 64 bits are strings there. */
export function genesisDocument(
  { chainId, appState, maxGas, time = new Date().toISOString() }: GenesisDocument,
  validators: readonly { readonly pubKey: Key; readonly name: string }[],
): string {
  const document = {
    genesis_time: time,
    chain_id: chainId,
    initial_height: '1',
    consensus_params: consensusParams(maxGas),
    validators: validators.map(({ pubKey, name }) => ({
      address: Buffer.from(addressOf(Buffer.from(pubKey.value, 'base64')))
        .toString('hex')
        .toUpperCase(),
      pub_key: pubKey,
      power: POWER,
      name,
    })),
    app_hash: '',
    app_state: appState,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Writes our settings into a home's config.toml; what is not ours stays. Throws for a config.toml that lacks one of them. */
export async function configure(home: string, s: NodeSettings): Promise<void> {
  const file = join(home, CONFIG);
  const host = s.host ?? LOOPBACK;
  const local = host === LOOPBACK;
  let toml = await readFile(file, 'utf8');
  const set = (section: string, values: Readonly<Record<string, string | boolean | readonly string[]>>): void => {
    for (const [key, value] of Object.entries(values)) toml = setToml(toml, section, key, value);
  };
  set('', { moniker: s.moniker, abci: 'socket' });
  set('rpc', { laddr: `tcp://${host}:${s.rpcPort}`, cors_allowed_origins: s.cors ?? [], pprof_laddr: '' });
  set('p2p', {
    laddr: `tcp://${host}:${s.p2pPort}`,
    persistent_peers: (s.peers ?? []).join(','),
    flush_throttle_timeout: '5ms',
    // Nodes of one machine share an address, which is no address of the internet, and know one another.
    pex: !local,
    addr_book_strict: !local,
    allow_duplicate_ip: local,
  });
  set('consensus', {
    create_empty_blocks: false,
    create_empty_blocks_interval: '10s',
    timeout_commit: '200ms',
    peer_gossip_sleep_duration: '5ms',
  });
  if (s.quick)
    set('consensus', {
      timeout_propose: '500ms',
      timeout_prevote: '200ms',
      timeout_precommit: '200ms',
      timeout_commit: '50ms',
      peer_query_maj23_sleep_duration: '500ms',
    });
  await writeWhole(file, toml);
}

/** Where a home's RPC listens, for a client on this machine: `http://127.0.0.1:P`. */
export async function rpcUrl(home: string): Promise<string> {
  if (!existsSync(join(home, CONFIG))) throw new Error(`${home} is no home of a node: it has no ${CONFIG}`);
  const toml = await readFile(join(home, CONFIG), 'utf8');
  const address = /^laddr = "tcp:\/\/(.*):(\d+)"$/m.exec(toml.slice(...sectionOf(toml, 'rpc')));
  if (address === null) throw new Error(`${join(home, CONFIG)}: [rpc] laddr is no tcp://host:port`);
  return `http://${address[1] === '0.0.0.0' ? LOOPBACK : address[1]}:${address[2]}`;
}

/** Replaces the line of a key that is there: a file of another version, without it, must not pass for one that was set. */
export function setToml(toml: string, section: string, key: string, value: string | boolean | readonly string[]): string {
  const [from, to] = sectionOf(toml, section);
  const line = new RegExp(`^${key} = .*$`, 'm');
  const part = toml.slice(from, to);
  if (!line.test(part)) throw new Error(`config.toml has no ${key}${section && ` in [${section}]`}`);
  // A string of JSON is one of TOML, and so is a list of them.
  return toml.slice(0, from) + part.replace(line, () => `${key} = ${JSON.stringify(value)}`) + toml.slice(to);
}

/** From the first line of a section to the header of the next; the section '' is what stands before the first. */
function sectionOf(toml: string, section: string): [number, number] {
  const from = section === '' ? 0 : toml.indexOf(`\n[${section}]\n`) + 1;
  if (section !== '' && from === 0) throw new Error(`config.toml has no [${section}]`);
  const next = toml.indexOf('\n[', from);
  return [from, next < 0 ? toml.length : next + 1];
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.tmp`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
