/** What the page asks of its server and of the browser: nothing after it has loaded, no threads, no network, and the strictest policy. */
import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { drawSeven } from './pad.helpers.ts';
import { ACCEPTED, ARTIFACTS, fixtureFiles, kept, listen, pageSetting, pick, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:",
].join('; ');

const names = (asked: readonly string[]): string[] =>
  asked.map((path) => path.slice(path.lastIndexOf('/') + 1).replace(/-[\w-]{8}\.(js|css)$/, '.$1')).toSorted();

/** What a user does who uses everything but the prover. */
async function useIt(page: Page): Promise<void> {
  await pick(page, ...fixtureFiles('envelopes/relu.proof', 'envelopes/relu.key'));
  await page.locator('#held .name', { hasText: 'relu.proof' }).waitFor();
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  await page.locator('#flip').click();
  await page.locator('#caught').waitFor();
  await page.getByLabel('Colours').selectOption('dark');
  await page.getByRole('button', { name: 'Clear' }).click();
}

test('asks for nothing after load but what its lazy parts are', async () => {
  const from = s.server.asked.length;
  const { page, context } = await s.open('?example=mnist', { serviceWorkers: 'block' });
  const foreign: string[] = [];
  context.on('request', (r) => {
    if (!r.url().startsWith(s.server.url) && !r.url().startsWith('blob:')) foreign.push(r.url());
  });
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  await page.waitForLoadState('networkidle');
  const loaded = s.server.asked.length;
  expect(names(s.server.asked.slice(from, loaded))).toEqual([
    '',
    'index.css',
    'index.js',
    'mnist.key',
    'mnist.proof',
    'shared.js',
    'verify.worker.js',
  ]);
  await useIt(page);
  expect(s.server.asked.slice(loaded)).toEqual([]);
  await page.locator('#open-prover').click();
  await drawSeven(page);
  await page.locator('#prove[data-state=verified]').waitFor();
  expect(names(s.server.asked.slice(loaded))).toEqual(['mnist-cnn.qop-pt.onnx', 'prove.worker.js']);
  expect(foreign).toEqual([]);
});

test('with the policy as a header, without service worker and isolation, it verifies and proves in WebAssembly', async () => {
  s.server.headers = { 'Content-Security-Policy': POLICY };
  try {
    const { page } = await s.open('?example=mnist', { serviceWorkers: 'block' });
    expect(await verdictOf(page)).toEqual(ACCEPTED);
    expect(await page.evaluate('[crossOriginIsolated, typeof SharedArrayBuffer]')).toEqual([false, 'undefined']);
    await page.locator('#open-prover').click();
    await drawSeven(page);
    await page.locator('#prove[data-state=verified]').waitFor();
    expect(await page.locator('#trust').textContent()).toBe('7Accepted');
    expect(await page.locator('#proved-with').textContent()).toMatch(
      /^WebAssembly SIMD( \(.*not cross-origin isolated.*one thread is used\))?$/,
    );
  } finally {
    s.server.headers = {};
  }
});

test('the policy holds: what it forbids is blocked', async () => {
  const { page, complaints } = await s.open();
  await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  }`);
  expect(await page.evaluate('window.ran')).toBe(undefined);
  expect(await page.evaluate(`fetch('http://127.0.0.2:1/').then(() => 'sent', () => 'blocked')`)).toBe('blocked');
  expect(complaints.splice(0).filter((c) => /Content Security Policy/i.test(c)).length).toBeGreaterThanOrEqual(2);
});

test('once kept, it works without a network, proves with threads, and asks its server for nothing', async () => {
  const opened = await s.open();
  const { page, context } = opened;
  await kept(page);
  const loaded = s.server.asked.length;
  await context.setOffline(true);
  await page.reload();
  expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  await page.locator('[data-example=digits-i0]').click();
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  await useIt(page);
  await page.locator('#open-prover').click();
  await drawSeven(page);
  await page.locator('#prove[data-state=verified]').waitFor();
  const threads = (await page.evaluate('Math.min(4, navigator.hardwareConcurrency)')) as number;
  expect(await page.locator('#proved-with').textContent()).toBe(`WebAssembly SIMD${threads > 1 ? `, ${threads} threads` : ''}`);
  const tab = await s.tab(opened, '?example=false-output');
  expect(await verdictOf(tab)).toEqual({ state: 'refused', code: 'V2' });
  // With every navigation the browser itself may look for a newer service worker.
  expect(names(s.server.asked.slice(loaded)).filter((name) => name !== 'sw.js')).toEqual([]);
});

const LIMIT_MS = 1500;

test('a cold start comes to the verdict soon', async () => {
  // From the start of the navigation to the verdict in the document, each in a fresh profile. 500 ms is the goal, and the benchmark's to measure:
  // here other tests take the cores. What is refused is a page that loads or does several times as much before its verdict.
  const seen = `new MutationObserver(() => {
    if (window.verdictAt === undefined && document.querySelector('.card[data-state=accepted]') !== null) window.verdictAt = performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true })`;
  const times: number[] = [];
  while (times.length < 5 || (Math.min(...times) > LIMIT_MS && times.length < 25)) {
    const context = await s.browser.newContext();
    const complaints = listen(context);
    const page = await context.newPage();
    await page.addInitScript(seen);
    await page.goto(`${s.server.url}?example=mnist`);
    await page.locator('.card[data-state=accepted]').waitFor();
    times.push(Math.round((await page.evaluate('window.verdictAt')) as number));
    await context.close();
    expect(complaints).toEqual([]);
  }
  writeFileSync(`${ARTIFACTS}/cold-start.json`, `${JSON.stringify({ milliseconds: times })}\n`);
  expect(Math.min(...times)).toBeLessThanOrEqual(LIMIT_MS);
});
