/** EZKL's engine as the built page has it: under its policy, and kept for use offline once it was used, not before. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { violations } from './axe.helpers.ts';
import { ACCEPTED, ARTIFACTS, bytesFile, fixtureFiles, kept, pageSetting, pick, shoot, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const MLP = 'mlp-21.0.0';
const FILES = { proof: `${MLP}/proof.json`, vk: `${MLP}/vk.key`, settings: `${MLP}/settings.json`, srs: 'verifier.srs' };
const given = Object.entries(FILES).map(([name, file]) => [name, readFileSync(`fixtures/ezkl/artefacts/${file}`).toString('base64')]);

/** What the build tells its service worker. */
async function told(): Promise<{ readonly files: readonly string[]; readonly later: readonly string[]; readonly policy: string }> {
  const script = await (await fetch(`${s.server.url}sw.js`)).text();
  return JSON.parse(script.slice(script.indexOf('{'), script.indexOf(';\n')));
}

/** Has the page's verifying worker start that of the engine, as for a key of EZKL; its answer, and the milliseconds to it. */
async function check(page: Page): Promise<{ readonly answer: unknown; readonly milliseconds: number }> {
  await expect.poll(() => page.workers().length).toBe(1);
  const script = (await told()).later.find((file) => file.endsWith('.js'));
  return (await page.workers()[0]?.evaluate(`(async () => {
    const files = Object.fromEntries(${JSON.stringify(given)}.map(([k, v]) => [k, Uint8Array.from(atob(v), (c) => c.charCodeAt(0))]));
    const started = performance.now();
    const worker = new Worker(new URL('../${script}', location.href), { type: 'module' });
    return new Promise((done) => {
      worker.onmessage = (e) => done({ answer: e.data, milliseconds: performance.now() - started });
      worker.onerror = (e) => done({ answer: 'crashed: ' + e.message, milliseconds: 0 });
      worker.postMessage(files);
    }).finally(() => worker.terminate());
  })()`)) as Awaited<ReturnType<typeof check>>;
}
const HOLDS = { ran: true, why: null };
const asked = (from: number): string[] => s.server.asked.slice(from).filter((path) => path.includes('/engine/'));

test('answers under the strictest policy and without isolation, from the page’s own origin', async () => {
  s.server.headers = { 'Content-Security-Policy': (await told()).policy };
  try {
    const { page, context } = await s.open('', { serviceWorkers: 'block' });
    const foreign: string[] = [];
    context.on('request', (r) => {
      if (!r.url().startsWith(s.server.url)) foreign.push(r.url());
    });
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
    expect(await check(page)).toMatchObject({ answer: HOLDS });
    expect(foreign).toEqual([]);
  } finally {
    s.server.headers = {};
  }
});

test('is kept once it was used, not by everybody who opens the page, and works offline then', async () => {
  const from = s.server.asked.length;
  const { page, context } = await s.open();
  await kept(page);
  await page.reload();
  expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  const { files, later } = await told();
  expect(files.filter((file) => file.startsWith('engine/') || file.endsWith('.wasm'))).toEqual([]);
  expect(asked(from)).toEqual([]);
  expect((await check(page)).answer).toEqual(HOLDS);
  const used = asked(from).map((path) => path.slice(path.indexOf('engine/')));
  expect(used.toSorted()).toEqual(later.toSorted());
  expect(used.map((file) => file.replace(/-[\w-]{8}\./, '.')).toSorted()).toEqual(['engine/ezkl.worker.js', 'engine/ezkl_bg.wasm']);
  await context.setOffline(true);
  const before = s.server.asked.length;
  expect((await check(page)).answer).toEqual(HOLDS);
  expect(asked(before)).toEqual([]);
});

const LIMIT_MS = 3000;

test('is cold no slower than its goal', async () => {
  // Fresh profiles, so that nothing is compiled or kept from before: loading 9.8 MB from a server next door, compiling, one check.
  const times: number[] = [];
  while (times.length < 3 || (Math.min(...times) > LIMIT_MS && times.length < 12)) {
    const { page, context } = await s.open('', { serviceWorkers: 'block' });
    const { answer, milliseconds } = await check(page);
    expect(answer).toEqual(HOLDS);
    times.push(Math.round(milliseconds));
    await context.close();
  }
  writeFileSync(`${ARTIFACTS}/ezkl-cold.json`, `${JSON.stringify({ milliseconds: times })}\n`);
  expect(Math.min(...times)).toBeLessThanOrEqual(LIMIT_MS);
});

// From here on with files of EZKL's, as a user has them.
const MLP_FILES = ['ezkl/mlp.proof', 'ezkl/mlp.key'] as const;

test('an accepted proof: bound to no context, in fixed point, with nothing in the place of what there is none of', async () => {
  const { page } = await s.open('?example=ezkl', { reducedMotion: 'reduce' });
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  // The SRS of the fixtures is nobody's ceremony.
  expect(await page.locator('.headline').textContent()).toBe('Forgeable');
  expect(await page.locator('#unbound').textContent()).toBe(
    'Not bound to a context: the same proof can be shown to anybody as an answer to anything.',
  );
  const context = page.locator('[data-ground=context]');
  expect([await context.getAttribute('class'), await context.locator('b').textContent()]).toEqual(['mind', 'Not bound to a context']);
  expect(await page.locator('.scope').textContent()).toMatch(/fixed-point integers.*How near that comes to the float model/s);
  expect(await page.locator('.scope dt').allTextContents()).toEqual(['Proven', 'Recomputed here', 'Not checked', 'Not hidden']);
  expect(await page.locator('.scores tbody tr').count()).toBe(10);
  expect(await page.locator('.lens, .network, #ledger').count()).toBe(0);
  for (const summary of await page.locator('.card summary').all()) await summary.click();
  expect(await violations(page)).toEqual([]);
  await shoot(page, 'ezkl-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(page)).toEqual([]);
  await shoot(page, 'ezkl-dark');
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  expect(await violations(page)).toEqual([]);
  await shoot(page, 'ezkl-phone');
});

test('whoever expects a context reads that there can be none', async () => {
  const { page } = await s.open();
  await pick(page, ...fixtureFiles('ezkl/mlp.key'), bytesFile('x.proof', new Uint8Array(9)));
  await page.locator('#context').fill('order 1841');
  await page.locator('#context').blur();
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'E3' });
  expect(await page.locator('.card').textContent()).toContain('its proof system binds none to a context');
  expect(await page.locator('#made-for').count()).toBe(0);
});

test.each([
  ['false-output', 'mlp', 'Z1'],
  ['key-panic', 'key-panic', 'Z2'],
])('%s is refused by the engine, and the next check is as good as ever', async (proof, key, code) => {
  const { page } = await s.open();
  await pick(page, ...fixtureFiles(`ezkl/${proof}.proof`, `ezkl/${key}.key`));
  expect(await verdictOf(page)).toEqual({ state: 'refused', code });
  expect(await page.locator('.rule').textContent()).toContain('EZKL’s own verifier');
  await pick(page, ...fixtureFiles(...MLP_FILES));
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('an engine that does not come could not tell', async () => {
  const { page, context, complaints } = await s.open('', { serviceWorkers: 'block' });
  await context.route('**/*.wasm', (r) => r.fulfill({ status: 404 }));
  await pick(page, ...fixtureFiles(...MLP_FILES));
  expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  expect(await page.locator('.card > .sentence').textContent()).toMatch(/not a verdict on the proof\. .*could not be loaded/);
  expect(complaints.splice(0).every((c) => c.includes('404'))).toBe(true);
  await context.unroute('**/*.wasm');
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('a page without the engine, as the package has it, could not tell either', async () => {
  const { page, context, complaints } = await s.open('', { serviceWorkers: 'block' });
  await context.route('**/engine/**', (r) => r.fulfill({ status: 404 }));
  await pick(page, ...fixtureFiles(...MLP_FILES));
  expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  expect(await page.locator('.card > .sentence').textContent()).toContain('could not be loaded');
  expect(complaints.splice(0).every((c) => c.includes('404'))).toBe(true);
});

test('cancelling ends the engine too', async () => {
  const { page, context } = await s.open('', { serviceWorkers: 'block' });
  await context.route('**/*.wasm', () => {});
  const engines = (): number => page.workers().filter((w) => w.url().includes('/engine/')).length;
  await pick(page, ...fixtureFiles(...MLP_FILES));
  await expect.poll(engines).toBe(1);
  await page.locator('#cancel').click();
  expect(await verdictOf(page)).toEqual({ state: 'cancelled', code: null });
  await expect.poll(engines).toBe(0);
});
