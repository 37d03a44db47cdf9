/** Verdicts of other proof systems in the built page: what they rest on, what they hide, how a forgeable one looks, and how soon they come. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { compileGroth16, openGroth16, setUp } from '../../groth16/index.ts';
import { reluModel } from '../../scripts/relu-model.ts';
import { violations } from './axe.helpers.ts';
import { ACCEPTED, ARTIFACTS, bytesFile, fixtureFiles, pageSetting, pick, shoot, verdictOf } from './page.helpers.ts';

const s = pageSetting();
const DIGITS = ['groth16/digits.proof', 'groth16/digits.key'] as const;

const grounds = async (page: Page): Promise<Record<string, string | null>> => {
  const told: Record<string, string | null> = {};
  for (const ground of await page.locator('.grounds [data-ground]').all())
    told[(await ground.getAttribute('data-ground')) as string] = await ground.locator('b').textContent();
  return told;
};
const colour = (page: Page, selector: string): Promise<unknown> =>
  page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).color`);

test('a native verdict says what it rests on', async () => {
  const { page } = await s.open('?example=digits');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await grounds(page)).toEqual({
    setup: 'Transparent',
    security: expect.stringMatching(/^\d+\.\d bits, proven$/),
    secrecy: 'Not zero-knowledge',
    context: 'Bound to its context',
    assumption: 'BLAKE3 behaves as a random oracle.',
  });
  expect(await page.locator('#forgeable').count()).toBe(0);
  expect(await page.locator('.headline').textContent()).toBe('Accepted');
});

test('groth16 under a key for development is accepted, and looks like nothing of the kind', async () => {
  const { page } = await s.open('?example=digits');
  await verdictOf(page);
  const green = await colour(page, '.headline');
  await page.getByRole('button', { name: 'Clear' }).click();
  await pick(page, ...fixtureFiles('groth16/digits.key'));
  await page.locator('#context').fill('order 1841');
  await page.locator('#context').blur();
  await pick(page, ...fixtureFiles('groth16/digits.proof'));
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.headline').textContent()).toBe('Forgeable');
  expect(await colour(page, '.headline')).not.toEqual(green);
  expect(await page.locator('#forgeable').textContent()).toContain('Whoever made the set-up of this key can forge proofs.');
  await page.locator('p[role=status]', { hasText: 'Forgeable: digits.proof' }).waitFor({ state: 'attached' });
  expect(await grounds(page)).toEqual({
    setup: 'Insecure, for development',
    security: 'None',
    secrecy: 'Zero-knowledge',
    context: 'Bound to its context',
    assumption: expect.stringContaining('they can forge'),
  });
  // What there is none of leaves no empty place.
  expect(await page.locator('.lens, .network, #ledger').count()).toBe(0);
  expect(await page.locator('.facts dt').allTextContents()).toEqual(['Security', 'Model', 'Checked in', 'Proof', 'Key']);
  expect(await page.locator('.scope dt').allTextContents()).toEqual(['Proven', 'Recomputed here', 'Not checked', 'Not hidden']);
  expect(await page.locator('.scores tbody tr').count()).toBe(10);
});

test('what groth16 hides is shown as hidden, and how well', async () => {
  const { page } = await s.open('?example=groth16-private');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.io .tensor').count()).toBe(2);
  expect(await page.locator('.io .tensor p:first-of-type').allTextContents()).toEqual(
    Array(2).fill(expect.stringContaining('a salted commitment to it. That hides it')),
  );
  expect(await page.locator('.io .hash').allTextContents()).toEqual(Array(2).fill(expect.stringMatching(/^[0-9a-f]{64}$/)));
  expect((await page.locator('.scope dt').allTextContents()).slice(-2)).toEqual(['Hidden', 'Not hidden']);
  expect((await grounds(page)).secrecy).toBe('Zero-knowledge, hides the input and output');
  // The native commitment is another thing.
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.locator('[data-example=digits-committed]').click();
  await verdictOf(page);
  expect(await page.locator('.io .tensor p:first-of-type').first().textContent()).toContain('It can be guessed and tried');
});

test('groth16 under the key of a ceremony is accepted as any other', async () => {
  const { circuit } = await compileGroth16(reluModel());
  const keys = await setUp(circuit, new Uint8Array(readFileSync('fixtures/groth16/pot9.ptau')), { entropy: 'some' });
  const { envelope } = await openGroth16(circuit, keys).prove({ x: Uint8Array.from({ length: 16 }, (_, i) => 13 * i) });
  const { page } = await s.open('', { reducedMotion: 'reduce' });
  await pick(page, bytesFile('relu.proof', envelope), bytesFile('relu.key', keys.key));
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  expect(await page.locator('.headline').textContent()).toBe('Accepted');
  expect(await page.locator('#forgeable').count()).toBe(0);
  expect(await page.locator('.facts dd').first().textContent()).toBe('100 bits estimated');
  expect(await grounds(page)).toMatchObject({
    setup: 'For this circuit',
    security: '100 bits, estimated',
    secrecy: 'Zero-knowledge',
    context: 'Bound to the empty context',
  });
  expect(await page.locator('.grounds .bad').count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await shoot(page, 'groth16-ceremony');
});

test('proofs of two systems at once: each goes with its own key, and the forgeable one is counted apart', async () => {
  const { page } = await s.open();
  const [proof, key] = fixtureFiles('groth16/digits-cnn.proof', 'groth16/digits-cnn.key') as [
    ReturnType<typeof bytesFile>,
    ReturnType<typeof bytesFile>,
  ];
  await pick(page, ...fixtureFiles('envelopes/mnist.proof', 'envelopes/mnist.key'), proof, key);
  await page.locator('#tally').waitFor();
  expect(await page.locator('#tally').textContent()).toBe('2 proofs: 1 accepted, 1 forgeable.');
  expect(await page.locator('.several .state').allTextContents()).toEqual(['Accepted', 'Forgeable']);
});

test('what is not needed to check is named, and a key of an unknown system is left out', async () => {
  const { page } = await s.open();
  await pick(
    page,
    ...fixtureFiles('groth16/digits-private.opening', 'groth16/key-unknown-system.key'),
    ...fixtureFiles('groth16/digits.zkey'),
  );
  await page.locator('.stranger').first().waitFor();
  expect(await page.locator('.stranger span:last-child').allTextContents()).toEqual([
    expect.stringContaining('an opening'),
    expect.stringMatching(/^a key of the proof system .*, which this page does not know$/),
    expect.stringContaining('a proving key'),
  ]);
});

const LIMIT_MS = 750;

test('a groth16 proof is checked soon, with a cold verifier and a warm one', async () => {
  // 150 ms is the goal, and a figure to be measured on a quiet machine; refused is several times as much. Cold: the verifier's code is loaded too.
  const [proof, key] = fixtureFiles(...DIGITS) as [ReturnType<typeof bytesFile>, ReturnType<typeof bytesFile>];
  const took = async (page: Page): Promise<number> => Number(await page.locator('.card').getAttribute('data-milliseconds'));
  const cold: number[] = [];
  const warm: number[] = [];
  while (cold.length < 3 || (Math.min(...cold, ...warm) > LIMIT_MS && cold.length < 9)) {
    const { page, context } = await s.open(`?context=order+1841`);
    await expect.poll(() => page.workers().length).toBe(1);
    await pick(page, key, proof);
    expect(await verdictOf(page)).toEqual(ACCEPTED);
    cold.push(await took(page));
    for (let i = 0; i < 7; i++) {
      await pick(page, bytesFile(`${i}.proof`, readFileSync(`fixtures/${DIGITS[0]}`)));
      await page.locator('p[role=status]', { hasText: `Forgeable: ${i}.proof` }).waitFor({ state: 'attached' });
      warm.push(await took(page));
    }
    await context.close();
  }
  const rounded = (list: readonly number[]): number[] => list.toSorted((a, b) => a - b).map((n) => Math.round(n * 10) / 10);
  writeFileSync(`${ARTIFACTS}/groth16.json`, `${JSON.stringify({ cold: rounded(cold), warm: rounded(warm) })}\n`);
  expect(rounded(warm)[Math.floor(warm.length / 2)]).toBeLessThanOrEqual(LIMIT_MS);
});

test.each(['groth16', 'groth16-private'])('%s: axe finds nothing, light, dark and on a phone', async (example) => {
  const { page } = await s.open(`?example=${example}`, { reducedMotion: 'reduce' });
  await verdictOf(page);
  for (const summary of await page.locator('.card summary').all()) await summary.click();
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${example}-light`);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${example}-dark`);
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${example}-phone`);
});
