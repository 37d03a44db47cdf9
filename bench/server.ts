/** A plain file server on 127.0.0.1. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

export interface Mount {
  readonly prefix: string;
  readonly folder: string;
  /** Sends the headers of cross-origin isolation. */
  readonly isolated?: boolean;
}

export interface FileServer {
  readonly url: string;
  close(): void;
}

/** Serves each folder under its prefix, which begins and ends with a slash; the first that fits answers. */
export function serveFiles(mounts: readonly Mount[]): Promise<FileServer> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const mount = mounts.find((m) => path.startsWith(m.prefix));
    try {
      const file = join(mount?.folder ?? '', path.slice(mount?.prefix.length ?? 0), path.endsWith('/') ? 'index.html' : '');
      const body = mount === undefined ? null : readFileSync(file);
      if (mount?.isolated) {
        response.setHeader('cross-origin-opener-policy', 'same-origin');
        response.setHeader('cross-origin-embedder-policy', 'require-corp');
      }
      response.writeHead(body === null ? 404 : 200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      done({
        url: `http://127.0.0.1:${port}`,
        close() {
          server.closeAllConnections();
          server.close();
        },
      });
    });
  });
}
