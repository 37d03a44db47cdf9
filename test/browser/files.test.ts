/** Files that people and attackers give the page: every one ends with words, none with a hung or broken page. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { ACCEPTED, bytesFile, fixtureFiles, pageSetting, pick, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const MNIST = ['envelopes/mnist.proof', 'envelopes/mnist.key'] as const;
const [proof, key] = fixtureFiles(...MNIST).map((f) => new Uint8Array(f.buffer)) as [Uint8Array, Uint8Array];
const garbage = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 2654435761) >>> 13);

/** What the page says of files that it leaves out. */
async function leftOut(page: Page): Promise<string[]> {
  await page.locator('.stranger').first().waitFor();
  return page.locator('.stranger span:last-child').allTextContents();
}

test.each([
  ['an empty file called a proof', new Uint8Array(0), 'E2'],
  ['garbage called a proof', garbage(5000), 'E2'],
  ['a proof cut in the middle', proof.subarray(0, 40_000), 'E1'],
  ['a proof with something behind its end', Uint8Array.from([...proof, 0]), 'E1'],
])('%s is refused', async (_, bytes, code) => {
  const { page } = await s.open();
  await pick(page, bytesFile('x.proof', bytes), bytesFile('mnist.key', key));
  expect(await verdictOf(page)).toEqual({ state: 'refused', code });
});

test('garbage called a key says nothing about the proof', async () => {
  const { page } = await s.open();
  await pick(page, bytesFile('x.key', garbage(3000)), bytesFile('mnist.proof', proof));
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'key.format' });
  expect(await page.locator('.card').textContent()).toContain('Nothing is said about the proof');
});

test('files that are nothing are left out, with the reason', async () => {
  const { page } = await s.open();
  await pick(page, bytesFile('notes.txt', garbage(100)), bytesFile('nothing', new Uint8Array(0)));
  expect(await leftOut(page)).toEqual(['no proof, key or circuit', 'the file is empty']);
  expect(await page.locator('.card').count()).toBe(0);
});

test('a file larger than 64 MiB is left out unread', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const large = join(folder, 'large.proof');
  writeFileSync(large, '');
  truncateSync(large, 2 ** 32);
  const { page } = await s.open();
  await page.setInputFiles('#files', large);
  expect(await leftOut(page)).toEqual(['larger than 64 MiB']);
});

test('an archive of a proof and a key is opened', async () => {
  const { page } = await s.open();
  await pick(page, bytesFile('both.zip', zipSync({ 'a/mnist.proof': proof, 'a/mnist.key': key, 'a/readme.txt': garbage(9) })));
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await leftOut(page)).toEqual(['no proof, key or circuit']);
});

test('archives that are broken, cut, nested or explode are left out', async () => {
  const good = zipSync({ 'mnist.proof': proof, 'mnist.key': key });
  const bomb = zipSync({ 'x.proof': new Uint8Array(140 * 2 ** 20) });
  expect(bomb.length).toBeLessThan(2 ** 20);
  const { page } = await s.open();
  await pick(
    page,
    bytesFile('bomb.zip', bomb),
    bytesFile('cut.zip', good.subarray(0, good.length - 30)),
    bytesFile('half.zip', good.subarray(0, 40_000)),
    bytesFile('garbage.zip', Uint8Array.from([0x50, 0x4b, 3, 4, ...garbage(5000)])),
    bytesFile('nested.zip', zipSync({ 'inner.zip': good })),
    bytesFile('many.zip', zipSync(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}.proof`, garbage(9)])))),
  );
  const said = await leftOut(page);
  expect(said.toSorted()).toEqual([
    expect.stringMatching(/^no proof, key or circuit$/),
    expect.stringMatching(/^the archive has more than 64 entries$/),
    expect.stringMatching(/^the archive is broken or of a kind that is not read/),
    expect.stringMatching(/^the archive is broken: it does not hold what its directory says$/),
    expect.stringMatching(/^the archive is empty or broken$/),
    expect.stringMatching(/^the archive unpacks to more than 128 MiB$/),
  ]);
  // The page is as well as before.
  await pick(page, ...fixtureFiles(...MNIST));
  expect(await verdictOf(page)).toEqual(ACCEPTED);
});

test('more than 64 files at once: the rest is left out', async () => {
  const { page } = await s.open();
  await pick(page, ...Array.from({ length: 70 }, (_, i) => bytesFile(`${i}.proof`, garbage(10))));
  expect(await leftOut(page)).toEqual(Array(6).fill('more than 64 files at once'));
});

test('a proof and its key come one after the other, in any order, dropped too', async () => {
  const { page } = await s.open();
  await pick(page, bytesFile('mnist.proof', proof));
  expect(await page.locator('#wanted').textContent()).toContain('Now add the key');
  const text = Buffer.from(key).toString('base64');
  await page.evaluate(`{
    const all = new DataTransfer();
    all.items.add(new File([Uint8Array.from(atob('${text}'), (c) => c.charCodeAt(0))], 'mnist.key'));
    document.querySelector('h1').dispatchEvent(new DragEvent('drop', { dataTransfer: all, bubbles: true, cancelable: true }));
  }`);
  expect(await verdictOf(page)).toEqual(ACCEPTED);
});

test('a key of mode I0 asks for the circuit', async () => {
  const { page } = await s.open();
  await pick(page, ...fixtureFiles('envelopes/digits-i0.proof', 'envelopes/digits-i0.key'));
  await page.locator('#wanted', { hasText: 'circuit' }).waitFor();
  expect(await page.locator('.card').count()).toBe(0);
  await pick(page, ...fixtureFiles('envelopes/digits-i0.circuit'));
  await page.locator('.card[data-state=accepted]').waitFor();
});
