/** The asking client against nodes and chains that lie, go away, or never end (settlement §12.5, §12.6). */
import { createServer, type RequestListener } from 'node:http';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Chain } from '../../chain/client/index.ts';
import { OrderSchema } from '../../chain/generated/messages_pb.ts';
import { beginning } from '../../chain/light/begin.ts';
import { LightClient } from '../../chain/light/follow.ts';
import { TRUST_PERIOD } from '../../chain/light/verify.ts';
import { type Rpc, RpcError } from '../../chain/rpc/rpc.ts';
import { type AskUpdate, ask, type KeptAsk, makeOrder, NodeUnreachable, NotShown, readOffer } from '../../node/index.ts';
import { around } from '../chain/helpers/chains.ts';
import { requester } from '../chain/helpers/settled.ts';
import { inputsFor } from '../chain/helpers/settling.ts';
import { OPG, openedShop, type Running, runNode, type Shop } from './shop.helpers.ts';

let shop: Shop;
let light: LightClient;
const running: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  shop = await openedShop(50);
  light = new LightClient(shop.net.rpc, await shop.net.checkpoint(), around);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((r) => r.close()));
});
afterAll(() => shop?.close());

async function run(more: Parameters<typeof runNode>[1] = {}): Promise<Running> {
  const r = await runNode(shop, more);
  running.push(r);
  return r;
}

async function hostOf(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  running.push({
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const TERMS = { bond: 2n * OPG, proveBlocks: 10_000, rescueBlocks: 0, openBlocks: 190n };

async function orderFor(url: string, seed: number, o = { chain: shop.chain, light }): Promise<KeptAsk> {
  return makeOrder(o, requester, url, await readOffer(url), shop.modelId, inputsFor(shop.m, seed), { tabId: shop.tabId, ...TERMS });
}

async function all(updates: AsyncIterable<AskUpdate>): Promise<AskUpdate[]> {
  const list: AskUpdate[] = [];
  for await (const u of updates) list.push(u);
  return list;
}

/** The shop's RPC with other answers. */
const changed = (change: (method: string, result: Record<string, never>) => unknown): Rpc => ({
  url: 'changed:',
  async call(method, params, signal) {
    const result = (await shop.net.rpc.call(method, params, signal)) as Record<string, never>;
    return change(method, structuredClone(result)) ?? result;
  },
});

const atOnce = () => new Promise<void>((done) => setTimeout(done, 1));

describe('an answer that was kept', () => {
  test('needs no node any more, and holds the node to what it signed', async () => {
    const { node } = await run();
    const kept = await orderFor(node.url, 1);
    const [answered] = await all(ask(kept, { chain: shop.chain, light }));
    if (answered?.status !== 'ANSWERED') throw new Error('another update');
    const gone = { ...kept, node: 'http://127.0.0.1:1', answer: answered.answer };
    expect((await all(ask(gone, { chain: shop.chain, light }))).map((u) => u.status)).toEqual(['ANSWERED', 'PENDING', 'PROVEN/FINAL']);
    await expect(all(ask({ ...gone, answer: undefined }, { chain: shop.chain, light }))).rejects.toThrow(NodeUnreachable);
    const forged = { ...gone, answer: { ...answered.answer, receiptSig: '00'.repeat(64) } };
    await expect(all(ask(forged, { chain: shop.chain, light }))).rejects.toThrow(/signature/);
  });
});

describe('an order', () => {
  test('is for the chain and height of the light client, not for those that the node says', async () => {
    const { node } = await run();
    const rpc = changed((method, s: Record<string, Record<string, unknown>>) => {
      if (method !== 'status') return null;
      Object.assign(s.node_info ?? {}, { network: 'a-chain-with-your-money' });
      Object.assign(s.sync_info ?? {}, { latest_block_height: '9000000000' });
      return s;
    });
    const order = fromBinary(OrderSchema, Buffer.from((await orderFor(node.url, 2, { chain: new Chain(rpc), light })).order, 'hex'));
    expect(new TextDecoder().decode(order.chainId)).toBe(shop.net.chainId);
    expect(order.openBy).toBeLessThan((await shop.chain.status()).height + 200n);
  });
});

describe('a chain’s node that', () => {
  test('begins to forge headers ends the asking: it is refuted, and does not wait for ever', async () => {
    const { node } = await run();
    let forging = false;
    const rpc = changed((method, r: Record<string, Record<string, Record<string, unknown>>>) => {
      if (!forging || method !== 'commit') return null;
      Object.assign(r.signed_header?.header ?? {}, { app_hash: 'AB'.repeat(32) });
      return r;
    });
    const kept = await orderFor(node.url, 3);
    const o = { chain: new Chain(rpc), light: new LightClient(rpc, light.checkpoint, around) };
    const updates: AskUpdate[] = [];
    try {
      for await (const u of ask(kept, o)) {
        updates.push(u);
        forging = true;
      }
      expect(updates.at(-1)).toMatchObject({ status: 'FAILED', view: { chain: { color: 'red', code: 'header.hash' } } });
    } catch (e) {
      expect(e).toMatchObject({ code: 'header.hash' });
    }
    expect(updates[0]?.status).toBe('ANSWERED');
  });

  test('answers with what cannot be read: it could not be told', async () => {
    const { node } = await run();
    let broken = false;
    const rpc = changed((method, r: Record<string, Record<string, unknown>>) => {
      if (!broken || method !== 'abci_query') return null;
      Object.assign(r.response ?? {}, { proofOps: 7 });
      return r;
    });
    const kept = await orderFor(node.url, 5);
    await all(ask(kept, { chain: shop.chain, light }));
    const asked = async () => {
      broken = false;
      for await (const u of ask(kept, { chain: new Chain(rpc), light })) if (u.status === 'ANSWERED') broken = true;
    };
    await expect(asked()).rejects.toThrow(/malformed|no object/);
  });

  test('hides the proof of a settled job: it could not be told', async () => {
    const { node } = await run();
    const kept = await orderFor(node.url, 4);
    await all(ask(kept, { chain: shop.chain, light }));
    const rpc = changed((method, r: Record<string, Record<string, Record<string, unknown>>>) => {
      if (method !== 'block') return null;
      Object.assign(r.block?.data ?? {}, { txs: [] });
      return r;
    });
    const error = await all(ask(kept, { chain: new Chain(rpc, { pause: atOnce }), light })).catch((e) => e);
    expect(error).toBeInstanceOf(NotShown);
    expect(error).toMatchObject({ view: { record: { color: 'green' }, proof: { color: 'grey', code: 'proof.absent' } } });
  });
});

describe('an inference node that', () => {
  test('never ends its answer is left after eight megabytes', async () => {
    const url = await hostOf((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await expect(readOffer(url)).rejects.toThrow(/more than 8388608 bytes/);
  });
});

test('a chain older than the trust period is followed from its newest block where nothing is pinned', async () => {
  const now = around.now();
  expect((await beginning(shop.net.rpc, now)).height).toBe(1n);
  const later = now + TRUST_PERIOD + 10n ** 9n;
  const checkpoint = await beginning(shop.net.rpc, later);
  expect(checkpoint.height).toBeGreaterThan(1n);
  const pruned: Rpc = {
    url: 'pruned:',
    call: (method, params, signal) =>
      params?.height === '1' ? Promise.reject(new RpcError('refused', 'not kept')) : shop.net.rpc.call(method, params, signal),
  };
  const follower = new LightClient(pruned, await beginning(pruned, now), around);
  expect((await follower.latest()).signed).toBe(100);
});
