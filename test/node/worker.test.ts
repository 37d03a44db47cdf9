/** What must cost an inference node nothing, or not more than once: chains, models, disks and paces that change (settlement §12.4). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { Chain } from '../../chain/client/index.ts';
import { CODES } from '../../chain/codes.ts';
import type { Rpc } from '../../chain/rpc/rpc.ts';
import { openMetrics } from '../../node/metrics.ts';
import { serveHttp } from '../../node/server.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { person } from '../chain/helpers/chains.ts';
import { owner, prover, requester } from '../chain/helpers/settled.ts';
import { jobOf, OPG, openedShop, PRICE, post, type Running, reluServed, runNode, type Shop, TERMS, until } from './shop.helpers.ts';

let shop: Shop;
let dir = '';
const running = new Set<Running>();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'queue-'));
});
afterEach(async () => {
  for (const r of running) await r.close();
  running.clear();
  await shop.close();
  rmSync(dir, { recursive: true, force: true });
});

async function run(more: Parameters<typeof runNode>[1] = {}): Promise<Running & { stop(): Promise<void> }> {
  const r = await runNode(shop, { dir, ...more });
  running.add(r);
  return {
    ...r,
    async stop() {
      running.delete(r);
      await r.close();
    },
  };
}

/** An order that waits in the queue, and no node. */
async function taken(body: Record<string, unknown>): Promise<string> {
  const node = await run({ workers: 0 });
  expect((await post(node.node.url, body)).status).toBe(200);
  await node.stop();
  return toHex(jobOf(body));
}

const transactions = async (): Promise<bigint> => (await shop.chain.account(prover.address))?.nonce ?? 0n;

test('an order that the chain refuses for good is paid for once', async () => {
  shop = await openedShop(50);
  const id = await taken(await shop.body(1));
  await shop.chain.send(owner, { case: 'deprecateModel', value: { modelId: shop.modelId } });
  const before = await transactions();
  const { node } = await run();
  await until('given up', 20_000, () => (node.queue.get(id)?.state === 'failed' ? true : null));
  expect(node.queue.get(id)?.trouble).toContain('E_MODEL_DEPRECATED');
  expect((await transactions()) - before).toBe(1n);
});

test('an order of a model that is not served any more ends with its deadline', async () => {
  shop = await openedShop(50);
  const { height } = await shop.chain.status();
  const id = await taken(await shop.body(1, { openBy: height + 30n }));
  const { node } = await run({ models: [] });
  await until('given up', 20_000, () => (node.queue.get(id)?.state === 'failed' ? true : null));
  expect(node.queue.waiting()).toEqual([]);
});

test('an order for another chain than the node is asked on sends nothing', async () => {
  shop = await openedShop(50);
  const id = await taken(await shop.body(1));
  const sent: string[] = [];
  const rpc: Rpc = {
    url: 'another:',
    async call(method, params, signal) {
      sent.push(method);
      const result = await shop.net.rpc.call(method, params, signal);
      if (method === 'status') Object.assign((result as { node_info: object }).node_info, { network: 'devnet-00000000' });
      return result;
    },
  };
  const lines: string[] = [];
  const { node } = await run({ chain: new Chain(rpc), log: (line) => lines.push(line) });
  await until('tried twice', 20_000, () => ((node.queue.get(id)?.attempts ?? 0) >= 2 ? true : null));
  expect(lines[0]).toContain(`the order is for chain ${shop.net.chainId}, the node is asked on devnet-00000000`);
  expect(sent).not.toContain('broadcast_tx_sync');
});

test('a transaction whose chain began anew is not followed for ever', async () => {
  shop = await openedShop(50);
  let sent = 0;
  const rpc: Rpc = {
    url: 'reset:',
    call: async (method, params, signal) =>
      method === 'broadcast_tx_sync'
        ? { code: sent++ === 0 ? 0 : CODES.E_CHAIN, log: 'E_CHAIN: this is another' }
        : shop.net.rpc.call(method, params, signal),
  };
  const chain = new Chain(rpc, { pause: () => new Promise((done) => setTimeout(done, 1)) });
  const gift = { case: 'transfer', value: { to: owner.address, denom: ascii('opg'), amount: writeAmount(1n) } } as const;
  await expect(chain.send(owner, gift)).rejects.toMatchObject({ name: 'TxRefused', code: CODES.E_CHAIN });
});

test('a disk that takes nothing ends no worker: the job goes on when it does', async () => {
  shop = await openedShop(50);
  const lines: string[] = [];
  const { node } = await run({ log: (line) => lines.push(line), workers: 1 });
  const body = await shop.body(1);
  const save = node.queue.save.bind(node.queue);
  expect((await post(node.url, body)).status).toBe(200);
  node.queue.save = () => {
    throw new Error('ENOSPC');
  };
  await until('trouble', 20_000, () => (lines.some((line) => line.includes('the queue cannot be written: ENOSPC')) ? true : null));
  node.queue.save = save;
  node.queue.renew(toHex(jobOf(body)), 0);
  await until('settled', 20_000, () => (node.queue.get(toHex(jobOf(body)))?.state === 'settled' ? true : null));
});

test('a node without opg for gas takes no order: it could open the job, and never prove it', async () => {
  shop = await openedShop(50);
  const poor = person(9);
  await shop.net.give(poor.address, { opg: 101n * OPG });
  const addBond = writeAmount(100n * OPG);
  await shop.chain.send(poor, { case: 'registerProver', value: { endpoint: ascii('http://127.0.0.1:1'), modes: [1], addBond } });
  const tabId = await shop.tab(requester, 10n * PRICE, poor.address);
  const { node } = await run({ signer: poor, workers: 0 });
  expect((await post(node.url, await shop.body(1, { prover: poor.address, tabId }))).status).toBe(200);
  const rest = (await shop.balance(poor.address, 'opg')) - OPG / 100n;
  await shop.chain.send(poor, { case: 'transfer', value: { to: owner.address, denom: ascii('opg'), amount: writeAmount(rest) } });
  const { status, json } = await post(node.url, await shop.body(2, { prover: poor.address, tabId }));
  expect([status, json.code]).toEqual([503, 'E_FUNDS']);
});

test('a large model’s proofs count as large, whatever small ones took', async () => {
  shop = await openedShop(50);
  const { node } = await run({ workers: 0 });
  const served = await reluServed();
  const large = 'aa'.repeat(32);
  const server = await serveHttp(
    {
      chain: shop.chain,
      signer: prover,
      queue: node.queue,
      models: new Map([[toHex(served.modelId), served]]),
      terms: TERMS,
      metrics: openMetrics(),
      pace: (id) => ({ proofMs: id === large ? 3000 : 1, blockMs: 100 }),
      seen: () => ({ at: 0, height: 0n }),
    },
    { port: 0 },
  );
  running.add({ node, close: () => server.close() });
  const short = { proveBlocks: 20 };
  const first = await shop.body(1, short);
  expect((await post(server.url, first)).status).toBe(200);
  const entry = node.queue.get(toHex(jobOf(first)));
  if (entry === undefined) throw new Error('not queued');
  node.queue.add({ ...entry, jobId: 'bb'.repeat(32), modelId: large, state: 'opened' });
  const { status, json } = await post(server.url, await shop.body(2, short));
  expect([status, json.code]).toEqual([503, 'busy']);
});

test('an idle chain’s pace is no promise: who has blocks made does not take the node’s bond', async () => {
  shop = await openedShop(600_000);
  const { node } = await run({ workers: 0 });
  const gift = { case: 'transfer', value: { to: owner.address, denom: ascii('opg'), amount: writeAmount(1n) } } as const;
  await new Promise((done) => setTimeout(done, 8000));
  for (let i = 0; i < 12; i++) await shop.chain.send(owner, gift);
  const { height } = await shop.chain.status();
  await until('the node saw the blocks', 5000, async () => {
    const { height: seen } = (await (await fetch(`${node.url}/healthz`)).json()) as { height: string };
    return BigInt(seen) >= height ? true : null;
  });
  // The first guess of a proof is three seconds; twenty blocks have just passed in less.
  const { status, json } = await post(node.url, await shop.body(1, { proveBlocks: 20 }));
  expect([status, json.code]).toEqual([503, 'busy']);
});

test('blocks that the chain’s node runs through to catch up are no pace: orders are taken when it has', async () => {
  shop = await openedShop(600_000);
  let behind = 3;
  const rpc: Rpc = {
    url: 'catching-up:',
    async call(method, params, signal) {
      const result = (await shop.net.rpc.call(method, params, signal)) as { sync_info: object };
      if (method !== 'status' || behind === 0) return result;
      const latest_block_height = (1000 * (4 - behind--)).toString();
      return { ...result, sync_info: { ...result.sync_info, latest_block_height, catching_up: true } };
    },
  };
  const { node } = await run({ workers: 0, chain: new Chain(rpc) });
  await until('it caught up', 10_000, () => (behind === 0 ? true : null));
  await new Promise((done) => setTimeout(done, 1500));
  expect((await post(node.url, await shop.body(1, { proveBlocks: 20 }))).status).toBe(200);
});
