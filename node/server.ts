/** The inference node over HTTP (settlement §12.1). Every fault is `{code, message, hint}`; nothing that comes in ends the process. */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { showAddress } from '../chain/accounts.ts';
import { toHex } from '../protocol/bytes.ts';
import { type IntakeContext, takeOrder } from './intake.ts';
import type { Metrics } from './metrics.ts';
import { Problem } from './problem.ts';
import { answerJson, readAsk } from './wire.ts';

/** A megabyte of JSON: an input of 128 KiB as numbers, with room. */
const MAX_BODY = 2 ** 20;
/** The node is ill when its chain was not seen for so long. */
const ILL_MS = 30_000;

export interface ServerContext extends IntakeContext {
  readonly metrics: Metrics;
  /** When the chain last answered, in milliseconds since 1970, and its height. */
  readonly seen: () => { readonly at: number; readonly height: bigint };
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export function serveHttp(
  c: ServerContext,
  { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
): Promise<RunningServer> {
  const app = new Hono();
  /** Orders are taken one at a time: what one takes from a tab or a bond, the next must see. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const next = turn.then(run);
    turn = next.catch(() => {});
    return next;
  };
  app.use(cors({ origin: '*', allowMethods: ['GET', 'POST'], allowHeaders: ['content-type'] }));
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      onError: () => {
        throw new Problem(413, 'E_SIZE', `a body of more than ${MAX_BODY} bytes`);
      },
    }),
  );
  app.onError((e, context) => {
    const p = e instanceof Problem ? e : null;
    c.metrics.refusals.inc({ code: p?.code ?? 'internal' });
    if (p === null)
      return context.json({ code: 'unavailable', message: `this node cannot answer now: ${e.message}`, hint: 'try again later' }, 503);
    if (p.status === 503) context.header('Retry-After', '10');
    // The rest of the body is not read: nothing can follow on this connection.
    if (p.status === 413) context.header('Connection', 'close');
    return context.json({ code: p.code, message: p.message, hint: p.hint }, p.status);
  });
  app.notFound((context) =>
    context.json(
      { code: 'not-found', message: `no ${context.req.method} ${context.req.path}`, hint: 'POST /v1/infer, GET /v1/models' },
      404,
    ),
  );

  app.post('/v1/infer', async (context: Context) => {
    const started = performance.now();
    let body: unknown;
    try {
      body = JSON.parse(await context.req.text());
    } catch (e) {
      if (e instanceof Problem) throw e;
      throw new Problem(400, 'E_FIELD', 'the body is no JSON');
    }
    const asked = readAsk(body);
    const answered = await inTurn(() => takeOrder(c, asked));
    c.onStep?.('signed');
    const model = c.models.get(toHex(asked.modelId))?.name ?? '';
    c.metrics.answers.inc({ model });
    c.metrics.answerSeconds.observe({ model }, (performance.now() - started) / 1000);
    return context.json(answerJson(answered, c.signer.pubkey));
  });
  app.get('/v1/models', (context) =>
    context.json({
      prover: showAddress(c.signer.address),
      proverPubkey: toHex(c.signer.pubkey),
      terms: {
        denom: c.terms.denom,
        price: c.terms.price.toString(),
        maxBond: c.terms.maxBond.toString(),
        minProveBlocks: c.terms.minProveBlocks,
      },
      models: [...c.models.values()].map((m) => ({
        name: m.name,
        modelId: toHex(m.modelId),
        vkHash: toHex(m.model.key.vkHash),
        inputs: m.inputs,
      })),
    }),
  );
  app.get('/v1/jobs/:id', (context) => {
    const id = context.req.param('id').replace(/^0x/, '');
    const entry = /^[0-9a-f]{64}$/.test(id) ? c.queue.get(id) : undefined;
    if (entry === undefined) throw new Problem(404, 'E_JOB', 'no such job here');
    const { jobId, modelId, state, takenAt, deadline, attempts, trouble } = entry;
    return context.json({ jobId, modelId, state, takenAt, deadline: deadline.toString(), attempts, trouble });
  });
  app.get('/healthz', (context) => {
    const { at, height } = c.seen();
    const age = Date.now() - at;
    const healthy = age < ILL_MS;
    return context.json(
      { healthy, height: height.toString(), chainSeenMsAgo: age, waiting: c.queue.waiting().length },
      healthy ? 200 : 503,
    );
  });
  app.get('/metrics', async (context) => {
    c.metrics.waiting.set(c.queue.waiting().length);
    c.metrics.height.set(Number(c.seen().height));
    return context.text(await c.metrics.registry.metrics(), 200, { 'content-type': c.metrics.registry.contentType });
  });

  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: host }, (info) =>
      resolve({
        url: `http://${host}:${info.port}`,
        port: info.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            (server as Server).closeAllConnections();
          }),
      }),
    );
    server.on('error', reject);
  });
}
