/** A chain with jobs for the chain view, and a node between page and chain that can lie. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { showCheckpoint } from '../../chain/light/checkpoint.ts';
import type { Rpc } from '../../chain/rpc/rpc.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { TestChain } from '../chain/helpers/chains.ts';
import { settledChain } from '../chain/helpers/settled.ts';

export interface Settled {
  readonly net: TestChain;
  readonly checkpoint: string;
  readonly modelId: string;
  /** FINAL(PROVEN), and PENDING. */
  readonly proven: string;
  readonly pending: string;
  /** Canonical tensors of the proven output. */
  readonly output: Uint8Array;
}

export async function settledFor(start: () => Promise<TestChain>): Promise<Settled> {
  const { net, m, modelId, solo, pending } = await settledChain(start);
  m.circuit.close();
  return {
    net,
    checkpoint: showCheckpoint(await net.checkpoint()),
    modelId: toHex(modelId),
    proven: toHex(solo.jobId),
    pending: toHex(pending.jobId),
    output: solo.output,
  };
}

/** The four lamps, as `color code`. */
export async function lampsOf(page: Page): Promise<Record<string, string>> {
  await page.locator('.lamp').first().waitFor();
  return Object.fromEntries(
    await page
      .locator('.lamp')
      .evaluateAll((all) => all.map((e) => [e.dataset.lamp as string, `${e.dataset.color} ${e.dataset.code}`] as const)),
  );
}
/** What a lying node makes of an answer; it may change it, or throw for no answer at all. */
export type Lie = (method: string, params: Readonly<Record<string, unknown>>, result: unknown) => unknown;

/** A node that passes on what a page asks of another, until it is told to lie. */
export class Between {
  lie: Lie | null = null;
  /** Methods asked for, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(rpc: Rpc): Promise<Between> {
    const server = createServer(async (request, response) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'content-type' };
      if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
      try {
        let text = '';
        for await (const part of request) text += part;
        const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: Record<string, unknown> };
        self.asked.push(method);
        const result = await rpc.call(method, params);
        const told = self.lie === null ? result : self.lie(method, params, structuredClone(result));
        response.writeHead(200, { ...cors, 'Content-Type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: told }));
      } catch {
        request.socket.destroy();
      }
    });
    const self = new Between(server);
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(self)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(() => done()));
  }
}
