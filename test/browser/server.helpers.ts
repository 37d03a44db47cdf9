/** A plain file server on 127.0.0.1, which keeps what it was asked for. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export class FileServer {
  /** Paths, in order. */
  readonly asked: string[] = [];
  /** Sent with every answer; none by default. */
  headers: Readonly<Record<string, string>> = {};
  /** Served beside the files of the folder, by their path under the prefix. */
  readonly more = new Map<string, Uint8Array>();
  readonly #server: Server;
  readonly #prefix: string;

  private constructor(server: Server, prefix: string) {
    this.#server = server;
    this.#prefix = prefix;
  }

  /** Serves `folder` under `prefix`, which begins and ends with a slash. */
  static start(folder: string, prefix = '/'): Promise<FileServer> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
      self.asked.push(path);
      const under = path.startsWith(prefix) && !path.includes('..') ? path.slice(prefix.length) : null;
      const file = under === null ? '' : join(folder, under, path.endsWith('/') ? 'index.html' : '');
      const body = self.more.get(under ?? '') ?? (existsSync(file) && statSync(file).isFile() ? readFileSync(file) : null);
      if (body === null) response.writeHead(404, self.headers).end();
      else response.writeHead(200, { ...self.headers, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    });
    const self = new FileServer(server, prefix);
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(self)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#prefix}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(() => done()));
  }
}
