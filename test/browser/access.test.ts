/** Everybody can use the page: axe finds nothing in its main states, light and dark; the keyboard suffices; a phone is wide enough. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { violations } from './axe.helpers.ts';
import { drawSeven } from './pad.helpers.ts';
import { ACCEPTED, fixtureFiles, type Opened, pageSetting, pick, shoot, verdictOf } from './page.helpers.ts';

const s = pageSetting();

/** The main states, each reached as a user does. */
const STATES: Readonly<Record<string, (opened: Opened) => Promise<void>>> = {
  start: async () => {},
  accepted: async ({ page }) => {
    await page.locator('[data-example=mnist]').click();
    await verdictOf(page);
    for (const summary of await page.locator('.card summary').all()) await summary.click();
    await page.locator('#flip').click();
    await page.locator('#caught').waitFor();
  },
  'committed-input': async ({ page }) => {
    await page.locator('[data-example=digits-committed]').click();
    await verdictOf(page);
  },
  table: async ({ page }) => {
    await pick(page, ...fixtureFiles('envelopes/relu.proof', 'envelopes/relu.key'));
    await verdictOf(page);
  },
  refused: async ({ page }) => {
    await page.locator('[data-example=false-output]').click();
    await verdictOf(page);
  },
  several: async ({ page }) => {
    await pick(page, ...fixtureFiles('envelopes/digits.key', 'envelopes/digits.proof', 'negatives/row.proof'));
    await page.locator('#tally').waitFor();
  },
  'left-out': async ({ page }) => {
    await pick(page, ...fixtureFiles('envelopes/digits.proof', 'envelopes/certificate.json'));
    await page.locator('#wanted').waitFor();
  },
  'could-not-tell': async ({ page }) => {
    await expect.poll(() => page.workers().length).toBe(1);
    await page.workers()[0]?.evaluate(`performance.now = () => { throw new TypeError('this is a bug'); }`);
    await page.locator('[data-example=mnist]').click();
    expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  },
  proved: async ({ page }) => {
    await page.locator('#open-prover').click();
    await drawSeven(page);
    await page.locator('#prove[data-state=verified]').waitFor();
  },
};

test.each(Object.entries(STATES))('%s: axe finds nothing, light and dark, and it fits a phone', async (name, reach) => {
  const opened = await s.open('', { reducedMotion: 'reduce' });
  const { page } = opened;
  await reach(opened);
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${name}-light`);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${name}-dark`);
  await page.setViewportSize({ width: 320, height: 640 });
  // Nothing leaves the page, nor the padding of its card.
  expect(
    await page.evaluate(`[...document.querySelectorAll('body *')]
      .filter((e) => {
        const card = e.parentElement.closest('.card, .bench');
        const edge = card === null ? innerWidth : card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight);
        return e.getBoundingClientRect().right > edge + 1 && e.closest('.unseen, .skip') === null;
      })
      .map((e) => e.outerHTML.slice(0, 80))`),
  ).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  expect(await violations(page)).toEqual([]);
  await shoot(page, `${name}-phone`);
});

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)}) ?? false`)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

test('the keyboard suffices: example, verdict, ledger, lens', async () => {
  const { page } = await s.open();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.className')).toBe('skip');
  await tabTo(page, '#files');
  await tabTo(page, '[data-example=mnist]');
  await page.keyboard.press('Enter');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  // The verdict has the focus, and was said.
  await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('verdict');
  await page.locator('p[role=status]', { hasText: 'Accepted: mnist.proof' }).waitFor({ state: 'attached' });
  await tabTo(page, '#ledger summary');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(`document.querySelector('#ledger').open`)).toBe(true);
  await tabTo(page, '#offset');
  await page.keyboard.press('Home');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.attempts .code', { hasText: 'E2' }).waitFor();
});

test('a digit can be drawn with the keyboard', async () => {
  const { page } = await s.open();
  await tabTo(page, '#open-prover');
  await page.keyboard.press('Enter');
  await page.locator('#prove[data-state=blank]').waitFor();
  await tabTo(page, '#pad');
  await page.keyboard.press('Space');
  for (let i = 0; i < 11; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.locator('#prove[data-state=verified]').waitFor();
  expect(await page.locator('#trust').textContent()).toBe('1Accepted');
  await page.locator('#pad').focus();
  await page.keyboard.press('Escape');
  await page.locator('#prove[data-state=blank]').waitFor();
});

test('colours follow the system until somebody chooses, and the choice is kept', async () => {
  const { page } = await s.open('', { colorScheme: 'dark' });
  const paper = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const dark = await paper();
  await page.getByLabel('Colours').selectOption('light');
  const light = await paper();
  expect(light).not.toEqual(dark);
  await page.reload();
  expect(await paper()).toEqual(light);
  await page.getByLabel('Colours').selectOption('system');
  expect(await paper()).toEqual(dark);
});
