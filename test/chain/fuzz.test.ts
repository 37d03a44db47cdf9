/**
 * Bytes that nobody meant (settlement §4.4): changed transactions get a code and never a throw, and what fails at the door changes nothing;
 * changed calls get an answer in JSON, and the server lives. Seeds are fixed.
 */
import { connect } from 'node:net';
import { base64 } from '@scure/base';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { writeAmount } from '../../chain/amounts.ts';
import { inlinePool, openLedger } from '../../chain/app/index.ts';
import { serverSignatures } from '../../chain/app/signatures.ts';
import type { Application } from '../../chain/application.ts';
import type { Msg, Signer } from '../../chain/client/index.ts';
import { decodeStrict, encode } from '../../chain/codec.ts';
import { CODES, codeName, Rejected } from '../../chain/codes.ts';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import { genesisToJson } from '../../chain/genesis.ts';
import { type Applied, checkDoor, readDoor } from '../../chain/state/index.ts';
import { memoryStore } from '../../chain/store/memory.ts';
import { ascii, concat, toHex } from '../../protocol/bytes.ts';
import { Random } from '../random.ts';
import { bank, startDevnet, type TestChain } from './helpers/chains.ts';
import { testKey, testSystem } from './helpers/hash-system.ts';
import { CHAIN, Market, OPG, tensor } from './helpers/market.ts';

/** A changed copy of some bytes; `others` lend pieces. */
function mutated(r: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const at = r.int(0, bytes.length);
  const some = (): Uint8Array => Uint8Array.from({ length: r.int(1, 6) }, () => r.int(0, 255));
  const other = r.pick(others);
  switch (r.int(0, 8)) {
    case 0:
      return bytes.map((b, i) => (i === at ? b ^ (1 << r.int(0, 7)) : b));
    case 1:
      return bytes.map((b, i) => (i === at ? r.int(0, 255) : b));
    case 2:
      return bytes.slice(0, at);
    case 3:
      return bytes.slice(at);
    case 4:
      return concat(bytes.slice(0, at), some(), bytes.slice(at));
    case 5:
      return concat(bytes.slice(0, at), bytes.slice(at + r.int(1, 8)));
    case 6:
      return concat(bytes.slice(0, at), other.slice(r.int(0, other.length)));
    case 7:
      return concat(bytes, bytes.slice(at));
    default:
      // The largest lengths and numbers that a varint has.
      return concat(bytes.slice(0, at), new Uint8Array(r.int(1, 9)).fill(255), Uint8Array.of(r.int(0, 127)), bytes.slice(at));
  }
}

describe('transactions', () => {
  const market = new Market();
  const { ledger } = market;
  const open = market.open(1, 2, { proveBlocks: 1000 });
  const doubtful = market.open(3, 9, { proveBlocks: 1000 });
  const salt = new Uint8Array(32).fill(5);
  /** One of each kind, with who sends it. */
  const kinds: readonly { readonly who: Signer; readonly msg: Msg; readonly gas?: object }[] = [
    { who: market.other, msg: { case: 'transfer', value: { to: market.owner.address, denom: ascii('usd'), amount: writeAmount(7n) } } },
    { who: market.other, msg: { case: 'burn', value: { amount: writeAmount(OPG) } } },
    { who: market.other, msg: market.registering(testKey('b')) },
    { who: market.owner, msg: { case: 'deprecateModel', value: { modelId: market.modelId } } },
    {
      who: market.other,
      msg: { case: 'registerProver', value: { endpoint: ascii('http://b'), modes: [1], addBond: writeAmount(200n * OPG) } },
    },
    { who: market.prover, msg: { case: 'unbond', value: { amount: writeAmount(OPG) } } },
    {
      who: market.requester,
      msg: { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(9n), prover: market.prover.address } },
    },
    { who: market.requester, msg: { case: 'closeTab', value: { tabId: market.tabId } } },
    { who: market.prover, msg: market.opening(market.terms(5), 6).msg },
    { who: market.prover, msg: market.opening(market.terms(5, { tabId: market.tabId }), 6).msg },
    { who: market.prover, msg: { case: 'postProof', value: market.evidence(open, market.prover, 1, 2) }, gas: market.gas },
    { who: market.other, msg: { case: 'challenge', value: market.evidence(doubtful, market.other, 3, 4) }, gas: market.gas },
    {
      who: market.other,
      msg: {
        case: 'verifyInference',
        value: {
          modelId: market.modelId,
          salt,
          inputNonce: market.nonceOf(1),
          input: tensor(1),
          output: tensor(2),
          proof: new Uint8Array(32),
        },
      },
      gas: market.gas,
    },
  ];
  const whole = kinds.map(({ who, msg, gas }) => ({ who, bytes: ledger.tx(who, msg, gas) }));
  const signatures = serverSignatures();
  const height = ledger.height + 1n;
  const root = toHex(ledger.state.appHash());
  let app: Application;
  const seen = new Map<string, number>();

  beforeAll(async () => {
    const systems = [testSystem()];
    app = openLedger({ store: memoryStore(), systems, pool: inlinePool(systems) });
    await app.initChain({ chainId: CHAIN, appState: genesisToJson(ledger.genesis), initialHeight: 1n });
    for (const [i, txs] of ledger.blocks.entries()) {
      await app.finalizeBlock({ height: BigInt(i + 1), time: BigInt(i + 1) * 1_000_000_000n, proposer: new Uint8Array(20), txs });
      await app.commit();
    }
    expect(toHex(app.info().appHash)).toBe(root);
  });
  afterAll(() => app.close());

  /** Runs one through every door and through a block of its own; returns its code. */
  async function judge(bytes: Uint8Array): Promise<string> {
    let door = 'OK';
    try {
      checkDoor(ledger.state, readDoor(bytes), height, { verifySignature: signatures });
    } catch (e) {
      if (!(e instanceof Rejected)) throw e;
      door = e.code;
    }
    const checked = await app.checkTx(bytes, false);
    app.discard();
    expect(codeName(checked.code)).toBe(door);
    expect(checked.log.length).toBeLessThan(1000);

    const { next, results } = ledger.preview(bytes);
    const result = results[0] as Applied;
    expect(Object.values(CODES)).toContain(result.code);
    expect(result.door).toBe(door === 'OK');
    expect(result.log.length).toBeLessThan(1000);
    if (!result.door) expect([codeName(result.code), result.gasUsed, next.changes()]).toEqual([door, 0n, []]);
    return codeName(result.code);
  }
  const count = (code: string): void => void seen.set(code, (seen.get(code) ?? 0) + 1);

  test('unchanged, every kind acts', async () => {
    for (const { bytes } of whole) expect(await judge(bytes)).toMatch(/^(OK|E_PROOF_INVALID)$/);
  });

  test('seven thousand changed ones', async () => {
    const r = new Random(41);
    const others = whole.map((w) => w.bytes);
    for (let i = 0; i < 7000; i++) {
      let bytes = mutated(r, r.pick(whole).bytes, others);
      while (r.next() < 0.3) bytes = mutated(r, bytes, others);
      count(await judge(bytes));
    }
    expect(toHex(ledger.state.appHash())).toBe(root);
    expect(seen.get('E_DECODE')).toBeGreaterThan(100);
    expect(seen.get('E_NONCANONICAL')).toBeGreaterThan(100);
    expect(seen.get('E_SIG')).toBeGreaterThan(100);
  });

  test('three thousand that are changed inside and signed again', async () => {
    const r = new Random(42);
    seen.clear();
    const inner = whole.map(({ who, bytes }) => ({ who, body: decodeStrict(TxSchema, bytes, 2 ** 20).body }));
    const others = inner.map((w) => w.body);
    for (let i = 0; i < 3000; i++) {
      const { who, body } = r.pick(inner);
      // A field of bytes, somewhere in the message, or the body as it is encoded.
      const next = r.next() < 0.7 ? changedField(r, body) : mutated(r, body, others);
      count(await judge(encode(TxSchema, { body: next, pubkey: who.pubkey, sig: who.sign('opg/tx/v1', next) })));
    }
    expect(toHex(ledger.state.appHash())).toBe(root);
    expect(seen.size).toBeGreaterThan(15);
    expect(seen.get('OK') ?? 0).toBeGreaterThan(0);
  });
});

/** A body with one of its fields changed, and encoded as it must be. */
function changedField(r: Random, bytes: Uint8Array): Uint8Array {
  const body = decodeStrict(TxBodySchema, bytes, 2 ** 20);
  const spots: (() => void)[] = [];
  const visit = (at: Record<string, unknown>): void => {
    for (const [name, v] of Object.entries(at)) {
      if (name.startsWith('$') || name === 'case') continue;
      const set = (value: unknown): void => void Object.assign(at, { [name]: value });
      if (v instanceof Uint8Array) {
        spots.push(() => set(r.next() < 0.2 ? new Uint8Array(0) : mutated(r, v, [v])));
        spots.push(() => set(r.next() < 0.5 ? new Uint8Array(20).fill(r.int(0, 255)) : new Uint8Array(32)));
      } else if (typeof v === 'bigint')
        spots.push(() => set(r.pick([0n, 1n, v + 1n, v - 1n < 0n ? 0n : v - 1n, 2n ** 64n - 1n, 2n ** 63n])));
      else if (typeof v === 'number') spots.push(() => set(r.pick([0, 1, v + 1, 2 ** 31, 2 ** 32 - 1])));
      else if (typeof v === 'object' && v !== null && !Array.isArray(v)) visit(v as Record<string, unknown>);
    }
  };
  visit(body as unknown as Record<string, unknown>);
  r.pick(spots)();
  return encode(TxBodySchema, body);
}

describe('the devnet’s server', () => {
  let net: TestChain;
  let url: string;
  beforeAll(async () => {
    net = await startDevnet();
    url = net.rpc.url;
  });
  afterAll(() => net?.close());
  afterEach(async () => {
    const { height } = await net.chain.status();
    await net.give(new Uint8Array(20).fill(1), { usd: 1n });
    expect((await net.chain.status()).height).toBeGreaterThan(height);
  });

  /** An answer of JSON-RPC: a result, or an error with code, message and text. */
  function checkAnswer(text: string): void {
    expect(text.length).toBeLessThan(2 ** 20);
    const answer = JSON.parse(text) as { jsonrpc: string; error?: { code: number; message: string; data: string } };
    expect(answer.jsonrpc).toBe('2.0');
    if (answer.error === undefined) expect(answer).toHaveProperty('result');
    else expect(answer.error).toEqual({ code: expect.any(Number), message: expect.any(String), data: expect.any(String) });
  }
  const METHODS = [
    'health',
    'status',
    'genesis',
    'abci_info',
    'abci_query',
    'broadcast_tx_sync',
    'broadcast_tx_async',
    'broadcast_tx_commit',
    'tx',
    'block',
    'block_results',
    'commit',
    'header',
    'validators',
    'unconfirmed_txs',
    'constructor',
    '__proto__',
    'subscribe',
    '',
  ];
  const NAMES = ['path', 'data', 'height', 'prove', 'tx', 'hash', 'page', 'per_page', 'limit', '__proto__', 'query'];
  const anyValue = (r: Random): unknown =>
    r.pick<() => unknown>([
      () => null,
      () => true,
      () => r.int(-5, 50),
      () => r.pick([1e308, -1e18, 0.5, 2 ** 53, -0]),
      () => String(r.int(-5, 50)),
      () => '9'.repeat(r.int(1, 400)),
      () => toHex(Uint8Array.from({ length: r.int(0, 40) }, () => r.int(0, 255))),
      () => base64.encode(Uint8Array.from({ length: r.int(0, 300) }, () => r.int(0, 255))),
      () =>
        r.pick(['/store/job/key', '/store/acct/key', '/price', '/jobs', '/history', '/p2p/filter/x', '/store/../key', '/jobs/by-prover/x']),
      () => '\u0000\ud800\u2028"\\',
      () => [],
      () => ({ toString: 1 }),
      () => bank.address,
      () => '"0x"',
    ])();
  const callOf = (r: Random): object => ({
    jsonrpc: '2.0',
    id: r.pick<unknown>([1, 'a', null, 1.5, -1, r.int(0, 2 ** 31)]),
    method: r.pick(METHODS),
    params: Object.fromEntries(Array.from({ length: r.int(0, 4) }, () => [r.pick(NAMES), anyValue(r)])),
  });
  const inBatches = async (n: number, run: (i: number) => Promise<void>): Promise<void> => {
    for (let i = 0; i < n; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => run(i + k)));
  };

  test('a thousand calls, and what they become when their text is changed', async () => {
    const r = new Random(43);
    const texts = Array.from({ length: 1000 }, () => new TextEncoder().encode(JSON.stringify(callOf(r))));
    const codes = new Set<number>();
    await inBatches(1000, async (i) => {
      const text = texts[i] as Uint8Array;
      const body = new Uint8Array(r.next() < 0.4 ? mutated(r, text, texts) : text);
      const response = await fetch(url, { method: 'POST', body });
      codes.add(response.status);
      checkAnswer(await response.text());
    });
    expect([...codes].sort()).toEqual([200, 400]);
  });

  test('a thousand addresses', async () => {
    const r = new Random(44);
    await inBatches(1000, async () => {
      const query = Array.from(
        { length: r.int(0, 4) },
        () => `${r.pick(NAMES)}=${encodeURIComponent((JSON.stringify(anyValue(r)) ?? '').replace(/[\ud800-\udfff]/g, '%'))}`,
      );
      const path = `${r.pick(METHODS)}${r.pick(['', '', '', '/', '/x', '%00', '%ff', '?', '%', '..'])}?${query.join(r.pick(['&', '&', '=&']))}${r.pick(['', '', '&%', '&=', '#'])}`;
      const response = await fetch(`${url}/${path}`, { method: r.pick(['GET', 'GET', 'GET', 'PUT', 'DELETE']) });
      checkAnswer(await response.text());
    });
  });

  test('what is too large, or nested without end', async () => {
    for (const [body, status] of [
      ['x'.repeat(1_000_001), 413],
      ['['.repeat(900_000), 400],
      [`{"method":"status","params":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`, 200],
      [JSON.stringify({ method: 'x'.repeat(900_000) }), 200],
      [JSON.stringify({ method: 'broadcast_tx_sync', params: { tx: base64.encode(new Uint8Array(730_000)) } }), 200],
    ] as const) {
      const response = await fetch(url, { method: 'POST', body });
      checkAnswer(await response.text());
      expect(response.status).toBe(status);
    }
  });

  test('garbage in a WebSocket: an answer a message, or the end of that socket alone', async () => {
    const r = new Random(45);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket`);
    await new Promise((done) => socket.once('open', done));
    const texts = Array.from({ length: 300 }, () => new TextEncoder().encode(JSON.stringify(callOf(r))));
    const answers: string[] = [];
    const all = new Promise<void>((done) =>
      socket.on('message', (data) => {
        answers.push(data.toString());
        if (answers.length === texts.length) done();
      }),
    );
    for (const text of texts) {
      const message = r.next() < 0.5 ? mutated(r, text, texts) : text;
      // Text that is no UTF-8 ends the socket, as it must.
      socket.send(r.next() < 0.5 ? message : new TextDecoder().decode(message));
    }
    await all;
    for (const text of answers) checkAnswer(text);
    socket.terminate();

    for (let i = 0; i < 20; i++) {
      const raw = connect(Number(new URL(url).port), '127.0.0.1');
      raw.on('error', () => {}).resume();
      const ended = new Promise((done) => raw.once('close', done));
      const key = base64.encode(new Uint8Array(16).fill(i));
      raw.write(
        `GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
      // Unmasked, reserved bits, lengths without end: all forbidden by RFC 6455.
      raw.write(Uint8Array.from({ length: 200 }, () => r.int(0, 255)).with(0, 0xff));
      raw.end();
      await ended;
    }
    const huge = new WebSocket(`${url.replace('http', 'ws')}/websocket`);
    await new Promise((done) => huge.once('open', done));
    const ended = new Promise((done) => huge.once('close', done));
    huge.on('error', () => {});
    huge.send('x'.repeat(1_000_001));
    await ended;
  }, 30_000);
});
