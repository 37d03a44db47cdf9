/** EZKL's engine in real Chromium: what it says of a good proof, of lies, and of files that break it; how it ends. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browserSetting } from '../browser/page.helpers.ts';
import { FileServer } from '../browser/server.helpers.ts';
import type { EngineAsked } from './page/asked.ts';

const s = browserSetting();
const folder = mkdtempSync(join(tmpdir(), 'assay-ezkl-'));
const file = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(`fixtures/ezkl/artefacts/${name === 'verifier.srs' ? '' : 'mlp-21.0.0/'}${name}`));
const GOOD = ['proof.json', 'vk.key', 'settings.json', 'verifier.srs'] as const;
let server: FileServer;

beforeAll(async () => {
  const root = fileURLToPath(new URL('page/', import.meta.url));
  await build({
    root,
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, target: 'es2023', rolldownOptions: { input: join(root, 'ezkl.html') } },
  });
  server = await FileServer.start(folder);
  for (const name of GOOD) server.more.set(name, file(name));
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

async function opened(): Promise<Page> {
  const page = await s.browser.newPage();
  await page.goto(`${server.url}ezkl.html`);
  return page;
}

type Told = Awaited<ReturnType<EngineAsked['check']>>;
const ask = (page: Page, names: readonly string[]): Promise<Told> => page.evaluate(`ask(${JSON.stringify(names)})`);

/** The good files, one of them as `lie` makes it. */
function instead(name: (typeof GOOD)[number], as: string, lie: (bytes: Uint8Array) => Uint8Array): string[] {
  server.more.set(as, lie(file(name)));
  return GOOD.map((n) => (n === name ? as : n));
}
const text = (change: (s: string) => string) => (bytes: Uint8Array) => {
  const before = new TextDecoder().decode(bytes);
  const after = change(before);
  expect(after).not.toBe(before);
  return new TextEncoder().encode(after);
};

test('accepts a proof, in a worker that is gone after its answer, on one thread', async () => {
  const page = await opened();
  // The page's own worker may be told of only now.
  await expect.poll(() => page.workers().length).toBe(1);
  let started = 0;
  page.on('worker', () => started++);
  expect(await ask(page, GOOD)).toMatchObject({ answer: null, ran: true });
  expect(await ask(page, GOOD)).toMatchObject({ answer: null, ran: true });
  expect(started).toBe(2);
  await expect.poll(() => page.workers().length).toBe(1);
  await page.close();
});

test('says why it refuses lies, and after a trap the next check is as good as ever', async () => {
  const page = await opened();
  const instance = instead(
    'proof.json',
    'instance.json',
    text((s) => s.replace('f702', 'f802')),
  );
  const output = instead('proof.json', 'cut.json', (b) => b.slice(0, 1000));
  const vk = instead('vk.key', 'cut.key', (b) => b.slice(0, 3000));
  const told = [await ask(page, instance), await ask(page, output), await ask(page, vk), await ask(page, GOOD)];
  expect(told.map((t) => t.ran)).toEqual([true, true, true, true]);
  expect(told.map((t) => t.answer)).toEqual([
    expect.stringMatching(/^(?!trap: )./),
    expect.stringMatching(/^(?!trap: )./),
    expect.stringMatching(/^trap: /),
    null,
  ]);
  await page.close();
});

test('could not be run, which is no refusal, where its WebAssembly does not come', async () => {
  const page = await opened();
  await page.route('**/*.wasm', (r) => r.fulfill({ status: 404 }));
  expect(await ask(page, GOOD)).toMatchObject({ ran: false, answer: expect.stringContaining('could not be loaded') });
  await page.unroute('**/*.wasm');
  await page.route('**/*.wasm', (r) => r.fulfill({ body: Buffer.from('no module') }));
  expect(await ask(page, GOOD)).toMatchObject({ ran: false });
  await page.close();
});

/** WebAssembly that never ends: its start function is a loop. */
const ENDLESS = Buffer.from('0061736d01000000010401600000030201000801000a0901070003400c000b0b', 'hex');

test.each(['waits', 'computes'])('ends with the worker that asked, while it %s', async (state) => {
  const page = await opened();
  await expect.poll(() => page.workers().length).toBe(1);
  // So that it is under way.
  let answered = false;
  await page.route('**/*.wasm', async (r) => {
    if (state === 'computes') await r.fulfill({ body: ENDLESS, contentType: 'application/wasm' });
    answered = true;
  });
  void ask(page, GOOD).catch(() => {});
  await expect.poll(() => answered && page.workers().length).toBe(2);
  // Time to compile a module of a few bytes and to start it.
  await page.waitForTimeout(500);
  await page.evaluate('end()');
  await expect.poll(() => page.workers().length).toBe(0);
  await page.close();
});

test('is compiled while it comes, where the server says what it is', async () => {
  const page = await opened();
  await page.route('**/*.wasm', async (r) => r.fulfill({ response: await r.fetch(), contentType: 'application/wasm' }));
  expect(await ask(page, GOOD)).toMatchObject({ answer: null, ran: true });
  await page.close();
});
