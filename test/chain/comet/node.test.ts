/**
 * The coat under a real CometBFT: one node from end to end, every way it can end, every point where it can crash, and a net of four.
 *
 * FAIL_TEST_INDEX is CometBFT's own fault injection: eleven points in a height, from its votes in the log, over the block, FinalizeBlock and
 * Commit, to its saved state. What must hold after each: the same bytes, sent again, are settled once, and the application's hash stands in
 * the next header.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Home, makeHome, makeHomes } from '../../../chain/abci/config.ts';
import { type CometNode, runCometNode } from '../../../chain/abci/run.ts';
import type { Application } from '../../../chain/application.ts';
import { bundle } from '../../bundle.ts';
import {
  agreed,
  appHashAfter,
  BINARY,
  base64,
  freePorts,
  Host,
  heightOf,
  isSettled,
  NO_BINARY,
  newRoot,
  remove,
  rpcOf,
  send,
  settle,
  silent,
  until,
} from './host.helpers.ts';
import { appState, CHAIN, maxGas, open, tx } from './ledger.ts';

const root = newRoot();
let program = { file: '', folder: '' };
let names = 0;
const running: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  if (BINARY !== '') program = await bundle('test/chain/comet/host.child.ts');
});
beforeEach((context) => {
  if (BINARY === '') context.skip(NO_BINARY);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((r) => r.stop()));
});
afterAll(() => {
  remove(root);
  if (program.folder !== '') remove(program.folder);
});

async function newHome(): Promise<Home> {
  const [rpcPort = 0, p2pPort = 0] = await freePorts(2);
  const folder = join(root, `n${names++}`);
  return makeHome(BINARY, folder, { chainId: CHAIN, appState, maxGas, settings: { moniker: 'one', rpcPort, p2pPort, quick: true } });
}

async function started(app: Application, home: string): Promise<CometNode> {
  const node = await runCometNode({ app, home, binary: BINARY });
  running.push(node);
  return node;
}

async function newHost(folder: string): Promise<Host> {
  const host = await Host.start(program.file, folder);
  running.push({ stop: () => host.kill() });
  return host;
}

const state = (home: Home): string => join(home.folder, 'app');

describe('a node', () => {
  test('settles transactions, and goes on where it stopped', async () => {
    const home = await newHome();
    const app = await open(state(home));
    const node = await started(app, home.folder);
    const rpc = rpcOf(node.rpcUrl);

    // Those of the next height are there a moment after the block that counts it.
    const params = await until('the parameters', 10_000, () => rpc.call('consensus_params').catch(() => null));
    const { consensus_params } = params as { consensus_params: { block: unknown } };
    expect(consensus_params.block).toEqual({ max_bytes: '4194304', max_gas: `${maxGas}` });
    await until('the first block', 10_000, async () => ((await heightOf(rpc)) >= 1 ? true : null));

    const sent = (await rpc.call('broadcast_tx_sync', { tx: base64(tx(0)) })) as { code: number };
    expect(sent.code).toBe(0);
    await settle(rpc, 0);
    const before = await agreed(rpc);
    expect(before.appHash).toBe(Buffer.from(app.info().appHash).toString('hex'));
    const refused = (await rpc.call('broadcast_tx_sync', { tx: base64(tx(0)) }).catch((e: Error) => e.message)) as unknown;
    // Not settled again: the mempool knows the bytes, or the application refuses them.
    expect(typeof refused === 'string' ? refused : (refused as { code: number }).code).not.toBe(0);

    const rpcAt = node.rpcUrl;
    expect(await node.stop()).toEqual({ reason: 'stopped' });
    expect(await silent(rpcAt)).toBe(true);
    expect(existsSync(join(home.folder, 'data', 'app.sock'))).toBe(false);
    expect(readFileSync(join(home.folder, 'comet.log'), 'utf8')).toContain('finalized block');

    const again = await started(await open(state(home)), home.folder);
    expect(await isSettled(rpcOf(again.rpcUrl), 0)).toBe(true);
    await settle(rpcOf(again.rpcUrl), 1);
    expect((await agreed(rpcOf(again.rpcUrl))).height).toBeGreaterThan(before.height);
  });

  test('that is killed leaves its application ready for the next', async () => {
    const home = await newHome();
    const app = await open(state(home));
    const node = await started(app, home.folder);
    await settle(rpcOf(node.rpcUrl), 0);
    process.kill(node.pid, 'SIGKILL');
    expect(await node.ended).toEqual({ reason: 'exited', code: null, signal: 'SIGKILL' });
    const next = await started(app, home.folder);
    await settle(rpcOf(next.rpcUrl), 1);
    expect(await isSettled(rpcOf(next.rpcUrl), 0)).toBe(true);
  });

  test('whose application cannot decide ends, and nothing of the block is kept', async () => {
    const home = await newHome();
    const app = await open(state(home));
    let broken = false;
    const node = await started(
      {
        ...app,
        finalizeBlock: (block) => (broken ? Promise.reject(new Error('cannot decide')) : app.finalizeBlock(block)),
      },
      home.folder,
    );
    const rpc = rpcOf(node.rpcUrl);
    await settle(rpc, 0);
    const { height } = app.info();
    broken = true;
    await send(rpc, 1);
    expect(await node.ended).toEqual({ reason: 'fatal', error: new Error('cannot decide') });
    expect(await silent(node.rpcUrl)).toBe(true);
    expect(app.info().height).toBe(height);
    // The block was decided: a node that can decide runs it first.
    const next = await started(await open(state(home)), home.folder);
    await settle(rpcOf(next.rpcUrl), 1);
  });

  test('refuses to start with its reason, and leaves nothing running', async () => {
    const home = await newHome();
    const app = await open(state(home));
    await expect(runCometNode({ app, home: root, binary: BINARY })).rejects.toThrow('is no home of a node');
    await expect(runCometNode({ app, home: home.folder, binary: join(root, 'no-such') })).rejects.toThrow('ENOENT');
    // Another node has its port, and answers: that is not this node's health.
    const taken = createServer((_, response) => void response.end('{"result":{"node_info":{"id":"00"}}}'));
    taken.listen(home.settings.rpcPort, '127.0.0.1');
    await expect(runCometNode({ app, home: home.folder, binary: BINARY })).rejects.toThrow('address already in use');
    taken.closeAllConnections();
    await new Promise((done) => taken.close(done));
    const refusing = { ...app, initChain: () => Promise.reject(new Error('genesis: no such thing')) };
    await expect(runCometNode({ app: refusing, home: home.folder, binary: BINARY })).rejects.toThrow('genesis: no such thing');
    await expect(runCometNode({ app, home: home.folder, binary: BINARY, startMs: 1 })).rejects.toThrow('within 1 ms');
    expect(existsSync(join(home.folder, 'data', 'app.sock'))).toBe(false);
    await settle(rpcOf((await started(app, home.folder)).rpcUrl), 0);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('whose owner gets %s does not stay behind', async (signal) => {
    const home = await newHome();
    const host = await newHost(state(home));
    const rpc = await host.up(home.folder);
    await settle(rpc, 0);
    expect(await host.kill(signal)).toBe(signal);
    // After SIGTERM the owner has waited for it; after SIGKILL it sees for itself that its application is gone.
    if (signal === 'SIGTERM') expect(await silent(rpc.url)).toBe(true);
    await until('the node is gone', 10_000, async () => ((await silent(rpc.url)) ? true : null));
    await settle(await (await newHost(state(home))).up(home.folder), 1);
  });
});

describe('a home', () => {
  test('is never written over', async () => {
    const home = await newHome();
    const { folder, settings } = home;
    await expect(makeHome(BINARY, folder, { chainId: 'other', appState, maxGas, settings })).rejects.toThrow('is there already');
    expect(JSON.parse(readFileSync(join(folder, 'config', 'genesis.json'), 'utf8'))).toMatchObject({ chain_id: CHAIN });
  });
});

describe('a node that crashes at each point of a height', () => {
  const POINTS = Array.from({ length: 11 }, (_, n) => n);
  const failing = (n: number) => ({ FAIL_TEST_INDEX: `${n}` });

  /** Runs until CometBFT crashes by itself at point n. */
  async function crash(host: Host, home: Home, n: number): Promise<void> {
    const told = await host.run(home.folder, failing(n));
    if ('ended' in told) return expect(told.ended).toContain('ended before it answered');
    await send(rpcOf(told.rpcUrl), n);
    expect(await host.ended()).toEqual({ ended: 'exited', code: 1 });
  }

  async function recover(host: Host, home: Home, n: number): Promise<void> {
    const rpc = await host.up(home.folder);
    await settle(rpc, n);
    for (let m = 0; m <= n; m++) expect(await isSettled(rpc, m)).toBe(true);
    expect(await host.stop()).toEqual({ ended: 'stopped' });
  }

  test('goes on with the application that stayed', async () => {
    const home = await newHome();
    const host = await newHost(state(home));
    for (const n of POINTS) {
      await crash(host, home, n);
      await recover(host, home, n);
    }
  });

  test('goes on with an application that was killed with it', async () => {
    const home = await newHome();
    for (const n of POINTS) {
      const first = await newHost(state(home));
      await crash(first, home, n);
      await first.kill();
      const second = await newHost(state(home));
      await recover(second, home, n);
      await second.kill();
    }
  });

  test('goes on after it crashed twice, the application with it', async () => {
    const home = await newHome();
    for (const n of POINTS) {
      for (let time = 0; time < 2; time++) {
        const host = await newHost(state(home));
        await crash(host, home, n);
        await host.kill();
      }
      const host = await newHost(state(home));
      await recover(host, home, n);
      await host.kill();
    }
  });

  test('goes on after its application was killed in FinalizeBlock and in Commit', async () => {
    const home = await newHome();
    let n = 0;
    for (const method of ['finalizeBlock', 'commit'] as const)
      for (const when of ['before', 'after'] as const) {
        const first = await newHost(state(home));
        const rpc = await first.up(home.folder);
        if (n > 0) await agreed(rpc);
        first.order({ die: { method, when } });
        await send(rpc, n);
        expect(await first.gone).toBe('SIGKILL');
        await until('the node is gone', 10_000, async () => ((await silent(rpc.url)) ? true : null));
        const second = await newHost(state(home));
        await recover(second, home, n);
        await second.kill();
        n++;
      }
  });
});

describe('four nodes of one machine', () => {
  test('agree, go on without one of them, and take it back after it was killed', async () => {
    const folder = join(root, `n${names++}`);
    const ports = await freePorts(8);
    const homes = await makeHomes(
      BINARY,
      { chainId: CHAIN, appState, maxGas },
      [0, 1, 2, 3].map((i) => ({
        folder: join(folder, `${i}`),
        settings: { moniker: `v${i}`, rpcPort: ports[2 * i] as number, p2pPort: ports[2 * i + 1] as number, quick: true },
      })),
    );
    const hosts = await Promise.all(homes.map((home) => newHost(state(home))));
    const rpcs = await Promise.all(hosts.map((host, i) => host.up((homes[i] as Home).folder)));
    for (let n = 0; n < 4; n++) await settle(rpcs[n] as (typeof rpcs)[0], n);

    const last = hosts[3] as Host;
    await last.kill();
    for (let n = 4; n < 6; n++) await settle(rpcs[n % 3] as (typeof rpcs)[0], n);

    rpcs[3] = await (await newHost(state(homes[3] as Home))).up((homes[3] as Home).folder);
    await settle(rpcs[3], 6);
    const { height } = await agreed(rpcs[3]);
    const hashes = await Promise.all(rpcs.map((rpc) => until('the same height', 15_000, () => appHashAfter(rpc, height - 1))));
    expect(new Set(hashes).size).toBe(1);
    for (const rpc of rpcs) for (let n = 0; n < 7; n++) expect(await isSettled(rpc, n)).toBe(true);
  });
});
