/** The chain view against a real devnet: four lamps, each by itself, and a node that lies in every way it can; then the node's own word. */
import { base64 } from '@scure/base';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { showAmount } from '../../chain/amounts.ts';
import { decodeStrict, encode } from '../../chain/codec.ts';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import { decodeTensors, encodeTensors } from '../../chain/tensors.ts';
import { toHex } from '../../protocol/bytes.ts';
import { startDevnet } from '../chain/helpers/chains.ts';
import { violations } from './axe.helpers.ts';
import { Between, type Lie, lampsOf, type Settled, settledFor } from './chain.helpers.ts';
import { type Opened, pageSetting, shoot } from './page.helpers.ts';

const s = pageSetting();
let d: Settled;
let node: Between;
beforeAll(async () => {
  d = await settledFor(startDevnet);
  node = await Between.start(d.net.rpc);
});
afterEach(() => {
  node.lie = null;
});
afterAll(async () => {
  await node?.stop();
  await d?.net.close();
});

type Ask = { readonly [name in 'node' | 'checkpoint' | 'job' | 'model' | 'answer']?: string };
const address = (ask: Ask): string =>
  `#chain&${Object.entries({ node: node.url, checkpoint: d.checkpoint, job: d.proven, ...ask })
    .map(([k, v]) => `${k}=${v}`)
    .join('&')}`;
const view = (ask: Ask = {}): Promise<Opened> => s.open(address(ask), { reducedMotion: 'reduce' });

const GREEN = { chain: 'green chain', record: 'green record', proof: 'green proof', answer: 'green answer' };

describe('lamps', () => {
  test('a settled job has four greens, with words, codes and sentences, and what was proven', async () => {
    const { page } = await view({ model: d.modelId });
    expect(await lampsOf(page)).toEqual(GREEN);
    expect(await page.locator('.lamp h3').allTextContents()).toEqual(['Chain', 'Record', 'Proof', 'Answer']);
    expect(await page.locator('.lamp .word').allTextContents()).toEqual(['Good', 'Good', 'Good', 'Good']);
    const sentences = await page.locator('.lamp .what').allTextContents();
    expect(sentences[0]).toMatch(/^Block \d+ of a devnet signed by 100 % of power, linked to your checkpoint at 1\.$/);
    expect(sentences[1]).toMatch(/^The job is FINAL\(PROVEN\) at height \d+\.$/);
    expect(sentences[2]).toMatch(/^Checked here: model [0-9a-f]{8}…, [\d.]+ bits, no trusted set-up\.$/);
    expect(sentences[3]).toBe('The output shown is the one that was proven.');
    expect(await page.locator('.lamp-view p[role=status]').textContent()).toBe('Chain: Good. Record: Good. Proof: Good. Answer: Good.');
    expect(await page.locator('#job h2').textContent()).toBe('FINAL(PROVEN)');
    expect(await page.locator('#job .tensor').count()).toBe(2);
    // The proof was checked in a worker, the only one.
    expect(page.workers().map((w) => w.url().replace(/^.*\/|-[\w-]{8}(?=\.js$)/g, ''))).toEqual(['chain.worker.js']);
    await page.locator('#trust-begins', { hasText: 'whoever made the link' }).waitFor();
    await page.locator('#devnet', { hasText: d.net.chainId }).waitFor();
  });

  test('without a checkpoint the Chain lamp is grey and says where trust begins; pinning makes it green', async () => {
    const { page } = await view({ checkpoint: '' });
    expect(await lampsOf(page)).toEqual({ ...GREEN, chain: 'grey chain.unpinned' });
    expect(await page.locator('#trust-begins .hash').textContent()).toBe(d.checkpoint);
    await page.locator('#pin').click();
    await page.locator('[data-lamp=chain][data-color=green]').waitFor();
    expect(page.url()).toContain(`checkpoint=${d.checkpoint}`);
    expect(await page.locator('#trust-begins').count()).toBe(0);
  });

  test('an answer that one was given is compared with what was proven', async () => {
    const answer = toHex(d.output);
    const { page } = await view({ answer });
    expect(await lampsOf(page)).toEqual(GREEN);
    expect(await page.locator('[data-lamp=answer] .what').textContent()).toBe('The answer you were given is the one that was proven.');
    // Another one, typed over it: the proof stands, the answer does not.
    await page.locator('#ask-answer').fill(toHex(otherTensors(d.output)));
    await page.keyboard.press('Enter');
    await page.locator('[data-lamp=answer][data-color=red]').waitFor();
    expect(await lampsOf(page)).toEqual({ ...GREEN, answer: 'red answer.other' });
    expect(await page.locator('[data-lamp=answer] .what').textContent()).toBe('The answer you were given is not the one that was proven.');
    // It came from no node, so what was proven is shown beside it.
    expect(await page.locator('#job .tensor').count()).toBe(2);
    await shoot(page, 'chain-red-given-answer');
    await page.locator('#ask-answer').fill('');
    await page.keyboard.press('Enter');
    await page.locator('[data-lamp=answer][data-color=green]').waitFor();
  });

  test('a job whose proof is due is grey, and nothing of it is proven', async () => {
    const { page } = await view({ job: d.pending });
    expect(await lampsOf(page)).toEqual({
      chain: 'green chain',
      record: 'grey record.pending',
      proof: 'grey proof.none',
      answer: 'grey answer.posted',
    });
    expect(await page.locator('#job', { hasText: 'Proof due' }).count()).toBe(1);
    expect(await page.locator('#job .tensor').count()).toBe(0);
  });

  test('a job that is not there is grey', async () => {
    const { page } = await view({ job: '12'.repeat(32) });
    expect(await lampsOf(page)).toMatchObject({ chain: 'green chain', record: 'grey record.absent' });
  });

  test('a job of another model than the one expected is red', async () => {
    const { page } = await view({ model: '34'.repeat(32) });
    expect(await lampsOf(page)).toMatchObject({ chain: 'green chain', record: 'red record.model', proof: 'grey record.none' });
  });

  test('a chain without news for a minute is grey, and the rest stands', async () => {
    const opened = await s.open('#chain', { reducedMotion: 'reduce' });
    const { page } = opened;
    // The worker's clock goes ahead as soon as it is there.
    page.on('worker', (w) => void w.evaluate('{ const now = Date.now; Date.now = () => now() + 90_000; }').catch(() => {}));
    await page.evaluate(`location.hash = ${JSON.stringify(address({}))}`);
    await page.locator('[data-lamp=chain][data-code="chain.stale"][data-color=grey]').waitFor();
    expect(await page.locator('[data-lamp=chain] .what').textContent()).toMatch(/is (89|9\d) s old: the node may withhold newer ones/);
    expect(await lampsOf(page)).toMatchObject({ record: 'green record', proof: 'green proof', answer: 'green answer' });
  });

  test('a node that is down is grey', async () => {
    const { page, complaints } = await s.open(address({ node: 'http://127.0.0.1:1' }));
    expect(await lampsOf(page)).toEqual({
      chain: 'grey node.unreachable',
      record: 'grey record.unknown',
      proof: 'grey record.none',
      answer: 'grey record.none',
    });
    await page.locator('#no-figures', { hasText: 'does not answer' }).waitFor();
    complaints.splice(0);
  });

  test('a node that goes down while it is followed turns the lamps grey, and green when it is back', async () => {
    const { page, complaints } = await view();
    expect(await lampsOf(page)).toEqual(GREEN);
    node.lie = () => {
      throw new Error('down');
    };
    await page.locator('[data-lamp=chain][data-code="node.unreachable"]').waitFor();
    node.lie = null;
    await page.locator('[data-lamp=chain][data-color=green]').waitFor();
    complaints.splice(0);
  });
});

interface Answer {
  response: { key: string; value: string; proofOps: { ops: { key: string; data: string }[] } };
}
const flipped = (text: string, at = 40): string => {
  const bytes = base64.decode(text);
  bytes[at] = (bytes[at] as number) ^ 1;
  return base64.encode(bytes);
};
/** Changes the header of `commit`. */
const inHeader =
  (change: (header: Record<string, string>) => void, when: (height: unknown) => boolean = () => true): Lie =>
  (method, params, result) => {
    if (method === 'commit' && when(params.height))
      change((result as { signed_header: { header: Record<string, string> } }).signed_header.header);
    return result;
  };
/** Changes an answer to a question for a record of a job. */
const inRecord =
  (change: (answer: Answer['response']) => void, store = 'job'): Lie =>
  (method, params, result) => {
    if (method === 'abci_query' && params.path === `/store/${store}/key`) change((result as Answer).response);
    return result;
  };
type Evidence = { input: Uint8Array; output: Uint8Array; proof: Uint8Array };
/** Changes what the block shows of the settled job. */
const inEvidence =
  (change: (value: Evidence) => void): Lie =>
  (method, _, result) => {
    if (method !== 'block') return result;
    const { data } = (result as { block: { data: { txs: string[] } } }).block;
    data.txs = data.txs.map((text) => {
      const tx = decodeStrict(TxSchema, base64.decode(text), 2 ** 22);
      const body = decodeStrict(TxBodySchema, tx.body, 2 ** 22);
      if (body.msg.case !== 'verifyInference') return text;
      change(body.msg.value as Evidence);
      return base64.encode(encode(TxSchema, { ...tx, body: encode(TxBodySchema, body) }));
    });
    return result;
  };
const otherTensors = (bytes: Uint8Array): Uint8Array =>
  encodeTensors(decodeTensors(bytes).map((t) => ({ ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) })));

describe('a node that lies', () => {
  test.each<[string, Lie | ((d: Settled) => Lie), string, string]>([
    [
      'another AppHash in the newest header',
      inHeader(
        (h) => (h.app_hash = `00${h.app_hash?.slice(2)}`),
        (x) => x === undefined,
      ),
      'chain',
      'header.hash',
    ],
    [
      'another first block',
      inHeader(
        (h) => (h.app_hash = '11'.repeat(32)),
        (x) => x === '1',
      ),
      'chain',
      'checkpoint',
    ],
    [
      'a header of another chain',
      inHeader(
        (h) => (h.chain_id = 'devnet-00000000'),
        (x) => x === undefined,
      ),
      'chain',
      'chain.id',
    ],
    ['a validator with more power', (m, _, r) => (m === 'validators' ? withPower(r) : r), 'chain', 'validators.hash'],
    ['a header that is no header', inHeader((h) => (h.time = 'noon')), 'chain', 'node.malformed'],
    ['the record of another key', inRecord((a) => (a.key = flipped(a.key, 3))), 'record', 'record.key'],
    ['another record under the right key', inRecord((a) => (a.value = flipped(a.value))), 'record', 'record.proof'],
    [
      'a broken path',
      inRecord((a) => ((a.proofOps.ops[1] as { data: string }).data = flipped(a.proofOps.ops[1]?.data as string))),
      'record',
      'record.proof',
    ],
    [
      'proof bytes flipped',
      inEvidence((e) => (e.proof[e.proof.length >> 1] = (e.proof[e.proof.length >> 1] as number) ^ 1)),
      'proof',
      'proof.refused',
    ],
    ['another input', inEvidence((e) => (e.input = otherTensors(e.input))), 'proof', 'proof.input'],
    ['another answer', inEvidence((e) => (e.output = otherTensors(e.output))), 'answer', 'answer.other'],
  ])('%s', async (_, lie, lamp, code) => {
    node.lie = lie as Lie;
    const { page } = await view();
    const lamps = await lampsOf(page);
    expect(lamps[lamp]).toBe(`red ${code}`);
    // What was proven is not shown beside a red lamp.
    expect(await page.locator('#job .tensor').count()).toBe(0);
    // The lamps before it stand by themselves.
    for (const [name, green] of Object.entries(GREEN).slice(0, Object.keys(GREEN).indexOf(lamp)))
      if (name !== 'proof') expect(lamps[name]).toBe(green);
    expect(await page.locator(`[data-lamp=${lamp}] .word`).textContent()).toBe('Wrong');
    if (['header.hash', 'record.proof', 'proof.refused', 'answer.other'].includes(code)) await shoot(page, `chain-red-${lamp}`);
  });

  test('a lie that ends is seen to end', async () => {
    node.lie = inEvidence((e) => (e.proof[100] = (e.proof[100] as number) ^ 1));
    const { page } = await view();
    expect(await lampsOf(page)).toEqual({ ...GREEN, proof: 'red proof.refused' });
    node.lie = null;
    await page.locator('[data-lamp=proof][data-color=green]').waitFor();
  });

  test('a block without the proof is grey', async () => {
    node.lie = (method, _, result) => {
      if (method === 'block') (result as { block: { data: { txs: string[] } } }).block.data.txs = [];
      return result;
    };
    const { page } = await view();
    expect(await lampsOf(page)).toMatchObject({ record: 'green record', proof: 'grey proof.absent' });
  });
});

function withPower(result: unknown): unknown {
  for (const v of (result as { validators: { voting_power: string }[] }).validators) v.voting_power = '999';
  return result;
}

describe('the view', () => {
  test('asks the page’s server and the node alone, and only while it is shown', async () => {
    const { page, context } = await s.open('', { serviceWorkers: 'block' });
    const hosts = new Set<string>();
    context.on('request', (r) => void hosts.add(new URL(r.url()).origin));
    const loaded = s.server.asked.length;
    await page.locator('nav a', { hasText: 'Chain' }).click();
    await page.locator('#ask-node').fill(node.url);
    await page.locator('#ask-checkpoint').fill(d.checkpoint);
    await page.locator('#ask-job').fill(d.proven);
    await page.keyboard.press('Enter');
    expect(await lampsOf(page)).toEqual(GREEN);
    await page.locator('#explorer').waitFor();
    expect([...hosts].toSorted()).toEqual([new URL(s.server.url).origin, node.url].toSorted());
    expect(
      s.server.asked
        .slice(loaded)
        .map((path) => path.replace(/^.*\/|-[\w-]{8}(?=\.(js|css)$)/g, ''))
        // The second file of the verifier's worker, which the first asks for once it runs.
        .filter((name) => name !== 'shared.js')
        .toSorted(),
    ).toEqual(['chain.css', 'chain.js', 'chain.worker.js']);
    // It goes on while it is shown, and the other view ends it.
    const before = node.asked.length;
    await expect.poll(() => node.asked.length, { timeout: 10_000 }).toBeGreaterThan(before);
    await page.locator('nav a', { hasText: 'Proof' }).click();
    await page.locator('#files').waitFor({ state: 'attached' });
    const ended = node.asked.length;
    await page.waitForTimeout(5000);
    expect(node.asked.length).toBe(ended);
  });

  test('stops when it is hidden, and can be stopped and taken up again', async () => {
    const { page } = await view();
    expect(await lampsOf(page)).toEqual(GREEN);
    await page.locator('#explorer').waitFor();
    const hide = (state: string): Promise<unknown> =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${state}' });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await hide('hidden');
    await page.waitForTimeout(500);
    const hidden = node.asked.length;
    await page.waitForTimeout(5000);
    expect(node.asked.length).toBe(hidden);
    await hide('visible');
    await expect.poll(() => node.asked.length).toBeGreaterThan(hidden);
    await page.locator('#stop').click();
    await page.locator('[data-at=stopped]').waitFor();
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.locator('[data-at=watching]').waitFor();
    expect(await lampsOf(page)).toEqual(GREEN);
  });

  test('a look that takes long says what it is at, and can be cancelled', async () => {
    let release = (): void => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const { page, context } = await s.open('#chain', { serviceWorkers: 'block' });
    await context.route(`${node.url}/**`, async (route) => {
      await held;
      await route.abort();
    });
    await page.evaluate(`location.hash = ${JSON.stringify(address({}))}`);
    await page.locator('.watching', { hasText: 'Asking for a signed header' }).waitFor();
    await page.locator('#stop', { hasText: 'Cancel' }).click();
    await page.locator('[data-at=stopped]').waitFor();
    expect(await page.locator('.lamp').count()).toBe(0);
    release();
  });

  test('what cannot be understood is said beside the field', async () => {
    const { page } = await s.open('#chain');
    const says = async (field: string, value: string, words: string): Promise<void> => {
      await page.locator(`#ask-${field}`).fill(value);
      await page.keyboard.press('Enter');
      await page.locator('#ask-trouble', { hasText: words }).waitFor();
      await page.locator(`#ask-${field}[aria-invalid=true]`).waitFor();
      await page.locator(`#ask-${field}`).fill('');
    };
    await says('node', 'ftp://x', 'begins with http');
    await page.locator('#ask-node').fill(node.url);
    await says('job', 'abc', '64 hexadecimal digits');
    await says('model', 'zz'.repeat(32), '64 hexadecimal digits');
    await says('answer', 'seven', 'in hexadecimal as it sent it');
    await says('checkpoint', 'devnet-1:0:ab:cd', 'CHAIN:HEIGHT:HASH:VALIDATORS');
  });

  test('the checkpoint is kept only if the user says so', async () => {
    const opened = await view();
    const { page } = opened;
    expect(await lampsOf(page)).toEqual(GREEN);
    const stored = (): Promise<unknown> => page.evaluate(`localStorage.getItem('assay-checkpoint')`);
    expect(await stored()).toBeNull();
    await page.locator('#keep').check();
    expect(await stored()).toBe(d.checkpoint);
    const again = await s.tab(opened, address({ checkpoint: '' }));
    expect(await lampsOf(again)).toEqual(GREEN);
    expect(await again.locator('#ask-checkpoint').inputValue()).toBe(d.checkpoint);
    await page.locator('#keep').uncheck();
    expect(await stored()).toBeNull();
  });

  test('works isolated, behind the service worker, with the devnet itself', async () => {
    const { page } = await view({ node: d.net.rpc.url });
    await page.waitForSelector('html[data-kept=yes]', { state: 'attached' });
    await page.reload();
    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
    expect(await lampsOf(page)).toEqual(GREEN);
  });
});

describe('the node’s word', () => {
  test('has the figures of the RPC, marked as unchecked', async () => {
    const { page } = await view({ job: '' });
    expect(await lampsOf(page)).toMatchObject({ chain: 'green chain', record: 'grey job.none' });
    await page.locator('#explorer-title', { hasText: 'nothing below is checked' }).waitFor();
    const text = async (selector: string): Promise<string> => ((await page.locator(selector).textContent()) ?? '').replaceAll(',', '');
    const supply = await d.net.chain.ask('/supply');
    for (const denom of ['opg', 'usd'])
      expect(await text(`#told-supply-${denom} .minted`)).toBe(showAmount(supply.get(denom).get('minted').amount(), denom));
    expect(await text('#told-supply-opg .burned')).toBe(showAmount(supply.get('opg').get('burned').amount(), 'opg'));
    expect(await text('#told-chain-id')).toBe(`${d.net.chainId}devnet`);
    expect(await text('#told-price .now')).toBe(showAmount(await d.net.chain.price(), 'opg'));
    const history = (await d.net.chain.ask('/history')).list(10_000);
    expect(await page.locator('#counts li').allTextContents()).toEqual(
      (await d.net.chain.ask('/jobs'))
        .get('counts')
        .entries(64)
        .map(([state, n]) => `${n.int()} ${state}`),
    );
    expect(await page.locator('.chart svg[role=img]').count()).toBe(3);
    for (const label of await page.locator('.chart svg').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label') ?? '')))
      expect(label).toMatch(/^.+\. Blocks \d+ to \d+: .+\.$/);
    await page.locator('.explorer summary').click();
    const row = page.locator('#blocks tbody tr').first();
    const height = BigInt((await row.locator('th').textContent()) as string);
    const block = history.find((b) => b.get('height').int() === height);
    if (block !== undefined)
      expect((await row.locator('td').allTextContents()).slice(3)).toEqual([
        showAmount(block.get('price').amount(), 'opg'),
        showAmount(block.get('burned').amount(), 'opg'),
      ]);
    // A job of the table opens its lamps.
    await page.locator(`#jobs a[title="${d.proven}"]`).click();
    await page.locator('[data-lamp=record][data-color=green]').waitFor();
    expect(page.url()).toContain(`job=${d.proven}`);
    expect(await page.locator('#ask-job').inputValue()).toBe(d.proven);
    await page.goBack();
    await page.locator('[data-lamp=record][data-code="job.none"]').waitFor();
  });

  const block = { height: '1', time: '0', price: '1', burned: '0', gas: '0', txs: 0, failed: 0 };
  test.each([
    ['/price', { price: '-1' }, '/price.price: no amount'],
    ['/history', [block, block], '/history[1].height: not above the block before'],
    ['/jobs', { counts: [], jobs: [] }, '/jobs.counts: no object'],
  ])('a malformed %s is said, and the lamps do not mind', async (path, answer, words) => {
    node.lie = (method, params, result) => {
      if (method === 'abci_query' && params.path === path)
        (result as Answer).response.value = base64.encode(new TextEncoder().encode(JSON.stringify(answer)));
      return result;
    };
    const { page } = await view();
    await page.locator('#no-figures', { hasText: words }).waitFor();
    expect(await lampsOf(page)).toEqual(GREEN);
  });
});

describe('everybody can use it', () => {
  const STATES: Readonly<Record<string, { readonly ask: () => Ask; readonly lie?: Lie }>> = {
    'chain-green': { ask: () => ({}) },
    'chain-unpinned': { ask: () => ({ checkpoint: '', job: d.pending }) },
    'chain-red': { ask: () => ({}), lie: inRecord((a) => (a.value = flipped(a.value))) },
  };
  test.each(Object.entries(STATES))('%s: axe finds nothing, light and dark, and it fits a phone', async (name, { ask, lie = null }) => {
    node.lie = lie;
    const { page } = await view(ask());
    await lampsOf(page);
    await page.locator('#jobs').waitFor();
    await page.locator('.explorer summary').click();
    expect(await violations(page)).toEqual([]);
    await shoot(page, `${name}-light`);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page)).toEqual([]);
    await shoot(page, `${name}-dark`);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    expect(await violations(page)).toEqual([]);
    await shoot(page, `${name}-phone`);
  });
});
