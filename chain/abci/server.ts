/**
 * The application behind ABCI sockets, for CometBFT 0.38 (settlement §8.2, §8.3).
 *
 * A connection is answered in the order of its requests. All connections share one queue to the application: never two calls at once, so
 * `Info` of a node that comes back waits for the commit that its predecessor began. A block is staged by the connection that finalized it;
 * when that connection ends without Commit, or another one takes over, the block is dropped.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isAbsolute } from 'node:path';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import type { Application } from '../application.ts';
import { answer, answerAlone, Malformed, type Method, methodOf } from './answer.ts';
import { FrameError, FrameReader, frame } from './frames.ts';

export interface AbciServer {
  /** What `cometbft --proxy_app` takes: `unix:///…` or `tcp://127.0.0.1:P`. */
  readonly address: string;
  /** Ends all connections, waits for the call that runs, drops a staged block. The application stays open: it is its owner's. */
  close(): Promise<void>;
}

export interface AbciOptions {
  /** `unix:///absolute/path` or `tcp://127.0.0.1:P`; port 0 is any free one. */
  readonly socket: string;
  /**
   * The application threw: this node cannot decide, and its process MUST end (§8.3). Called once, after every connection was cut, so that
   * CometBFT stops too; the application is not called again.
   */
  readonly onFatal: (error: unknown) => void;
  /** A connection was closed because of what it sent. */
  readonly onMalformed?: (why: string) => void;
}

const CONSENSUS: readonly Method[] = ['initChain', 'prepareProposal', 'processProposal', 'finalizeBlock', 'commit'];
/** CometBFT opens 4; a second node that waits for the first to end opens 4 more. */
const MAX_CONNECTIONS = 16;
/** Linux takes 107 bytes, macOS 103. */
const MAX_SOCKET_PATH = 103;

/** Before a request's turn came, the server was closed, the application threw, or who asked went away. */
class Gone extends Error {}

/** Throws a TypeError for an address that is neither form, and the system's error where nothing can listen. */
export async function serveAbci(app: Application, { socket, onFatal, onMalformed }: AbciOptions): Promise<AbciServer> {
  let closing = false;
  /** No more calls to the application. */
  let stopped = false;
  let turn: Promise<unknown> = Promise.resolve();
  let staging: Socket | null = null;
  const open = new Map<Socket, Promise<void>>();

  /** Runs `work` when everything before it has run. What it throws is fatal. */
  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const mine = turn.then(async () => {
      if (stopped) throw new Gone();
      try {
        return await work();
      } catch (e) {
        if (!(e instanceof Malformed || e instanceof Gone)) stop(e);
        throw e;
      }
    });
    turn = mine.catch(() => {});
    return mine;
  }

  function stop(error: unknown): void {
    stopped = true;
    hangUp();
    onFatal(error);
  }

  function hangUp(): void {
    closing = true;
    server.close();
    for (const connection of open.keys()) connection.destroy();
  }

  function drop(): void {
    staging = null;
    app.discard();
  }

  async function answerTo(request: Request, from: Socket): Promise<Response> {
    const method = methodOf(request);
    if (method === null) throw new Malformed('a request that is none, or several');
    const alone = answerAlone(request);
    if (alone !== null) return alone;
    return inTurn(async () => {
      if (from.destroyed) throw new Gone();
      const continues = staging === from && method !== 'finalizeBlock' && method !== 'initChain';
      if (CONSENSUS.includes(method) && staging !== null && !continues) drop();
      if (method === 'commit' && staging === null) throw new Malformed('Commit without FinalizeBlock');
      if (method === 'finalizeBlock') staging = from;
      const response = await answer(app, request);
      if (method === 'commit') staging = null;
      return response;
    });
  }

  async function converse(connection: Socket): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const bytes of connection)
        for (const message of reader.push(bytes as Buffer))
          await send(connection, frame(Response.encode(await answerTo(decode(message), connection)).finish()));
    } catch (e) {
      // The rest is a connection that broke, which its end says as well, or a fatal error, which is told already.
      if (e instanceof Malformed || e instanceof FrameError) onMalformed?.(e.message);
    } finally {
      connection.destroy();
      await inTurn(() => {
        if (staging === connection) drop();
      }).catch(() => {});
      open.delete(connection);
    }
  }

  const server = createServer({ noDelay: true }, (connection) => {
    // `for await` reports an error only to who waits for bytes; one that comes between is told by the next write.
    connection.on('error', () => {});
    if (closing) connection.destroy();
    open.set(connection, converse(connection));
  });
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listen(server, socket);

  return {
    address,
    async close() {
      const closed = new Promise((done) => (server.listening ? server.once('close', done) : done(null)));
      hangUp();
      await closed;
      await Promise.all(open.values());
      stopped = true;
    },
  };
}

function decode(message: Uint8Array): Request {
  try {
    return Request.decode(message);
  } catch (e) {
    throw new Malformed(`a request that does not decode: ${(e as Error).message}`);
  }
}

/** Resolves when the system took the bytes, so that whoever does not read cannot make answers pile up; an error shows at the next read. */
const send = (connection: Socket, bytes: Uint8Array): Promise<void> => new Promise((done) => connection.write(bytes, () => done()));

async function listen(server: Server, address: string): Promise<string> {
  const tcp = /^tcp:\/\/127\.0\.0\.1:([0-9]{1,5})$/.exec(address);
  if (tcp !== null) {
    await listening(server, { host: '127.0.0.1', port: Number(tcp[1]) });
    return `tcp://127.0.0.1:${(server.address() as { port: number }).port}`;
  }
  const path = address.startsWith('unix://') ? address.slice('unix://'.length) : '';
  if (!isAbsolute(path)) throw new TypeError(`an ABCI address is unix:///absolute/path or tcp://127.0.0.1:port, not ${address}`);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new TypeError(`the path of a socket has at most ${MAX_SOCKET_PATH} bytes: choose a shorter folder than that of ${path}`);
  await clear(path);
  await listening(server, { path });
  // Whoever can connect drives the ledger.
  await chmod(path, 0o600);
  return address;
}

const listening = (server: Server, where: { host: string; port: number } | { path: string }): Promise<void> =>
  new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(where, () => {
      server.off('error', fail);
      done();
    });
  });

/** Removes the socket that a killed process left; throws if somebody listens on it, or if it is none. */
async function clear(path: string): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there === null) return;
  if (!there.isSocket()) throw new Error(`${path} is there and is no socket`);
  const served = await new Promise((done) => {
    const probe = connect(path, () => done(true)).on('error', () => done(false));
    probe.once('connect', () => probe.destroy());
  });
  if (served) throw new Error(`another process serves ${path}`);
  await unlink(path);
}
