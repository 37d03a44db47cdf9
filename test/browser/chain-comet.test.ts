/** The chain view on a real CometBFT node. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cometIsMissing, startComet } from '../chain/helpers/chains.ts';
import { Between, lampsOf, type Settled, settledFor } from './chain.helpers.ts';
import { pageSetting, shoot } from './page.helpers.ts';

const missing = cometIsMissing();
const s = pageSetting();
let d: Settled | undefined;
let node: Between | undefined;
beforeAll(async () => {
  if (missing !== null) return;
  d = await settledFor(startComet);
  node = await Between.start(d.net.rpc);
}, 60_000);
afterAll(async () => {
  await node?.stop();
  await d?.net.close();
});

test('four greens from CometBFT itself, and its word below', async (context) => {
  if (d === undefined) return context.skip(missing ?? '');
  const { page } = await s.open(`#chain&node=${d.net.rpc.url}&checkpoint=${d.checkpoint}&job=${d.proven}&model=${d.modelId}`);
  expect(await lampsOf(page)).toEqual({ chain: 'green chain', record: 'green record', proof: 'green proof', answer: 'green answer' });
  await page.locator('#told-chain-id', { hasText: d.net.chainId }).waitFor();
  expect(await page.locator('#devnet').count()).toBe(0);
  await page.locator(`#jobs a[title="${d.proven}"]`).waitFor();
  await shoot(page, 'chain-comet');
});

test('a changed signature of CometBFT’s validator turns the Chain lamp red', async (context) => {
  if (d === undefined || node === undefined) return context.skip(missing ?? '');
  node.lie = (method, _, result) => {
    if (method === 'commit')
      for (const vote of (result as { signed_header: { commit: { signatures: { signature: string }[] } } }).signed_header.commit.signatures)
        vote.signature = `${vote.signature[0] === 'A' ? 'B' : 'A'}${vote.signature.slice(1)}`;
    return result;
  };
  const { page } = await s.open(`#chain&node=${node.url}&checkpoint=${d.checkpoint}&job=${d.proven}`);
  expect((await lampsOf(page)).chain).toBe('red commit.signature');
});
