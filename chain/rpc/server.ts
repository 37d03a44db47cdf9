/**
 * JSON-RPC over HTTP as CometBFT serves it (settlement §11.3): POST with a JSON body, or GET with the method as path and its parameters as
 * query, where a text is quoted and bytes are `0x…`. Bodies are bounded; every fault is an answer, and the server lives.
 */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { base64 } from '@scure/base';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { WebSocketServer } from 'ws';
import { fromHex } from '../../protocol/bytes.ts';

/** A refusal of a method: JSON-RPC code -32602 for parameters, -32603 for what went wrong. */
export class RpcRefused extends Error {
  readonly code: number;
  readonly data: string;

  constructor(code: -32602 | -32603, data: string) {
    super(code === -32602 ? 'Invalid params' : 'Internal error');
    this.code = code;
    this.data = data;
  }
}

/** Parameters of a call. Readers throw RpcRefused for what is not of their kind. */
export class Params {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #fromUri: boolean;

  constructor(values: Readonly<Record<string, unknown>>, fromUri: boolean) {
    this.#values = values;
    this.#fromUri = fromUri;
  }

  #get(name: string): unknown {
    const v = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return v === null || v === '' ? undefined : v;
  }

  #bad(name: string, what: string): never {
    throw new RpcRefused(-32602, `${name}: ${what}`);
  }

  text(name: string): string {
    const v = this.#get(name);
    if (v === undefined) return '';
    if (typeof v !== 'string') return this.#bad(name, 'no text');
    return this.#fromUri ? v.replace(/^"([\s\S]*)"$/, '$1') : v;
  }

  /** A height or count; undefined where it is not given. */
  int(name: string): bigint | undefined {
    const v = this.#get(name);
    if (v === undefined) return undefined;
    if (typeof v === 'number' && Number.isSafeInteger(v)) return BigInt(v);
    const t = typeof v === 'string' ? v.replace(/^"(.*)"$/, '$1') : '';
    return /^-?[0-9]{1,18}$/.test(t) ? BigInt(t) : this.#bad(name, 'no integer');
  }

  bool(name: string): boolean {
    const v = this.#get(name);
    if (v === undefined || v === false || v === 'false') return false;
    return v === true || v === 'true' ? true : this.#bad(name, 'neither true nor false');
  }

  /** Hexadecimal in JSON; `0x…` or a quoted text in a URI. */
  hex(name: string): Uint8Array {
    const v = this.#get(name);
    if (v === undefined) return new Uint8Array(0);
    if (typeof v !== 'string') return this.#bad(name, 'no hexadecimal');
    const quoted = /^"([\s\S]*)"$/.exec(v);
    if (this.#fromUri && quoted !== null) return new TextEncoder().encode(quoted[1]);
    return fromHex(v.replace(/^0x/, '')) ?? this.#bad(name, 'no hexadecimal');
  }

  /** A transaction or a hash: base64 in JSON, `0x…` in a URI. */
  bytes(name: string): Uint8Array {
    const v = this.#get(name);
    if (v === undefined) return this.#bad(name, 'is missing');
    if (typeof v !== 'string') return this.#bad(name, 'no base64');
    if (v.startsWith('0x') && this.#fromUri) return fromHex(v.slice(2)) ?? this.#bad(name, 'no hexadecimal');
    try {
      return base64.decode(v);
    } catch {
      return this.#bad(name, 'no base64');
    }
  }
}

export type Methods = Readonly<Record<string, (params: Params) => unknown>>;

export interface ServedRpc {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** A transaction of 704 KiB in base64, with room: what CometBFT takes by default. */
const MAX_BODY = 1_000_000;
const MAX_SOCKETS = 64;
/** Calls of one socket that wait for their turn. */
const MAX_CALLS = 16;

/** Serves methods on 127.0.0.1 (or `host`); port 0 takes a free one. `routes` adds what is no JSON-RPC. */
export async function serveRpc(
  methods: Methods,
  {
    port = 0,
    host = '127.0.0.1',
    routes = () => {},
  }: { readonly port?: number; readonly host?: string; readonly routes?: (app: Hono) => void } = {},
): Promise<ServedRpc> {
  const app = new Hono();
  app.use(cors({ origin: '*', allowMethods: ['GET', 'POST'], allowHeaders: ['content-type'] }));
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      // The rest of the body is not read: nothing can follow on this connection.
      onError: (c) =>
        c.json(failure(null, -32600, 'Invalid Request', `a body of more than ${MAX_BODY} bytes`), 413, { Connection: 'close' }),
    }),
  );
  routes(app);
  const answer = async (id: unknown, method: string, params: Params): Promise<{ readonly body: object; readonly ok: boolean }> => {
    const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (run === undefined) return { ok: false, body: failure(id, -32601, 'Method not found', method.slice(0, 64)) };
    try {
      return { ok: true, body: { jsonrpc: '2.0', id, result: await run(params) } };
    } catch (e) {
      if (e instanceof RpcRefused) return { ok: false, body: failure(id, e.code, e.message, e.data) };
      return { ok: false, body: failure(id, -32603, 'Internal error', (e as Error).message) };
    }
  };
  /** One JSON-RPC call as text; `status` is HTTP's. */
  const call = async (text: string): Promise<{ readonly body: object; readonly status: 200 | 400 }> => {
    const bad = (code: number, message: string, data: string): { body: object; status: 400 } => ({
      body: failure(null, code, message, data),
      status: 400,
    });
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return bad(-32700, 'Parse error', 'the body is no JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return bad(-32600, 'Invalid Request', 'one call a request is taken');
    const { id = null, method, params = {} } = value as { id?: unknown; method?: unknown; params?: unknown };
    if (typeof method !== 'string' || (typeof id !== 'string' && typeof id !== 'number' && id !== null))
      return bad(-32600, 'Invalid Request', 'method must be a text, id a text or number');
    if (typeof params !== 'object' || params === null || Array.isArray(params))
      return bad(-32602, 'Invalid params', 'parameters by name are taken');
    return { body: (await answer(id, method, new Params(params as Record<string, unknown>, false))).body, status: 200 };
  };
  app.post('/', async (c: Context) => {
    const { body, status } = await call(await c.req.text());
    return c.json(body, status);
  });
  app.get('/:method', async (c: Context) => {
    const { ok, body } = await answer(-1, c.req.param('method') ?? '', new Params(c.req.query(), true));
    return c.json(body, ok ? 200 : 500);
  });
  app.notFound((c) => c.json(failure(null, -32601, 'Method not found', c.req.path.slice(0, 64)), 404));
  app.onError((e, c) => c.json(failure(null, -32603, 'Internal error', e.message), 500));
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: host }, (info) =>
      resolve({
        port: info.port,
        url: `http://${host}:${info.port}`,
        close: () =>
          new Promise((done) => {
            for (const socket of sockets.clients) socket.terminate();
            server.close(() => done());
            (server as Server).closeAllConnections();
          }),
      }),
    );
    server.on('error', reject);
    // The light proxy of CometBFT opens a WebSocket before it asks anything; calls work there too, subscriptions do not.
    const sockets = new WebSocketServer({ server: server as Server, path: '/websocket', maxPayload: MAX_BODY });
    sockets.on('error', () => {});
    sockets.on('connection', (socket) => {
      if (sockets.clients.size > MAX_SOCKETS) return socket.terminate();
      socket.on('error', () => socket.terminate());
      // One call at a time, and the next when the answer is out: who does not read is not read from either.
      let waiting = 0;
      let turn: Promise<void> = Promise.resolve();
      socket.on('message', (data) => {
        if (++waiting === MAX_CALLS) socket.pause();
        turn = turn
          .then(async () => {
            const { body } = await call(data.toString());
            await new Promise<void>((sent) => socket.send(JSON.stringify(body), () => sent()));
            if (waiting-- === MAX_CALLS) socket.resume();
          })
          .catch(() => socket.terminate());
      });
    });
  });
}

const failure = (id: unknown, code: number, message: string, data: string): object => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, data },
});
