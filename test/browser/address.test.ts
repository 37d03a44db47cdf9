/** The address of the page: parameters, permalinks, history, reload and tabs. */
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { ACCEPTED, fixtureFiles, pageSetting, pick, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/${path}`));
const shown = (page: Page): Promise<string | null> =>
  page.locator('.card[data-state=accepted], .card[data-state=refused]').getAttribute('data-state');
/** The names of the files held, once a verdict on them is there. */
const heldOf = async (page: Page, name: string): Promise<void> => {
  await page.locator('#held .name', { hasText: name }).first().waitFor();
  await shown(page);
};

beforeAll(() => {
  if (s.server === undefined) return;
  s.server.more.set('given/d.proof', file('envelopes/digits.proof'));
  s.server.more.set('given/d.key', file('envelopes/digits.key'));
  s.server.more.set('given/i0.circuit', file('envelopes/digits-i0.circuit'));
  s.server.more.set('given/i0.proof', file('envelopes/digits-i0.proof'));
  s.server.more.set('given/i0.key', file('envelopes/digits-i0.key'));
  s.server.more.set('given/m.zip', zipSync({ 'm.proof': file('envelopes/mnist.proof'), 'm.key': file('envelopes/mnist.key') }));
});

test.each([
  ['proof and key', '?proof=given/d.proof&key=given/d.key&context=order%201841', ACCEPTED],
  ['another context', '?proof=given/d.proof&key=given/d.key&context=order%201842', { state: 'refused', code: 'E3' }],
  ['a context in hexadecimal', '?proof=given/d.proof&key=given/d.key&context=0x6f726465722031383431', ACCEPTED],
  ['a circuit too', '?proof=given/i0.proof&key=given/i0.key&circuit=given/i0.circuit', ACCEPTED],
  ['an archive', '?zip=given/m.zip', ACCEPTED],
  ['an example', '?example=digits', ACCEPTED],
  ['an example for another context', '?example=digits&context=order%201842', { state: 'refused', code: 'E3' }],
])('parameters: %s', async (_, address, verdict) => {
  const { page } = await s.open(address);
  expect(await verdictOf(page)).toEqual(verdict);
});

test('a proof made for another context says which', async () => {
  const { page } = await s.open('?proof=given/d.proof&key=given/d.key');
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'E3' });
  expect(await page.locator('#made-for').textContent()).toBe('The proof says it was made for “order 1841”.');
  await page.locator('#context').fill('order 1841');
  await page.keyboard.press('Enter');
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('a file that is not there, or on another server, is said', async () => {
  const { page, complaints } = await s.open('?proof=given/none.proof&key=given/d.key');
  await page.locator('#trouble', { hasText: 'given/none.proof: the server answered 404' }).waitFor();
  expect(complaints.splice(0)).toEqual([expect.stringContaining('404')]);
  const other = await s.open('?proof=http://127.0.0.1:1/x.proof&key=given/d.key');
  await other.page.locator('#trouble', { hasText: 'lies on another server' }).waitFor();
});

test('a permalink opens on the same verdict, and says so', async () => {
  const { page, context } = await s.open('?example=mnist');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await verdictOf(page);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const link = (await page.evaluate('navigator.clipboard.readText()')) as string;
  expect(link).toMatch(/\?example=mnist#statement=[0-9a-f]{64}&key=[0-9a-f]{64}$/);
  const there = await s.open(link.slice(s.server.url.length));
  expect(await verdictOf(there.page)).toEqual(ACCEPTED);
  expect(await there.page.locator('#linked').textContent()).toContain('This is the statement and the key that the link names');
});

test('a permalink with other digests says that this is not what it names', async () => {
  const { page } = await s.open(`?example=mnist#statement=${'0'.repeat(64)}&key=${'1'.repeat(64)}`);
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('#linked.bad').textContent()).toContain('not what the link names');
});

test('a permalink of files of the user’s own keeps their context, and asks for them', async () => {
  const { page, context } = await s.open();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await pick(page, ...fixtureFiles('envelopes/digits.key'));
  await page.locator('#context').fill('order 1841');
  await page.locator('#context').blur();
  await pick(page, ...fixtureFiles('envelopes/digits.proof'));
  await verdictOf(page);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const link = (await page.evaluate('navigator.clipboard.readText()')) as string;
  const there = await s.open(link.slice(s.server.url.length));
  await there.page.locator('.note', { hasText: 'Drop that proof and its key' }).waitFor();
  await pick(there.page, ...fixtureFiles('envelopes/digits.key', 'envelopes/digits.proof'));
  expect(await verdictOf(there.page)).toEqual(ACCEPTED);
  expect(await there.page.locator('#linked.good').count()).toBe(1);
});

test('back, forward and reload', async () => {
  const { page } = await s.open();
  await page.locator('[data-example=mnist]').click();
  await heldOf(page, 'mnist.proof');
  await pick(page, ...fixtureFiles('envelopes/relu.proof', 'envelopes/relu.key'));
  await heldOf(page, 'relu.proof');
  await page.goBack();
  await heldOf(page, 'mnist.proof');
  expect(page.url()).toContain('?example=mnist');
  expect(await shown(page)).toBe('accepted');
  await page.goBack();
  await page.locator('.card').waitFor({ state: 'detached' });
  await page.goForward();
  await heldOf(page, 'mnist.proof');
  await page.goForward();
  await heldOf(page, 'relu.proof');
  expect(await shown(page)).toBe('accepted');
  await page.goBack();
  await heldOf(page, 'mnist.proof');
  await page.reload();
  await heldOf(page, 'mnist.proof');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
});

test('the skip link leaves what is held alone', async () => {
  const { page } = await s.open();
  await pick(page, ...fixtureFiles('envelopes/relu.proof', 'envelopes/relu.key'));
  await verdictOf(page);
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('verdict');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
});

test('of two examples asked for quickly, the last one is shown', async () => {
  const { page, context } = await s.open('', { serviceWorkers: 'block' });
  let release = (): void => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  await context.route('**/mnist.proof', async (route) => {
    await held;
    await route.continue();
  });
  await page.locator('[data-example=mnist]').click();
  await page.locator('[data-example=row]').click();
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'V11' });
  const late = page.waitForResponse('**/mnist.proof');
  release();
  await late;
  await page.evaluate('new Promise((done) => setTimeout(done, 200))');
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'V11' });
});

test('two tabs mind their own business', async () => {
  const one = await s.open('?example=mnist');
  const two = await s.tab(one, '?example=false-output');
  expect(await Promise.all([verdictOf(one.page), verdictOf(two)])).toEqual([ACCEPTED, { state: 'refused', code: 'V2' }]);
  await two.getByRole('button', { name: 'Clear' }).click();
  expect(await verdictOf(one.page)).toEqual(ACCEPTED);
  expect(await two.locator('.card').count()).toBe(0);
});
