/**
 * A node that is killed at every step of an order's way (settlement §12.2, §12.6): no receipt without its work on disk, no work lost, and
 * one settlement, however often it is begun.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { describeState } from '../../chain/states.ts';
import type { Step } from '../../node/index.ts';
import { toHex } from '../../protocol/bytes.ts';
import { bundle } from '../bundle.ts';
import { prover } from '../chain/helpers/settled.ts';
import { jobOf, OPG, openedShop, PRICE, post, type Shop, until } from './shop.helpers.ts';

const STEPS: readonly Step[] = ['checked', 'computed', 'queued', 'signed', 'opening', 'opened', 'proved', 'posting', 'posted'];
/** Before these, nothing is promised. */
const BEFORE_QUEUE: readonly Step[] = ['checked', 'computed'];

let shop: Shop;
let program = { file: '', folder: '' };
const dir = mkdtempSync(join(tmpdir(), 'queue-'));
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [shop, program] = await Promise.all([openedShop(), bundle('test/node/node.child.ts')]);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await shop?.close();
  for (const folder of [dir, program.folder]) if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

async function start(step: Step | 'none'): Promise<{ readonly url: string; readonly gone: Promise<unknown>; kill(): void }> {
  const child = fork(program.file, [shop.net.rpc.url, dir, step], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.add(child);
  const gone = new Promise<string>((done) =>
    child.once('exit', (code, signal) => {
      children.delete(child);
      done(String(signal ?? code));
    }),
  );
  const told = new Promise<{ url: string }>((done) => child.once('message', done as (m: unknown) => void));
  const first = await Promise.race([told, gone]);
  if (typeof first === 'string') throw new Error(`the node ended with ${first} before it began`);
  return { url: first.url, gone, kill: () => child.kill('SIGKILL') };
}

const stateOf = async (url: string, id: string): Promise<string> => {
  const response = await fetch(`${url}/v1/jobs/${id}`);
  return response.status === 404 ? 'none' : ((await response.json()) as { state: string }).state;
};

test.each(STEPS)('killed at %s', async (step) => {
  const seed = 20 + STEPS.indexOf(step);
  const body = await shop.body(seed);
  const id = toHex(jobOf(body));
  const before = { paid: await shop.balance(prover.address, 'usd'), tab: await shop.left(shop.tabId) };

  const mortal = await start(step);
  const answer = await post(mortal.url, body).catch(() => null);
  expect(await mortal.gone).toBe('SIGKILL');
  if (answer !== null) expect(answer.status).toBe(200);
  // A receipt that left was left by a node that has the work.
  if (BEFORE_QUEUE.includes(step)) expect(answer).toBeNull();

  const next = await start('none');
  try {
    const kept = await stateOf(next.url, id);
    expect(kept === 'none').toBe(BEFORE_QUEUE.includes(step));
    // What was taken settles whether or not its requester comes again.
    const settled = (): Promise<true> =>
      until(`${step}: settled`, 40_000, async () => ((await stateOf(next.url, id)) === 'settled' ? true : null));
    if (kept !== 'none') await settled();
    const again = await post(next.url, body);
    expect(again.status).toBe(200);
    if (answer !== null) expect(again.json).toEqual(answer.json);
    await settled();
  } finally {
    next.kill();
    await next.gone;
  }
  const job = await shop.chain.job(jobOf(body));
  expect(job === null ? 'none' : describeState(job)).toBe('FINAL(PROVEN)');
  expect((await shop.balance(prover.address, 'usd')) - before.paid).toBe(PRICE);
  expect(before.tab - (await shop.left(shop.tabId))).toBe(PRICE);
  expect((await shop.chain.prover(prover.address))?.free).toEqual(writeAmount(100n * OPG));
});
