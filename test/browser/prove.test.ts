/** "Prove here": a drawn digit is answered, proven and verified in the page; what it saves is a proof anywhere. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { compile, verify } from '../../index.ts';
import { shipped } from '../../verifier-web/examples.ts';
import { draw, drawSeven } from './pad.helpers.ts';
import { ACCEPTED, pageSetting, shoot, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const state = (page: Page, at: string): Promise<void> => page.locator(`#prove[data-state=${at}]`).waitFor();

async function saved(page: Page, label: string): Promise<Uint8Array> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: label }).click();
  return new Uint8Array(readFileSync(await (await download).path()));
}

test('a digit is answered at once, then proven, then accepted; the saved proof verifies in Node', async () => {
  const { page } = await s.open();
  await page.locator('#open-prover').click();
  await state(page, 'blank');
  await drawSeven(page);
  // The gap: an answer, and not yet a proof of it.
  await state(page, 'answered');
  expect(await page.locator('#trust').textContent()).toBe('7Answered, not yet proven');
  expect(await page.locator('#trust').getAttribute('class')).toBe('gap claim');
  await shoot(page, 'answered');
  await state(page, 'verified');
  expect(await page.locator('#trust').textContent()).toBe('7Accepted');
  await shoot(page, 'drawn');
  const [proof, key] = [await saved(page, 'Save the proof'), await saved(page, 'Save the key')];
  const verdict = verify(proof, key);
  expect(verdict.verdict).toBe('accepted');
  const scores = verdict.verdict === 'accepted' ? Array.from(verdict.outputs[0]?.data ?? [], Number) : [];
  expect(scores.indexOf(Math.max(...scores))).toBe(7);
  // The key is the one that Node compiles.
  const model = readFileSync('fixtures/models/mnist-cnn.qop-pt/model.onnx');
  expect(shipped('models/mnist-cnn.qop-pt/model.onnx')).toBe('examples/mnist-cnn.qop-pt.onnx');
  expect(Buffer.from(key).equals((await compile(model)).key)).toBe(true);
});

test('a new stroke makes a claim of the answer again, and what is proven is the last drawing', async () => {
  const { page } = await s.open();
  await page.locator('#open-prover').click();
  await drawSeven(page);
  await state(page, 'verified');
  await page.locator('#wipe').click();
  await state(page, 'blank');
  await draw(page, [
    [50, 15],
    [50, 85],
  ]);
  await state(page, 'verified');
  expect(await page.locator('#trust').textContent()).toBe('1Accepted');
});

test('the made proof can be looked at, and the way back leads to what was there', async () => {
  const { page } = await s.open('?example=false-output');
  await verdictOf(page);
  await page.locator('#open-prover').click();
  await drawSeven(page);
  await state(page, 'verified');
  await page.locator('#look').click();
  await page.locator('#held .name', { hasText: 'drawn.proof' }).waitFor();
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.scores .best th').first().textContent()).toBe('7');
  await page.goBack();
  await page.locator('#held .name', { hasText: 'false-output.proof' }).waitFor();
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'V2' });
});

test('a proof can be stopped, and made after all', async () => {
  const { page } = await s.open();
  await page.locator('#open-prover').click();
  await state(page, 'blank');
  // As soon as there is something to press; on a busy machine a proof may still be quicker.
  const stopped = page.locator('body[data-pressed=yes] #prove[data-state=answered]');
  for (let tries = 0; tries < 8 && (await stopped.count()) === 0; tries++) {
    await page.locator('#wipe').click();
    await page.evaluate(`{
      delete document.body.dataset.pressed;
      const watch = new MutationObserver(() => {
        const button = document.querySelector('#prove[data-state=proving] .steps button');
        if (button === null) return;
        watch.disconnect();
        button.click();
        document.body.dataset.pressed = 'yes';
      });
      watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    }`);
    await drawSeven(page);
    await page.locator('body[data-pressed=yes]').waitFor();
    await page.locator('#prove[data-state=answered], #prove[data-state=verified]').waitFor();
  }
  expect(await stopped.count()).toBe(1);
  expect(await page.locator('#trust').textContent()).toBe('7Answered, not yet proven');
  await page.getByRole('button', { name: 'Prove it' }).click();
  await state(page, 'verified');
});

test('a thread that fails gives way to fewer, and the page says so', async () => {
  const { page, context, complaints } = await s.open();
  await page.waitForSelector('html[data-kept=yes]', { state: 'attached' });
  // The page is isolated when its service worker answers; the thread's script is then taken away.
  await page.evaluate(`caches.keys().then((names) => Promise.all(names.map(async (name) => {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) if (request.url.includes('thread.worker')) await cache.delete(request);
  })))`);
  await context.setOffline(true);
  await page.reload();
  expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  await page.locator('#open-prover').click();
  await drawSeven(page);
  await state(page, 'verified');
  const threads = (await page.evaluate('Math.min(4, navigator.hardwareConcurrency)')) as number;
  if (threads > 1)
    expect(await page.locator('#proved-with').textContent()).toMatch(/^WebAssembly SIMD \(.*failed.*slower ones are used\)$/);
  else expect(await page.locator('#proved-with').textContent()).toBe('WebAssembly SIMD');
  complaints.splice(0); // the script that could not be fetched
});

test('a prover that crashes could not tell, and can be started again', async () => {
  const { page } = await s.open();
  await page.locator('#open-prover').click();
  await state(page, 'blank');
  const worker = page.workers().find((w) => w.url().includes('prove.worker'));
  await worker?.evaluate(`setTimeout(() => { throw new Error('out of order'); })`);
  await state(page, 'failed');
  expect(await page.locator('#trust').textContent()).toBe('Could not tell');
  await page.getByRole('button', { name: 'Start again' }).click();
  await state(page, 'blank');
  await drawSeven(page);
  await state(page, 'verified');
});
