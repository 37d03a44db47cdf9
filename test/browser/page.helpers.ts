/**
 * The built page in real Chromium. It is built once a run, by the first test that asks, and served as plain files without headers.
 *
 * `CHROMIUM` names another browser than the system's. Without one, tests are skipped and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import { findChromium } from '../../scripts/chromium.mjs';
import { FileServer } from './server.helpers.ts';

export const ARTIFACTS = 'test/artifacts';
const CHROMIUM = findChromium();

/** The folder of the built page; the first to ask builds it, the others wait. */
async function builtPage(): Promise<string> {
  const folder = inject('pageFolder');
  const at = (name: string): string => join(folder, name);
  let mine = true;
  try {
    mkdirSync(at('lock'));
  } catch {
    mine = false;
  }
  if (mine) {
    try {
      // In a process of its own, as `npm run build` does it: here NODE_ENV says that this is a test.
      const args = ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'error', '--emptyOutDir', '--outDir', at('page')];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } });
      if (status !== 0) throw new Error(stderr);
      writeFileSync(at('done'), '');
    } catch (e) {
      writeFileSync(at('failed'), String(e));
      throw e;
    }
  }
  while (!existsSync(at('done'))) {
    if (existsSync(at('failed'))) throw new Error(`the page was not built: ${readFileSync(at('failed'), 'utf8')}`);
    await sleep(50);
  }
  return at('page');
}

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Violations of the content policy, errors and console errors. Empty after every test; a test that causes one takes it out. */
  readonly complaints: string[];
}

export interface Setting {
  readonly server: FileServer;
  readonly browser: Browser;
  /** The page in a profile of its own, at an address under the page's. */
  open(address?: string, options?: BrowserContextOptions): Promise<Opened>;
  /** Another tab of a profile. */
  tab(opened: Opened, address?: string): Promise<Page>;
}

/** A browser alone, for the tests of a file; they are skipped where there is none. */
export function browserSetting(): { readonly browser: Browser } {
  let browser: Browser;
  beforeEach((t) => {
    if (CHROMIUM === null) t.skip('no Chromium: install it (apt-get install chromium), or name one in CHROMIUM');
  });
  beforeAll(async () => {
    if (CHROMIUM !== null) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  return {
    get browser() {
      return browser;
    },
  };
}

/** Keeps what a profile complains of. */
export function listen(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on('weberror', (e) => complaints.push(String(e.error())));
  context.on('console', (m) => {
    if (m.type() === 'error' || /Content Security Policy/i.test(m.text())) complaints.push(m.text());
  });
  return complaints;
}

/** Builds, serves and launches for the tests of a file. After every test: profiles closed, nothing complained of. */
export function pageSetting(): Setting {
  const setting = browserSetting();
  let server: FileServer;
  const opened: Opened[] = [];
  beforeAll(async () => {
    if (CHROMIUM === null) return;
    mkdirSync(ARTIFACTS, { recursive: true });
    server = await FileServer.start(await builtPage(), '/some/where/');
  });
  afterEach(async () => {
    const all = opened.splice(0);
    await Promise.all(all.map(({ context }) => context.close()));
    expect(all.flatMap(({ complaints }) => complaints)).toEqual([]);
  });
  afterAll(() => server?.stop());
  const tab = async ({ context }: Pick<Opened, 'context'>, address = ''): Promise<Page> => {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(server.url + address);
    return page;
  };
  return {
    get server() {
      return server;
    },
    get browser() {
      return setting.browser;
    },
    tab,
    async open(address = '', options = {}) {
      const context = await setting.browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
      const complaints = listen(context);
      const it = { page: await tab({ context }, address), context, complaints };
      opened.push(it);
      return it;
    },
  };
}

export interface UserFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export const bytesFile = (name: string, bytes: Uint8Array): UserFile => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
});

/** Files for a file input, from `fixtures/`. */
export const fixtureFiles = (...paths: readonly string[]): UserFile[] =>
  paths.map((path) => bytesFile(basename(path), readFileSync(`fixtures/${path}`)));

/** Picks files, as a user does. */
export const pick = (page: Page, ...files: readonly UserFile[]): Promise<void> => page.setInputFiles('#files', [...files]);

const SETTLED = ['accepted', 'refused', 'unknown', 'cancelled'].map((s) => `.card[data-state=${s}]`).join(',');

/** The state of the verdict in view, once it is one. */
export async function verdictOf(page: Page): Promise<{ state: string; code: string | null }> {
  const card = page.locator(SETTLED);
  await card.waitFor();
  return { state: (await card.getAttribute('data-state')) as string, code: await card.getAttribute('data-code') };
}

export const ACCEPTED = { state: 'accepted', code: null } as const;

/** The page is kept for use offline. */
export const kept = (page: Page): Promise<unknown> => page.waitForSelector('html[data-kept=yes]', { state: 'attached' });

export const shoot = (page: Page, name: string, fullPage = true): Promise<Buffer> =>
  page.screenshot({ path: `${ARTIFACTS}/${name}.png`, fullPage });
