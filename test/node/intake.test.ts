/** What a node refuses before it signs anything (settlement §12.2): each with its status and code, and nothing is queued. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { person } from '../chain/helpers/chains.ts';
import { owner, requester } from '../chain/helpers/settled.ts';
import { inputsFor } from '../chain/helpers/settling.ts';
import { jobOf, OPG, type OrderChange, openedShop, PRICE, post, type Running, runNode, type Shop, until } from './shop.helpers.ts';

let shop: Shop;
let running: Running;
let url: string;

beforeAll(async () => {
  shop = await openedShop();
  running = await runNode(shop);
  url = running.node.url;
});
afterAll(async () => {
  await running?.close();
  await shop?.close();
});

/** `402 E_OWNER`; an answer is `200`. */
async function answerTo(body: unknown): Promise<string> {
  const { status, json } = await post(url, body);
  if (status === 200) return '200';
  expect(json).toEqual({ code: expect.any(String), message: expect.any(String), hint: expect.any(String) });
  expect(json.message).not.toBe('');
  return `${status} ${json.code}`;
}

describe('an order that does not fit', () => {
  const height = async (): Promise<bigint> => (await shop.chain.status()).height;
  const cases: [string, string, () => Promise<OrderChange> | OrderChange][] = [
    ['another chain', '422 E_CHAIN', () => ({ chainId: ascii('devnet-00000000') })],
    ['another prover', '422 E_NOT_PROVER', () => ({ prover: owner.address })],
    ['no prover', '422 E_NOT_PROVER', () => ({ prover: new Uint8Array(0) })],
    ['mode VANILLA', '422 E_MODE', () => ({ mode: 0 })],
    ['mode TEE', '422 E_MODE', () => ({ mode: 2 })],
    ['a mode that is none', '422 E_MODE', () => ({ mode: 7 })],
    ['a price one too low', '422 E_FUNDS', () => ({ price: writeAmount(PRICE - 1n) })],
    ['another asset', '422 E_FUNDS', () => ({ denom: ascii('opg'), price: writeAmount(OPG) })],
    ['a bond that is too small', '422 E_BOND', () => ({ bond: writeAmount(OPG - 1n) })],
    ['a bond that is too large', '422 E_BOND', () => ({ bond: writeAmount(10n * OPG + 1n) })],
    ['open_by too near', '422 E_LATE', async () => ({ openBy: (await height()) + 9n })],
    ['open_by passed', '422 E_LATE', () => ({ openBy: 1n })],
    ['open_by beyond the delay of tabs', '422 E_LATE', async () => ({ openBy: (await height()) + 260n })],
    ['too few blocks to prove in', '422 E_FIELD', () => ({ proveBlocks: 19 })],
    ['too many blocks to prove in', '422 E_FIELD', () => ({ proveBlocks: 10_001 })],
    ['too many blocks to rescue in', '422 E_FIELD', () => ({ rescueBlocks: 10_001 })],
    ['private settlement', '422 E_FIELD', () => ({ settlementMode: 0 })],
    ['a settlement that is none', '422 E_FIELD', () => ({ settlementMode: 3 })],
    ['fields of the market', '422 E_FIELD', () => ({ resultBlocks: 5 })],
    ['a challenge window', '422 E_FIELD', () => ({ challengeBlocks: 10 })],
    ['a ramp', '422 E_FIELD', () => ({ ramp: { minPrice: writeAmount(1n), rampBlocks: 5 } })],
    ['a plot point', '422 E_FIELD', () => ({ ppId: new Uint8Array(32) })],
    ['another model', '400 E_MODEL', () => ({ modelId: new Uint8Array(32) })],
    ['another input', '422 E_INPUT', () => ({ inputCommitment: new Uint8Array(32) })],
    ['an input commitment of 31 bytes', '400 E_ORDER', () => ({ inputCommitment: new Uint8Array(31) })],
    ['another requester', '400 E_ORDER', () => ({ requester: owner.address })],
    ['no tab', '402 E_ESCROW', () => ({ tabId: new Uint8Array(0) })],
    ['a tab that does not exist', '402 E_ESCROW', () => ({ tabId: new Uint8Array(32) })],
    ['the tab of a stranger', '402 E_OWNER', async () => ({ tabId: await shop.tab(owner, 10n ** 6n) })],
    ['a tab for another prover', '402 E_ESCROW', async () => ({ tabId: await shop.tab(requester, PRICE, await otherProver()) })],
    ['a tab with too little', '402 E_ESCROW', async () => ({ tabId: await shop.tab(requester, PRICE - 1n) })],
    ['a tab that closes before open_by', '402 E_ESCROW', async () => ({ tabId: await closing(), openBy: (await height()) + 199n })],
  ];
  const otherProver = async (): Promise<Uint8Array> => {
    const other = person(7);
    await shop.net.give(other.address);
    const value = { endpoint: ascii('http://127.0.0.1:1'), modes: [1], addBond: writeAmount(100n * OPG) };
    await shop.chain.send(other, { case: 'registerProver', value });
    return other.address;
  };
  const closing = async (): Promise<Uint8Array> => {
    const tabId = await shop.tab(requester, 10n * PRICE);
    await shop.chain.send(requester, { case: 'closeTab', value: { tabId } });
    // Until the newest open_by that is taken lies beyond its end.
    const closeAt = (await shop.chain.tab(tabId))?.closeAt ?? 0n;
    await until('a block', 20_000, async () => ((await height()) + 199n > closeAt ? true : null));
    return tabId;
  };

  test.each(cases)('%s: %s', async (_, wanted, change) => {
    const before = running.node.queue.waiting().length;
    expect(await answerTo(await shop.body(1, await change()))).toBe(wanted);
    expect(running.node.queue.waiting().length).toBe(before);
  });

  test('signatures and keys: of another, of nobody, over other bytes', async () => {
    const body = await shop.body(1);
    const other = await shop.body(1);
    expect(await answerTo({ ...body, orderSig: other.orderSig })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, orderSig: '00'.repeat(64) })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, requesterPubkey: toHex(owner.pubkey) })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, requesterPubkey: '00'.repeat(32) })).toBe('400 E_ORDER');
    // Bytes that decode to the same order, and are not its encoding.
    expect(await answerTo({ ...body, order: `${body.order}5000` })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, order: 'ff' })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, order: '' })).toBe('400 E_ORDER');
    expect(await answerTo({ ...body, order: '00'.repeat(1025) })).toBe('400 E_ORDER');
  });

  test('the model and the input’s nonce', async () => {
    const body = await shop.body(1);
    expect(await answerTo({ ...body, model: '11'.repeat(32) })).toBe('404 E_MODEL');
    expect(await answerTo({ ...body, inputNonce: '11'.repeat(32) })).toBe('422 E_INPUT');
    expect(await answerTo({ ...body, model_input: inputsFor(shop.m, 2) })).toBe('422 E_INPUT');
  });
});

describe('a body that is none', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '{"model":'],
    ['NaN, which is no JSON', '{"model_input":{"x":[NaN]}}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"model"'],
    ['a number', '7'],
    ['a hundred thousand brackets', '['.repeat(100_000)],
    ['a hundred thousand lists in lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['bytes that are no text', '\u0000\ufffd'],
  ])('%s', async (_, body) => {
    expect(await answerTo(body)).toBe('400 E_FIELD');
  });

  test('too large', async () => {
    expect(await answerTo('x'.repeat(2 ** 20 + 1))).toBe('413 E_SIZE');
    expect(await answerTo(JSON.stringify({ ...(await shop.body(1)), more: 'x'.repeat(2 ** 20) }))).toBe('413 E_SIZE');
  });

  test.each(['model', 'orderSig', 'requesterPubkey', 'inputNonce', 'order'])('%s of another kind or length', async (field) => {
    const body = await shop.body(1);
    const text = body[field] as string;
    for (const value of [null, 7, true, [], {}, 'xyz', text.slice(1), `${text}zz`, 'a'.repeat(5000)])
      expect(await answerTo({ ...body, [field]: value })).toBe('400 E_FIELD');
    if (field !== 'order') expect(await answerTo({ ...body, [field]: text.slice(2) })).toBe('400 E_FIELD');
  });

  test('no order is asked to pay', async () => {
    const { order: _, ...body } = await shop.body(1);
    expect(await answerTo(body)).toBe('402 E_ORDER');
  });

  test('inputs of another kind, shape or size', async () => {
    const body = await shop.body(1);
    const [name, values] = Object.entries(inputsFor(shop.m, 1))[0] as [string, number[]];
    const nested = (deep: number, inner: unknown): unknown => (deep === 0 ? inner : [nested(deep - 1, inner)]);
    const field: unknown[] = [null, 'text', true, {}, { data: 'x' }, { data: [1], shape: 'x' }, [null], ['1'], [[true]], nested(20, 1)];
    for (const value of field) expect([value, await answerTo({ ...body, model_input: { [name]: value } })]).toEqual([value, '400 E_FIELD']);
    for (const input of [null, [], 'x', 7]) expect(await answerTo({ ...body, model_input: input })).toBe('400 E_FIELD');
    const wrong: unknown[] = [[], [1], 1, [...values, 1], { data: values, shape: [values.length + 1] }, { data: values, shape: [-1, 1.5] }];
    for (const value of wrong) expect((await answerTo({ ...body, model_input: { [name]: value } })).slice(0, 3)).toBe('422');
    expect((await answerTo({ ...body, model_input: {} })).slice(0, 3)).toBe('422');
    expect((await answerTo({ ...body, model_input: { [name]: values, other: [1] } })).slice(0, 3)).toBe('422');
    // JSON has no infinity, but numbers that are read as one.
    const text = JSON.stringify({ ...body, model_input: { [name]: 'HERE' } }).replace(
      '"HERE"',
      `[${values.with(0, 7).join(',').replace('7', '1e999')}]`,
    );
    expect((await answerTo(text)).slice(0, 3)).toBe('422');
  });

  test('another path, another method', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/v1/infer', 'GET'],
      ['/v1/models', 'POST'],
      ['/v1/../../etc/passwd', 'GET'],
    ] as const) {
      const response = await fetch(`${url}${path}`, { method });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'not-found']);
    }
    for (const id of ['xyz', '11'.repeat(32), '%00', '__proto__']) {
      const response = await fetch(`${url}/v1/jobs/${id}`);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'E_JOB']);
    }
  });
});

describe('what is promised already counts', () => {
  test('two orders at once on a tab for one', async () => {
    const tabId = await shop.tab(requester, 2n * PRICE - 1n);
    const bodies = await Promise.all([shop.body(1, { tabId }), shop.body(2, { tabId })]);
    const said = await Promise.all(bodies.map(answerTo));
    expect(said.sort()).toEqual(['200', '402 E_ESCROW']);
  });

  test('the same order twice, and at the same time, has one receipt and one job', async () => {
    const body = await shop.body(3);
    const first = await Promise.all([post(url, body), post(url, body)]);
    const later = await post(url, body);
    const receipts = [...first, later].map(({ status, json }) => [status, json.receipt, json.receiptSig, json.outputTensors]);
    expect(new Set(receipts.map((r) => JSON.stringify(r))).size).toBe(1);
    expect(receipts[0]?.[0]).toBe(200);
    // With another input it is another question, and the order was for the first.
    expect(await answerTo({ ...body, model_input: inputsFor(shop.m, 4) })).toBe('409 E_JOB_EXISTS');
    const id = toHex(jobOf(body));
    await until('the job settles', 20_000, () => (running.node.queue.get(id)?.state === 'settled' ? true : null));
    expect((await post(url, body)).json.receipt).toBe(first[0].json.receipt);
  });

  test('bonds that are promised: 503 and when to come again', async () => {
    await until('nothing waits', 20_000, () => (running.node.queue.waiting().length === 0 ? true : null));
    // Nobody works: what is taken stays promised. A hundred opg are bonded: ten jobs of ten.
    const idle = await runNode(shop, { workers: 0 });
    const dear = { tabId: await shop.tab(requester, 100n * PRICE), bond: writeAmount(10n * OPG) };
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const body = JSON.stringify(await shop.body(10 + i, dear));
        const response = await fetch(`${idle.node.url}/v1/infer`, { method: 'POST', body });
        return [response.status, ((await response.json()) as { code?: string }).code, response.headers.get('retry-after')];
      }),
    );
    expect(idle.node.queue.waiting().length).toBe(10);
    expect(answers.filter(([status]) => status !== 200)).toEqual(Array(2).fill([503, 'E_BOND', '10']));
    await idle.close();
  });
});
