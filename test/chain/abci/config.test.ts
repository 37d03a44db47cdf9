/** What is written for CometBFT; that it reads it is tested with the real one (test/chain/comet). */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { configure, genesisDocument, nodeIdOf, rpcUrl, setToml } from '../../../chain/abci/config.ts';
import { DEFAULT_PARAMS, genesisFromJson, genesisToJson } from '../../../chain/genesis.ts';

const TOML = `# a comment: moniker = "x"
moniker = "vm"
abci = "socket"
[rpc]
laddr = "tcp://127.0.0.1:26657"
cors_allowed_origins = []
pprof_laddr = ""

[p2p]
laddr = "tcp://0.0.0.0:26656"
persistent_peers = ""
flush_throttle_timeout = "100ms"
pex = true
addr_book_strict = true
allow_duplicate_ip = false

[consensus]
timeout_propose = "3s"
timeout_prevote = "1s"
timeout_precommit = "1s"
timeout_commit = "1s"
create_empty_blocks = true
create_empty_blocks_interval = "0s"
peer_gossip_sleep_duration = "100ms"
peer_query_maj23_sleep_duration = "2s"
`;

const home = mkdtempSync(join(tmpdir(), 'assay-home-'));
afterAll(() => rmSync(home, { recursive: true }));
mkdirSync(join(home, 'config'));
const file = join(home, 'config', 'config.toml');

test('a key is set in its own section, and whatever its value holds', () => {
  expect(setToml(TOML, 'p2p', 'laddr', 'tcp://127.0.0.1:1')).toBe(TOML.replace('tcp://0.0.0.0:26656', 'tcp://127.0.0.1:1'));
  expect(setToml(TOML, '', 'moniker', '$& "quoted"')).toContain('\nmoniker = "$& \\"quoted\\""\n');
  expect(setToml(TOML, 'rpc', 'cors_allowed_origins', ['http://a', 'http://b'])).toContain('["http://a","http://b"]');
});

test('a file that lacks a key or a section is refused: another version', () => {
  expect(() => setToml(TOML, 'rpc', 'moniker', 'x')).toThrow('config.toml has no moniker in [rpc]');
  expect(() => setToml(TOML, '', 'laddr', 'x')).toThrow('config.toml has no laddr');
  expect(() => setToml(TOML, 'mempool', 'size', 'x')).toThrow('config.toml has no [mempool]');
});

test('the settings of the specification are written, and nothing is left beside them', async () => {
  writeFileSync(file, TOML);
  await configure(home, { moniker: 'a', rpcPort: 1, p2pPort: 2, peers: ['x@127.0.0.1:3', 'y@127.0.0.1:4'], cors: ['http://page'] });
  expect(readFileSync(file, 'utf8')).toBe(`# a comment: moniker = "x"
moniker = "a"
abci = "socket"
[rpc]
laddr = "tcp://127.0.0.1:1"
cors_allowed_origins = ["http://page"]
pprof_laddr = ""

[p2p]
laddr = "tcp://127.0.0.1:2"
persistent_peers = "x@127.0.0.1:3,y@127.0.0.1:4"
flush_throttle_timeout = "5ms"
pex = false
addr_book_strict = false
allow_duplicate_ip = true

[consensus]
timeout_propose = "3s"
timeout_prevote = "1s"
timeout_precommit = "1s"
timeout_commit = "200ms"
create_empty_blocks = false
create_empty_blocks_interval = "10s"
peer_gossip_sleep_duration = "5ms"
peer_query_maj23_sleep_duration = "2s"
`);
  expect(readdirSync(join(home, 'config'))).toEqual(['config.toml']);
  expect(await rpcUrl(home)).toBe('http://127.0.0.1:1');
});

test('a node that listens to the world is asked here, and treats addresses as the internet does', async () => {
  writeFileSync(file, TOML);
  await configure(home, { moniker: 'a', rpcPort: 1, p2pPort: 2, host: '0.0.0.0', quick: true });
  const toml = readFileSync(file, 'utf8');
  for (const line of ['pex = true', 'addr_book_strict = true', 'allow_duplicate_ip = false', 'timeout_commit = "50ms"'])
    expect(toml).toContain(line);
  expect(await rpcUrl(home)).toBe('http://127.0.0.1:1');
});

// A public key of `cometbft init` 0.38.25 and the address that it wrote beside it.
const PUBKEY = '7UFk2iGCbaysK37wGhB4VuRYPIqDEsaW/isoy6LxGN0=';
const ADDRESS = '3EB7DE9DB6E7674F9978E002D401A6241012127D';

test('a node id is the address of its public key, which follows the seed', async () => {
  const value = Buffer.concat([Buffer.alloc(32), Buffer.from(PUBKEY, 'base64')]).toString('base64');
  writeFileSync(join(home, 'config', 'node_key.json'), JSON.stringify({ priv_key: { type: 'tendermint/PrivKeyEd25519', value } }));
  expect(await nodeIdOf(home)).toBe(ADDRESS.toLowerCase());
});

test('a genesis carries the ledger’s, its gas in a block, and addresses as CometBFT writes them', () => {
  const genesis = { denoms: [], systems: [], params: DEFAULT_PARAMS, accounts: [], supply: {} };
  const pubKey = { type: 'tendermint/PubKeyEd25519', value: PUBKEY };
  const source = { chainId: 'c', appState: genesisToJson(genesis), maxGas: DEFAULT_PARAMS.blockVgas, time: '2026-01-01T00:00:00Z' };
  const document = JSON.parse(genesisDocument(source, [{ pubKey, name: 'a' }])) as Record<string, unknown>;
  expect(document).toMatchObject({
    chain_id: 'c',
    genesis_time: '2026-01-01T00:00:00Z',
    consensus_params: { block: { max_bytes: '4194304', max_gas: '2000000' }, abci: { vote_extensions_enable_height: '0' } },
    validators: [{ address: ADDRESS, pub_key: pubKey, power: '10', name: 'a' }],
  });
  expect(genesisFromJson(document.app_state)).toEqual(genesis);
});
