/**
 * The built page in real Chromium: builds it once a run into a temporary folder, serves that with a plain file server, drives a browser.
 *
 * `CHROMIUM` names another browser than Debian's. Without one, tests are skipped with a line that says so.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, type TestContext } from 'vitest';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const ARTIFACTS = 'test/artifacts';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Ends a test that needs a browser where there is none. */
export function needsBrowser(t: TestContext): void {
  if (!existsSync(CHROMIUM)) t.skip(`no Chromium at ${CHROMIUM}: install it (apt-get install chromium) or name one in CHROMIUM`);
}

/** A plain file server, which sends no headers of its own; it keeps what it was asked for. */
export class FileServer {
  readonly asked: string[] = [];
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
      const file = join(folder, path.slice(prefix.length), path.endsWith('/') ? 'index.html' : '');
      if (!path.startsWith(prefix) || path.includes('..') || !existsSync(file) || !statSync(file).isFile()) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
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

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Violations of the content policy, errors and console errors: to be empty. */
  readonly complaints: string[];
}

export interface Setting {
  readonly server: FileServer;
  /** The folder of the built page. */
  readonly folder: string;
  /** A page of its own profile at an address under the page's; waits until it stands. */
  open(address?: string, options?: BrowserContextOptions): Promise<Opened>;
}

/** Builds, serves and launches for the tests of a file. */
export function pageSetting(name: string): Setting {
  const folder = join(tmpdir(), `assay-page-${name}-${process.pid}`);
  let server: FileServer;
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    if (!existsSync(CHROMIUM)) return;
    mkdirSync(ARTIFACTS, { recursive: true });
    await build({ configFile: 'vite.config.ts', logLevel: 'silent', build: { outDir: folder, emptyOutDir: true } });
    server = await FileServer.start(folder, '/some/where/');
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get server() {
      return server;
    },
    folder,
    async open(address = '', options = {}) {
      const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
      contexts.push(context);
      const complaints: string[] = [];
      context.on('weberror', (e) => complaints.push(String(e.error())));
      context.on('console', (m) => {
        if (m.type() === 'error' || /Content Security Policy/i.test(m.text())) complaints.push(m.text());
      });
      const page = await context.newPage();
      await page.goto(server.url + address);
      return { page, context, complaints };
    },
  };
}

/** Files for a file input, from `fixtures/`. */
export const fixtureFiles = (...paths: readonly string[]): { name: string; mimeType: string; buffer: Buffer }[] =>
  paths.map((path) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    mimeType: 'application/octet-stream',
    buffer: readFileSync(`fixtures/${path}`),
  }));

export const bytesFile = (name: string, bytes: Uint8Array): { name: string; mimeType: string; buffer: Buffer } => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
});

/** The state of the verdict in view, once it is one. */
export async function verdictOf(page: Page): Promise<{ state: string; code: string | null }> {
  const card = page.locator('.card[data-state]:not([data-state=waiting]):not([data-state=running])');
  await card.waitFor();
  return { state: (await card.getAttribute('data-state')) as string, code: await card.getAttribute('data-code') };
}

/** The page is kept for use offline. */
export const kept = (page: Page): Promise<unknown> => page.waitForSelector('html[data-kept=yes]', { state: 'attached' });

export const shoot = (page: Page, name: string, fullPage = true): Promise<Buffer> =>
  page.screenshot({ path: `${ARTIFACTS}/${name}.png`, fullPage });
