/** Verdicts of the built page: every fixture with its code, many at once, cancelled ones, and failures that are nobody's forgery. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compile, prove } from '../../index.ts';
import { chooseKernels } from '../../prover/kernels/index.ts';
import { recorded } from '../../scripts/recorded.ts';
import { ACCEPTED, bytesFile, fixtureFiles, pageSetting, pick, shoot, verdictOf } from './page.helpers.ts';

interface Fixture {
  readonly name: string;
  readonly proof: string;
  readonly key: string;
  readonly circuit?: string;
  readonly context?: string;
  readonly expect: 'accepted' | 'refused';
  readonly code?: string;
}
const { fixtures } = JSON.parse(readFileSync('fixtures/manifest.json', 'utf8')) as { readonly fixtures: readonly Fixture[] };
const MNIST = ['envelopes/mnist.proof', 'envelopes/mnist.key'] as const;

/** Files of different proof systems share their names; fixtures do not. */
const nameOf = (f: Fixture): string => `${f.name.replaceAll(' ', '-')}.proof`;

const s = pageSetting();

test('gives every fixture its verdict and its code', async () => {
  const { page } = await s.open();
  const told: Record<string, unknown> = {};
  let [askedFor, leftOut] = [0, 0];
  const together = new Map<string, Fixture[]>();
  for (const f of fixtures) {
    const given = JSON.stringify([f.key, f.circuit, f.context]);
    together.set(given, [...(together.get(given) ?? []), f]);
  }
  for (const group of together.values()) {
    const { key, circuit, context } = group[0] as Fixture;
    // The key first, so that the context stands when the proofs come.
    await pick(page, ...fixtureFiles(key, ...(circuit === undefined ? [] : [circuit])));
    if (group[0]?.name === 'groth16 key-unknown-system') {
      // The page leaves such a key out; library and command line refuse it (fixtures:check).
      await page.locator('.stranger', { hasText: 'which this page does not know' }).waitFor();
      expect(await page.locator('.card').count()).toBe(0);
      leftOut++;
      await page.getByRole('button', { name: 'Clear' }).click();
      continue;
    }
    await page.locator('#context').fill(context ?? '');
    await page.locator('#context').blur();
    await pick(page, ...group.map((f) => bytesFile(nameOf(f), readFileSync(`fixtures/${f.proof}`))));
    if (group[0]?.name === 'no-circuit') {
      // The page asks for the circuit and checks nothing without it; library and command line refuse it with E6 (fixtures:check).
      await page.locator('#wanted', { hasText: 'circuit' }).waitFor();
      expect(await page.locator('.card').count()).toBe(0);
      askedFor++;
      await page.getByRole('button', { name: 'Clear' }).click();
      continue;
    }
    if (group.length > 1) await page.locator('#tally').waitFor();
    for (const f of group) {
      if (group.length > 1) await page.locator('.several button', { hasText: new RegExp(` ${nameOf(f)}$`) }).click();
      told[f.name] = await verdictOf(page);
      if (f.code === undefined) continue;
      expect(await page.locator('.pairing b').first().textContent()).toBe(nameOf(f));
      expect(await page.locator('.rule').textContent(), f.name).toMatch(
        new RegExp(`^${f.code}The check that failed(?!A check of this verifier)`),
      );
    }
    await page.getByRole('button', { name: 'Clear' }).click();
  }
  expect([askedFor, leftOut]).toEqual([1, 1]);
  const checked = fixtures.filter((f) => !['no-circuit', 'groth16 key-unknown-system'].includes(f.name));
  expect(told).toEqual(Object.fromEntries(checked.map((f) => [f.name, { state: f.expect, code: f.code ?? null }])));
  expect(Object.keys(told).length).toBeGreaterThan(40);
});

test('says of an accepted proof what was proven, recomputed, not checked and not hidden', async () => {
  const { page } = await s.open('?example=mnist');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  await shoot(page, 'accepted');
  expect(await page.locator('.scope dt').allTextContents()).toEqual(['Proven', 'Recomputed here', 'Not checked', 'Not hidden']);
  expect(await page.locator('.facts dt').allTextContents()).toEqual(['Security', 'Model', 'Checked in', 'Proof', 'Key', 'Kernels']);
  // The picture is the recorded digit: as bright as its bytes say.
  const ink = (await page.evaluate(
    `Array.from(document.querySelector('canvas.picture').getContext('2d').getImageData(0, 0, 28, 28).data)`,
  )) as number[];
  const digit = Array.from<number | bigint, number>(recorded('mnist-cnn.qop-pt').inputs(0).input?.data ?? [], (v) =>
    Math.round(255 * Number(v)),
  );
  expect(ink.filter((_, i) => i % 4 === 0)).toEqual(digit);
  expect(await page.locator('.scores .best th').textContent()).toBe(String(recorded('mnist-cnn.qop-pt').labels[0]));
  await page.locator('#ledger summary').click();
  expect(await page.locator('.ledger tbody tr').count()).toBeGreaterThan(5);
  const layers = await page.locator('.costs tbody tr:not(.shared):not(.end) th').allTextContents();
  expect(layers.map((l) => l.replace(/ [\d,]+ weights/, '').trim())).toEqual([
    'Conv 5 × 5',
    'MaxPool 2 × 2',
    'Conv 5 × 5',
    'MaxPool 2 × 2',
    'Dense',
    'Dense',
  ]);
});

test('shows an input that is no picture as a table', async () => {
  const { page } = await s.open();
  await pick(page, ...fixtureFiles('envelopes/relu.proof', 'envelopes/relu.key'));
  expect(await verdictOf(page)).toEqual(ACCEPTED);
  const row = (i: number): Promise<string[]> => page.locator('.numbers tr').nth(i).locator('th, td').allTextContents();
  expect([await row(0), await row(3)]).toEqual([
    ['0', '0', '53', '106', '159'],
    ['12', '124', '177', '230', '27'],
  ]);
  expect(await page.locator('.scores th[scope=row]').allTextContents()).toEqual(['0', '1', '2', '3']);
  await shoot(page, 'table');
});

test('copies a verdict as JSON', async () => {
  const { page, context } = await s.open('?example=digits');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await verdictOf(page);
  await page.getByRole('button', { name: 'Copy as JSON' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const json = JSON.parse((await page.evaluate('navigator.clipboard.readText()')) as string) as Record<string, unknown>;
  expect(json).toMatchObject({ verdict: 'accepted', mode: 'I1', proofBytes: 42562 });
  expect(json.statementDigest).toMatch(/^[0-9a-f]{64}$/);
});

test('the lens: every lie told with a good proof is refused, with the check that noticed', async () => {
  const { page } = await s.open('?example=mnist');
  await verdictOf(page);
  await page.locator('#series').click();
  await page.locator('#caught', { hasText: '20 lies told, 20 refused' }).waitFor();
  const lie = async (side: string): Promise<string | null> => {
    await page.locator(`form:has([name=${side}-value]) button`).click();
    await page.locator('.attempts li').first().locator('.what', { hasText: 'said to be' }).waitFor();
    return page.locator('.attempts li').first().locator('.code').textContent();
  };
  expect(await lie('outputs')).toBe('V4');
  await page.locator('#flip').click();
  await page.locator('#caught', { hasText: '22 lies told, 22 refused' }).waitFor();
  expect(await lie('inputs')).toBe('V4');
  await page.locator('#caught', { hasText: '23 lies told, 23 refused' }).waitFor();
  await shoot(page, 'tamper-lens');
  expect(await verdictOf(page)).toEqual(ACCEPTED);
});

test('checks twenty proofs at once, each with its verdict', async () => {
  const { page } = await s.open();
  const bad = ['truncated', 'row', 'magic', 'nonce', 'limb-plus-p'].map((n) => `negatives/${n}.proof`);
  const good = Array.from({ length: 15 }, (_, i) => ({ ...fixtureFiles('envelopes/digits.proof')[0], name: `digits-${i}.proof` }));
  await pick(page, ...fixtureFiles('envelopes/digits.key'));
  await page.locator('#context').fill('order 1841');
  await page.locator('#context').blur();
  await pick(page, ...(good as ReturnType<typeof fixtureFiles>), ...fixtureFiles(...bad));
  await page.locator('#tally').waitFor();
  expect(await page.locator('#tally').textContent()).toBe('20 proofs: 15 accepted, 5 refused.');
  await page.locator('.several button', { hasText: 'row.proof' }).click();
  expect(await verdictOf(page)).toEqual({ state: 'refused', code: 'V11' });
  await shoot(page, 'several');
});

test('a check can be cancelled, which is no refusal, and asked for again', async () => {
  const { page } = await s.open();
  // As soon as there is something to press.
  await page.evaluate(`{
    const watch = new MutationObserver(() => {
      const button = document.querySelector('.card[data-state=running] #cancel');
      if (button === null) return;
      watch.disconnect();
      button.click();
    });
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
  }`);
  await pick(page, ...fixtureFiles(...MNIST));
  expect(await verdictOf(page)).toEqual({ state: 'cancelled', code: null });
  await shoot(page, 'cancelled');
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.locator('.card[data-state=accepted]').waitFor();
});

test('so can many long ones, with what was decided before kept', async () => {
  const model = recorded('lenet5-max.qop');
  const { circuit, key } = await compile(model.model);
  const { kernels, close } = chooseKernels();
  const { envelope } = await prove(circuit, model.inputs(0), { kernels });
  close();
  const { page } = await s.open();
  await pick(page, bytesFile('lenet.key', key), ...Array.from({ length: 40 }, (_, i) => bytesFile(`lenet-${i}.proof`, envelope)));
  await page.locator('.running', { hasText: /[1-9] of 40 proofs checked/ }).waitFor();
  expect(await page.locator('progress').getAttribute('max')).toBe('40');
  await shoot(page, 'running', false);
  await page.locator('#cancel').click();
  await page.locator('#tally').waitFor();
  expect(await page.locator('#tally').textContent()).toMatch(/^40 proofs: \d+ accepted, \d+ cancelled\.$/);
  await page.locator('.several button', { hasText: 'lenet-39' }).click();
  expect(await verdictOf(page)).toEqual({ state: 'cancelled', code: null });
});

test('a worker that crashes could not tell, and the next one can', async () => {
  const { page } = await s.open();
  const [proof, key] = fixtureFiles(...MNIST) as [ReturnType<typeof bytesFile>, ReturnType<typeof bytesFile>];
  const proofs = Array.from({ length: 40 }, (_, i) => ({ ...proof, name: `mnist-${i}.proof` }));
  await expect.poll(() => page.workers().length).toBe(1);
  await pick(page, key, ...proofs);
  await page.locator('.running', { hasText: /[1-9] of 40 proofs checked/ }).waitFor();
  await page.workers()[0]?.evaluate(`setTimeout(() => { throw new Error('out of order'); })`);
  await page.locator('#tally').waitFor();
  expect(await page.locator('#tally').textContent()).toBe('40 proofs: 39 accepted, 1 could not tell.');
  await page.locator('.several button', { hasText: 'Could not tell' }).click();
  expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  expect(await page.locator('.card .sentence').textContent()).toContain('not a verdict on the proof. The worker crashed');
  await shoot(page, 'could-not-tell');
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.locator('#tally', { hasText: '40 proofs: 40 accepted.' }).waitFor();
});

test('a bug in the verifier could not tell', async () => {
  const { page } = await s.open();
  await expect.poll(() => page.workers().length).toBe(1);
  await page.workers()[0]?.evaluate(`performance.now = () => { throw new TypeError('undefined is not a function'); }`);
  await pick(page, ...fixtureFiles(...MNIST));
  expect(await verdictOf(page)).toEqual({ state: 'unknown', code: null });
  expect(await page.locator('.card').textContent()).toContain('Undefined is not a function.');
});

test('a verifier that does not load could not tell', async () => {
  const { page, context, complaints } = await s.open('', { serviceWorkers: 'block' });
  await context.route('**/verify.worker*', (r) => r.abort());
  await page.reload();
  await pick(page, ...fixtureFiles(...MNIST));
  await page.locator('#trouble', { hasText: 'could not be loaded' }).waitFor();
  expect(await page.locator('.card').count()).toBe(0);
  expect(complaints.splice(0).every((c) => c.includes('ERR_FAILED'))).toBe(true);
});
