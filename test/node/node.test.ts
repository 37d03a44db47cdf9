/** An inference node from order to settlement, asked through the client; nodes that lie; what operators look at (settlement §12). */
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { Chain, ledgerInference, statementFor } from '../../chain/client/index.ts';
import { LightClient } from '../../chain/light/follow.ts';
import { httpRpc, type Rpc } from '../../chain/rpc/rpc.ts';
import { describeState } from '../../chain/states.ts';
import { tensorsToPorts } from '../../chain/systems/gkr-tensors.ts';
import { decodeTensors } from '../../chain/tensors.ts';
import { type AskUpdate, ask, makeOrder, NodeRefused, readOffer, type ServedModel } from '../../node/index.ts';
import { openMetrics } from '../../node/metrics.ts';
import { serveHttp } from '../../node/server.ts';
import { toHex } from '../../protocol/bytes.ts';
import { around } from '../chain/helpers/chains.ts';
import { owner, prover, requester } from '../chain/helpers/settled.ts';
import { inferenceOf, inputsFor, proveFor } from '../chain/helpers/settling.ts';
import {
  jobOf,
  TERMS as NODE_TERMS,
  OPG,
  openedShop,
  PRICE,
  post,
  type Running,
  reluServed,
  runNode,
  type Shop,
  until,
} from './shop.helpers.ts';

let shop: Shop;
let light: LightClient;
const running: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  // Blocks come fast, so that deadlines pass.
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

const TERMS = { bond: 2n * OPG, proveBlocks: 10_000, rescueBlocks: 0, openBlocks: 190n };

async function orderFor(url: string, seed: number, more: Partial<typeof TERMS> = {}) {
  const o = { chain: shop.chain, light };
  const offer = await readOffer(url);
  return makeOrder(o, requester, url, offer, shop.modelId, inputsFor(shop.m, seed), { tabId: shop.tabId, ...TERMS, ...more });
}

async function all(updates: AsyncIterable<AskUpdate>): Promise<AskUpdate[]> {
  const list: AskUpdate[] = [];
  for await (const u of updates) list.push(u);
  return list;
}

/** A node whose answer is off by one in the last output, and signed as if it were right. */
async function liar({ knowing = true } = {}): Promise<ServedModel> {
  const honest = await reluServed();
  const lies = new Map<string, Uint8Array>();
  return {
    ...honest,
    outputOf: (input) => (knowing ? lies.get(toHex(input)) : undefined) ?? honest.outputOf(input),
    async answer(inputs, inputNonce) {
      const { inference, outputs } = await honest.answer(inputs, inputNonce);
      const ports = (which: 'inputs' | 'outputs', bytes: Uint8Array): readonly Int32Array[] => {
        const values = tensorsToPorts(honest.model[which], decodeTensors(bytes), which === 'inputs' ? 'input' : 'output');
        if (typeof values === 'string') throw new Error(values);
        return values;
      };
      const lie = ports('outputs', inference.output).map((port) => port.map((v, i) => (i === port.length - 1 ? (v === 0 ? 1 : 0) : v)));
      const wrong = ledgerInference(honest.model, { inputs: ports('inputs', inference.input), outputs: lie }, inputNonce);
      lies.set(toHex(wrong.input), wrong.output);
      return { inference: wrong, outputs };
    },
  };
}

describe('an order', () => {
  test('is answered, opened, proven and paid; asked again it is the same', async () => {
    const { node } = await run();
    const before = { paid: await shop.balance(prover.address, 'usd'), left: await shop.left(shop.tabId) };
    const kept = await orderFor(node.url, 1);
    const updates = await all(ask(kept, { chain: shop.chain, light }));
    expect(updates.map((u) => u.status)).toEqual(['ANSWERED', 'PENDING', 'PROVEN/FINAL']);
    const [answered, pending, final] = updates;
    if (answered?.status !== 'ANSWERED' || pending?.status !== 'PENDING' || final?.status !== 'PROVEN/FINAL')
      throw new Error('another order');
    const { outputs } = shop.m.circuit.run(inputsFor(shop.m, 1));
    expect(answered.outputs.map((t) => Array.from(t.data as ArrayLike<number>))).toEqual(
      outputs.map((t) => Array.from(t.data as ArrayLike<number>)),
    );
    expect(pending.bond).toBe(2n * OPG);
    expect(final).toMatchObject({ paid: PRICE, denom: 'usd', prover: prover.address });
    expect(final.burned).toBeGreaterThan(0n);
    expect((await shop.balance(prover.address, 'usd')) - before.paid).toBe(PRICE);
    expect(before.left - (await shop.left(shop.tabId))).toBe(PRICE);

    const again = await all(ask(kept, { chain: shop.chain, light }));
    expect(again.map((u) => u.status)).toEqual(['ANSWERED', 'PENDING', 'PROVEN/FINAL']);
    expect(before.left - (await shop.left(shop.tabId))).toBe(PRICE);
  });

  test('many at once settle once each', async () => {
    const { node } = await run();
    const before = { paid: await shop.balance(prover.address, 'usd'), left: await shop.left(shop.tabId) };
    const bodies = await Promise.all(Array.from({ length: 8 }, (_, i) => shop.body(30 + i)));
    for (const { status } of await Promise.all(bodies.map((b) => post(node.url, b)))) expect(status).toBe(200);
    for (const b of bodies) await until('settled', 40_000, () => (node.queue.get(toHex(jobOf(b)))?.state === 'settled' ? true : null));
    expect((await shop.balance(prover.address, 'usd')) - before.paid).toBe(8n * PRICE);
    expect(before.left - (await shop.left(shop.tabId))).toBe(8n * PRICE);
    expect((await shop.chain.prover(prover.address))?.free).toEqual(writeAmount(100n * OPG));
  });

  test('settles over a chain that loses every second transaction', async () => {
    const lost = new Set<unknown>();
    const kept = new Set<unknown>();
    const lossy: Rpc = {
      url: 'lossy:',
      async call(method, params, signal) {
        if (method === 'broadcast_tx_sync' && !kept.has(params?.tx)) {
          if (!lost.has(params?.tx) && lost.size > kept.size) kept.add(params?.tx);
          else lost.add(params?.tx);
          if (lost.has(params?.tx)) return { code: 0, log: '' };
        }
        return shop.net.rpc.call(method, params, signal);
      },
    };
    const { node } = await run({ chain: new Chain(lossy) });
    const before = await shop.balance(prover.address, 'usd');
    const body = await shop.body(50);
    expect((await post(node.url, body)).status).toBe(200);
    await until('settled', 60_000, () => (node.queue.get(toHex(jobOf(body)))?.state === 'settled' ? true : null));
    expect([lost.size, kept.size]).toEqual([2, 2]);
    expect((await shop.balance(prover.address, 'usd')) - before).toBe(PRICE);
  });

  test('is refused with the node’s code and sentence', async () => {
    const { node } = await run();
    const kept = await orderFor(node.url, 2, { bond: 11n * OPG });
    const refused = all(ask(kept, { chain: shop.chain, light }));
    await expect(refused).rejects.toThrow(NodeRefused);
    await expect(all(ask(kept, { chain: shop.chain, light }))).rejects.toMatchObject({ code: 'E_BOND' });
  });

  test('that nobody ever opens fails, and nothing was paid', async () => {
    const { node } = await run({ workers: 0 });
    const left = await shop.left(shop.tabId);
    const updates = await all(ask(await orderFor(node.url, 3, { openBlocks: 12n }), { chain: shop.chain, light }));
    expect(updates.map((u) => u.status)).toEqual(['ANSWERED', 'FAILED']);
    expect(await shop.left(shop.tabId)).toBe(left);
  });
});

describe('a node that lies', () => {
  test('in its JSON, behind the receipt, is caught before anything else', async () => {
    const { node } = await run();
    const other = inferenceOf(shop.m, 9);
    const lies: [string, (answer: Record<string, string>) => unknown, RegExp][] = [
      ['the output', (a) => Object.assign(a, { outputTensors: toHex(other.output) }), /another output/],
      ['the receipt', (a) => Object.assign(a, { receipt: `${a.receipt?.slice(0, -2)}00` }), /./],
      ['its signature', (a) => Object.assign(a, { receiptSig: '00'.repeat(64) }), /signature/],
      ['no receipt', (a) => Object.assign(a, { receipt: null }), /receipt/],
      ['no output', (a) => Object.assign(a, { outputTensors: '' }), /./],
    ];
    let lie: (typeof lies)[number][1] = () => {};
    const between = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const init = request.method === 'POST' ? { method: 'POST', body: Buffer.concat(chunks) } : {};
      const answer = (await (await fetch(`${node.url}${request.url}`, init)).json()) as Record<string, string>;
      if (request.method === 'POST') lie(answer);
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
    await new Promise<void>((done) => between.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(between.address() as { port: number }).port}`;
    try {
      for (const [name, change, wanted] of lies) {
        lie = change;
        const updates = all(ask(await orderFor(url, 8), { chain: shop.chain, light }));
        await expect(updates, name).rejects.toThrow(wanted);
      }
    } finally {
      between.closeAllConnections();
      between.close();
    }
  });

  test('in its output cannot prove it: FAILED, the price comes back, half the bond burns', async () => {
    const { node } = await run({ models: [await liar()] });
    const usd = await shop.balance(requester.address, 'usd');
    const opg = await shop.balance(requester.address, 'opg');
    const paid = await shop.balance(prover.address, 'usd');
    // Enough blocks that a busy machine takes the order, few enough to wait for.
    const kept = await orderFor(node.url, 4, { proveBlocks: 100 });
    const updates = await all(ask(kept, { chain: shop.chain, light }));
    expect(updates.map((u) => u.status)).toEqual(['ANSWERED', 'PENDING', 'FAILED']);
    expect(updates.at(-1)).toMatchObject({ reason: 'FAILED(unproven)', view: { record: { color: 'red', code: 'record.failed' } } });
    expect((await shop.balance(requester.address, 'usd')) - usd).toBe(PRICE);
    expect((await shop.balance(requester.address, 'opg')) - opg).toBe(OPG);
    expect(await shop.balance(prover.address, 'usd')).toBe(paid);
    const id = toHex(jobOf(kept as unknown as Record<string, unknown>));
    await until('the node gives it up', 20_000, () => (node.queue.get(id)?.state === 'failed' ? true : null));
    await shop.chain.send(prover, { case: 'registerProver', value: bondOf(2n) });
  });

  test('in its output is challenged with the true one: FAILED(fraud)', async () => {
    const { node } = await run({ models: [await liar()] });
    const body = await shop.body(5);
    const jobId = jobOf(body);
    expect((await post(node.url, body)).status).toBe(200);
    await until('the job is open', 20_000, async () => ((await shop.chain.job(jobId)) === null ? null : true));
    const i = inferenceOf(shop.m, 5);
    const { net, modelId, m } = shop;
    const proof = await proveFor(m, 5, statementFor(m.model, i, { chainId: net.chainId, modelId, jobId, prover: owner.address }));
    const opg = await shop.balance(owner.address, 'opg');
    const price = await shop.chain.price();
    const { gasUsed } = await shop.chain.send(
      owner,
      { case: 'challenge', value: { jobId, inputNonce: i.inputNonce, input: i.input, output: i.output, proof } },
      { vgasLimit: m.model.key.vgas },
    );
    const job = await shop.chain.job(jobId);
    expect(job === null ? 'none' : describeState(job)).toBe('FAILED(fraud)');
    // Half of two opg, less what the challenge burned at a price that moved by an eighth at most.
    const gain = (await shop.balance(owner.address, 'opg')) - opg;
    expect(gain).toBeLessThan(OPG);
    expect(gain).toBeGreaterThan(OPG - (gasUsed * price * 3n) / 2n);
    await until('the node gives it up', 20_000, () => (node.queue.get(toHex(jobId))?.state === 'failed' ? true : null));
    await shop.chain.send(prover, { case: 'registerProver', value: bondOf(2n) });
  });

  test('is not opened by a node whose runtime errs: its bond stays its own', async () => {
    const { node } = await run({ models: [await liar({ knowing: false })] });
    const body = await shop.body(7);
    expect((await post(node.url, body)).status).toBe(200);
    const id = jobOf(body);
    await until('the node gives it up', 20_000, () => (node.queue.get(toHex(id))?.state === 'failed' ? true : null));
    expect(node.queue.get(toHex(id))?.trouble).toContain('not what the circuit computes');
    expect(await shop.chain.job(id)).toBeNull();
  });

  test('does not burn its money on a proof that is refused: three, and no more', async () => {
    const lines: string[] = [];
    const { node } = await run({ models: [await liar()], log: (line) => lines.push(line) });
    const body = await shop.body(6);
    expect((await post(node.url, body)).status).toBe(200);
    const id = toHex(jobOf(body));
    await until('the node gives it up', 20_000, () => (node.queue.get(id)?.state === 'failed' ? true : null));
    expect(node.queue.get(id)?.trouble).toContain('E_PROOF_INVALID');
    expect(lines.filter((line) => line.includes('E_PROOF_INVALID')).length).toBe(3);
  });
});

const bondOf = (opg: bigint) => ({ endpoint: new TextEncoder().encode('http://127.0.0.1:1'), modes: [1], addBond: writeAmount(opg * OPG) });

describe('what operators look at', () => {
  test('/metrics counts answers, refusals and ends', async () => {
    const { node } = await run();
    const body = await shop.body(40);
    await post(node.url, body);
    await post(node.url, '{');
    await post(node.url, await shop.body(41, { mode: 0 }));
    await until('settled', 20_000, () => (node.queue.get(toHex(jobOf(body)))?.state === 'settled' ? true : null));
    const response = await fetch(`${node.url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    for (const line of [
      'assay_answers_total{model="relu"} 1',
      'assay_refusals_total{code="E_FIELD"} 1',
      'assay_refusals_total{code="E_MODE"} 1',
      'assay_jobs_total{state="settled"} 1',
      'assay_proof_seconds_count 1',
      'assay_answer_seconds_count{model="relu"} 1',
      'assay_jobs_waiting 0',
    ])
      expect(text.split('\n')).toContain(line);
    expect(Number(/^assay_chain_height (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
  });

  test('/healthz follows the chain, and /v1/models says what is served', async () => {
    const { node } = await run();
    const health = await until('healthy', 5000, async () => {
      const response = await fetch(`${node.url}/healthz`);
      return response.status === 200 ? ((await response.json()) as Record<string, unknown>) : null;
    });
    expect(health).toMatchObject({ healthy: true, waiting: 0 });
    expect(Number(health.height)).toBeGreaterThan(0);
    const offer = await readOffer(node.url);
    expect(offer).toMatchObject({ prover: prover.address, proverPubkey: prover.pubkey, denom: 'usd', price: PRICE, maxBond: 10n * OPG });
    expect(offer.models).toEqual([{ name: 'relu', modelId: shop.modelId }]);
  });

  test('a chain that is gone: 503, nothing is taken, and health says so after half a minute', async () => {
    const { node } = await run({ chain: new Chain(httpRpc('http://127.0.0.1:1')), workers: 0 });
    const { status, json } = await post(node.url, await shop.body(42));
    expect([status, json.code]).toEqual([503, 'unavailable']);
    expect(node.queue.waiting()).toEqual([]);
    expect((await fetch(`${node.url}/healthz`)).status).toBe(503);
    for (const [seconds, wanted] of [
      [29, 200],
      [31, 503],
    ] as const) {
      const context = {
        chain: shop.chain,
        signer: prover,
        queue: node.queue,
        models: new Map(),
        terms: NODE_TERMS,
        metrics: openMetrics(),
      };
      const seen = { at: Date.now() - seconds * 1000, height: 7n };
      const server = await serveHttp({ ...context, pace: () => ({ proofMs: 1, blockMs: 1 }), seen: () => seen }, { port: 0 });
      const response = await fetch(`${server.url}/healthz`);
      expect([response.status, (await response.json()) as object]).toEqual([wanted, expect.objectContaining({ healthy: wanted === 200 })]);
      await server.close();
    }
  });
});
