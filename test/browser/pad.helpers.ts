/** A hand at the drawing pad. */
import type { Page } from 'playwright-core';

/** Draws lines on the pad, each a list of points in a square of 100 × 100. */
export async function draw(page: Page, ...lines: readonly (readonly (readonly [number, number])[])[]): Promise<void> {
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const box = await page.locator('#pad').boundingBox();
  if (box === null) throw new Error('there is no pad');
  for (const points of lines)
    for (const [i, [x, y]] of points.entries()) {
      await page.mouse.move(box.x + (x * box.width) / 100, box.y + (y * box.height) / 100, { steps: i === 0 ? 1 : 6 });
      if (i === 0) await page.mouse.down();
      if (i === points.length - 1) await page.mouse.up();
    }
}

export async function drawSeven(page: Page): Promise<void> {
  await page.locator('#pad').waitFor();
  await draw(page, [
    [30, 22],
    [68, 22],
    [44, 80],
  ]);
}
