/** What axe finds on a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Violations, as `rule: element`. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults;
  return found.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html}`));
}
