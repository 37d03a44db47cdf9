/** Real nodes in the tests: free ports, homes, RPC, and processes that may be killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpRpc, type Rpc } from '../../../chain/rpc/rpc.ts';
import type { Order, Told } from './host.child.ts';
import { settled, tx } from './ledger.ts';

export const BINARY = process.env.COMETBFT_BIN ?? '';
export const NO_BINARY = 'no CometBFT: name it in COMETBFT_BIN, or set ASSAY_INSTALL=1';

export const newRoot = (): string => mkdtempSync(join(tmpdir(), 'assay-node-'));
export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Asks until the answer is not null, at most `ms`. */
export async function until<T>(what: string, ms: number, ask: () => Promise<T | null>): Promise<T> {
  for (const end = Date.now() + ms; ; await sleep(20)) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
  }
}

export const base64 = (b: Uint8Array): string => Buffer.from(b).toString('base64');
export const rpcOf = (url: string): Rpc => httpRpc(url, { timeoutMs: 3000 });

/** Sends tx(n); what the mempool answers does not matter, since the state decides. */
export const send = (rpc: Rpc, n: number): Promise<unknown> =>
  rpc.call('broadcast_tx_sync', { tx: base64(tx(n)) }).catch((e: Error) => e.message);

export async function isSettled(rpc: Rpc, n: number): Promise<boolean> {
  const { path, data } = settled(n);
  const answer = (await rpc.call('abci_query', { path, data: Buffer.from(data).toString('hex') })) as {
    response: { code?: number; value?: string | null };
  };
  return (answer.response.code ?? 0) === 0 && Boolean(answer.response.value);
}

export async function heightOf(rpc: Rpc): Promise<number> {
  const { sync_info } = (await rpc.call('status')) as { sync_info: { latest_block_height: string } };
  return Number(sync_info.latest_block_height);
}

/** The AppHash that the header of `height` + 1 carries, in hex; null while there is no such header. */
export async function appHashAfter(rpc: Rpc, height: number): Promise<string | null> {
  const answer = (await rpc.call('header', { height: `${height + 1}` }).catch(() => null)) as { header: { app_hash: string } } | null;
  return answer === null ? null : answer.header.app_hash.toLowerCase();
}

/** Sends tx(n) until the state shows it, and waits for the block that proves that state. A mempool forgets at a crash: same bytes again. */
export async function settle(rpc: Rpc, n: number): Promise<void> {
  await until(`transaction ${n} settled`, 15_000, async () => {
    if (await isSettled(rpc, n)) return true;
    await send(rpc, n);
    await sleep(50);
    return null;
  });
  await agreed(rpc);
}

/** Waits until the newest state of the application stands in a header. */
export async function agreed(rpc: Rpc): Promise<{ height: number; appHash: string }> {
  return until('a header with the AppHash of the application', 15_000, async () => {
    const { response } = (await rpc.call('abci_info')) as { response: { last_block_height?: string; last_block_app_hash?: string } };
    const appHash = Buffer.from(response.last_block_app_hash ?? '', 'base64').toString('hex');
    const newest = await heightOf(rpc);
    // A proof block that changes nothing carries the hash that its own state has.
    return newest === Number(response.last_block_height) && (await appHashAfter(rpc, newest - 1)) === appHash
      ? { height: newest, appHash }
      : null;
  });
}

export const silent = (url: string): Promise<boolean> =>
  fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) }).then(
    () => false,
    () => true,
  );

/** A host process (host.child.ts) as its parent sees it. */
export class Host {
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  #wake: () => void = () => {};
  readonly gone: Promise<NodeJS.Signals | number | null>;

  constructor(program: string, folder: string) {
    this.#child = fork(program, [folder], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (told: Told) => {
      this.#told.push(told);
      this.#wake();
    });
    this.gone = new Promise((done) => this.#child.once('exit', (code, signal) => done(signal ?? code)));
  }

  static async start(program: string, folder: string): Promise<Host> {
    const host = new Host(program, folder);
    await host.#next();
    return host;
  }

  async #next(): Promise<Told> {
    const late = sleep(40_000, 'late' as const, { ref: false });
    while (this.#told.length === 0) {
      const news = new Promise<'news'>((done) => {
        this.#wake = () => done('news');
      });
      const first = await Promise.race([news, this.gone, late]);
      if (first !== 'news') throw new Error(first === 'late' ? 'a host says nothing' : 'a host is gone');
    }
    return this.#told.shift() as Told;
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** The RPC of a node that came up; the reason of one that ended before. */
  async run(home: string, env: Readonly<Record<string, string>> = {}): Promise<{ rpcUrl: string } | { ended: string }> {
    this.order({ run: { home, binary: BINARY, env } });
    const told = await this.#next();
    return 'up' in told ? told.up : (told as { ended: string });
  }

  async up(home: string): Promise<Rpc> {
    const told = await this.run(home);
    if (!('rpcUrl' in told)) throw new Error(told.ended);
    return rpcOf(told.rpcUrl);
  }

  async ended(): Promise<{ ended: string; code?: number | null }> {
    return (await this.#next()) as { ended: string };
  }

  stop(): Promise<{ ended: string }> {
    this.order({ stop: true });
    return this.ended();
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<NodeJS.Signals | number | null> {
    this.#child.kill(signal);
    return this.gone;
  }
}
