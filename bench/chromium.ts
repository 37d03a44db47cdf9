/**
 * Proving and verifying in module workers of a built page in Chromium; a browser of its own for each order. And the cold start of the
 * verifying page, from the navigation to the verdict.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import type { Answer, HeadersOrder, Order, ProveOrder, VerifyOrder } from './page/order.ts';
import type { Proofs, Verifications } from './rounds.ts';
import { type FileServer, serveFiles } from './server.ts';

/** Longer than any order takes. */
const PATIENCE = 300_000;

let running: Browser | null = null;

/** The script is plain JavaScript, which is not built: it is where it is in the repository. */
async function findChromium(): Promise<string | null> {
  const scripts = (await import(pathToFileURL(resolve('scripts/chromium.mjs')).href)) as typeof import('../scripts/chromium.mjs');
  return scripts.findChromium();
}

async function withBrowser<T>(path: string, work: (browser: Browser) => Promise<T>): Promise<T> {
  // handleSIG…: the benchmark itself ends the browser, and then says so.
  const quiet = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'], ...quiet });
  running = browser;
  try {
    return await work(browser);
  } finally {
    running = null;
    await browser.close();
  }
}

/** Ends the browser that runs. */
export async function endBrowser(): Promise<void> {
  await running?.close();
}

/** Peak resident bytes of the largest renderer; null where the system does not tell. */
async function rendererPeak(browser: Browser): Promise<number | null> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo.flatMap(({ type, id }) => {
    if (type !== 'renderer') return [];
    try {
      return [1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? Number.NaN)];
    } catch {
      return [];
    }
  });
  const most = Math.max(...peaks);
  return Number.isFinite(most) ? most : null;
}

export type InBrowser<A> = { readonly answer: A; readonly peak: number | null };

export interface ChromiumBench {
  readonly version: string;
  prove(isolated: boolean, order: ProveOrder): Promise<InBrowser<Proofs[]>>;
  verify(isolated: boolean, order: VerifyOrder): Promise<InBrowser<Verifications>>;
  headers(order: HeadersOrder): Promise<InBrowser<number[]>>;
  close(): void;
}

/** Builds the page of the benchmark into `folder`, and serves it beside the `subject`s files. Null where there is no Chromium. */
export async function chromiumBench(folder: string, subject: string): Promise<ChromiumBench | null> {
  const path = await findChromium();
  if (path === null) return null;
  const { build } = await import('vite');
  const root = resolve('bench/page');
  await build({
    root,
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, target: 'es2022', rollupOptions: { input: join(root, 'bench.html') } },
  });
  // Files that a cross-origin isolated page loads from its own origin need no headers of their own; its workers' scripts do.
  const server = await serveFiles([
    { prefix: '/subject/', folder: subject },
    { prefix: '/isolated/', folder, isolated: true },
    { prefix: '/plain/', folder },
  ]);
  const ask = (isolated: boolean, order: Order): Promise<InBrowser<Answer>> =>
    withBrowser(path, async (browser) => {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`${server.url}/${isolated ? 'isolated' : 'plain'}/bench.html`);
      await page.waitForFunction('"ask" in globalThis');
      if ((await page.evaluate('crossOriginIsolated')) !== isolated)
        throw new Error('the page of the benchmark is not isolated as it should be');
      const answer = (await page.evaluate(`ask(${JSON.stringify(order)})`)) as Answer;
      return { answer, peak: await rendererPeak(browser) };
    });
  const version = await withBrowser(path, async (browser) => browser.version());
  return {
    version,
    prove: (isolated, order) => ask(isolated, order) as Promise<InBrowser<Proofs[]>>,
    verify: (isolated, order) => ask(isolated, order) as Promise<InBrowser<Verifications>>,
    headers: (order) => ask(false, order) as Promise<InBrowser<number[]>>,
    close: () => server.close(),
  };
}

/** Milliseconds from the navigation to an accepted example in the built page, each with a browser and profile that saw nothing before. */
export async function coldStarts(folder: string, repeats: number): Promise<number[] | null> {
  const path = await findChromium();
  if (path === null) return null;
  const { build } = await import('vite');
  await build({ configFile: 'vite.config.ts', logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  const server: FileServer = await serveFiles([{ prefix: '/', folder }]);
  try {
    const times: number[] = [];
    for (let i = 0; i < repeats; i++) times.push(await withBrowser(path, (browser) => coldStart(browser, `${server.url}/?example=mnist`)));
    return times;
  } finally {
    server.close();
  }
}

/**
 * `performance.now()` of a page counts from its navigation; the observer runs at the change that shows the verdict. It leaves word in an
 * attribute, because the page's policy forbids scripts made of text, which other ways of asking want.
 */
const WATCH = `new MutationObserver((_, me) => {
  const card = document.querySelector('.card[data-state=accepted], .card[data-state=refused]');
  if (card === null) return;
  me.disconnect();
  document.documentElement.dataset.shown = card.dataset.state + ' ' + performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true })`;

async function coldStart(browser: Browser, address: string): Promise<number> {
  const page = await browser.newPage();
  await page.addInitScript(WATCH);
  await page.goto(address);
  const root = page.locator('html[data-shown]');
  await root.waitFor({ state: 'attached', timeout: 60_000 });
  const [state, ms] = ((await root.getAttribute('data-shown')) as string).split(' ');
  if (state !== 'accepted') throw new Error(`the page says "${state}" of its example`);
  return Number(ms);
}
