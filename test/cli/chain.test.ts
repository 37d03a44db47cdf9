/** The commands that talk to a chain, against nodes that lie and files that are in the way. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { showAddress } from '../../chain/accounts.ts';
import { genesisFromJson } from '../../chain/genesis.ts';
import { requester } from '../chain/helpers/settled.ts';
import { inputsFor } from '../chain/helpers/settling.ts';
import { openedShop, type Running, runNode, type Shop } from '../node/shop.helpers.ts';
import { assay } from './spawn.helpers.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let shop: Shop;
let running: Running;
let dir = '';
const ends: (() => void)[] = [];

/** A server that passes everything on, and changes what comes back. */
async function between(url: string, change: (path: string, request: string, answer: Record<string, never>) => void): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const init = request.method === 'POST' ? { method: 'POST', body, headers: { 'content-type': 'application/json' } } : {};
    const answer = (await (await fetch(`${url}${request.url}`, init)).json()) as Record<string, never>;
    change(request.url ?? '', body, answer);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

beforeAll(async () => {
  shop = await openedShop(50);
  running = await runNode(shop);
  dir = mkdtempSync(join(tmpdir(), 'assay-chain-'));
  const wallet = { assay: 'wallet', version: 1, address: showAddress(requester.address), seed: '03'.repeat(32) };
  writeFileSync(join(dir, 'me.json'), JSON.stringify(wallet), { mode: 0o600 });
  const input = Object.fromEntries(Object.entries(inputsFor(shop.m, 1)).map(([name, v]) => [name, Array.from(v as ArrayLike<number>)]));
  writeFileSync(join(dir, 'input.json'), JSON.stringify(input));
});
afterAll(async () => {
  for (const end of ends) end();
  await running?.close();
  await shop?.close();
  rmSync(dir, { recursive: true, force: true });
});

const on = (args: readonly string[], chain = shop.net.rpc.url) => assay([...args, '--chain', chain], { cwd: dir });
const ask = (more: readonly string[], chain?: string) => on(['ask', '--input', 'input.json', '--wallet', 'me.json', ...more], chain);

describe('assay wallet new', () => {
  test('makes one file that only its owner reads, and shows no key', async () => {
    const { code, stdout, stderr } = await assay(['wallet', 'new', '--json', '--wallet', 'new.json'], { cwd: dir });
    expect([code, statSync(join(dir, 'new.json')).mode & 0o777]).toEqual([0, 0o600]);
    const { seed, address } = JSON.parse(readFileSync(join(dir, 'new.json'), 'utf8')) as Record<string, string>;
    expect(JSON.parse(stdout)).toEqual({ address, wallet: 'new.json' });
    expect(stdout + stderr).not.toContain(seed);
  });

  test('replaces nothing: not a wallet that is made beside it, and not a link to a disk that is away', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => assay(['wallet', 'new', '--wallet', 'race.json'], { cwd: dir })));
    expect(made.map((m) => m.code).sort()).toEqual([0, 2, 2, 2]);
    const { address } = JSON.parse(readFileSync(join(dir, 'race.json'), 'utf8')) as Record<string, string>;
    expect(made.find((m) => m.code === 0)?.stdout).toBe(`${address}\n`);
    symlinkSync(join(dir, 'away', 'wallet.json'), join(dir, 'link.json'));
    const link = await assay(['wallet', 'new', '--wallet', 'link.json'], { cwd: dir });
    expect([link.code, link.stderr]).toEqual([2, expect.stringContaining('exists already')]);
    expect(existsSync(join(dir, 'link.json'))).toBe(false);
  });
});

test.skipIf(process.platform === 'win32')('a devnet whose disk takes no more says so, and goes on where it was when it does', async () => {
  const run = (limit: string): { readonly status: number | null; readonly stderr: string } =>
    spawnSync(
      'sh',
      ['-c', `${limit} exec timeout -s INT 20 "$0" "$@"`, process.execPath, resolve('dist/cli/main.js'), 'node', '--devnet'].concat(
        '--port 0 --dir full --idle-time 100 --block-time 10'.split(' '),
      ),
      { cwd: dir, encoding: 'utf8' },
    );
  const full = run('ulimit -f 128;');
  expect([full.status, full.stderr]).toEqual([2, expect.stringMatching(/full\/blocks cannot be written: File too large/)]);
  expect(full.stderr).not.toContain('bug of assay');
  const again = await assay(['node', '--devnet', '--port', '0', '--dir', 'full'], { cwd: dir, onFirstLine: (kill) => kill('SIGINT') });
  expect(again.stdout).toMatch(/chain devnet-[0-9a-f]{8}, block ([2-9]|\d\d+)\n/);
});

describe('assay node genesis', () => {
  test('prints a genesis that sums, for people who are named', async () => {
    const me = showAddress(requester.address);
    const { code, stdout } = await assay(['node', 'genesis', '--account', me, '--opg', '2.5', '--usd', '7']);
    expect(code).toBe(0);
    const genesis = genesisFromJson(JSON.parse(stdout));
    expect(genesis.supply).toEqual({ opg: 25n * 10n ** 17n, usd: 7_000_000n });
    expect(genesis.accounts.map((a) => showAddress(a.address))).toEqual([me]);
    for (const [args, sentence] of [
      [[], '--account is missing'],
      [['--account', 'opg1x'], 'is no address'],
      [['--account', me, '--account', me], 'comes twice'],
      [['--account', me, '--opg', '-1'], 'is no amount of opg'],
    ] as const) {
      const bad = await assay(['node', 'genesis', ...args]);
      expect([bad.code, bad.stdout, bad.stderr]).toEqual([2, '', expect.stringContaining(sentence)]);
    }
  });
});

describe('a chain that was chosen', () => {
  test('is the only one that anything is signed for', async () => {
    const me = ['--wallet', 'me.json'];
    const other = await on(['wallet', 'send', showAddress(requester.address), '1', 'usd', ...me, '--only', 'main-1']);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining(`of chain "${shop.net.chainId}", not of "main-1"`)]);
    const same = await on(['wallet', 'send', showAddress(requester.address), '1', 'usd', ...me, '--only', shop.net.chainId]);
    expect(same.code).toBe(0);
  });

  test('is the only one that is read', async () => {
    for (const command of [
      ['wallet', 'show', '--wallet', 'me.json'],
      ['job', 'list'],
      ['chain', 'checkpoint'],
    ]) {
      const { code, stdout, stderr } = await on([...command, '--only', 'main-1']);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining('not of "main-1"')]);
    }
  });

  test('by its headers too: a node that calls itself by the name gets no order and no tab for the chain that it shows', async () => {
    const liar = await between(shop.net.rpc.url, (_, request, answer) => {
      if (request.includes('"status"'))
        Object.assign((answer as { result?: { node_info: object } }).result?.node_info ?? {}, { network: 'main-1' });
    });
    const before = (await shop.chain.account(requester.address))?.nonce;
    for (const command of [
      ['ask', '--input', 'input.json', '--wallet', 'me.json', '--node', running.node.url, '--keep', 'liar.json'],
      ['chain', 'checkpoint'],
    ]) {
      const { code, stdout, stderr } = await on([...command, '--only', 'main-1'], liar);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(`of chain "${shop.net.chainId}", not of "main-1"`)]);
    }
    expect(existsSync(join(dir, 'liar.json'))).toBe(false);
    expect((await shop.chain.account(requester.address))?.nonce).toBe(before);
  });
});

describe('assay ask', () => {
  test('without a checkpoint has a grey Chain lamp in its JSON; with one, a green one', async () => {
    const node = ['--node', running.node.url, '--json'];
    const loose = await ask(node);
    expect(loose.code).toBe(0);
    expect(JSON.parse(loose.stdout)).toMatchObject({
      status: 'PROVEN/FINAL',
      lamps: { chain: { color: 'grey', code: 'chain.unpinned' }, proof: { color: 'green' } },
    });
    const { stdout: checkpoint } = await on(['chain', 'checkpoint']);
    const pinned = await ask([...node, '--checkpoint', checkpoint.trim()]);
    const told = JSON.parse(pinned.stdout) as { jobId: string; updates: { outputTensors: string }[] };
    expect(told).toMatchObject({ status: 'PROVEN/FINAL', lamps: { chain: { color: 'green' } } });
    const given = told.updates[0]?.outputTensors ?? '';
    // The answer that was given, against what the chain has: another time, by another command.
    const show = (answer: string) => on(['job', 'show', told.jobId, '--checkpoint', checkpoint.trim(), '--answer', answer]);
    expect([(await show(given)).code, (await show(`${given}00`)).code, (await show('x')).code]).toEqual([0, 1, 2]);
  });

  test('keeps the answer with its receipt, so that it goes on without the node', async () => {
    const first = await ask(['--node', running.node.url, '--keep', 'kept.json']);
    expect(first.code).toBe(0);
    expect(statSync(join(dir, 'kept.json')).mode & 0o777).toBe(0o600);
    const kept = JSON.parse(readFileSync(join(dir, 'kept.json'), 'utf8')) as Record<string, unknown>;
    expect(kept.answer).toMatchObject({ receipt: expect.any(String), receiptSig: expect.any(String), outputTensors: expect.any(String) });
    writeFileSync(join(dir, 'kept.json'), JSON.stringify({ ...kept, node: 'http://127.0.0.1:9' }));
    const again = await on(['ask', '--resume', 'kept.json']);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('PROVEN/FINAL')]);
    writeFileSync(join(dir, 'kept.json'), JSON.stringify({ ...kept, answer: undefined, node: 'http://127.0.0.1:9' }));
    const gone = await on(['ask', '--resume', 'kept.json']);
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('http://127.0.0.1:9/v1/infer does not answer')]);
    writeFileSync(join(dir, 'kept.json'), JSON.stringify({ ...kept, order: 'ffff' }));
    const none = await on(['ask', '--resume', 'kept.json']);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('kept.json is no order')]);
  });

  test('pays at most what was said, and opens no tab for more', async () => {
    const dear = await between(running.node.url, (path, _, answer: Record<string, Record<string, unknown>>) => {
      if (path === '/v1/models') Object.assign(answer.terms ?? {}, { price: '9000000' });
    });
    const usd = await shop.balance(requester.address, 'usd');
    const refused = await ask(['--node', dear]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('the node asks for 9 usd, at most 1 usd may be paid')]);
    expect((await ask(['--node', dear, '--denom', 'opg'])).code).toBe(2);
    expect(await shop.balance(requester.address, 'usd')).toBe(usd);
  });

  test('keeps its order in no file that it needs', async () => {
    for (const file of ['me.json', 'input.json']) {
      const before = readFileSync(join(dir, file), 'utf8');
      const { code, stderr } = await ask(['--node', running.node.url, '--keep', file]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('would be overwritten')]);
      expect(readFileSync(join(dir, file), 'utf8')).toBe(before);
    }
  });
});

test('a model’s record with another value is refused, and no bug of ours', async () => {
  const url = await between(shop.net.rpc.url, (_, request, answer: Record<string, Record<string, Record<string, unknown>>>) => {
    const response = answer.result?.response;
    if (request.includes('/store/model/key') && response !== undefined) response.value = Buffer.from('other').toString('base64');
  });
  const { code, stderr } = await ask(['--node', running.node.url], url);
  expect([code, stderr]).toEqual([1, expect.stringContaining('refused record.proof: the proof is of another value')]);
});

test('what a node writes moves nothing in the terminal', async () => {
  const bell = '\u001b[2J\u0007';
  const url = await between(shop.net.rpc.url, (_, request, answer: Record<string, Record<string, Record<string, unknown>>>) => {
    if (request.includes('"commit"')) Object.assign(answer, { result: undefined, error: { code: 1, message: bell } });
    if (request.includes('"status"')) Object.assign(answer.result?.node_info ?? {}, { network: bell });
    if (!request.includes('"/jobs"')) return;
    const response = answer.result?.response ?? {};
    const jobs = JSON.parse(Buffer.from(response.value as string, 'base64').toString()) as { jobs: { state: string }[] };
    for (const job of jobs.jobs) job.state = bell;
    response.value = Buffer.from(JSON.stringify(jobs)).toString('base64');
  });
  for (const args of [
    ['chain', 'status'],
    ['job', 'list'],
    ['chain', 'checkpoint'],
  ]) {
    const { stdout, stderr } = await on(args, url);
    expect(stdout + stderr, args.join(' ')).toContain('\\u001b[2J\\u0007');
    expect(stdout + stderr, args.join(' ')).not.toContain('\u001b');
  }
});
