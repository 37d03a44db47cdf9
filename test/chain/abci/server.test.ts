/**
 * The coat against a driver that walks CometBFT's grammar of calls (ABCI 2.0, "requirements for the application"):
 *
 *   start      = info [init-chain] *(finalize-block commit) *height        recovery replays what was decided
 *   height     = *round decide finalize-block commit
 *   round      = prepare-proposal process-proposal / process-proposal
 *
 * with CheckTx on a connection of its own. The driver dies after every single call, once having heard the answer and once not, alone or
 * together with the application; whatever it does, the same blocks end in the same state.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { afterAll, describe, expect, test } from 'vitest';
import { type AbciServer, serveAbci } from '../../../chain/abci/server.ts';
import type { Application } from '../../../chain/application.ts';
import { Random } from '../../random.ts';
import { type Client, dial, requests } from './client.helpers.ts';
import { bytes, notesHash, openNotes, text } from './notes.ts';

const root = mkdtempSync(join(tmpdir(), 'assay-abci-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = (): string => join(root, `${folders++}`);
const hex = (b: Uint8Array | undefined): string => Buffer.from(b ?? []).toString('hex');
const GENESIS = bytes('{"notes":{"first":"1"}}');

interface Served {
  readonly server: AbciServer;
  readonly app: Application;
  readonly fatal: unknown[];
  readonly malformed: string[];
}

async function serve(folder: string, change: (app: Application) => Application = (app) => app): Promise<Served> {
  const app = change(openNotes(folder));
  const fatal: unknown[] = [];
  const malformed: string[] = [];
  const socket = `unix://${join(folder, 'app.sock')}`;
  const server = await serveAbci(app, { socket, onFatal: (e) => fatal.push(e), onMalformed: (why) => malformed.push(why) });
  return { server, app, fatal, malformed };
}

class Died extends Error {}
type Death = 'unheard' | 'heard';

/** A node: what it decided is on its disk, its connections are not. */
class Driver {
  readonly decided: Uint8Array[][] = [];
  readonly hashes: string[] = [];
  readonly codes: number[][] = [];
  calls = 0;
  /** It dies at this call. */
  diesAt = -1;
  death: Death = 'heard';
  #random: Random;
  #clients: Client[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async #call(client: Client, request: Request): Promise<Response> {
    const last = this.calls++ === this.diesAt;
    const answer = client.call(request);
    if (last && this.death === 'unheard') {
      // Long enough that the server began, short enough that it has not answered every time.
      answer.catch(() => {});
      await new Promise((done) => setImmediate(done));
    } else await answer;
    if (last) {
      this.hangUp();
      throw new Died();
    }
    return answer;
  }

  hangUp(): void {
    for (const client of this.#clients) client.close();
  }

  /** Connects, and brings the application to where the node is. */
  async handshake(address: string): Promise<void> {
    this.#clients = await Promise.all(Array.from({ length: 4 }, () => dial(address)));
    const [consensus, , query] = this.#clients as [Client, Client, Client];
    const { info } = await this.#call(query, requests.info());
    const height = Number(info?.lastBlockHeight);
    // Never ahead of what was decided, never a state of its own.
    expect(height).toBeLessThanOrEqual(this.decided.length);
    if (height > 0 && this.hashes[height - 1] !== undefined) expect(hex(info?.lastBlockAppHash)).toBe(this.hashes[height - 1]);
    if (height === 0) await this.#call(consensus, requests.initChain(GENESIS));
    for (let h = height + 1; h <= this.decided.length; h++) await this.#execute(h);
  }

  async height(): Promise<void> {
    const [consensus, mempool] = this.#clients as [Client, Client];
    const height = this.decided.length + 1;
    const tx = bytes(`h${height}=${height}`);
    expect((await this.#call(mempool, requests.checkTx(tx))).checkTx?.code).toBe(0);
    let block: Uint8Array[] = [];
    for (let rounds = this.#random.int(1, 3); rounds > 0; rounds--) {
      // The last transaction was settled before: a proposer leaves it out, a careless one does not.
      const offered = [tx, bytes('first=2')];
      const proposer = this.#random.next() < 0.5;
      block = proposer ? ((await this.#call(consensus, requests.prepare(height, offered))).prepareProposal?.txs ?? []) : offered;
      // CheckTx and Flush come while consensus works.
      const beside = mempool.call(requests.checkTx(bytes('first=2'))).catch(() => null);
      const flushed = mempool.call(requests.flush()).catch(() => null);
      expect((await this.#call(consensus, requests.process(height, block))).processProposal?.status).toBe(1);
      expect((await beside)?.checkTx?.code).toBe(16);
      expect((await flushed)?.flush).toEqual({});
    }
    this.decided.push(block);
    await this.#execute(height);
  }

  async #execute(height: number): Promise<void> {
    const consensus = this.#clients[0] as Client;
    const { finalizeBlock } = await this.#call(consensus, requests.finalize(height, this.decided[height - 1] as Uint8Array[]));
    const hash = hex(finalizeBlock?.appHash);
    expect(this.hashes[height - 1] ?? hash).toBe(hash);
    this.hashes[height - 1] = hash;
    this.codes[height - 1] = (finalizeBlock?.txResults ?? []).map((r) => r.code);
    await this.#call(consensus, requests.commit());
  }
}

const HEIGHTS = 4;
const SEED = 3;

/** Drives HEIGHTS blocks through a new application; the driver dies once if it is told to, and `both` takes the application with it. */
async function drive(diesAt: number, death: Death, both: boolean): Promise<{ driver: Driver; died: boolean }> {
  const folder = newFolder();
  let served = await serve(folder);
  const driver = new Driver(SEED);
  Object.assign(driver, { diesAt, death });
  let died = false;
  for (let connected = false; driver.hashes.length < HEIGHTS || !connected; ) {
    try {
      if (!connected) await driver.handshake(served.server.address);
      connected = true;
      if (driver.hashes.length < HEIGHTS) await driver.height();
    } catch (e) {
      if (!(e instanceof Died)) throw e;
      died = true;
      connected = false;
      if (both) {
        await served.server.close();
        served = await serve(folder);
      }
    }
  }
  driver.hangUp();
  await served.server.close();
  expect(served.fatal).toEqual([]);
  expect(served.malformed).toEqual([]);
  const { height, appHash } = served.app.info();
  expect([Number(height), hex(appHash)]).toEqual([HEIGHTS, driver.hashes[HEIGHTS - 1]]);
  return { driver, died };
}

describe('a driver', () => {
  const notes = { first: '1', h1: '1', h2: '2', h3: '3', h4: '4' };

  test('walks rounds of many proposals, and blocks are settled', async () => {
    const { driver, died } = await drive(-1, 'heard', false);
    expect(died).toBe(false);
    expect(driver.hashes[HEIGHTS - 1]).toBe(hex(notesHash(notes)));
    expect(new Set(driver.hashes).size).toBe(HEIGHTS);
    // At least one block had more than one round, and one proposer was careless.
    expect(driver.calls).toBeGreaterThan(2 + HEIGHTS * 4);
    expect(driver.codes.flat()).toContain(16);
  });

  test.each([
    ['having heard the answer', 'heard', false],
    ['without hearing it', 'unheard', false],
    ['having heard the answer, the application with it', 'heard', true],
    ['without hearing it, the application with it', 'unheard', true],
  ] as const)('dies after every call, %s, and comes back', async (_, death, both) => {
    let deaths = 0;
    for (let at = 0; ; at++) {
      const { driver, died } = await drive(at, death, both);
      expect(driver.hashes[HEIGHTS - 1]).toBe(hex(notesHash(notes)));
      if (!died) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThan(2 + HEIGHTS * 4);
  });
});

describe('a staged block', () => {
  const staged = async () => {
    let discarded = 0;
    const served = await serve(newFolder(), (app) => ({
      ...app,
      discard() {
        discarded++;
        app.discard();
      },
    }));
    const first = await dial(served.server.address);
    await first.call(requests.initChain(GENESIS));
    await first.call(requests.finalize(1, [bytes('a=1')]));
    return { ...served, first, second: await dial(served.server.address), discarded: () => discarded };
  };

  test('is dropped when its connection ends, and not when another does', async () => {
    const { server, app, first, second, discarded } = await staged();
    second.close();
    await second.ended;
    await first.call(requests.echo('a turn'));
    expect(discarded()).toBe(0);
    first.close();
    await first.ended;
    await server.close();
    expect([discarded(), app.info().height]).toEqual([1, 0n]);
  });

  test('is dropped when another connection takes over before the first has ended', async () => {
    const { server, app, first, second, discarded } = await staged();
    await second.call(requests.finalize(1, [bytes('b=1')]));
    await second.call(requests.commit());
    first.close();
    await server.close();
    expect([discarded(), hex(app.info().appHash)]).toEqual([1, hex(notesHash({ first: '1', b: '1' }))]);
  });

  test('is not committed by another connection', async () => {
    const { server, app, first, second, malformed, fatal, discarded } = await staged();
    await expect(second.call(requests.commit())).rejects.toThrow('ended');
    await expect(first.call(requests.commit())).rejects.toThrow('ended');
    await server.close();
    expect([discarded(), app.info().height, fatal]).toEqual([1, 0n, []]);
    expect(malformed).toEqual(['Commit without FinalizeBlock', 'Commit without FinalizeBlock']);
  });

  test('is made anew where its driver finalizes again', async () => {
    const { server, first, discarded } = await staged();
    await first.call(requests.finalize(1, [bytes('b=1')]));
    await first.call(requests.commit());
    await server.close();
    expect(discarded()).toBe(1);
  });
});

describe('an application that throws', () => {
  const broken = (method: keyof Application) => (app: Application) => ({
    ...app,
    [method]: () => {
      throw new Error(`${method} cannot decide`);
    },
  });

  test.each([
    ['info', requests.info()],
    ['initChain', requests.initChain(GENESIS)],
    ['checkTx', requests.checkTx(bytes('a=1'))],
    ['prepareProposal', requests.prepare(1, [])],
    ['processProposal', requests.process(1, [])],
    ['finalizeBlock', requests.finalize(1, [])],
  ] as const)('in %s is called no more, and every connection ends', async (method, request) => {
    let after = 0;
    const { server, fatal } = await serve(newFolder(), (app) => ({
      ...broken(method)(app),
      query: (q) => {
        after++;
        return app.query(q);
      },
    }));
    const [a, b] = [await dial(server.address), await dial(server.address)];
    const waiting = [a.call(request), b.call(requests.query('/', bytes('first')))];
    const ends = await Promise.allSettled(waiting);
    await Promise.all([a.ended, b.ended]);
    expect(ends[0]?.status).toBe('rejected');
    expect(a.received().length).toBe(0);
    expect(fatal).toEqual([new Error(`${method} cannot decide`)]);
    expect(after).toBeLessThanOrEqual(1);
    await expect(dial(server.address)).rejects.toThrow();
    await server.close();
  });

  test('in commit is called no more', async () => {
    const { server, fatal } = await serve(newFolder(), broken('commit'));
    const client = await dial(server.address);
    await client.call(requests.initChain(GENESIS));
    await client.call(requests.finalize(1, []));
    await expect(client.call(requests.commit())).rejects.toThrow('ended');
    expect(fatal).toEqual([new Error('commit cannot decide')]);
    await server.close();
  });

  test('at a transaction in FinalizeBlock ends, and has kept nothing', async () => {
    const { server, app, fatal } = await serve(newFolder());
    const client = await dial(server.address);
    await client.call(requests.initChain(GENESIS));
    await expect(client.call(requests.finalize(1, [bytes('a=1'), bytes('throw=now')]))).rejects.toThrow('ended');
    expect([fatal, app.info().height]).toEqual([[new Error('cannot decide')], 0n]);
    await server.close();
  });

  test('at a genesis that is none ends with its reason', async () => {
    const { server, fatal } = await serve(newFolder());
    const client = await dial(server.address);
    await expect(client.call(requests.initChain(new Uint8Array(0)))).rejects.toThrow('ended');
    expect(fatal).toEqual([new Error('genesis: no notes')]);
    await server.close();
  });

  test('in a query says so and lives', async () => {
    const { server, fatal } = await serve(newFolder());
    const client = await dial(server.address);
    const { query } = await client.call(requests.query('/throw'));
    expect(query).toMatchObject({ code: 1, codespace: 'abci', log: 'the query failed: a query that nobody foresaw' });
    await client.call(requests.initChain(GENESIS));
    const found = (await client.call(requests.query('/', bytes('first')))).query;
    expect([found?.code, text(found?.value ?? new Uint8Array(0))]).toEqual([0, '1']);
    expect(fatal).toEqual([]);
    await server.close();
  });
});

describe('answers', () => {
  test('without the application: snapshots and vote extensions', async () => {
    const { server } = await serve(newFolder());
    const client = await dial(server.address);
    const none = new Uint8Array(0);
    const block = requests.finalize(1, []).finalizeBlock as NonNullable<Request['finalizeBlock']>;
    const asked: Request[] = [
      { listSnapshots: {} },
      { offerSnapshot: { appHash: none } },
      { loadSnapshotChunk: { height: 1n, format: 1, chunk: 0 } },
      { applySnapshotChunk: { index: 0, chunk: none, sender: 's' } },
      { extendVote: { ...block, proposedLastCommit: { round: 0, votes: [] } } },
      { verifyVoteExtension: { hash: none, validatorAddress: none, height: 1n, voteExtension: none } },
    ];
    expect(await Promise.all(asked.map((request) => client.call(request)))).toEqual([
      { listSnapshots: { snapshots: [] } },
      { offerSnapshot: { result: 3 } },
      { loadSnapshotChunk: { chunk: none } },
      { applySnapshotChunk: { result: 2, refetchChunks: [], rejectSenders: [] } },
      { extendVote: { voteExtension: none } },
      { verifyVoteExtension: { status: 1 } },
    ]);
    await server.close();
  });

  test('carry the hashed fields of a result, the header time in nanoseconds, and ids of validators', async () => {
    const results = [
      { code: 0, data: bytes('id'), log: '', gasWanted: 7n, gasUsed: 6n, events: [{ type: 'job', attributes: { id: 'x' } }] },
      { code: 16, data: new Uint8Array(0), log: 'E_NONCE', gasWanted: 2n ** 62n, gasUsed: 0n, events: [] },
    ];
    const blocks: unknown[] = [];
    const { server } = await serve(newFolder(), (app) => ({
      ...app,
      finalizeBlock: async (block) => {
        blocks.push(block);
        return { results, appHash: bytes('hash'), events: [], validatorUpdates: [{ pubkey: bytes('key'), power: 0n }] };
      },
    }));
    const client = await dial(server.address);
    const { finalizeBlock } = await client.call(requests.finalize(3, [bytes('a=1')]));
    expect(blocks).toEqual([{ height: 3n, time: 1_700_000_003_000_000_005n, proposer: new Uint8Array(0), txs: [bytes('a=1')] }]);
    expect(finalizeBlock?.txResults).toEqual([
      {
        code: 0,
        data: bytes('id'),
        log: '',
        info: '',
        gasWanted: 7n,
        gasUsed: 6n,
        events: [{ type: 'job', attributes: [{ key: 'id', value: 'x', index: true }] }],
        codespace: '',
      },
      { code: 16, data: new Uint8Array(0), log: 'E_NONCE', info: '', gasWanted: 2n ** 62n, gasUsed: 0n, events: [], codespace: 'opg' },
    ]);
    expect(finalizeBlock?.validatorUpdates).toMatchObject([{ pubKey: { ed25519: bytes('key') }, power: 0n }]);
    await server.close();
  });

  test('come in the order of the requests, a thousand at once', async () => {
    const { server } = await serve(newFolder());
    const client = await dial(server.address);
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => client.call(i % 3 === 0 ? requests.echo(`${i}`) : requests.checkTx(bytes(`k${i}=1`)))),
    );
    answers.forEach((answer, i) => {
      expect(i % 3 === 0 ? answer.echo?.message : text(answer.checkTx?.data ?? new Uint8Array(0))).toBe(i % 3 === 0 ? `${i}` : `k${i}`);
    });
    await server.close();
  });

  test.each([
    ['no frame', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a request that is none', Uint8Array.of(0)],
    ['two requests in one', Uint8Array.of(4, 0x12, 0, 0x5a, 0)],
    ['bytes that do not decode', Uint8Array.of(2, 0x12, 0x7f)],
    ['a genesis that is no JSON', Uint8Array.of(5, 0x2a, 3, 0x2a, 1, 0x7b)],
  ])('%s closes the connection that sent it, and no other', async (_, bad) => {
    const { server, malformed, fatal } = await serve(newFolder());
    const [a, b] = [await dial(server.address), await dial(server.address)];
    a.send(bad);
    await a.ended;
    expect((await b.call(requests.echo('still here'))).echo?.message).toBe('still here');
    expect([malformed.length, fatal]).toEqual([1, []]);
    await server.close();
  });
});

describe('a socket', () => {
  const app = openNotes(newFolder());
  const onFatal = (): void => {};

  test('is private, replaces one that a killed process left, and yields to a living one', async () => {
    const folder = newFolder();
    const path = join(folder, 'app.sock');
    const first = await serve(folder);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(serveAbci(app, { socket: `unix://${path}`, onFatal })).rejects.toThrow('another process serves');
    await first.server.close();
    expect(existsSync(path)).toBe(false);
    // What a killed process leaves: the name, and nobody behind it.
    const left = await abandoned(path);
    expect(left).toBe('ECONNREFUSED');
    const second = await serve(folder);
    await (await dial(second.server.address)).call(requests.info());
    await second.server.close();
  });

  test('does not take the place of a file', async () => {
    const path = join(root, 'a file');
    writeFileSync(path, 'mine');
    await expect(serveAbci(app, { socket: `unix://${path}`, onFatal })).rejects.toThrow('is no socket');
    expect(statSync(path).size).toBe(4);
  });

  test('over TCP is one of the loopback', async () => {
    const server = await serveAbci(app, { socket: 'tcp://127.0.0.1:0', onFatal });
    expect(server.address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9][0-9]+$/);
    expect((await (await dial(server.address)).call(requests.echo('tcp'))).echo?.message).toBe('tcp');
    await server.close();
  });

  test.each([
    ['tcp://0.0.0.0:26658'],
    ['tcp://127.0.0.1'],
    ['unix://relative/app.sock'],
    ['http://127.0.0.1:1'],
    [`unix:///${'x'.repeat(110)}`],
  ])('is not %s', async (socket) => {
    await expect(serveAbci(app, { socket, onFatal })).rejects.toThrow(TypeError);
  });
});

/** Leaves a socket's name with nobody behind it, and says what a caller gets there. */
async function abandoned(path: string): Promise<string | undefined> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', code]);
  return new Promise((done) => connect(path).once('error', (e: NodeJS.ErrnoException) => done(e.code)));
}
