/** EZKL's engine as the built page has it: under its policy, and kept for use offline once it was used, not before. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { encodeContainer } from '../../circuits/container.ts';
import { violations } from './axe.helpers.ts';
import { ACCEPTED, ARTIFACTS, bytesFile, kept, type Opened, pageSetting, pick, shoot, type UserFile, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const FILES = { proof: 'proof.json', vk: 'vk.key', settings: 'settings.json', srs: 'verifier.srs' };
const given = Object.entries(FILES).map(([name, file]) => [name, readFileSync(`test/chromium/ezkl/${file}`).toString('base64')]);

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

// From here on the page itself asks, with a verifier of our own in the place of the page's: one that hands the engine the files above, or a
// lie that the key's body names. What the page does with the engine's answer is what is tested; the verifier has tests of its own.
const CHUNK = `
const files = Object.fromEntries(${JSON.stringify(given)}.map(([k, v]) => [k, Uint8Array.from(atob(v), (c) => c.charCodeAt(0))]));
const tensor = (name, n) => ({ name, dtype: 'int32', shape: [1, n], data: Int32Array.from({ length: n }, (_, i) => 37 * i - 100) });
export async function verify(envelope, key, options) {
  const lie = new TextDecoder().decode(key).slice(-5);
  const { proof, vk, ...rest } = files;
  const lied = { proof: lie === 'false' ? new TextEncoder().encode(new TextDecoder().decode(proof).replace('f702', 'f802')) : proof, vk: lie === 'traps' ? vk.slice(0, 3000) : vk };
  const why = await (await options.ezkl()).verify({ ...rest, ...lied });
  if (why !== null) return { verdict: 'refused', code: why.startsWith('trap: ') ? 'Z2' : 'Z1', sentence: why, detail: {} };
  const digest = new Uint8Array(32);
  return {
    verdict: 'accepted', securityBits: 100, ledger: [], system: 'ezkl-halo2-kzg-bn254-v1', profile: 'a profile', mode: 'public input',
    trust: { setup: 'universal', zeroKnowledge: true, hidden: [], bindsContext: false, securityBits: 100, security: 'estimated', assumption: 'one of those who made the reference string has forgotten its secret' },
    vkHash: digest, keyDigest: digest, modelId: digest, statementDigest: digest, context: options.context,
    inputs: [tensor('input (integers)', 64)], outputs: [{ ...tensor('output', 10), dtype: 'float32' }], proven: [tensor('output (integers)', 10)],
  };
}`;

async function withVerifier(): Promise<Opened> {
  const opened = await s.open('', { serviceWorkers: 'block', reducedMotion: 'reduce' });
  await opened.context.route('**/assets/ezkl-*.js', (r) => r.fulfill({ contentType: 'text/javascript', body: CHUNK }));
  await opened.page.reload();
  return opened;
}
/** A key whose body says what the verifier is to hand the engine. */
const key = (body: 'holds' | 'false' | 'traps'): UserFile =>
  bytesFile('mlp.key', encodeContainer('key', 'ezkl-halo2-kzg-bn254-v1', new TextEncoder().encode(body)));
const proof = bytesFile('mlp.proof', new Uint8Array(10));

test('an accepted proof: bound to no context, in fixed point, with nothing in the place of what there is none of', async () => {
  const { page } = await withVerifier();
  await pick(page, key('holds'), proof);
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.headline').textContent()).toBe('Accepted');
  const context = page.locator('[data-ground=context]');
  expect([await context.getAttribute('class'), await context.textContent()]).toEqual([
    'mind',
    expect.stringContaining('The same proof can be shown to anybody as an answer to anything.'),
  ]);
  expect(await page.locator('#unbound').textContent()).toBe(
    'Not bound to a context: the same proof can be shown to anybody as an answer to anything.',
  );
  expect(await page.locator('[data-ground=setup] b').textContent()).toBe('Universal');
  expect(await page.locator('.facts dd').first().textContent()).toBe('100 bits estimated');
  expect(await page.locator('.scope').textContent()).toMatch(/fixed-point integers.*How near that comes to the float model/s);
  expect(await page.locator('.lens, .network, #ledger').count()).toBe(0);
  // A context that somebody asks for is not one that the proof was made for.
  await page.locator('#context').fill('order 1841');
  await page.locator('#context').blur();
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.card > .sentence').textContent()).not.toContain('order 1841');
  expect(await page.locator('#unbound.bad').textContent()).toContain(
    'You asked for “order 1841”, and no proof of this key can be made for that.',
  );
  expect(await violations(page)).toEqual([]);
  await shoot(page, 'ezkl-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await shoot(page, 'ezkl-phone');
});

test.each([
  ['false', 'Z1', /^(?!Trap: )./],
  ['traps', 'Z2', /^Trap: /],
] as const)('a proof that is %s is refused with %s', async (body, code, sentence) => {
  const { page } = await withVerifier();
  await pick(page, key(body), proof);
  expect(await verdictOf(page)).toEqual({ state: 'refused', code });
  expect(await page.locator('.card > .sentence').textContent()).toMatch(sentence);
  expect(await page.locator('.rule').textContent()).toContain('EZKL’s own verifier');
  // The next check is as good as ever.
  await pick(page, key('holds'));
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('an engine that does not come could not tell', async () => {
  const { page, complaints } = await withVerifier();
  await page.context().route('**/*.wasm', (r) => r.fulfill({ status: 404 }));
  await pick(page, key('holds'), proof);
  expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  expect(await page.locator('.card > .sentence').textContent()).toMatch(/not a verdict on the proof\. .*could not be loaded/);
  expect(complaints.splice(0).every((c) => c.includes('404'))).toBe(true);
  await page.context().unroute('**/*.wasm');
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('cancelling ends the engine too', async () => {
  const { page } = await withVerifier();
  await page.context().route('**/*.wasm', () => {});
  const engines = (): number => page.workers().filter((w) => w.url().includes('/engine/')).length;
  await pick(page, key('holds'), proof);
  await expect.poll(engines).toBe(1);
  await page.locator('#cancel').click();
  expect(await verdictOf(page)).toEqual({ state: 'cancelled', code: null });
  await expect.poll(engines).toBe(0);
});
